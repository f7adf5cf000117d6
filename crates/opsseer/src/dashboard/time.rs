//! Times as Grafana and people write them.

use chrono::{DateTime, TimeDelta, Utc};

/// A moment: `now`, `now-6h`, `2026-01-02T03:04:05Z`, or milliseconds since 1970.
pub fn parse_moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let not_understood = || {
        format!("{text:?} is no time: write now, now-6h, 2026-01-02T03:04:05Z, or milliseconds since 1970")
    };
    let text = text.trim();
    if let Some(ago) = text.strip_prefix("now") {
        // Rounding (`/d`) moves both ends alike; it is passed over.
        let ago = ago.split('/').next().unwrap_or_default();
        if ago.is_empty() {
            return Ok(now);
        }
        let span = ago.strip_prefix('-').and_then(parse_span).ok_or_else(not_understood)?;
        return now.checked_sub_signed(span).ok_or_else(not_understood);
    }
    if let Ok(millis) = text.parse() {
        return DateTime::from_timestamp_millis(millis).ok_or_else(not_understood);
    }
    text.parse().map_err(|_| not_understood())
}

/// A length of time such as `30s`, `5m`, `1d` or `1h30m`.
pub(super) fn parse_span(text: &str) -> Option<TimeDelta> {
    let mut whole = TimeDelta::zero();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let number: i64 = number.parse().ok()?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            "M" => 30 * 86_400_000,
            "y" => 365 * 86_400_000,
            _ => return None,
        };
        whole += TimeDelta::try_milliseconds(number.checked_mul(millis)?)?;
        rest = next;
    }
    (whole > TimeDelta::zero()).then_some(whole)
}

/// A length of time as PromQL writes it.
pub(super) fn span_text(span: TimeDelta) -> String {
    if span.num_milliseconds() % 1000 == 0 {
        format!("{}s", span.num_seconds())
    } else {
        format!("{}ms", span.num_milliseconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_moments() {
        let now: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().expect("a time");
        for (text, expected) in [
            ("now", "2026-01-02T03:04:05Z"),
            ("now-6h", "2026-01-01T21:04:05Z"),
            ("now-1h30m", "2026-01-02T01:34:05Z"),
            ("now-1d/d", "2026-01-01T03:04:05Z"),
            ("1767319445000", "2026-01-02T02:04:05Z"),
            ("2026-01-02T02:00:00+02:00", "2026-01-02T00:00:00Z"),
        ] {
            let expected: DateTime<Utc> = expected.parse().expect("a time");
            assert_eq!(parse_moment(text, now), Ok(expected), "{text}");
        }
        for text in ["", "yesterday", "now+1h", "now-", "now-5", "now-5x", "now-99999999999999999y"] {
            assert!(parse_moment(text, now).expect_err(text).contains("is no time"), "{text}");
        }
    }
}
