//! More or fewer instances.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::Series;
use opsseer_core::ChangeType;

use crate::changes::Change;

/// Gauges of kube-state-metrics that say how many instances there are to be.
pub(super) const METRICS: &str = "kube_deployment_spec_replicas|kube_statefulset_replicas";

/// A number that did not last this long was passing: a rolling update has one instance too many for a while.
const LASTING: TimeDelta = TimeDelta::minutes(5);

/// A change for each number of instances that lasted. `declared`: what is to run, if anything says so; else what
/// Prometheus scrapes counts.
pub(super) fn read(service: &str, declared: &[Series], targets: &[Series]) -> Vec<Change> {
    let series = if declared.is_empty() { targets } else { declared };
    let mut changes: BTreeMap<(DateTime<Utc>, String), Change> = BTreeMap::new();
    for one in series {
        for (at, before, now) in steps(&one.points) {
            let noun = if (now - 1.0).abs() < 0.5 { "instance" } else { "instances" };
            let title = format!("{now:.0} {noun} of {service}, not {before:.0}");
            let change = Change::in_metrics(at, ChangeType::Scale, service, title.clone());
            changes.insert((at, title), change);
        }
    }
    changes.into_values().collect()
}

/// When the value became another that lasted, what it was, and what it became.
fn steps(points: &[(DateTime<Utc>, f64)]) -> Vec<(DateTime<Utc>, f64, f64)> {
    let finite: Vec<(DateTime<Utc>, f64)> =
        points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    let Some((last, _)) = finite.last() else { return Vec::new() };
    // Runs of one value: its beginning, its end, the value.
    let mut runs: Vec<(DateTime<Utc>, DateTime<Utc>, f64)> = Vec::new();
    for (at, value) in &finite {
        match runs.last_mut() {
            Some((_, end, running)) if (*running - value).abs() < 0.5 => *end = *at,
            _ => runs.push((*at, *at, *value)),
        }
    }
    let lasting = runs.into_iter().filter(|(start, end, _)| *end - *start >= LASTING || end == last);
    let mut steps = Vec::new();
    let mut before: Option<f64> = None;
    for (start, _, value) in lasting {
        if let Some(before) = before.filter(|before| (before - value).abs() >= 0.5) {
            steps.push((start, before, value));
        }
        before = Some(value);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::metrics::starts::tests::at;

    /// These numbers, one a minute.
    fn series(runs: &[(usize, f64)]) -> Series {
        let values = runs.iter().flat_map(|(minutes, value)| vec![*value; *minutes]);
        let points = values.zip(0_i64..).map(|(value, minute)| (at(60 * minute), value)).collect();
        Series { labels: BTreeMap::new(), points }
    }

    fn told(declared: &[Series], targets: &[Series]) -> Vec<(i64, String)> {
        let changes = read("db", declared, targets);
        changes.into_iter().map(|change| ((change.at - at(0)).num_minutes(), change.seen.title)).collect()
    }

    #[test]
    fn a_number_that_lasts_is_told_and_one_that_passes_is_not() {
        let scaled = series(&[(30, 3.0), (30, 2.0), (2, 3.0), (30, 2.0), (1, f64::NAN), (10, 1.0)]);
        assert_eq!(
            told(&[scaled], &[]),
            [(30, "2 instances of db, not 3".to_owned()), (93, "1 instance of db, not 2".to_owned())]
        );
        assert_eq!(told(&[series(&[(30, 3.0)])], &[]), []);
    }

    #[test]
    fn the_last_number_counts_although_it_is_young() {
        assert_eq!(
            told(&[], &[series(&[(30, 3.0), (1, 0.0)])]),
            [(30, "0 instances of db, not 3".to_owned())]
        );
    }

    #[test]
    fn what_is_scraped_counts_only_where_nothing_says_what_is_to_run() {
        let (declared, targets) = ([series(&[(30, 3.0)])], [series(&[(10, 3.0), (20, 4.0)])]);
        assert_eq!(told(&declared, &targets), []);
        assert_eq!(told(&[], &targets), [(10, "4 instances of db, not 3".to_owned())]);
    }
}
