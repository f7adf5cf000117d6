//! Processes and containers that began anew.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::Sample;
use opsseer_core::ChangeType;

use crate::changes::Change;

/// Gauges that say when something began, in seconds since 1970.
pub(super) const METRICS: &str = "process_start_time_seconds|(docker_)?container_start_time_seconds";

/// Instances that begin within this time of the one before belong together: they were restarted one after the other.
pub(super) const TOGETHER: TimeDelta = TimeDelta::minutes(2);

/// When an instance began.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Start {
    /// When.
    pub(super) at: DateTime<Utc>,
    /// What tells it from the others.
    instance: String,
    /// The metric that says so. A process and its container have one each, and may be called differently there.
    metric: String,
}

/// When instances began, in order of time.
pub(super) fn begun(samples: &[Sample], (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Vec<Start> {
    let start = |sample: &Sample| {
        let at = instant(sample.value).filter(|at| (from..=to).contains(at))?;
        let label = |name: &&str| sample.labels.get(*name).cloned();
        let instance = ["pod", "instance", "container", "name", "id"].iter().find_map(label);
        Some(Start {
            at,
            instance: instance.unwrap_or_default(),
            metric: label(&"__name__").unwrap_or_default(),
        })
    };
    let mut begun: Vec<Start> = samples.iter().filter_map(start).collect();
    begun.sort();
    begun
}

/// A change for each group of instances that began one after the other.
pub(super) fn read(service: &str, begun: &[Start]) -> Vec<Change> {
    let together = |earlier: &Start, later: &Start| later.at - earlier.at <= TOGETHER;
    let mut changes = Vec::new();
    for group in begun.chunk_by(together) {
        let Some(first) = group.first() else { continue };
        let mut instances: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for start in group {
            instances.entry(&start.metric).or_default().insert(&start.instance);
        }
        let title = match instances.values().map(BTreeSet::len).max().unwrap_or_default() {
            0 | 1 if first.instance.is_empty() => format!("{service} started"),
            0 | 1 => format!("{service} started ({})", first.instance),
            many => format!("{many} instances of {service} started"),
        };
        changes.push(Change::in_metrics(first.at, ChangeType::Restart, service, title));
    }
    changes
}

/// The instant that such a gauge names.
pub(super) fn instant(seconds: f64) -> Option<DateTime<Utc>> {
    if !seconds.is_finite() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and the result is checked")]
    DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::changes::metrics) fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    pub(in crate::changes::metrics) fn gauge(labels: &[(&str, &str)], seconds: f64) -> Sample {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sample { labels: labels.collect::<BTreeMap<_, _>>(), at: at(0), value: 1_800_000_000.0 + seconds }
    }

    fn told(samples: &[Sample]) -> Vec<(i64, String)> {
        let changes = read("db", &begun(samples, (at(-3600), at(60))));
        changes.into_iter().map(|change| ((change.at - at(0)).num_seconds(), change.seen.title)).collect()
    }

    #[test]
    fn a_process_that_began_is_told_with_its_instance_and_time() {
        assert_eq!(told(&[gauge(&[("instance", "a:80")], -90.4)]), [(-90, "db started (a:80)".to_owned())]);
        assert_eq!(told(&[gauge(&[], 0.0)]), [(0, "db started".to_owned())]);
    }

    #[test]
    fn instances_that_begin_one_after_the_other_are_one_change() {
        let rolling = [("a", -300.0), ("b", -200.0), ("c", -100.0), ("a", -1000.0)];
        let samples: Vec<Sample> =
            rolling.iter().map(|(pod, at)| gauge(&[("pod", pod), ("instance", "x")], *at)).collect();
        assert_eq!(
            told(&samples),
            [(-1000, "db started (a)".to_owned()), (-300, "3 instances of db started".to_owned())]
        );
    }

    #[test]
    fn a_process_and_its_container_are_one_and_nonsense_is_none() {
        let samples = [
            gauge(&[("__name__", "container_start_time_seconds"), ("name", "/db-1")], -51.0),
            gauge(&[("__name__", "process_start_time_seconds"), ("instance", "10.0.0.1:80")], -50.0),
            gauge(&[("pod", "old")], -7200.0),
            gauge(&[("pod", "later")], 7200.0),
            gauge(&[("pod", "nan")], f64::NAN),
            gauge(&[("pod", "huge")], 1e300),
        ];
        assert_eq!(told(&samples), [(-51, "db started (/db-1)".to_owned())]);
    }
}
