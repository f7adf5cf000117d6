//! After how many steps does a metric repeat itself?
//!
//! Found from the autocorrelation of the values without their straight trend, outliers cut: a season is a lag at which
//! it peaks after a trough. Whether the season helps to forecast is not decided here: methods that use it have to beat
//! those that do not.

use super::past::{as_f64, median};

/// The shortest season.
const SHORTEST: usize = 2;

/// Lags up to here are looked at step by step; longer ones on means of several steps.
const FINE: usize = 160;

/// The values after thinning: enough to tell seasons of a few hundredths of the history.
const COARSE: usize = 900;

/// An autocorrelation that is worth trying, if the history is long.
const LEAST: f64 = 0.15;

/// The seasons of a metric, in steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seasons {
    /// The plainest one: often the day.
    pub(super) main: Option<usize>,
    /// A longer one that is a multiple of it: often the week.
    pub(super) long: Option<usize>,
}

/// Finds the seasons of values without gaps.
pub(super) fn find(values: &[f64]) -> Seasons {
    let flat = without_trend(values);
    if flat.iter().all(|value| value.abs() < f64::EPSILON) {
        return Seasons::default();
    }
    let longest = values.len() * 2 / 5;
    // What noise alone hardly ever reaches.
    let least = LEAST.max(3.0 / as_f64(values.len()).sqrt());
    let mut peaks = peaks(&autocorrelation(&flat, longest.min(FINE)), least);
    let thin = values.len().div_ceil(COARSE).max(1);
    if longest > FINE {
        let coarse: Vec<f64> = flat.chunks(thin).map(super::past::mean).collect();
        for (lag, height) in self::peaks(&autocorrelation(&coarse, longest / thin), least) {
            if lag * thin > FINE {
                peaks.push((refine(&flat, lag * thin, thin, longest), height));
            }
        }
    }
    let Some(highest) = peaks.iter().map(|peak| peak.1).max_by(f64::total_cmp) else {
        return Seasons::default();
    };
    // Multiples of a season peak as high as itself, or higher if they are a season too: the shortest high one is it.
    let main = peaks.iter().find(|peak| peak.1 >= 0.7 * highest).copied();
    let long = main.and_then(|(main, height)| {
        let is_multiple = |lag: usize| {
            let times = (lag + main / 2) / main;
            times >= 2 && lag.abs_diff(times * main) <= (main / 12).max(1)
        };
        let higher = |peak: &&(usize, f64)| peak.1 > height + 0.03 && is_multiple(peak.0);
        peaks.iter().filter(higher).max_by(|one, other| one.1.total_cmp(&other.1))
    });
    Seasons { main: main.map(|peak| peak.0), long: long.map(|peak| peak.0) }
}

/// The values less their straight line, cut where they are far out: a spike must not make a season.
fn without_trend(values: &[f64]) -> Vec<f64> {
    let n = as_f64(values.len());
    let middle = (n - 1.0) / 2.0;
    let mean = super::past::mean(values);
    let (mut along, mut across) = (0.0, 0.0);
    for (step, value) in values.iter().enumerate() {
        let at = as_f64(step) - middle;
        along += at * at;
        across += at * (value - mean);
    }
    let slope = if along > 0.0 { across / along } else { 0.0 };
    let mut flat: Vec<f64> = values
        .iter()
        .enumerate()
        .map(|(step, value)| value - mean - slope * (as_f64(step) - middle))
        .collect();
    let centre = median(&flat);
    let spread = median(&flat.iter().map(|value| (value - centre).abs()).collect::<Vec<f64>>());
    if spread > 0.0 {
        for value in &mut flat {
            *value = (*value - centre).clamp(-6.0 * spread, 6.0 * spread);
        }
    }
    flat
}

/// The autocorrelation at each lag from 0. Each lag's sum is divided by its own number of terms, so that long lags are
/// not made smaller than short ones.
fn autocorrelation(values: &[f64], longest: usize) -> Vec<f64> {
    let mean = super::past::mean(values);
    let power = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / as_f64(values.len().max(1));
    let at = |lag: usize| {
        let pairs = values.iter().zip(&values[lag..]);
        let sum: f64 = pairs.map(|(one, other)| (one - mean) * (other - mean)).sum();
        sum / (as_f64(values.len() - lag) * power.max(f64::MIN_POSITIVE))
    };
    (0..=longest.min(values.len().saturating_sub(2))).map(at).collect()
}

/// Lags at which the autocorrelation is highest around, is at least `least`, and was lower before.
fn peaks(correlation: &[f64], least: f64) -> Vec<(usize, f64)> {
    let mut found = Vec::new();
    let mut trough = f64::INFINITY;
    for lag in 1..correlation.len().saturating_sub(1) {
        let here = correlation[lag];
        trough = trough.min(here);
        let reach = (lag / 8).max(1);
        let around = &correlation[lag - reach..(lag + reach + 1).min(correlation.len())];
        let is_top = around.iter().all(|value| *value <= here);
        if lag >= SHORTEST && is_top && here > least && here - trough > 0.1 {
            found.push((lag, here));
        }
    }
    found
}

/// The lag near `lag` at which the values themselves agree best.
fn refine(values: &[f64], lag: usize, thin: usize, longest: usize) -> usize {
    let agreement = |lag: usize| -> f64 {
        let sum: f64 = values.iter().zip(&values[lag..]).map(|(one, other)| one * other).sum();
        sum / as_f64(values.len() - lag)
    };
    let near = lag.saturating_sub(thin).max(2)..=(lag + thin).min(longest);
    near.max_by(|one, other| agreement(*one).total_cmp(&agreement(*other))).unwrap_or(lag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::random::Draws;

    fn noisy(steps: usize, season: f64, noise: f64, trend: f64) -> Vec<f64> {
        let mut draws = Draws::new(7);
        let value = |step: usize| {
            let phase = std::f64::consts::TAU * as_f64(step) / season;
            phase.sin() + 0.5 * (2.0 * phase).cos() + noise * draws.normal() + trend * as_f64(step)
        };
        (0..steps).map(value).collect()
    }

    #[test]
    fn a_season_is_found_under_noise_and_trend_at_every_length() {
        for season in [12_usize, 60, 288, 1_000] {
            let found = find(&noisy(season * 4 + 7, as_f64(season), 0.4, 0.001));
            let main = found.main.expect("a season");
            assert!(main.abs_diff(season) <= season / 100 + 1, "{season} was found as {main}");
        }
    }

    #[test]
    fn a_week_is_found_beside_the_day() {
        let week: Vec<f64> = (0..24 * 28)
            .map(|hour| {
                let weekend = if (hour / 24) % 7 >= 5 { 0.4 } else { 1.0 };
                weekend * (2.0 + (std::f64::consts::TAU * as_f64(hour) / 24.0).sin())
            })
            .collect();
        assert_eq!(find(&week), Seasons { main: Some(24), long: Some(168) });
    }

    #[test]
    fn noise_and_constants_have_none() {
        assert_eq!(find(&[5.0; 500]), Seasons::default());
        let mut draws = Draws::new(3);
        let noise: Vec<f64> = (0..1_000).map(|_| draws.normal()).collect();
        assert_eq!(find(&noise), Seasons::default());
        assert_eq!(find(&[1.0, 2.0]), Seasons::default());
    }
}
