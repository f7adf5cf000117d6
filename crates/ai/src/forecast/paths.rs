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
pub(super) fn draw(
    point: &[f64],
    trials: &[Trial],
    values: usize,
    clamp: impl Fn(f64) -> f64,
) -> Vec<Vec<f64>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments whose errors are nothing but one spike each, at different steps.
    fn spiky() -> Vec<Trial> {
        let trial = |nth: usize| {
            let mut misses = vec![0.0; 20];
            misses[nth] = 10.0;
            Trial { origin: 60 + nth, misses }
        };
        (0..20).map(trial).collect()
    }

    #[test]
    fn each_course_has_its_spike_though_each_step_hardly_ever_does() {
        let paths = draw(&[5.0; 20], &spiky(), 100, |value| value.min(20.0));
        assert_eq!(paths.len(), PATHS);
        let spiked = paths.iter().filter(|path| path.iter().any(|value| *value > 10.0)).count();
        assert_eq!(spiked, PATHS);
        for step in 0..20 {
            let here = paths.iter().filter(|path| path[step] > 10.0).count();
            assert!(here < PATHS / 8, "step {step}: {here}");
        }
    }

    #[test]
    fn errors_that_are_shorter_than_the_horizon_grow_on() {
        let short = [1.0, -1.0].map(|by| Trial { origin: 90, misses: vec![by, 2.0 * by] });
        let paths = draw(&[0.0; 40], &short, 100, |value| value);
        let spread = |step: usize| paths.iter().map(|path| path[step].abs()).sum::<f64>() / as_f64(PATHS);
        assert!(spread(39) > 2.0 * spread(1), "{} {}", spread(1), spread(39));
        assert!(draw(&[7.0], &[], 10, |value| value).iter().all(|path| (path[0] - 7.0).abs() < 1e-12));
    }
}
