//! What OpsSeer works out about an incident, as its timeline keeps it.

use serde::{Deserialize, Serialize};

use crate::{IncidentId, IncidentNumber};

/// The step that a runbook gives for this incident, quoted, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunbookAnswered {
    /// The alert that was asked about.
    #[serde(default)]
    pub alert: String,
    /// The step, word for word.
    pub quote: String,
    /// Commands in the step, word for word.
    pub commands: Vec<String>,
    /// The file, relative to the runbook folder.
    pub file: String,
    /// The heading that the step stands under.
    pub heading: String,
    /// First line quoted, from 1.
    pub line_start: u32,
    /// Last line quoted.
    pub line_end: u32,
    /// Identifies the file's content at the time.
    pub revision: String,
    /// The commit of the checkout that the folder belongs to, if it is one of git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How probable it is that this is the right place, 0 to 1. Absent where nobody worked it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Why this document, in words.
    pub reason: String,
}

/// A place in a runbook that comes near to what was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearPlace {
    /// The file, relative to the runbook folder.
    pub file: String,
    /// The heading that it stands under.
    pub heading: String,
    /// Its first line, from 1.
    pub line_start: u32,
    /// Its last line.
    pub line_end: u32,
    /// How it begins.
    pub excerpt: String,
    /// How probable it is that this is the right place, 0 to 1.
    pub confidence: f32,
}

/// What kind of trouble an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// The alert that was classified.
    pub alert: String,
    /// The most probable category, such as `Databases`.
    pub category: String,
    /// How probable it is, 0 to 1.
    pub probability: f32,
    /// Whether it is too little to rely on.
    pub unsure: bool,
    /// The next ones with their probabilities, the most probable first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runners_up: Vec<(String, f32)>,
    /// `critical`, `warning` or `info`: how urgent such alerts mostly are.
    pub severity: String,
    /// How probable that is, 0 to 1.
    pub severity_probability: f32,
    /// Whether it is too little to rely on.
    pub severity_unsure: bool,
    /// What the cause may be, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many corrections by people had a say in it.
    #[serde(default)]
    pub learned_from: usize,
    /// Names the classifier and its weights.
    pub model: String,
}

/// An earlier incident that is like this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimilarIncident {
    /// Which.
    pub id: IncidentId,
    /// Its number.
    pub number: IncidentNumber,
    /// Its headline.
    pub title: String,
    /// How like it is, 0 to 1.
    pub score: f32,
    /// What is alike, in words.
    pub reason: String,
    /// How it ended, in words. Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How long it took, in seconds. Absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
}
