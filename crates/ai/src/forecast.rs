//! Where is this metric heading, and when does it cross a line?
//!
//! A [`History`] on a regular grid, with gaps, becomes a [`Forecast`]: the most likely value of each step to come, bands
//! that hold 80 % and 95 % of what comes, and the probability that a limit has been crossed by each step. The method
//! and what it was measured on stand in `docs/models/forecast.md`.

mod backtest;
mod bands;
mod crossing;
mod history;
mod local;
mod methods;
mod past;
mod paths;
mod random;
mod season;

use crossing::Usual;

pub use crossing::{Crossing, Direction, Verdict};
pub use history::{Bounds, History};
pub use local::LocalForecaster;

/// Foretells a metric.
pub trait Forecaster: Send + Sync {
    /// What it is, with its version, so that a reader can tell which method gave a forecast.
    fn name(&self) -> String;

    /// The next `horizon` steps after the last of `history`. The same history gives the same forecast.
    fn forecast(&self, history: &History, horizon: usize) -> Forecast;
}

/// What comes next. All lists have one element a step and are empty if the history held no value at all.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// The first step, in Unix milliseconds.
    pub start: i64,
    /// The time between steps, in milliseconds.
    pub step_ms: i64,
    /// The median: as likely too high as too low.
    pub point: Vec<f64>,
    /// The lower end of the band that holds 80 %.
    pub low80: Vec<f64>,
    /// Its upper end.
    pub high80: Vec<f64>,
    /// The lower end of the band that holds 95 %.
    pub low95: Vec<f64>,
    /// Its upper end.
    pub high95: Vec<f64>,
    /// The length of the season that the history shows, in steps.
    pub season: Option<usize>,
    /// What the forecast rests on.
    pub basis: Basis,
    /// The methods that were combined, the weightiest first. Their weights sum to 1.
    pub members: Vec<Member>,
    /// Courses that the metric may take, each as likely as the others.
    paths: Vec<Vec<f64>>,
    /// What it did before.
    usual: Usual,
}

/// What a forecast rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Methods that were tried on this history: each forecast it from several earlier moments, and was compared with
    /// what came.
    Fitted {
        /// The number of those moments.
        origins: usize,
    },
    /// Too few values for that: the band is wide, and rests on an assumption rather than on experience.
    TooLittle {
        /// The values that there are.
        have: usize,
        /// The values that it takes.
        need: usize,
    },
}

/// A method's share in a forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// The method.
    pub name: &'static str,
    /// Its weight, 0 to 1.
    pub weight: f32,
}
