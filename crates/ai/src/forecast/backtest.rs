//! Every method is tried on earlier moments of the history, and weighed by how it did.

use super::{
    methods::{METHODS, View, unheard_of},
    past::{Past, as_f64},
    season::Seasons,
};

/// Moments from which a whole horizon is forecast.
const WHOLE: usize = 40;

/// Shares of the horizon that the last moments have behind them: they tell what the metric does just now.
const PARTS: [f64; 4] = [0.75, 0.5, 0.25, 0.1];

/// The fewest values before a moment.
const FEWEST: usize = 8;

/// Horizons after which a moment counts half.
const HALF_LIFE: f64 = 3.0;

/// How sharply the better methods are preferred.
const SHARPNESS: f64 = 9.0;

/// The most that one moment can say for or against a method: an error so many times another's.
const MOST_RATIO: f64 = 20.0;

/// The method that is left out while a move lasts that is unheard of: in the few steps since it began, a trend that
/// bends away later looks as good as one that does not.
const BENDS: &str = "damped trend";

/// Methods that would weigh less than this share of the best one are left out.
const LEAST: f64 = 0.05;

/// What the combination would have foretold at a moment, and what came.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// The number of values before the moment.
    pub(super) origin: usize,
    /// How much greater each value was than foretold; NaN where none was observed.
    pub(super) misses: Vec<f64>,
}

/// The combination and how it did.
#[derive(Debug, Clone)]
pub(super) struct Backtest {
    /// Methods by their places, with weights that sum to 1.
    pub(super) weights: Vec<(usize, f64)>,
    pub(super) trials: Vec<Trial>,
}

/// What each method would have foretold at a moment.
struct Attempt {
    origin: usize,
    weight: f64,
    forecasts: Vec<Option<Vec<f64>>>,
}

impl Backtest {
    /// Tries all methods and weighs them. `None` if there is no moment to try them from.
    pub(super) fn run(past: &Past, seasons: Seasons, horizon: usize) -> Option<Self> {
        let whole = horizon;
        let course = unheard_of(&past.values);
        // In a short history there would be next to no moments with a whole horizon after them.
        let horizon = horizon.min(course.unwrap_or(past.len()) / 3).max(1);
        let since = course.map_or(0, |length| past.len() - length + FEWEST);
        let mut attempts = Vec::new();
        for origin in origins(past.len(), since, seasons, horizon) {
            let steps = horizon.min(past.len() - origin);
            let view = View { values: &past.values[..origin], seasons };
            let forecasts = METHODS.iter().map(|method| (method.forecast)(&view, steps)).collect();
            let age = as_f64(past.len() - origin - steps) / as_f64(horizon.max(1));
            let weight = 0.5_f64.powf(age / HALF_LIFE) * (as_f64(steps) / as_f64(horizon)).sqrt();
            attempts.push(Attempt { origin, weight, forecasts });
        }
        let now = View { values: &past.values, seasons };
        let applies: Vec<bool> =
            METHODS.iter().map(|method| (method.forecast)(&now, whole).is_some()).collect();
        let weights = weigh(past, &attempts, &applies, course.is_some())?;
        let trials = attempts.iter().filter_map(|attempt| trial(past, attempt, &weights)).collect();
        Some(Self { weights, trials })
    }
}

/// The moments, oldest first, none before `since`.
fn origins(values: usize, since: usize, seasons: Seasons, horizon: usize) -> Vec<usize> {
    let mut moments = Vec::new();
    let two_seasons = seasons.main.map_or(0, |season| 2 * season);
    let first = FEWEST.max((values / 4).min(horizon.max(20))).max(two_seasons.min(values / 2)).max(since);
    let end = values.saturating_sub(horizon);
    if end >= first {
        let moments_there = (end - first + 1).min(WHOLE);
        let every = as_f64(end - first) / as_f64((moments_there - 1).max(1));
        for nth in 0..moments_there {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in the history"
            )]
            let back = (as_f64(nth) * every).round() as usize;
            moments.push(end - back);
        }
        moments.reverse();
    }
    let newest = moments.last().copied().unwrap_or(0);
    for part in PARTS {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the horizon")]
        let steps = ((as_f64(horizon.min(values)) * part) as usize).max(2);
        let origin = values.saturating_sub(steps);
        if origin > newest && origin >= FEWEST.max(since) {
            moments.push(origin);
        }
    }
    moments.dedup();
    moments
}

/// The weight of each method that applies: a power of its mean absolute error, relative to that of the first method at
/// the same moments.
fn weigh(past: &Past, attempts: &[Attempt], applies: &[bool], on_course: bool) -> Option<Vec<(usize, f64)>> {
    let tiny = 1e-9 * (1.0 + past.values.iter().map(|value| value.abs()).fold(0.0, f64::max));
    let mut ratios = Vec::new();
    for (place, _) in applies.iter().enumerate().filter(|(_, applies)| **applies) {
        if on_course && METHODS[place].name == BENDS {
            continue;
        }
        let (mut sum, mut weight) = (0.0, 0.0);
        for attempt in attempts {
            let Some(first) = attempt.forecasts[0].as_ref() else { continue };
            let Some(forecast) = attempt.forecasts[place].as_ref() else { continue };
            let (Some(error), Some(first)) =
                (error(past, attempt.origin, forecast), error(past, attempt.origin, first))
            else {
                continue;
            };
            let ratio = ((error + tiny) / (first + tiny)).clamp(1.0 / MOST_RATIO, MOST_RATIO);
            sum += attempt.weight * ratio.ln();
            weight += attempt.weight;
        }
        if weight > 0.0 {
            ratios.push((place, (sum / weight).exp()));
        }
    }
    let best = ratios.iter().map(|ratio| ratio.1).min_by(f64::total_cmp)?;
    let mut weights: Vec<(usize, f64)> = ratios
        .into_iter()
        .map(|(place, ratio)| (place, (best / ratio).powf(SHARPNESS)))
        .filter(|(_, weight)| *weight >= LEAST)
        .collect();
    let sum: f64 = weights.iter().map(|weight| weight.1).sum();
    for weight in &mut weights {
        weight.1 /= sum;
    }
    weights.sort_by(|one, other| other.1.total_cmp(&one.1));
    Some(weights)
}

/// The mean absolute error over the steps that were observed.
fn error(past: &Past, origin: usize, forecast: &[f64]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for (step, value) in forecast.iter().enumerate() {
        if past.observed[origin + step] {
            sum += (past.values[origin + step] - past.bounds.clamp(*value)).abs();
            count += 1;
        }
    }
    (count > 0).then(|| sum / as_f64(count))
}

fn trial(past: &Past, attempt: &Attempt, weights: &[(usize, f64)]) -> Option<Trial> {
    let forecast = combine(weights, |place| attempt.forecasts[place].clone())?;
    let misses = forecast
        .iter()
        .enumerate()
        .map(|(step, value)| {
            let at = attempt.origin + step;
            if past.observed[at] { past.values[at] - past.bounds.clamp(*value) } else { f64::NAN }
        })
        .collect();
    Some(Trial { origin: attempt.origin, misses })
}

/// The weighted median of the methods' forecasts at each step: one method that is far out does not move it. `None` if
/// none of them has a forecast.
pub(super) fn combine(
    weights: &[(usize, f64)],
    forecast: impl Fn(usize) -> Option<Vec<f64>>,
) -> Option<Vec<f64>> {
    let forecasts: Vec<(f64, Vec<f64>)> =
        weights.iter().filter_map(|&(place, weight)| Some((weight, forecast(place)?))).collect();
    let steps = forecasts.first()?.1.len();
    let mut values = Vec::with_capacity(forecasts.len());
    let mut middle = |step: usize| {
        values.clear();
        values.extend(forecasts.iter().map(|(weight, forecast)| (forecast[step], *weight)));
        weighted_median(&mut values)
    };
    Some((0..steps).map(&mut middle).collect())
}

/// The median of values with weights. Each value stands at the middle of its weight; between two of them the median
/// lies on the straight line, so that it does not jump when weights change a little.
fn weighted_median(values: &mut [(f64, f64)]) -> f64 {
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = values.iter().map(|value| value.1).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for &(value, weight) in values.iter() {
        let place = below + weight / 2.0;
        if place >= half {
            return last.map_or(value, |(from, at)| from + (value - from) * (half - at) / (place - at));
        }
        last = Some((value, place));
        below += weight;
    }
    last.map_or(0.0, |(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Bounds, History, random::Draws, season};

    fn backtest(values: Vec<f64>, horizon: usize) -> Backtest {
        let history = History { start: 0, step_ms: 1_000, values, bounds: Bounds::default() };
        let past = Past::of(&history).expect("values");
        Backtest::run(&past, season::find(&past.values), horizon).expect("tried")
    }

    #[test]
    fn what_did_best_weighs_most() {
        let mut draws = Draws::new(1);
        let daily: Vec<f64> = (0..600)
            .map(|step| (as_f64(step) / 24.0 * std::f64::consts::TAU).sin() + 0.05 * draws.normal())
            .collect();
        let best = backtest(daily, 24).weights[0].0;
        assert!(METHODS[best].name.contains("season"), "{}", METHODS[best].name);
        let leak: Vec<f64> = (0..200).map(|step| 100.0 + 2.0 * as_f64(step) + draws.normal()).collect();
        let best = backtest(leak, 60).weights[0].0;
        assert_eq!(METHODS[best].name, "ramp");
    }

    #[test]
    fn the_newest_moments_are_tried_with_what_came_since() {
        let moments = origins(1_000, 0, Seasons::default(), 100);
        assert_eq!(moments[..2], [100, 121]);
        assert_eq!(moments[moments.len() - 5..], [900, 925, 950, 975, 990]);
        assert!(origins(5, 0, Seasons::default(), 10).is_empty());
    }

    #[test]
    fn one_that_is_far_out_does_not_move_the_median() {
        let median = |mut values: Vec<(f64, f64)>| weighted_median(&mut values);
        assert!((median(vec![(1.0, 0.3), (1e9, 0.1), (1.2, 0.3), (0.9, 0.3)]) - 1.0).abs() < 0.11);
        assert!((median(vec![(3.0, 1.0)]) - 3.0).abs() < 1e-12);
        assert!((median(vec![(1.0, 0.5), (2.0, 0.5)]) - 1.5).abs() < 1e-12);
    }
}
