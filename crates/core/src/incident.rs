use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Actor, Event, EventId, EventKind, Severity};

/// Names an incident for ever, in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub Uuid);

impl IncidentId {
    /// A fresh id. Ids sort by the time of making.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names an incident for people, in one store: 42 in `INC-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentNumber(pub i64);

impl fmt::Display for IncidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Nobody has taken notice yet.
    Open,
    /// A person has taken notice; it goes on.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl IncidentStatus {
    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Who took notice of an incident first, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// The person.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Where an incident stands: the fold of its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its name for ever.
    pub id: IncidentId,
    /// Its name for people.
    pub number: IncidentNumber,
    /// Where it stands.
    pub status: IncidentStatus,
    /// How urgent it is: the most urgent of its alerts, until a person says otherwise.
    pub severity: Severity,
    /// Whether a person said how urgent it is.
    pub severity_set_by_person: bool,
    /// The headline.
    pub title: String,
    /// The service it is about, if known.
    pub service: Option<String>,
    /// Alerts with this key belong to it.
    pub correlation_key: String,
    /// When it began: the start of its first alert.
    pub opened_at: DateTime<Utc>,
    /// Who took notice first.
    pub acknowledged: Option<Acknowledgement>,
    /// Who owns it.
    pub owner: Option<String>,
    /// When it ended, if it has.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How often it came back after it was resolved.
    pub reopened_count: i64,
    /// How many of its alerts fire.
    pub alerts_firing: i64,
    /// How many different alerts it has had.
    pub alerts_total: i64,
    /// The newest event folded in.
    pub last_event: EventId,
    /// When that was.
    pub updated_at: DateTime<Utc>,
}

impl Incident {
    /// An incident before its first event.
    pub fn unborn(id: IncidentId, number: IncidentNumber) -> Self {
        Self {
            id,
            number,
            status: IncidentStatus::Open,
            severity: Severity::Info,
            severity_set_by_person: false,
            title: String::new(),
            service: None,
            correlation_key: String::new(),
            opened_at: DateTime::UNIX_EPOCH,
            acknowledged: None,
            owner: None,
            resolved_at: None,
            reopened_count: 0,
            alerts_firing: 0,
            alerts_total: 0,
            last_event: EventId(0),
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.status != IncidentStatus::Resolved
    }

    /// Folds one event in. Total: an event that makes no sense here changes only `last_event` and `updated_at`.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Opened { title, severity, service, correlation_key, .. } => {
                self.title.clone_from(title);
                self.severity = *severity;
                self.service.clone_from(service);
                self.correlation_key.clone_from(correlation_key);
                self.opened_at = event.at;
                self.status = IncidentStatus::Open;
            }
            EventKind::AlertFired { alert, first, .. } => {
                self.alerts_firing += 1;
                self.alerts_total += i64::from(*first);
                if !self.severity_set_by_person {
                    self.severity = self.severity.max(alert.severity);
                }
            }
            EventKind::AlertResolved { .. } | EventKind::AlertMoved { .. } => {
                self.alerts_firing = (self.alerts_firing - 1).max(0);
            }
            EventKind::Acknowledged => {
                if self.acknowledged.is_none() {
                    let by = match &event.actor {
                        Actor::Person { name } | Actor::Component { name } => name.clone(),
                        Actor::Alertmanager => "Alertmanager".to_owned(),
                        Actor::Grafana => "Grafana".to_owned(),
                    };
                    self.owner.get_or_insert_with(|| by.clone());
                    self.acknowledged = Some(Acknowledgement { by, at: event.at });
                }
                if self.is_open() {
                    self.status = IncidentStatus::Acknowledged;
                }
            }
            EventKind::Assigned { owner } => self.owner.clone_from(owner),
            EventKind::SeveritySet { severity } => {
                self.severity = *severity;
                self.severity_set_by_person = true;
            }
            EventKind::Resolved { .. } => {
                self.status = IncidentStatus::Resolved;
                self.resolved_at = Some(event.at);
            }
            EventKind::Reopened { .. } => {
                // The acknowledgement stays: a flapping alert does not take an incident away from its owner.
                self.status =
                    self.acknowledged.as_ref().map_or(IncidentStatus::Open, |_| IncidentStatus::Acknowledged);
                self.resolved_at = None;
                self.reopened_count += 1;
            }
            EventKind::Note { .. }
            | EventKind::RunbookAnswered(_)
            | EventKind::RunbookMissing { .. }
            | EventKind::Charted(_)
            | EventKind::StepFailed { .. } => {}
        }
        self.last_event = event.id;
        self.updated_at = event.recorded_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident_after(kinds: Vec<EventKind>) -> Incident {
        let mut incident = Incident::unborn(IncidentId::generate(), IncidentNumber(1));
        for (id, kind) in (1..).zip(kinds) {
            let at = DateTime::from_timestamp(id, 0).expect("in range");
            let actor = Actor::Person { name: "ada".to_owned() };
            incident.apply(&Event {
                id: EventId(id),
                incident: incident.id,
                at,
                recorded_at: at,
                actor,
                kind,
                assets: vec![],
            });
        }
        incident
    }

    fn opened() -> EventKind {
        EventKind::Opened {
            title: "db: slow".into(),
            severity: Severity::Ticket,
            service: Some("db".into()),
            correlation_key: "service:db".into(),
            reason: "first".into(),
        }
    }

    #[test]
    fn the_first_to_acknowledge_becomes_the_owner_and_stays_through_a_reopening() {
        let reason = || String::from("r");
        let incident = incident_after(vec![
            opened(),
            EventKind::Acknowledged,
            EventKind::Resolved { reason: reason() },
            EventKind::Reopened { reason: reason() },
        ]);
        assert_eq!(incident.status, IncidentStatus::Acknowledged);
        assert_eq!(incident.owner.as_deref(), Some("ada"));
        assert_eq!((incident.resolved_at, incident.reopened_count), (None, 1));
    }

    #[test]
    fn an_owner_who_was_assigned_is_not_replaced_by_an_acknowledgement() {
        let incident = incident_after(vec![
            opened(),
            EventKind::Assigned { owner: Some("bob".into()) },
            EventKind::Acknowledged,
        ]);
        assert_eq!(incident.owner.as_deref(), Some("bob"));
    }

    #[test]
    fn acknowledging_what_is_over_does_not_open_it() {
        let incident = incident_after(vec![
            opened(),
            EventKind::Resolved { reason: "r".into() },
            EventKind::Acknowledged,
        ]);
        assert_eq!(incident.status, IncidentStatus::Resolved);
    }
}
