//! The simple methods that are combined. Each is quick enough to be tried on dozens of earlier moments.

mod lags;
mod level;
mod seasonal;
mod trend;

use super::season::Seasons;

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
