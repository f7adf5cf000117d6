//! Settings that were loaded while the process ran.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use opsseer_connect::prometheus::Sample;
use opsseer_core::ChangeType;

use super::starts::{Start, TOGETHER, instant};
use crate::changes::Change;

/// Gauges that say when settings were last loaded well, in seconds since 1970: Prometheus, Alertmanager and many more.
pub(super) const METRICS: &str = ".+_config_last_reload_success_timestamp_seconds";

/// The last time that settings were loaded, as each of these metrics tells it. `begun`: when instances began.
pub(super) fn read(
    service: &str,
    samples: &[Sample],
    begun: &[Start],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Change> {
    let mut last: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for sample in samples {
        let Some(at) = instant(sample.value).filter(|at| (from..=to).contains(at)) else { continue };
        // A process loads its settings when it begins: that is its start, not a change of its own.
        if begun.iter().any(|start| (at - start.at).abs() <= TOGETHER) {
            continue;
        }
        let name = sample.labels.get("__name__").map_or("", String::as_str);
        let known = last.entry(name).or_insert(at);
        *known = (*known).max(at);
    }
    let change = |at| {
        let title = format!("{service} loaded its configuration anew");
        Change::in_metrics(at, ChangeType::Config, service, title)
    };
    last.into_values().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::metrics::starts::{
        begun,
        tests::{at, gauge},
    };

    const NAME: &str = "prometheus_config_last_reload_success_timestamp_seconds";

    fn read_at(seconds: &[f64], begun: &[Start]) -> Vec<(i64, String)> {
        let samples: Vec<Sample> =
            seconds.iter().map(|seconds| gauge(&[("__name__", NAME)], *seconds)).collect();
        read("prometheus", &samples, begun, (at(-3600), at(60)))
            .into_iter()
            .map(|change| ((change.at - at(0)).num_seconds(), change.seen.title))
            .collect()
    }

    #[test]
    fn the_last_time_of_all_instances_counts() {
        let told = [(-100, "prometheus loaded its configuration anew".to_owned())];
        assert_eq!(read_at(&[-130.0, -100.0, -9000.0], &[]), told);
    }

    #[test]
    fn what_a_process_loads_when_it_begins_is_no_change_of_its_own() {
        let begun = begun(&[gauge(&[("instance", "a")], -102.0)], (at(-3600), at(60)));
        assert_eq!(read_at(&[-100.0], &begun), []);
    }
}
