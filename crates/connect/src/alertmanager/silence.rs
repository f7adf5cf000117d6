//! Silences: alerts that nobody is to be told of for a while.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Matcher;

/// A silence that Alertmanager knows (`gettableSilence`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// Names it.
    pub id: String,
    /// An alert is silenced when it meets all of these.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// When somebody last changed it.
    pub updated_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Whether it is in force. Alertmanager sends this one word in an object of its own.
    #[serde(rename = "status", deserialize_with = "state_of_status")]
    pub state: SilenceState,
}

/// Whether a silence is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// Not yet.
    Pending,
    /// Now.
    Active,
    /// No longer. Alertmanager forgets it after some days.
    Expired,
}

/// A silence to be made (`postableSilence`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSilence {
    /// An alert is silenced when it meets all of these. At least one of them must not match the empty text.
    pub matchers: Vec<Matcher>,
    /// From when. A time in the past means now.
    pub starts_at: DateTime<Utc>,
    /// Until when. Must lie in the future.
    pub ends_at: DateTime<Utc>,
    /// Who makes it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

fn state_of_status<'de, D: serde::Deserializer<'de>>(status: D) -> Result<SilenceState, D::Error> {
    #[derive(Deserialize)]
    struct Status {
        state: SilenceState,
    }
    Status::deserialize(status).map(|status| status.state)
}
