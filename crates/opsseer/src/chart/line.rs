//! A series as strokes, with gaps where there is nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{ChartSeries, is_drawable};

/// More than this many times the usual distance between two points is a gap.
const GAP: f64 = 1.5;

/// Points that belong together; one alone is a dot.
pub(super) type Run = Vec<(DateTime<Utc>, f64)>;

/// The usual distance between the points of all series: their median.
pub(super) fn usual_step(series: &[&ChartSeries]) -> Option<TimeDelta> {
    let mut steps: Vec<TimeDelta> =
        series.iter().flat_map(|one| one.points.windows(2)).map(|two| two[1].0 - two[0].0).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
}

/// The series between `from` and `to`, cut where a value is missing or is no finite number.
pub(super) fn runs(
    series: &ChartSeries,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step: Option<TimeDelta>,
) -> Vec<Run> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a picture's range are few")]
    let is_gap = |distance: TimeDelta| {
        step.is_some_and(|step| distance.num_milliseconds() as f64 > GAP * step.num_milliseconds() as f64)
    };
    let mut runs: Vec<Run> = Vec::new();
    let mut run: Run = Vec::new();
    for (at, value) in series.points.iter().copied().filter(|(at, _)| (from..=to).contains(at)) {
        let breaks = !is_drawable(value) || run.last().is_some_and(|(before, _)| is_gap(at - *before));
        if breaks && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
        if is_drawable(value) {
            run.push((at, value));
        }
    }
    if !run.is_empty() {
        runs.push(run);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::at;

    #[test]
    fn cuts_where_something_is_missing() {
        let points =
            [(0, 1.0), (1, 2.0), (2, f64::NAN), (3, 4.0), (7, 5.0), (8, 6.0), (9, f64::INFINITY), (99, 1.0)];
        let points = points.into_iter().map(|(minute, value)| (at(minute), value)).collect();
        let series = ChartSeries { name: String::new(), points };
        let step = usual_step(&[&series]);
        assert_eq!(step, Some(TimeDelta::minutes(1)));
        let found = runs(&series, at(0), at(60), step);
        let values: Vec<Vec<f64>> =
            found.iter().map(|run| run.iter().map(|(_, value)| *value).collect()).collect();
        assert_eq!(values, [vec![1.0, 2.0], vec![4.0], vec![5.0, 6.0]]);
    }
}
