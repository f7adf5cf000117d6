//! A straight regression on what was, fitted to the series itself, for all steps of the horizon at once.

use super::View;
use crate::forecast::past::{as_f64, mean};

/// What a value is explained by.
const FEATURES: usize = 7;

/// Pairs of a moment and a step after it that the regression learns from.
const SAMPLES: usize = 500;

/// How strongly coefficients are held back, as a share of the features' own size.
const RIDGE: f64 = 0.01;

/// Each step from the same step of the last seasons, and from how far the metric is off its season now, by ridge
/// regression.
pub(super) fn ridge(view: &View<'_>, horizon: usize) -> Option<Vec<f64>> {
    let season = view.seasons.main?;
    let values = view.values;
    // The first moment that has the seasons before it, and the last one after which a value is known.
    let first = 3 * season + recent_steps(season);
    let last = values.len().checked_sub(1)?;
    if last <= first + season / 2 {
        return None;
    }
    let mut fit = Fit::default();
    let moments = (last - first).min(60);
    let steps = (SAMPLES / moments).clamp(1, horizon);
    for nth in 0..moments {
        let now = first + (last - first) * nth / moments;
        for part in 0..steps {
            // Which steps are taken differs from moment to moment.
            let step = (part * horizon + nth * 7919 % horizon) / steps;
            let step = step.min(horizon - 1);
            let at = now + step;
            if at >= values.len() {
                continue;
            }
            if let Some((level, features)) = features(&values[..now], season, step) {
                fit.add(&features, values[at] - level);
            }
        }
    }
    let coefficients = fit.solve()?;
    let value = |step: usize| {
        let (level, features) = features(values, season, step)?;
        Some(level + features.iter().zip(&coefficients).map(|(one, other)| one * other).sum::<f64>())
    };
    (0..horizon).map(value).collect()
}

/// Steps that tell how far the metric is off its season now.
fn recent_steps(season: usize) -> usize {
    (season / 24).clamp(1, 30)
}

/// The level that all is told from, and the features of the value `step` steps after the end of `values` (0 is the next).
fn features(values: &[f64], season: usize, step: usize) -> Option<(f64, [f64; FEATURES])> {
    let now = values.len();
    let level = mean(values.get(now.checked_sub(season)?..)?);
    // How many seasons lie between the step and the last one that is known.
    let back = step / season + 1;
    let at = |seasons: usize| {
        let place = (now + step).checked_sub(seasons * season)?;
        values.get(place).copied()
    };
    let (one, two, three) = (at(back)?, at(back + 1)?, at(back + 2)?);
    let around = f64::midpoint(
        at(back)?,
        values.get((now + step + 1).checked_sub((back + 1) * season)?).copied().unwrap_or(two),
    );
    let recent = recent_steps(season);
    let same = now.checked_sub(season + recent)?;
    let off = mean(&values[now - recent..]) - mean(&values[same..same + recent]);
    let far = as_f64(step) / as_f64(season);
    Some((
        level,
        [
            one - level,
            two - level,
            three - level,
            around - level,
            off * (-8.0 * far).exp(),
            off * (-1.5 * far).exp(),
            1.0,
        ],
    ))
}

/// The normal equations of a regression.
#[derive(Default)]
struct Fit {
    square: [[f64; FEATURES]; FEATURES],
    with: [f64; FEATURES],
    samples: usize,
}

impl Fit {
    fn add(&mut self, features: &[f64; FEATURES], value: f64) {
        for (row, feature) in features.iter().enumerate() {
            for (column, other) in features.iter().enumerate().skip(row) {
                self.square[row][column] += feature * other;
            }
            self.with[row] += feature * value;
        }
        self.samples += 1;
    }

    /// The coefficients, by Cholesky's decomposition; `None` with too few samples.
    fn solve(mut self) -> Option<[f64; FEATURES]> {
        if self.samples < 5 * FEATURES {
            return None;
        }
        for row in 0..FEATURES {
            self.square[row][row] = self.square[row][row] * (1.0 + RIDGE) + 1e-12;
        }
        // The lower triangle becomes the factor.
        for row in 0..FEATURES {
            for column in 0..=row {
                let product: f64 = (0..column).map(|k| self.square[row][k] * self.square[column][k]).sum();
                let rest = self.square[column][row] - product;
                self.square[row][column] = if row == column {
                    if rest <= 0.0 {
                        return None;
                    }
                    rest.sqrt()
                } else {
                    rest / self.square[column][column]
                };
            }
        }
        let mut solved = self.with;
        for row in 0..FEATURES {
            let known: f64 = (0..row).map(|k| self.square[row][k] * solved[k]).sum();
            solved[row] = (solved[row] - known) / self.square[row][row];
        }
        for row in (0..FEATURES).rev() {
            let known: f64 = (row + 1..FEATURES).map(|k| self.square[k][row] * solved[k]).sum();
            solved[row] = (solved[row] - known) / self.square[row][row];
        }
        Some(solved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::season::Seasons;

    #[test]
    fn it_learns_that_a_shift_lasts() {
        // Each season lies on its own level, which only the present can tell.
        let value = |step: usize| {
            let level =
                [0.0, 30.0, 10.0, 45.0, 20.0, 5.0, 35.0, 15.0, 40.0, 25.0, 12.0, 33.0][(step + 6) / 12 % 12];
            level + [0.0, 1.0, 4.0, 2.0, 6.0, 3.0, 5.0, 2.0, 1.0, 4.0, 0.0, 2.0][step % 12]
        };
        let values: Vec<f64> = (0..300).map(value).collect();
        let seasons = Seasons { main: Some(12), long: None };
        let ahead = ridge(&View { values: &values, seasons }, 4).expect("it applies");
        let off = |forecast: &dyn Fn(usize) -> f64| {
            (0..4).map(|step| (forecast(step) - value(300 + step)).abs()).sum::<f64>()
        };
        let (own, naive) = (off(&|step| ahead[step]), off(&|step| values[288 + step]));
        assert!(own < naive / 2.0, "{own} {naive}");
    }
}
