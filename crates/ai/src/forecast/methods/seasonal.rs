//! Methods that expect a season to come again.

use super::{View, newest};
use crate::forecast::past::{as_f64, mean as mean_of, median};

/// Seasons that a mean season is made of.
const SEASONS: usize = 4;

/// Each step as one season before: the seasonal naive forecast, the floor that any other has to beat.
pub(super) fn last(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    repeat(view.values, view.seasons.main?, 1, horizon)
}

/// Each step as the mean of the same step of the last seasons.
pub(super) fn mean(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    repeat(view.values, view.seasons.main?, SEASONS, horizon)
}

/// The mean season, moved to where the metric is now; the move fades within half a season.
pub(super) fn shifted(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    shift(view.values, view.seasons.main?, horizon)
}

/// The last long season: each step as one week before, say.
pub(super) fn last_long(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    repeat(view.values, view.seasons.long?, 1, horizon)
}

/// The mean long season, moved to where the metric is now.
pub(super) fn shifted_long(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    shift(view.values, view.seasons.long?, horizon)
}

/// The mean season, which rises and falls from season to season as it did between the last two.
pub(super) fn drifting(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let season = view.seasons.main?;
    let values = view.values;
    if values.len() < 3 * season {
        return None;
    }
    let level = |back: usize| {
        let end = values.len() - back * season;
        mean_of(&values[end - season..end])
    };
    // The drift is that of two seasons, halved: one alone may be a weekend's.
    let drift = (level(0) - level(2)) / 2.0;
    let shape = repeat(values, season, 2, horizon)?;
    // The mean of two seasons lies half a season's drift before the last one.
    let centre = f64::midpoint(level(0), level(1));
    let lift = |(step, value): (usize, f64)| value + level(0) - centre + drift * as_f64(step / season + 1);
    Some(shape.into_iter().enumerate().map(lift).collect())
}

/// The mean of the same steps of the last seasons, at most `seasons` of them.
fn repeat(values: &[f64], season: usize, seasons: usize, horizon: usize) -> Option<Vec<f64>> {
    let whole = (values.len() / season.max(1)).min(seasons);
    if whole == 0 {
        return None;
    }
    let first = values.len() - whole * season;
    let sum = |phase: usize| (0..whole).map(|nth| values[first + nth * season + phase]).sum::<f64>();
    let shape: Vec<f64> = (0..season).map(|phase| sum(phase) / as_f64(whole)).collect();
    Some((0..horizon).map(|step| shape[step % season]).collect())
}

fn shift(values: &[f64], season: usize, horizon: usize) -> Option<Vec<f64>> {
    let recent = (season / 12).clamp(1, 60);
    // The same steps, as the seasons before foretold them.
    let before = &values[..values.len().checked_sub(recent)?];
    let expected = repeat(before, season, SEASONS, recent)?;
    let off: Vec<f64> =
        newest(values, recent).iter().zip(&expected).map(|(value, expected)| value - expected).collect();
    let now = median(&off);
    let fade = (-2.0 / as_f64(season)).exp();
    let mut by = now;
    let shape = repeat(values, season, SEASONS, horizon)?;
    let moved = |value: f64| {
        by *= fade;
        value + by
    };
    Some(shape.into_iter().map(moved).collect())
}
