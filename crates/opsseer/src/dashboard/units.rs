//! Grafana's units, as far as they are known here.

use crate::chart::Unit;

/// The unit of this identifier; `None` for one that is not known.
pub(super) fn unit(id: &str) -> Option<Unit> {
    Some(match id {
        "" | "none" | "short" | "locale" | "string" => Unit::Plain,
        "percent" => Unit::Percent,
        "percentunit" => Unit::Ratio,
        "s" | "dtdurations" | "dthms" => Unit::Seconds,
        "ms" | "dtdurationms" => Unit::Milliseconds,
        "bytes" | "decbytes" => Unit::Bytes,
        "Bps" | "binBps" => Unit::BytesPerSecond,
        "reqps" | "ops" | "cps" | "rps" | "wps" | "iops" | "eps" | "mps" | "recps" | "rowsps" => {
            Unit::PerSecond
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_units_are_told_from_others() {
        assert_eq!(unit("percentunit"), Some(Unit::Ratio));
        assert_eq!(unit("reqps"), Some(Unit::PerSecond));
        assert_eq!(unit("currencyEUR"), None);
    }
}
