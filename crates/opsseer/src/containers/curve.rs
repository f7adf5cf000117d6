//! What is kept of a series.

use chrono::{DateTime, Utc};
use opsseer_core::ContainerCurve;

/// Values of a small picture.
const POINTS: usize = 60;

/// Peak, newest value and thinned course of a series. `None` without a value.
pub(super) fn of(
    points: &[(DateTime<Utc>, f64)],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    factor: f64,
    is_now: impl Fn(DateTime<Utc>) -> bool,
) -> Option<ContainerCurve> {
    let mut kept = vec![None; POINTS];
    let mut newest = None;
    for (at, value) in points.iter().filter(|(_, value)| value.is_finite()) {
        let value = value * factor;
        newest = Some((*at, value));
        if let Some(place) = place(*at, from, to) {
            // A peak of seconds must not be lost: it may be what killed the process.
            kept[place] = Some(kept[place].map_or(value, |known: f64| known.max(value)));
        }
    }
    let peak = kept.iter().flatten().copied().max_by(f64::total_cmp)?;
    let now = newest.filter(|(at, _)| is_now(*at)).map(|(_, value)| value);
    Some(ContainerCurve { now, peak, points: kept })
}

fn place(at: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<usize> {
    let (since, all) = ((at - from).num_milliseconds(), (to - from).num_milliseconds().max(1));
    let last = i64::try_from(POINTS - 1).unwrap_or(i64::MAX);
    usize::try_from((since * last + all / 2) / all).ok().filter(|place| at >= from && *place < POINTS)
}

/// By how much a sum of counters grew, whole. A fall is a container that went, with what it had counted; one that comes
/// counts from nothing.
pub(super) fn grown(points: &[(DateTime<Utc>, f64)]) -> u64 {
    whole(points.windows(2).map(|two| (two[1].1 - two[0].1).max(0.0)).sum())
}

/// Counts are whole; rules that average may give them decimals.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and small")]
pub(super) fn whole(count: f64) -> u64 {
    count.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    #[test]
    fn a_short_peak_is_seen_in_the_thinned_course() {
        let points: Vec<_> = (0..=600).map(|n| (at(n), if n == 333 { 9.0 } else { 1.0 })).collect();
        let curve = of(&points, at(0), at(600), 0.5, |_| true).expect("a curve");
        assert_eq!((curve.peak, curve.now, curve.points.len()), (4.5, Some(0.5), 60));
        assert_eq!(curve.points.iter().flatten().filter(|value| **value > 4.0).count(), 1);
        assert_eq!((curve.points[0], curve.points[59]), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn a_gap_stays_a_gap_and_no_number_is_no_value() {
        let points = [(at(0), 1.0), (at(300), f64::NAN), (at(600), 2.0)];
        let curve = of(&points, at(0), at(600), 1.0, |_| false).expect("a curve");
        assert_eq!((curve.now, curve.points.iter().flatten().count()), (None, 2));
        assert!(of(&[(at(0), f64::NAN)], at(0), at(600), 1.0, |_| true).is_none());
    }

    #[test]
    fn a_container_that_goes_takes_nothing_away() {
        let of = |values: &[f64]| grown(&values.iter().map(|value| (at(0), *value)).collect::<Vec<_>>());
        assert_eq!(of(&[2.0, 2.0, 3.0, 5.0]), 3);
        assert_eq!(of(&[5.0, 1.0, 2.0]), 1);
        assert_eq!(of(&[4.0]), 0);
    }
}
