//! A history made ready for the methods: no gaps, not too long.

use super::{Bounds, History};

/// The most values that methods look at: three weeks of five-minute steps. What is older says little and costs time.
const LONGEST: usize = 6_048;

/// The values up to now, with gaps filled. Methods get slices of it.
#[derive(Debug, Clone)]
pub(super) struct Past {
    /// One value a step, none of them missing.
    pub(super) values: Vec<f64>,
    /// Whether the value was observed; what was filled in is no measure of an error.
    pub(super) observed: Vec<bool>,
    pub(super) bounds: Bounds,
}

impl Past {
    /// What of the history is of use. `None` if it holds no value.
    ///
    /// A gap is a straight line between its ends; one at the end holds the last value. Steps before the first value
    /// are left out.
    pub(super) fn of(history: &History) -> Option<Self> {
        let newest = &history.values[history.values.len().saturating_sub(LONGEST)..];
        let first = newest.iter().position(|value| value.is_finite())?;
        let newest = &newest[first..];
        let observed: Vec<bool> = newest.iter().map(|value| value.is_finite()).collect();
        let mut values = newest.to_vec();
        let mut last = 0;
        for step in 1..values.len() {
            if !observed[step] {
                continue;
            }
            let (from, to) = (values[last], values[step]);
            for (nth, gap) in values[last + 1..step].iter_mut().enumerate() {
                *gap = from + (to - from) * as_f64(nth + 1) / as_f64(step - last);
            }
            last = step;
        }
        let held = values[last];
        values[last + 1..].fill(held);
        Some(Self { values, observed, bounds: history.bounds })
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The number of values that were observed.
    pub(super) fn seen(&self) -> usize {
        self.observed.iter().filter(|observed| **observed).count()
    }
}

/// Steps as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "numbers of steps are far below 2^52")]
pub(super) fn as_f64(steps: usize) -> f64 {
    steps as f64
}

/// The middle of the values; 0 if there are none.
pub(super) fn median(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, upper)
}

/// The mean of the values; 0 if there are none.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / as_f64(values.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_bridged_and_the_end_is_held() {
        let nan = f64::NAN;
        let values = vec![nan, 1.0, nan, nan, 4.0, 5.0, nan, nan];
        let history = History { start: 0, step_ms: 1, values, bounds: Bounds::default() };
        let past = Past::of(&history).expect("values");
        assert_eq!(past.values, [1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0]);
        assert_eq!(past.seen(), 3);
        let empty = History { values: vec![nan; 3], ..history };
        assert!(Past::of(&empty).is_none());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&[]).abs() < 1e-12);
    }
}
