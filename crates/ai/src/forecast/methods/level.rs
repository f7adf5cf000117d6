//! Methods that expect the metric to stay where it is.

use super::{View, newest};
use crate::forecast::past::median;

/// Values that a smoothing constant is fitted on.
pub(super) const FITTED: usize = 600;

/// The last value, for ever.
pub(super) fn last(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    view.values.last().map(|&value| vec![value; horizon])
}

/// Simple exponential smoothing; the constant is the one that foretold each next value best.
pub(super) fn smoothed(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    Some(vec![smooth(newest(view.values, FITTED))?; horizon])
}

/// The level by simple exponential smoothing.
pub(super) fn smooth(values: &[f64]) -> Option<f64> {
    const CONSTANTS: [f64; 6] = [0.05, 0.1, 0.2, 0.4, 0.7, 1.0];
    let (&first, rest) = values.split_first()?;
    let (mut levels, mut errors) = ([first; 6], [0.0; 6]);
    for value in rest {
        for (place, constant) in CONSTANTS.iter().enumerate() {
            let missed = value - levels[place];
            errors[place] += missed * missed;
            levels[place] += constant * missed;
        }
    }
    let best = (0..errors.len()).min_by(|one, other| errors[*one].total_cmp(&errors[*other]))?;
    Some(levels[best])
}

/// The middle of the newest values, as many as a quarter of the horizon: what spikes do not move.
pub(super) fn recent(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let steps = (horizon / 4).clamp(5, 300);
    (view.values.len() >= steps).then(|| vec![median(newest(view.values, steps)); horizon])
}

/// The middle of the values of two horizons: what a metric comes back to.
pub(super) fn long(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let steps = (horizon * 2).clamp(30, 900);
    (view.values.len() >= steps).then(|| vec![median(newest(view.values, steps)); horizon])
}
