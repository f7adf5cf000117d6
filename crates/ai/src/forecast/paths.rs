//! Courses that the metric may take: the forecast, plus how such forecasts were wrong before.
//!
//! A course follows the errors of one earlier moment from step to step, so that it rises, spikes and comes back as the
//! metric itself does. That is what a crossing is told from: the band at each step says nothing of how often a metric
//! touches a limit on its way.

use super::{backtest::Trial, past::as_f64, random::Draws};

/// Courses of a forecast.
pub(super) const PATHS: usize = 400;

/// How much courses with the same errors differ: the standard deviation of the logarithm of a factor.
const SPREAD: f64 = 0.1;

/// Horizons after which the errors of a moment are drawn half as often, and the share of the history after which they
/// are: whichever is sooner.
const HALF_LIFE: f64 = 3.0;
const HALF_LIFE_SHARE: f64 = 0.4;

/// Draws courses around `point`.
pub(super) fn draw(point: &[f64], trials: &[Trial], values: usize, clamp: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    let horizon = point.len();
    let longest = trials.iter().map(|trial| trial.misses.len()).max().unwrap_or(0);
    let long: Vec<&Trial> = trials.iter().filter(|trial| trial.misses.len() * 2 > longest).collect();
    let half_life = (HALF_LIFE * as_f64(horizon)).min(HALF_LIFE_SHARE * as_f64(values)).max(1.0);
    let mut upto = Vec::with_capacity(long.len());
    let mut sum = 0.0;
    for trial in &long {
        let age = as_f64(values - trial.origin - trial.misses.len());
        sum += 0.5_f64.powf(age / half_life);
        upto.push(sum);
    }
    let mut draws = Draws::new(0x6f70_7373);
    let mut path = || {
        let mut factor = (SPREAD * draws.normal()).exp();
        let (mut base, mut missed) = (0.0, 0.0);
        let mut path = Vec::with_capacity(horizon);
        let mut errors: &[f64] = &[];
        let mut at = 0;
        for value in point {
            if at == errors.len() {
                // The errors of a moment near the end are shorter than the horizon: another one goes on from there.
                // Which way it errs further is not known.
                base = missed;
                if !path.is_empty() && draws.unit() < 0.5 {
                    factor = -factor;
                }
                let place = draws.unit() * sum;
                let trial = upto.iter().position(|upto| *upto > place).unwrap_or(0);
                errors = long.get(trial).map_or(&[], |trial| &trial.misses);
                at = 0;
            }
            if let Some(error) = errors.get(at).filter(|error| error.is_finite()) {
                missed = base + factor * error;
            }
            at += 1;
            path.push(clamp(value + missed));
        }
        path
    };
    (0..PATHS).map(|_| path()).collect()
}
