//! Bands from the courses that a metric may take.

use super::{Bounds, Forecast, past::as_f64};

/// The standard normal distribution's quantiles at the ends of the bands.
const AT_80: f64 = 1.2816;
const AT_95: f64 = 1.9600;

/// Values for each degree of freedom.
const VALUES_A_DEGREE: f64 = 100.0;

/// Neighbours on either side that a step's band is smoothed with.
const NEAR: usize = 2;

/// However long the history, metrics change their habits; and their tails stay heavier still.
const MOST_DEGREES: f64 = 12.0;
const MOST_DEGREES_OF_TAILS: f64 = 4.0;

/// What was seen of errors is less than what there is, the more so the shorter the history: bands are widened as a
/// sample's quantiles are by Student's distribution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wider {
    by80: f64,
    by95: f64,
}

impl Wider {
    /// Not at all.
    pub(super) const NOT: Self = Self { by80: 1.0, by95: 1.0 };

    /// For a history of this many values.
    pub(super) fn after(values: usize) -> Self {
        let degrees = (as_f64(values) / VALUES_A_DEGREE).max(2.0);
        let by95 = student(AT_95, degrees.min(MOST_DEGREES_OF_TAILS)) / AT_95;
        let by80 = student(AT_80, degrees.min(MOST_DEGREES)) / AT_80;
        Self { by80, by95 }
    }
}

/// Student's quantile from the normal one, by the first terms of its expansion (Abramowitz and Stegun, 26.7.5).
fn student(normal: f64, degrees: f64) -> f64 {
    let z = normal;
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    z + first / degrees + second / degrees.powi(2) + third / degrees.powi(3)
}

impl Forecast {
    /// Fills the bands from the courses, and the point from their middle where there is no better one.
    pub(super) fn tell(&mut self, paths: Vec<Vec<f64>>, point: Option<&[f64]>, wider: Wider, bounds: Bounds) {
        let horizon = paths.first().map_or(0, Vec::len);
        // How far each end of a band lies from the point.
        let mut ends: Vec<[f64; 4]> = Vec::with_capacity(horizon);
        for step in 0..horizon {
            let mut values: Vec<f64> = paths.iter().map(|path| path[step]).collect();
            values.sort_by(f64::total_cmp);
            let point = point.map_or_else(|| quantile(&values, 0.5), |point| point[step]);
            ends.push([0.025, 0.1, 0.9, 0.975].map(|share| quantile(&values, share) - point));
            self.point.push(point);
        }
        for step in 0..horizon {
            // What one step shows alone is mostly chance; its neighbours' errors are of the same kind.
            let near = &ends[step.saturating_sub(NEAR)..(step + NEAR + 1).min(horizon)];
            let end = |nth: usize| near.iter().map(|ends| ends[nth]).sum::<f64>() / as_f64(near.len());
            let at = |off: f64| bounds.clamp(self.point[step] + off);
            let (low80, high80) = (end(1).min(0.0) * wider.by80, end(2).max(0.0) * wider.by80);
            self.low80.push(at(low80));
            self.high80.push(at(high80));
            self.low95.push(at((end(0) * wider.by95).min(low80)));
            self.high95.push(at((end(3) * wider.by95).max(high80)));
        }
        self.paths = paths;
    }
}

/// The value below which a share of the sorted values lies, on the straight line between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * as_f64(sorted.len().saturating_sub(1));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - as_f64(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        // Student's table: 5 degrees, 97.5 %: 2.571; 10 degrees, 90 %: 1.372.
        assert!((student(AT_95, 5.0) - 2.571).abs() < 0.01);
        assert!((student(AT_80, 10.0) - 1.372).abs() < 0.01);
        assert!((quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.125) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn little_history_makes_wide_bands() {
        let (short, long) = (Wider::after(50), Wider::after(10_000));
        assert!(short.by95 > 1.9 && short.by80 > 1.4, "{short:?}");
        assert!(long.by80 < 1.07 && long.by95 > 1.3, "{long:?}");
    }
}
