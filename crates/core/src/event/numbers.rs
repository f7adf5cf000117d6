//! What OpsSeer works out about an incident from metrics, as its timeline keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Threshold;

/// Where a value is heading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// What it is about: an alert's name, or what a watch is called.
    pub subject: String,
    /// What is to be expected, in a sentence.
    pub sentence: String,
    /// The PromQL whose value is forecast.
    pub expr: String,
    /// The limit that it is compared with.
    pub threshold: Threshold,
    /// Its newest value, in its own unit.
    pub now: f64,
    /// Whether the value is beyond the limit already, so that the forecast is of its way back.
    pub beyond: bool,
    /// When it passes the limit, one way or the other.
    pub outlook: Outlook,
    /// How far the forecast reaches.
    pub until: DateTime<Utc>,
    /// The distance between its steps, in seconds.
    pub step_seconds: u32,
    /// Names the methods that had a say in it.
    pub method: String,
}

/// Whether and when a value passes its limit, with how sure that is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outlook", rename_all = "snake_case")]
pub enum Outlook {
    /// It passes the limit.
    Expected {
        /// When, as likely before as after.
        at: DateTime<Utc>,
        /// With 80 % probability not before this.
        earliest: DateTime<Utc>,
        /// With 80 % probability not after this. Absent if that lies beyond the forecast.
        latest: Option<DateTime<Utc>>,
        /// How probable it is that it passes within the forecast at all, 0 to 1.
        probability: f64,
    },
    /// It does not pass the limit within the forecast.
    NotWithin {
        /// How probable that is, 0 to 1.
        probability: f64,
    },
    /// It may or may not pass.
    Unsure {
        /// How probable it is that it passes within the forecast, 0 to 1.
        probability: f64,
    },
    /// There is too little history to say.
    TooLittle {
        /// Values that there are.
        have: usize,
        /// Values that it takes.
        need: usize,
    },
}

/// Which services moved when the incident began, the most suspicious first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuspectsRanked {
    /// What was found, in a sentence.
    pub sentence: String,
    /// The services. None, if nothing stands out.
    pub services: Vec<SuspectService>,
    /// Why nothing stands out, if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
    /// Start of what was looked at.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Distance between values, in seconds.
    pub step_seconds: u32,
    /// How many series were looked at.
    pub series: usize,
    /// How many were left out, for there were too many.
    #[serde(default)]
    pub left_out: usize,
    /// Names the method.
    pub method: String,
}

/// A service, and what of it moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuspectService {
    /// Its name.
    pub service: String,
    /// Its share of the evidence, 0 to 1.
    pub score: f64,
    /// Why, in a sentence.
    pub because: String,
    /// What moved, the most telling first.
    pub metrics: Vec<SuspectMetric>,
}

/// A series that moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuspectMetric {
    /// What it is, in words or as Prometheus calls it.
    pub metric: String,
    /// The PromQL that gives it.
    pub expr: String,
    /// Its median before, in its own unit.
    pub before: f64,
    /// Its level during the incident.
    pub during: f64,
    /// How far it moved, in robust standard deviations of the time before. Negative if it fell.
    pub shift: f64,
    /// When it began to move, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<DateTime<Utc>>,
    /// Whether it merely follows from another that moved.
    #[serde(default)]
    pub follows: bool,
    /// What it did, in a sentence.
    pub sentence: String,
    /// Its values from [`SuspectsRanked::from`] to [`SuspectsRanked::to`], thinned out for a small picture. `None`
    /// where it has none.
    pub points: Vec<Option<f64>>,
}

/// What kind of change was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeType {
    /// Another version runs.
    Deploy,
    /// Other settings are in force.
    Config,
    /// A process began anew.
    Restart,
    /// More or fewer instances.
    Scale,
    /// A feature was switched.
    Flag,
    /// Something else.
    Other,
}

impl ChangeType {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Deploy, Self::Config, Self::Restart, Self::Scale, Self::Flag, Self::Other];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Config => "config",
            Self::Restart => "restart",
            Self::Scale => "scale",
            Self::Flag => "flag",
            Self::Other => "other",
        }
    }
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSeen {
    /// What kind of change.
    pub change: ChangeType,
    /// What was done, in words.
    pub title: String,
    /// The service that it was done to, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The version that runs since, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where one can read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Who told: `prometheus`, or the name that a caller of the API gave.
    pub source: String,
}

/// Changes before and around an incident's start were looked for, where OpsSeer was told of them and in the metrics.
/// Each that was found is a [`ChangeSeen`] of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesLooked {
    /// Of which service. Without one, only changes that name no service were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Start of the time that was looked at.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// How many changes of that time are on the timeline.
    pub found: usize,
    /// How many more there were, all of them older.
    #[serde(default)]
    pub left_out: usize,
}

/// What is left of the failures that an objective allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BudgetSeen {
    /// The objective's name.
    pub objective: String,
    /// What share of events must be good, 0 to 1.
    pub target: f64,
    /// Over how long, in seconds.
    pub window_seconds: u64,
    /// How things stand, in a sentence.
    pub sentence: String,
    /// The share of the budget that is left: 1 is all, below 0 is overspent. Absent without traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<f64>,
    /// How fast it is spent, over several spans of time, the shortest first.
    pub burn: Vec<BurnRate>,
    /// When nothing is left of it at the present rate. Absent if it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted_at: Option<DateTime<Utc>>,
}

/// How fast a budget is spent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BurnRate {
    /// Over how long this was measured, in seconds.
    pub over_seconds: u64,
    /// How many times faster than it lasts: 1 spends it exactly within its window.
    pub rate: f64,
}
