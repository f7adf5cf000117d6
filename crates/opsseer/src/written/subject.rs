//! What something is written about.

use opsseer_core::{Incident, IncidentId, IncidentNumber};
use serde::{Deserialize, Serialize};

/// An incident, a question, or a question within an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    incident: Option<IncidentId>,
    /// The incident's, for whoever reads the file of what was sent.
    number: Option<IncidentNumber>,
    /// Without secrets.
    #[serde(default)]
    question: Option<String>,
}

impl Subject {
    /// An incident as a whole.
    pub fn incident(incident: &Incident) -> Self {
        Self { incident: Some(incident.id), number: Some(incident.number), question: None }
    }

    /// A question, without secrets.
    pub fn question(words: &str, within: Option<&Incident>) -> Self {
        Self {
            incident: within.map(|incident| incident.id),
            number: within.map(|incident| incident.number),
            question: Some(words.to_owned()),
        }
    }
}
