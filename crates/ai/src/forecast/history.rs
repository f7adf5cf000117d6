//! A metric's past on a regular grid.

/// The most steps that a history keeps: two months of five-minute steps. Older points are left out.
const LONGEST: i64 = 17_280;

/// A metric's past. A value that is not finite is a gap.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// When the first value was taken, in Unix milliseconds.
    pub start: i64,
    /// The time between values, in milliseconds.
    pub step_ms: i64,
    /// One value a step; NaN where there is none.
    pub values: Vec<f64>,
    /// Where the metric can be at all.
    pub bounds: Bounds,
}

/// Values that a metric cannot pass, by its nature: a share lies between 0 and 1, a size is not negative.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// The lowest value that it can have.
    pub lowest: Option<f64>,
    /// The highest value that it can have.
    pub highest: Option<f64>,
}

impl Bounds {
    /// The value, or the bound that it passes.
    pub fn clamp(&self, value: f64) -> f64 {
        let value = self.lowest.map_or(value, |lowest| value.max(lowest));
        self.highest.map_or(value, |highest| value.min(highest))
    }
}

impl History {
    /// Puts points (Unix milliseconds, value) onto a grid of `step_ms`, each at its nearest step, in any order. Of two
    /// points at one step the later counts. Steps without a point are gaps, and so are values that are not finite. The
    /// grid ends with the last point, so that steps without values after it must be given as NaN.
    pub fn from_points(points: &[(i64, f64)], step_ms: i64, bounds: Bounds) -> Self {
        let step_ms = step_ms.max(1);
        let Some(end) = points.iter().map(|&(at, _)| at).max() else {
            return Self { start: 0, step_ms, values: Vec::new(), bounds };
        };
        let first = points.iter().map(|&(at, _)| at).min().unwrap_or(end);
        // The grid hangs on the last point: it is where the forecast begins.
        let steps = (end.saturating_sub(first).saturating_add(step_ms / 2) / step_ms + 1).min(LONGEST);
        let start = end - (steps - 1) * step_ms;
        let mut cells: Vec<(i64, f64)> = vec![(i64::MIN, f64::NAN); usize::try_from(steps).unwrap_or(0)];
        for &(at, value) in points {
            let step = at.saturating_sub(start).saturating_add(step_ms / 2).div_euclid(step_ms);
            let Some(cell) = usize::try_from(step).ok().and_then(|step| cells.get_mut(step)) else {
                continue;
            };
            if at >= cell.0 {
                *cell = (at, if value.is_finite() { value } else { f64::NAN });
            }
        }
        Self { start, step_ms, values: cells.into_iter().map(|(_, value)| value).collect(), bounds }
    }

    /// When the step after the last value is, in Unix milliseconds.
    pub fn end(&self) -> i64 {
        let steps = i64::try_from(self.values.len()).unwrap_or(i64::MAX);
        self.start.saturating_add(steps.saturating_mul(self.step_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_onto_the_grid_with_gaps_and_in_any_order() {
        let points = [
            (9_990, 1.0),
            (30_010, 4.0),
            (20_000, f64::INFINITY),
            (40_000, 5.0),
            (60_000, 7.0),
            (29_000, 3.0),
        ];
        let history = History::from_points(&points, 10_000, Bounds::default());
        assert_eq!((history.start, history.end()), (10_000, 70_000));
        let told: Vec<Option<f64>> =
            history.values.iter().map(|value| value.is_finite().then_some(*value)).collect();
        assert_eq!(told, [Some(1.0), None, Some(4.0), Some(5.0), None, Some(7.0)]);
    }

    #[test]
    fn a_point_of_another_age_costs_no_memory() {
        let points = [(0, 1.0), (1_700_000_000_000, 2.0)];
        let history = History::from_points(&points, 1_000, Bounds::default());
        assert_eq!(history.values.len(), 17_280);
        assert_eq!(history.end(), 1_700_000_001_000);
        assert_eq!(history.values.last(), Some(&2.0));
        assert!(History::from_points(&[], 0, Bounds::default()).values.is_empty());
    }
}
