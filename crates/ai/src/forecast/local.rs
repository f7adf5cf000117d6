//! The forecaster that needs no model file.

use super::{
    Basis, Forecast, Forecaster, History, Member, Usual,
    backtest::{Backtest, combine},
    bands::Wider,
    methods::{METHODS, View},
    past::Past,
    paths,
    random::Draws,
    season,
};

/// The values that it takes to try methods on a history.
const NEED: usize = 12;

/// Forecasts by a combination of simple methods, weighed by how each did on the history itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalForecaster {}

impl LocalForecaster {
    /// The combination with its own settings.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Forecaster for LocalForecaster {
    fn name(&self) -> String {
        "local-combination@1".to_owned()
    }

    fn forecast(&self, history: &History, horizon: usize) -> Forecast {
        let mut forecast = Forecast::empty(history);
        let Some(past) = Past::of(history) else { return forecast };
        let have = past.seen();
        if have < NEED || horizon == 0 {
            forecast.basis = Basis::TooLittle { have, need: NEED };
            forecast.tell(wide_paths(&past, horizon), None, Wider::NOT, past.bounds);
            forecast.usual = Usual::of(past.values);
            return forecast;
        }
        let seasons = season::find(&past.values);
        let now = View { values: &past.values, seasons };
        let backtest = Backtest::run(&past, seasons, horizon);
        let weights = backtest.as_ref().map_or(vec![(0, 1.0)], |backtest| backtest.weights.clone());
        let trials = backtest.map_or(Vec::new(), |backtest| backtest.trials);
        let point = combine(&weights, |place| (METHODS[place].forecast)(&now, horizon));
        let mut point = point.unwrap_or_else(|| vec![past.values[past.len() - 1]; horizon]);
        for value in &mut point {
            *value = past.bounds.clamp(*value);
        }
        forecast.season = seasons.main;
        forecast.basis = Basis::Fitted { origins: trials.len() };
        forecast.members = weights.iter().map(|&(place, weight)| member(place, weight)).collect();
        let paths = paths::draw(&point, &trials, past.len(), |value| past.bounds.clamp(value));
        forecast.tell(paths, Some(&point), Wider::after(have), past.bounds);
        forecast.usual = Usual::of(past.values);
        forecast
    }
}

fn member(place: usize, weight: f64) -> Member {
    #[expect(clippy::cast_possible_truncation, reason = "a weight is told in a few digits")]
    let weight = weight as f32;
    Member { name: METHODS[place].name, weight }
}

/// With too few values: from the last one anywhere, as quickly as the values moved, and no less than a tenth of their
/// size a step.
fn wide_paths(past: &Past, horizon: usize) -> Vec<Vec<f64>> {
    let last = past.values[past.len() - 1];
    let largest_move = past.values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    let size = past.values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let step = largest_move.max(0.1 * size).max(f64::MIN_POSITIVE);
    let mut draws = Draws::new(0x7769_6465);
    let mut path = || {
        let mut value = last;
        let mut next = || {
            value += step * draws.normal();
            past.bounds.clamp(value)
        };
        (0..horizon).map(|_| next()).collect()
    };
    (0..paths::PATHS).map(|_| path()).collect()
}

impl Forecast {
    fn empty(history: &History) -> Self {
        Self {
            start: history.end(),
            step_ms: history.step_ms,
            point: Vec::new(),
            low80: Vec::new(),
            high80: Vec::new(),
            low95: Vec::new(),
            high95: Vec::new(),
            season: None,
            basis: Basis::TooLittle { have: 0, need: NEED },
            members: Vec::new(),
            paths: Vec::new(),
            usual: Usual::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::{Bounds, Direction, Verdict, past::as_f64};

    fn history(values: Vec<f64>) -> History {
        let bounds = Bounds { lowest: Some(0.0), highest: None };
        History { start: 1_700_000_000_000, step_ms: 5_000, values, bounds }
    }

    fn noisy(steps: usize, seed: u64, value: impl Fn(f64) -> f64, noise: f64) -> Vec<f64> {
        let mut draws = Draws::new(seed);
        (0..steps).map(|step| value(as_f64(step)) + noise * draws.normal()).collect()
    }

    /// Memory that is well for `before` steps and then leaks by `rate` a step, up to a third of the way to the limit.
    fn leak(before: usize, rate: f64, noise: f64, seed: u64) -> (Vec<f64>, f64, f64) {
        let (base, limit) = (60.0, 512.0);
        let whole = (limit - base) / rate;
        let start = as_f64(before);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of steps")]
        let steps = before + (whole / 3.0) as usize;
        let values = noisy(steps, seed, |at| base + rate * (at - start).max(0.0), noise);
        (values, limit, start + whole - as_f64(steps))
    }

    #[test]
    fn a_leak_is_foreseen_when_a_third_of_it_has_happened() {
        for (before, rate, noise) in [(12, 10.0, 0.0), (60, 10.0, 2.0), (720, 10.0, 4.0), (720, 3.0, 1.0)] {
            for seed in 1..=3 {
                let (values, limit, left) = leak(before, rate, noise, seed);
                let forecast = LocalForecaster::new().forecast(&history(values), 240);
                let crossing = forecast.crossing(limit, Direction::Above);
                let Verdict::Expected { step, .. } = crossing.verdict else {
                    panic!("{before} {rate} {noise}: {:?} {:?}", crossing.verdict, forecast.members);
                };
                let off = (as_f64(step) - left).abs() / left;
                assert!(
                    off < 0.2,
                    "{before} {rate} {noise}: {step} instead of {left}; {:?}",
                    forecast.members
                );
            }
        }
    }

    #[test]
    fn a_swing_is_foreseen_before_it_comes_back() {
        let swing = |at: f64| 300.0 - 290.0 * (at * std::f64::consts::TAU / 24.0).cos();
        let values = noisy(24 * 5, 4, swing, 15.0);
        let forecast = LocalForecaster::new().forecast(&history(values), 24);
        assert_eq!(forecast.season, Some(24));
        let crossing = forecast.crossing(450.0, Direction::Above);
        let Verdict::Expected { step, probability, .. } = crossing.verdict else {
            panic!("{:?}", crossing.verdict);
        };
        // 300 - 290 cos passes 450 after 8.1 of 24 steps.
        assert!(probability > 0.9 && step.abs_diff(8) <= 1, "{step} {probability}");
        assert!(crossing.by_step.windows(2).all(|pair| pair[0] <= pair[1]));
        let never = forecast.crossing(900.0, Direction::Above).verdict;
        assert!(matches!(never, Verdict::NotWithin { .. }), "{never:?}");
    }

    #[test]
    fn recovery_is_the_crossing_the_other_way() {
        let values = noisy(200, 5, |at| (900.0 - 6.0 * (at - 100.0).max(0.0)).max(0.0), 5.0);
        let forecast = LocalForecaster::new().forecast(&history(values), 60);
        let Verdict::Expected { step, .. } = forecast.crossing(150.0, Direction::Below).verdict else {
            panic!("{:?}", forecast.members);
        };
        assert!(step.abs_diff(25) <= 5, "{step}");
    }

    #[test]
    fn quiet_noise_is_not_expected_to_cross_what_is_far() {
        for seed in 1..20 {
            let forecast = LocalForecaster::new().forecast(&history(noisy(600, seed, |_| 50.0, 3.0)), 60);
            let verdict = forecast.crossing(80.0, Direction::Above).verdict;
            assert!(matches!(verdict, Verdict::NotWithin { .. }), "{verdict:?} {:?}", forecast.members);
        }
    }

    #[test]
    fn bands_hold_what_they_say() {
        let (mut in80, mut in95, mut all) = (0, 0, 0.0);
        for seed in 0..30 {
            let daily = |at: f64| 40.0 + 10.0 * (at * std::f64::consts::TAU / 60.0).sin();
            let values = noisy(660, seed, daily, 3.0);
            let forecast = LocalForecaster::new().forecast(&history(values[..600].to_vec()), 60);
            for (step, value) in values[600..].iter().enumerate() {
                in80 += i32::from(forecast.low80[step] <= *value && *value <= forecast.high80[step]);
                in95 += i32::from(forecast.low95[step] <= *value && *value <= forecast.high95[step]);
                all += 1.0;
            }
        }
        let (in80, in95) = (f64::from(in80) / all, f64::from(in95) / all);
        assert!((0.76..0.88).contains(&in80) && (0.92..0.995).contains(&in95), "{in80} {in95}");
    }

    #[test]
    fn gaps_bounds_and_constants_are_no_trouble() {
        let mut values = noisy(400, 9, |at| 2.0 + (at / 9.0).sin(), 0.8);
        values[50..120].fill(f64::NAN);
        values[390..].fill(f64::NAN);
        let forecast = LocalForecaster::new().forecast(&history(values), 30);
        assert_eq!((forecast.point.len(), forecast.start), (30, 1_700_000_000_000 + 400 * 5_000));
        for step in 0..30 {
            let ends = [
                forecast.low95[step],
                forecast.low80[step],
                forecast.point[step],
                forecast.high80[step],
                forecast.high95[step],
            ];
            assert!(ends[0] >= 0.0 && ends.windows(2).all(|pair| pair[0] <= pair[1]), "{ends:?}");
        }
        let constant = LocalForecaster::new().forecast(&history(vec![7.0; 300]), 20);
        assert!(constant.point.iter().all(|value| (value - 7.0).abs() < 1e-9));
        assert!(matches!(constant.crossing(7.5, Direction::Above).verdict, Verdict::NotWithin { .. }));
    }

    #[test]
    fn with_too_few_values_the_band_is_wide_and_it_is_said() {
        let little = LocalForecaster::new().forecast(&history(vec![10.0, 11.0, f64::NAN, 10.5]), 10);
        assert_eq!(little.basis, Basis::TooLittle { have: 3, need: NEED });
        assert!(little.high95[9] - little.low95[9] > 6.0, "{:?}", little.high95);
        assert!(matches!(little.crossing(12.0, Direction::Above).verdict, Verdict::Expected { .. }));
        let none = LocalForecaster::new().forecast(&history(vec![f64::NAN; 5]), 10);
        assert!(none.point.is_empty());
        assert!(matches!(none.crossing(1.0, Direction::Above).verdict, Verdict::Unsure { .. }));
    }

    #[test]
    fn the_same_history_gives_the_same_forecast() {
        let history = history(noisy(300, 2, |at| at, 5.0));
        let (one, other) =
            (LocalForecaster::new().forecast(&history, 20), LocalForecaster::new().forecast(&history, 20));
        assert_eq!((one.point, one.low95), (other.point, other.low95));
        assert!((one.members.iter().map(|member| member.weight).sum::<f32>() - 1.0).abs() < 1e-4);
    }
}
