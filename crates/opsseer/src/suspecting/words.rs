//! What moved, in words.

use chrono::{DateTime, Utc};
use opsseer_ai::suspects::MetricSuspect;
use opsseer_core::SuspectService;

use crate::chart::Unit;

/// What one metric did, without a full stop: "p95 of `request_seconds` rose from 40 ms to 620 ms at 03:11:20 UTC".
pub(super) fn moved(metric: &MetricSuspect, expr: &str, onset: Option<DateTime<Utc>>) -> String {
    let since = onset.map_or_else(String::new, |at| format!(" at {} UTC", at.format("%H:%M:%S")));
    let follows = if metric.follows { "; it merely follows from others" } else { "" };
    format!("{}{since}{follows}", moved_from_to(metric, expr))
}

/// Why a service is suspected, with units: `because` is told in bare numbers, beginning with its first metric's sentence.
pub(super) fn because(because: &str, first: Option<(&MetricSuspect, &str)>) -> String {
    let with_units = first.and_then(|(metric, expr)| {
        let rest = because.strip_prefix(metric.sentence.as_str())?;
        let (_, size) = metric.sentence.split_once(", ")?;
        Some(format!("{}, {size}{rest}", moved_from_to(metric, expr)))
    });
    with_units.unwrap_or_else(|| because.to_owned())
}

fn moved_from_to(metric: &MetricSuspect, expr: &str) -> String {
    let unit = Unit::guess(expr);
    let verb = if metric.during >= metric.before { "rose" } else { "fell" };
    format!("{} {verb} from {} to {}", metric.metric, unit.text(metric.before), unit.text(metric.during))
}

/// The whole in one sentence, without a full stop.
pub(super) fn sentence(services: &[SuspectService], nothing: Option<&str>, series: usize) -> String {
    let looked = if series == 1 { "one series".to_owned() } else { format!("{series} series") };
    match (nothing, services.first()) {
        (Some(reason), _) => {
            format!("Nothing stands out in {looked}: {}", reason.trim_end_matches('.'))
        }
        (None, None) => format!("Nothing stands out in {looked}"),
        (None, Some(first)) => {
            let told = first.metrics.first().map(|metric| format!(": {}", metric.sentence));
            let others: Vec<&str> = services[1..].iter().map(|one| one.service.as_str()).collect();
            let then =
                if others.is_empty() { String::new() } else { format!("; then {}", others.join(", ")) };
            format!("What moved first is {}{}{then}", first.service, told.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_ai::suspects::MetricKind;

    use super::*;

    #[test]
    fn what_moved_is_told_with_its_units() {
        let metric = MetricSuspect {
            id: 0,
            metric: "p95 of toyprod_request_latency_seconds".into(),
            kind: MetricKind::Latency,
            before: 0.04,
            during: 0.62,
            shift: 30.0,
            onset_ms: None,
            follows: false,
            sentence: String::new(),
        };
        let expr = "histogram_quantile(0.95, sum by (le) (rate(toyprod_request_latency_seconds_bucket[1m])))";
        let at = DateTime::from_timestamp(1_700_000_000, 0);
        assert_eq!(
            moved(&metric, expr, at),
            "p95 of toyprod_request_latency_seconds rose from 40 ms to 620 ms at 22:13:20 UTC"
        );
    }

    #[test]
    fn why_a_service_is_suspected_is_told_with_its_units() {
        let sentence = "heap_bytes rose from 1048576 to 8388608, 30 times its usual spread".to_owned();
        let metric = MetricSuspect {
            id: 0,
            metric: "heap_bytes".into(),
            kind: MetricKind::Memory,
            before: 1_048_576.0,
            during: 8_388_608.0,
            shift: 30.0,
            onset_ms: None,
            follows: false,
            sentence,
        };
        let bare = format!("{}; db, which it calls, is in trouble too.", metric.sentence);
        assert_eq!(
            because(&bare, Some((&metric, "heap_bytes"))),
            "heap_bytes rose from 1 MiB to 8 MiB, 30 times its usual spread; db, which it calls, is in trouble too."
        );
        assert_eq!(because("Several moved.", None), "Several moved.");
    }

    #[test]
    fn nothing_is_an_answer() {
        assert_eq!(
            sentence(&[], Some("the largest shift is usual."), 42),
            "Nothing stands out in 42 series: the largest shift is usual"
        );
    }
}
