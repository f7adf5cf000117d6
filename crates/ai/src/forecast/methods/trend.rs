//! Methods that expect the metric to go on as it goes.

use super::{
    View,
    level::{FITTED, smooth},
    newest,
};
use crate::forecast::past::{as_f64, mean, median};

/// The fewest values that a line is drawn through.
const FEWEST: usize = 6;

/// The fewest values of a move that is taken for a new course.
const LEAST_MOVE: usize = 10;

/// Damped trends that are tried side by side: constants of level and slope, and the damping.
const DAMPED: [(f64, f64, f64); 24] = grid();

const fn grid() -> [(f64, f64, f64); 24] {
    let (levels, slopes, dampings) = ([0.1, 0.3, 0.6, 0.95], [0.03, 0.15, 0.4], [0.9, 0.98]);
    let mut grid = [(0.0, 0.0, 0.0); 24];
    let mut place = 0;
    while place < grid.len() {
        grid[place] = (levels[place % 4], slopes[place / 4 % 3], dampings[place / 12]);
        place += 1;
    }
    grid
}

/// Holt's linear trend with damping (Gardner and `McKenzie`, 1985); constants from a coarse grid, by one-step errors.
pub(super) fn damped(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let values = newest(view.values, FITTED);
    if values.len() < 8 {
        return None;
    }
    let (mut levels, mut slopes, mut errors) = ([values[0]; 24], [0.0; 24], [0.0; 24]);
    for value in &values[1..] {
        // All of the grid at one value: the processor works on several at once.
        for (place, (by_level, by_slope, damping)) in DAMPED.iter().enumerate() {
            let slope = damping * slopes[place];
            let expected = levels[place] + slope;
            let missed = value - expected;
            errors[place] += missed * missed;
            levels[place] = expected + by_level * missed;
            slopes[place] = slope + by_level * by_slope * missed;
        }
    }
    let best = (0..errors.len()).min_by(|one, other| errors[*one].total_cmp(&errors[*other]))?;
    let (mut level, mut slope, (_, _, damping)) = (levels[best], slopes[best], DAMPED[best]);
    let mut step = || {
        slope *= damping;
        level += slope;
        level
    };
    Some((0..horizon).map(|_| step()).collect())
}

/// The theta method (Assimakopoulos and Nikolopoulos, 2000), as Hyndman and Billah (2003) wrote it: exponential
/// smoothing with half of the straight line's slope.
pub(super) fn theta(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let values = newest(view.values, FITTED);
    let level = (values.len() >= 8).then(|| smooth(values)).flatten()?;
    let half = Line::through(values).slope / 2.0;
    Some((1..=horizon).map(|step| level + half * as_f64(step)).collect())
}

/// The straight line through the newest values, as far back as they lie on one: a leak, a disk that fills, a queue that
/// grows. It is not damped.
pub(super) fn ramp(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let (line, _) = newest_line(newest(view.values, FITTED))?;
    Some((1..=horizon).map(|step| line.end + line.slope * as_f64(step)).collect())
}

/// The line that the newest values lie on, and how many do.
fn newest_line(values: &[f64]) -> Option<(Line, usize)> {
    if values.len() < FEWEST {
        return None;
    }
    let noise = noise(newest(values, 25));
    let mut chosen = (Line::through(newest(values, FEWEST)), FEWEST);
    let mut length = FEWEST + 2;
    while length <= values.len() {
        let line = Line::through(newest(values, length));
        let rise = line.slope.abs() * as_f64(length);
        // A little bend is allowed, or a leak that is not quite even would be cut into pieces.
        if line.error > (1.6 * noise).hypot(0.01 * rise) + 1e-12 {
            break;
        }
        chosen = (line, length);
        length += (length / 8).max(1);
    }
    Some(chosen)
}

/// The length of a straight move that still lasts and is greater than any other of its length in the history: what
/// methods erred by before it says nothing of how they do now. `None` if there is none.
pub(in crate::forecast) fn unheard_of(values: &[f64]) -> Option<usize> {
    let values = newest(values, FITTED);
    let (line, length) = newest_line(values)?;
    let rise = line.slope.abs() * as_f64(length);
    let before = &values[..values.len() - length];
    if length < LEAST_MOVE || before.len() < FEWEST || rise < 6.0 * line.error {
        return None;
    }
    let reach = length.min(before.len());
    let ranges = before.windows(reach).step_by(reach.div_ceil(4)).map(|stretch| {
        let (low, high) = stretch.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
        high - low
    });
    (rise > 1.5 * ranges.fold(0.0, f64::max)).then_some(length)
}

/// The standard deviation of what is neither level nor trend, from the differences of neighbours.
fn noise(values: &[f64]) -> f64 {
    let moves: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let usual = median(&moves);
    let spread = median(&moves.iter().map(|step| (step - usual).abs()).collect::<Vec<f64>>());
    // A normal distribution's standard deviation is 1.4826 times its median deviation; a difference has two errors.
    1.4826 * spread / std::f64::consts::SQRT_2
}

/// A straight line by least squares.
struct Line {
    /// A step.
    slope: f64,
    /// At the last value.
    end: f64,
    /// The root of the mean square of what lies off the line.
    error: f64,
}

impl Line {
    fn through(values: &[f64]) -> Self {
        let middle = (as_f64(values.len()) - 1.0) / 2.0;
        let centre = mean(values);
        let (mut along, mut across) = (0.0, 0.0);
        for (step, value) in values.iter().enumerate() {
            let at = as_f64(step) - middle;
            along += at * at;
            across += at * (value - centre);
        }
        let slope = if along > 0.0 { across / along } else { 0.0 };
        let off = |(step, value): (usize, &f64)| (value - centre - slope * (as_f64(step) - middle)).powi(2);
        let square: f64 = values.iter().enumerate().map(off).sum();
        let error = (square / as_f64(values.len().max(1))).sqrt();
        Self { slope, end: centre + slope * middle, error }
    }
}
