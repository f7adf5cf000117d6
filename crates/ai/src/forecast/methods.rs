//! The simple methods that are combined. Each is quick enough to be tried on dozens of earlier moments.

mod lags;
mod level;
mod seasonal;
mod trend;

use super::season::Seasons;

pub(super) use trend::unheard_of;

/// What a method sees: the values up to a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) values: &'a [f64],
    pub(super) seasons: Seasons,
}

/// A way to forecast.
pub(super) struct Method {
    pub(super) name: &'static str,
    /// The next steps, as many as asked for; `None` where the method does not apply or has too few values.
    pub(super) forecast: fn(&View<'_>, usize) -> Option<Vec<f64>>,
}

/// All of them. What each one errs by is measured against the first.
pub(super) const METHODS: &[Method] = &[
    Method { name: "last value", forecast: level::last },
    Method { name: "smoothed level", forecast: level::smoothed },
    Method { name: "recent level", forecast: level::recent },
    Method { name: "long level", forecast: level::long },
    Method { name: "damped trend", forecast: trend::damped },
    Method { name: "theta", forecast: trend::theta },
    Method { name: "ramp", forecast: trend::ramp },
    Method { name: "last season", forecast: seasonal::last },
    Method { name: "mean season", forecast: seasonal::mean },
    Method { name: "mean season, shifted", forecast: seasonal::shifted },
    Method { name: "season with drift", forecast: seasonal::drifting },
    Method { name: "last long season", forecast: seasonal::last_long },
    Method { name: "mean long season, shifted", forecast: seasonal::shifted_long },
    Method { name: "seasonal lags", forecast: lags::ridge },
];

/// The newest values, at most `most`.
fn newest(values: &[f64], most: usize) -> &[f64] {
    &values[values.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forecast::past::as_f64;

    fn forecast(name: &str, values: &[f64], seasons: Seasons, horizon: usize) -> Option<Vec<f64>> {
        let method = METHODS.iter().find(|method| method.name == name).expect("a method of this name");
        (method.forecast)(&View { values, seasons }, horizon)
    }

    fn assert_near(name: &str, forecast: &[f64], expected: impl Fn(usize) -> f64, within: f64) {
        for (step, value) in forecast.iter().enumerate() {
            let expected = expected(step);
            assert!((value - expected).abs() <= within, "{name}, step {step}: {value} instead of {expected}");
        }
    }

    #[test]
    fn seasonal_methods_repeat_what_comes_again() {
        let daily = |step: usize| [3.0, 8.0, 5.0, 1.0, 0.0, 2.0][step % 6];
        let values: Vec<f64> = (0..100).map(daily).collect();
        let seasons = Seasons { main: Some(6), long: Some(12) };
        for method in METHODS.iter().filter(|method| method.name.contains("season")) {
            let ahead = forecast(method.name, &values, seasons, 15).expect("it applies");
            assert_near(method.name, &ahead, |step| daily(100 + step), 0.4);
            assert!(forecast(method.name, &values, Seasons::default(), 15).is_none(), "{}", method.name);
        }
    }

    #[test]
    fn a_season_that_rises_goes_on_rising() {
        let rising = |step: usize| as_f64(step % 4) + 10.0 * as_f64(step / 4);
        let values: Vec<f64> = (0..40).map(rising).collect();
        let ahead = forecast("season with drift", &values, Seasons { main: Some(4), long: None }, 8);
        assert_near("drift", &ahead.expect("it applies"), |step| rising(40 + step), 1e-9);
    }

    #[test]
    fn trends_follow_the_newest_line_and_levels_stay() {
        let leak = |step: usize| if step < 50 { 20.0 } else { 20.0 + 3.0 * as_f64(step - 50) };
        let values: Vec<f64> = (0..80).map(leak).collect();
        let ahead = forecast("ramp", &values, Seasons::default(), 40).expect("it applies");
        assert_near("ramp", &ahead, |step| leak(80 + step), 2.0);
        let damped = forecast("damped trend", &values, Seasons::default(), 200).expect("it applies");
        assert!(damped[9] > 120.0 && damped[199] - damped[198] < 0.2, "{} {}", damped[9], damped[199]);
        let spiky: Vec<f64> = (0..80).map(|step| if step == 78 { 900.0 } else { 20.0 }).collect();
        let recent = forecast("recent level", &spiky, Seasons::default(), 40).expect("it applies");
        assert_near("recent level", &recent, |_| 20.0, 1e-9);
    }

    #[test]
    fn a_move_is_unheard_of_once() {
        let leak: Vec<f64> = (0..80).map(|step| as_f64(step).max(60.0)).collect();
        assert!(
            unheard_of(&leak).is_some_and(|length| (15..=25).contains(&length)),
            "{:?}",
            unheard_of(&leak)
        );
        let saw: Vec<f64> = (0..80).map(|step| as_f64(step % 20)).collect();
        assert_eq!(unheard_of(&saw), None);
        assert_eq!(unheard_of(&[5.0; 80]), None);
    }

    #[test]
    fn too_few_values_are_refused_by_all_but_the_simplest() {
        for method in METHODS {
            let seasons = Seasons { main: Some(6), long: Some(12) };
            let applies = (method.forecast)(&View { values: &[1.0, 2.0, 3.0], seasons }, 10).is_some();
            assert_eq!(applies, ["last value", "smoothed level"].contains(&method.name), "{}", method.name);
            assert!((method.forecast)(&View { values: &[], seasons }, 10).is_none(), "{}", method.name);
        }
    }
}
