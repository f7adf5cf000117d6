//! The record of a run: what was done when, and how the service bore it. `incident.json` is this.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use thiserror::Error;
use url::Url;

use super::{
    latency::LatencyMs,
    scenario::{Milestone, Phase, PhaseName, Trouble},
};

/// One run of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's sentence.
    pub description: String,
    /// The service it was done to.
    pub target: Url,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// When it was over, the last answers included.
    pub ended: Option<DateTime<Utc>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the service was told to behave again; missing if it never was.
    pub restored: Option<DateTime<Utc>>,
    /// The phases that began, in order.
    pub phases: Vec<PhaseRecord>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It has not.
    Running,
    /// Every phase took place.
    Completed,
    /// Somebody stopped it.
    Cancelled,
    /// The service could not be told what to do.
    Failed,
}

/// One phase as it took place. `asked = sent + dropped` and `sent = ok + failed + unanswered`.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRecord {
    /// Its place in the story.
    pub name: PhaseName,
    /// When the trouble was in force.
    pub start: DateTime<Utc>,
    /// When the next phase was due; missing if the run stopped before.
    pub end: Option<DateTime<Utc>>,
    /// What ended it; missing if the run stopped before.
    pub ended_by: Option<EndedBy>,
    /// What was set.
    pub set: Trouble,
    /// How long it was to take, at most if there was something to wait for.
    pub planned_seconds: f64,
    /// What it waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Milestone>,
    /// Requests a second.
    pub rate: f64,
    /// Requests that were due.
    pub asked: u64,
    /// Those that were sent.
    pub sent: u64,
    /// Those that were answered well.
    pub ok: u64,
    /// Those that were not.
    pub failed: u64,
    /// Those that were not sent, because too many were still waiting for their answers.
    pub dropped: u64,
    /// Those that were given up when the run was stopped.
    pub unanswered: u64,
    /// The failed ones by reason.
    pub failures: BTreeMap<String, u64>,
    /// Of `ok` and `failed` together, from when a request was due; missing if there were none.
    pub latency_ms: Option<LatencyMs>,
}

/// What ended a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// Its time was over.
    Duration,
    /// What it waited for happened.
    Milestone,
}

/// Why a record could not be kept.
#[derive(Debug, Error)]
#[error("write the record to {}", path.display())]
pub struct RecordError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl PhaseRecord {
    /// A phase whose trouble is in force since `start`; nothing was sent yet.
    pub(super) fn begin(phase: &Phase, start: DateTime<Utc>) -> Self {
        Self {
            name: phase.name,
            start,
            end: None,
            ended_by: None,
            set: phase.trouble,
            planned_seconds: phase.duration.as_secs_f64(),
            until: phase.until,
            rate: phase.rate,
            asked: 0,
            sent: 0,
            ok: 0,
            failed: 0,
            dropped: 0,
            unanswered: 0,
            failures: BTreeMap::new(),
            latency_ms: None,
        }
    }
}

impl Record {
    /// The record as JSON for people and programs.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n")
    }

    /// Writes the whole record beside `path` first, so that a reader never sees half of one.
    pub(super) async fn write(&self, path: &Path) -> Result<(), RecordError> {
        let failed = |source| RecordError { path: path.to_owned(), source };
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".part");
        let json = self.to_json().map_err(|error| failed(error.into()))?;
        tokio::fs::write(&unfinished, json).await.map_err(failed)?;
        tokio::fs::rename(&unfinished, path).await.map_err(failed)
    }
}
