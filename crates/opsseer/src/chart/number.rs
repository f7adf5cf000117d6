//! Numbers as a person would write them.

/// Rounded to `decimals`, without zeros at the end and without a minus before zero.
pub(super) fn rounded(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// With three significant digits: `41.3`, `0.0125`, `1240`.
pub(super) fn significant(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-6 || value.abs() >= 1e15) {
        return format!("{value:.1e}");
    }
    // The number of digits after the point that leaves three in all.
    let decimals = (0..9).find(|decimals| value == 0.0 || value.abs() * 10_f64.powi(*decimals) >= 99.95);
    rounded(value, decimals.and_then(|decimals| usize::try_from(decimals).ok()).unwrap_or(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_three_digits_that_mean_something() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (41.0, "41"),
            (41.27, "41.3"),
            (0.012_54, "0.0125"),
            (99.96, "100"),
            (1240.0, "1240"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.3"),
            (2.5e-9, "2.5e-9"),
            (1e20, "1.0e20"),
        ] {
            assert_eq!(significant(value), text, "{value}");
        }
    }
}
