//! Durations as people write them: `30s`, `2m`, `1m30s`, `500ms`.

use std::time::Duration;

/// Reads one or more numbers with a unit (`ms`, `s`, `m`, `h`), each unit at most once and the largest first.
/// `None` where the text is anything else, or too long to hold.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut smallest_yet = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        if millis >= smallest_yet {
            return None;
        }
        smallest_yet = millis;
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        rest = &rest[unit..];
    }
    (smallest_yet != u64::MAX).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_durations_like_this() {
        let cases = [
            ("30s", 30_000),
            ("2m", 120_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1h2m3s4ms", 3_723_004),
            ("0s", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "30", "s", "30 s", "-1s", "1.5m", "30sec", "1s2m", "1s1s", "99999999999999999999s", "5é"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
