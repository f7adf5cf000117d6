//! Which metric moved first, and whose was it? Services ranked by how unusual their metrics became.
//!
//! Everything is judged against the series' own past: how far it moved, in robust sigmas, in a direction that is bad for
//! its kind. What merely follows from something else (more traffic, a slow callee) counts for less. Where nothing moved
//! more than such series do in quiet times, that is said, and nobody is accused.

mod blame;
mod evidence;
mod kind;
mod rank;
mod robust;
mod sentence;
mod shift;
mod verdict;
mod window;

use serde::{Deserialize, Serialize};

pub use kind::{Direction, MetricKind};

/// What is known around an incident's start: the series of the services that may have to do with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Unix time of the first value of every series, in milliseconds.
    pub start_ms: i64,
    /// Time from one value to the next, in milliseconds.
    pub step_ms: i64,
    /// The series, all on this one grid.
    pub series: Vec<MetricSeries>,
    /// When it began.
    pub onset: Onset,
    /// Who calls whom: (caller, callee). May be empty.
    pub calls: Vec<(String, String)>,
    /// The service that shows the symptom, if one does.
    pub symptom: Option<String>,
}

/// What is known of an incident's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onset {
    /// It was noticed at this Unix time (milliseconds); it began then or some minutes before.
    Noticed(i64),
    /// It began at this Unix time (milliseconds).
    At(i64),
    /// It began somewhere within the series.
    Unknown,
}

/// One metric of one service over time.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    /// The caller's own number, echoed in the answer.
    pub id: usize,
    /// Whose it is.
    pub service: String,
    /// Its name, for the reader.
    pub metric: String,
    /// What it measures.
    pub kind: MetricKind,
    /// Series of one metric that differ by instance share this name; they are compared with each other.
    pub peers: Option<String>,
    /// One value a step, from [`Scene::start_ms`]; NaN where it is missing.
    pub values: Vec<f64>,
}

/// Who may be to blame, most likely first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspects {
    /// The services against which most speaks, the most suspicious first, down to the last one with a metric that moved
    /// or with a caller that points at it.
    pub services: Vec<ServiceSuspect>,
    /// The other services that were looked at, in the order of what little speaks against them.
    pub others: Vec<String>,
    /// Whether the first of them stands out at all.
    pub verdict: SuspectsVerdict,
    /// How many series had enough values to be judged.
    pub series_looked_at: usize,
}

/// Whether there is anything to accuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspectsVerdict {
    /// Something moved more than such series do in quiet times.
    StandsOut,
    /// Something may have moved, but no more than such series do in quiet times.
    NothingStandsOut {
        /// Why this is said, in one sentence.
        reason: String,
    },
}

/// A service under suspicion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceSuspect {
    /// Its name.
    pub service: String,
    /// Its share of all evidence, from 0 to 1.
    pub score: f64,
    /// Its metrics that moved, the most telling first.
    pub metrics: Vec<MetricSuspect>,
    /// Why it stands here, in one sentence.
    pub because: String,
}

/// A metric that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSuspect {
    /// [`MetricSeries::id`].
    pub id: usize,
    /// [`MetricSeries::metric`].
    pub metric: String,
    /// What it measures.
    pub kind: MetricKind,
    /// Its median before the onset, in its own unit.
    pub before: f64,
    /// Its typical value since, in its own unit.
    pub during: f64,
    /// How far it moved, in robust sigmas of its own past; below 0 if it fell.
    pub shift: f64,
    /// When it left its usual range, in Unix milliseconds, if that can be told.
    pub onset_ms: Option<i64>,
    /// Whether it merely follows from another metric.
    pub follows: bool,
    /// What happened, in one sentence.
    pub sentence: String,
}

/// Something that ranks suspects.
pub trait Suspector: Send + Sync {
    /// The name of the method and its version, kept with its results.
    fn name(&self) -> String;
    /// Ranks the services of a scene.
    fn rank(&self, scene: &Scene) -> Suspects;
}

/// Ranks by robust statistics alone: no training, the same answer each time, a millisecond for some hundred series.
#[derive(Debug, Clone, Copy, Default)]
pub struct RobustSuspector;

impl Suspector for RobustSuspector {
    fn name(&self) -> String {
        "robust-2".to_owned()
    }

    fn rank(&self, scene: &Scene) -> Suspects {
        rank::rank(scene)
    }
}

#[cfg(test)]
mod tests;
