//! The alerts that Alertmanager holds, and those that it is sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

/// An alert that Alertmanager holds (`gettableAlert`): it fires, and may be silenced or inhibited.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldAlert {
    /// What identifies it, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// What its author says about it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Alertmanager's own key of the label set.
    pub fingerprint: String,
    /// Since when it fires.
    pub starts_at: DateTime<Utc>,
    /// When it counts as resolved unless it is sent again.
    pub ends_at: DateTime<Utc>,
    /// When it last came.
    pub updated_at: DateTime<Utc>,
    /// Where its sender explains it.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: Option<String>,
    /// Whom it is routed to. One that is silenced or inhibited is routed all the same.
    #[serde(default)]
    pub receivers: Vec<Receiver>,
    /// What keeps it from being told, if anything does.
    pub status: HeldStatus,
}

impl HeldAlert {
    /// Whether one of its receivers has this name.
    pub fn is_routed_to(&self, receiver: &str) -> bool {
        self.receivers.iter().any(|one| one.name == receiver)
    }
}

/// Somebody whom Alertmanager tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Receiver {
    /// Its name in the configuration.
    pub name: String,
}

/// What becomes of an alert on its way out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldStatus {
    /// The sum of it.
    pub state: HeldState,
    /// The ids of the silences that match it.
    #[serde(default)]
    pub silenced_by: Vec<String>,
    /// The fingerprints of the alerts that mute it.
    #[serde(default)]
    pub inhibited_by: Vec<String>,
    /// The time intervals that mute its group. Alertmanager tells this from 0.28 on, and only in
    /// [`AlertGroup`]s; such an alert is [`HeldState::Active`] all the same.
    #[serde(default, deserialize_with = "null_as_none")]
    pub muted_by: Vec<String>,
}

/// Alerts that one receiver is told of together (`alertGroup`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AlertGroup {
    /// Who is told.
    pub receiver: Receiver,
    /// The alerts.
    pub alerts: Vec<HeldAlert>,
}

/// Whether an alert is told to its receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldState {
    /// It has only just come.
    Unprocessed,
    /// It is told.
    Active,
    /// It is silenced or inhibited.
    Suppressed,
}

/// An alert to be sent (`postableAlert`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewAlert {
    /// What identifies it. At least one, and none of them empty.
    pub labels: BTreeMap<String, String>,
    /// What there is to say about it.
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires. Absent: from now on, or as before if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<DateTime<Utc>>,
    /// When it ends. Absent: after Alertmanager's `resolve_timeout`, unless it is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none", rename = "generatorURL")]
    pub generator_url: Option<String>,
}

fn null_as_none<'de, D: Deserializer<'de>>(list: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(list)?.unwrap_or_default())
}
