use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Actor, Event, EventId, EventKind, LiveSilence, Severity};

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
    /// Whether its end is held back because it comes and goes.
    pub flapping: bool,
    /// How often it has come back by itself of late.
    pub flaps: i64,
    /// When it last came back by itself.
    pub last_flap_at: Option<DateTime<Utc>>,
    /// Since when none of its alerts fires, while it goes on.
    pub quiet_since: Option<DateTime<Utc>>,
    /// The incident that has its alerts now.
    pub merged_into: Option<IncidentId>,
    /// Nobody needs to be told about it until then.
    pub muted_until: Option<DateTime<Utc>>,
    /// Who said so.
    pub muted_by: Option<String>,
    /// The silences of Alertmanager's that cover its alerts and were not ended before their time.
    pub silences: Vec<LiveSilence>,
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
            flapping: false,
            flaps: 0,
            last_flap_at: None,
            quiet_since: None,
            merged_into: None,
            muted_until: None,
            muted_by: None,
            silences: Vec::new(),
            last_event: EventId(0),
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    /// When the last of Alertmanager's silences that cover its alerts ends.
    pub fn silenced_until(&self) -> Option<DateTime<Utc>> {
        self.silences.iter().map(|live| live.until).max()
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
                if self.flapping && self.alerts_firing == 0 {
                    self.flaps += 1;
                    self.last_flap_at = Some(event.recorded_at);
                }
                self.gain(1, i64::from(*first), alert.severity);
            }
            EventKind::AlertResolved { .. } | EventKind::AlertMoved { .. } => {
                self.lose(1, 0, event.recorded_at);
            }
            EventKind::Escalated { to, title, .. } => {
                self.title.clone_from(title);
                self.rise_to(*to);
            }
            EventKind::FlappingHeld { flaps, .. } => {
                self.flaps = *flaps;
                self.flapping = self.is_open();
                if self.flapping && self.alerts_firing == 0 {
                    self.quiet_since.get_or_insert(event.recorded_at);
                }
            }
            EventKind::Merged { alerts_firing, alerts_total, severity, silences, .. } => {
                self.gain(*alerts_firing, *alerts_total, *severity);
                self.take_silences(silences, event.recorded_at);
            }
            EventKind::MergedInto { into, .. } => {
                self.end(event.at);
                self.alerts_firing = 0;
                self.merged_into = Some(*into);
            }
            EventKind::Unmerged { alerts_firing, alerts_total, silences, .. } => {
                self.lose(*alerts_firing, *alerts_total, event.recorded_at);
                self.silences.retain(|live| silences.iter().all(|gone| gone.id != live.id));
            }
            EventKind::Split { alerts_firing, alerts_total, .. } => {
                self.lose(*alerts_firing, *alerts_total, event.recorded_at);
            }
            EventKind::Restored { alerts_firing, alerts_total, goes_on, .. } => {
                self.merged_into = None;
                self.alerts_firing = *alerts_firing;
                self.alerts_total = *alerts_total;
                if *alerts_firing > 0 && *goes_on {
                    self.go_on();
                }
            }
            EventKind::Acknowledged => self.acknowledge(name_of(&event.actor), event.at),
            EventKind::Assigned { owner } => self.owner.clone_from(owner),
            EventKind::SeveritySet { severity } => {
                self.severity = *severity;
                self.severity_set_by_person = true;
            }
            EventKind::Muted { until } => {
                self.muted_until = Some(*until);
                self.muted_by = Some(name_of(&event.actor));
            }
            EventKind::Unmuted => (self.muted_until, self.muted_by) = (None, None),
            EventKind::Silenced { silence_id, until, .. } => {
                self.take_silences(
                    &[LiveSilence { id: silence_id.clone(), until: *until }],
                    event.recorded_at,
                );
            }
            EventKind::SilenceEnded { silence_id } => self.silences.retain(|live| live.id != *silence_id),
            EventKind::Resolved { .. } => self.end(event.at),
            EventKind::Reopened { flaps, .. } => {
                self.go_on();
                self.reopened_count += 1;
                if *flaps > 0 {
                    self.flaps = *flaps;
                    self.last_flap_at = Some(event.recorded_at);
                }
            }
            EventKind::Note { .. }
            | EventKind::RunbookAnswered(_)
            | EventKind::RunbookMissing { .. }
            | EventKind::Asked { .. }
            | EventKind::Classified(_)
            | EventKind::ClassCorrected { .. }
            | EventKind::SimilarFound { .. }
            | EventKind::Charted(_)
            | EventKind::Forecast(_)
            | EventKind::SuspectsRanked(_)
            | EventKind::ChangeSeen(_)
            | EventKind::ChangesLooked(_)
            | EventKind::BudgetSeen(_)
            | EventKind::ContainersSeen(_)
            | EventKind::StepFailed { .. } => {}
        }
        self.last_event = event.id;
        self.updated_at = event.recorded_at;
    }

    /// The first who takes notice owns it, unless somebody does already.
    fn acknowledge(&mut self, by: String, at: DateTime<Utc>) {
        if self.acknowledged.is_none() {
            self.owner.get_or_insert_with(|| by.clone());
            self.acknowledged = Some(Acknowledgement { by, at });
        }
        if self.is_open() {
            self.status = IncidentStatus::Acknowledged;
        }
    }

    /// Those that are over by now are forgotten: an incident that is silenced again and again must not grow.
    fn take_silences(&mut self, silences: &[LiveSilence], now: DateTime<Utc>) {
        self.silences.retain(|live| live.until > now && silences.iter().all(|new| new.id != live.id));
        self.silences.extend(silences.iter().filter(|new| new.until > now).cloned());
    }

    fn gain(&mut self, firing: i64, total: i64, severity: Severity) {
        self.alerts_firing += firing;
        self.alerts_total += total;
        if self.alerts_firing > 0 {
            self.quiet_since = None;
        }
        self.rise_to(severity);
    }

    fn lose(&mut self, firing: i64, total: i64, at: DateTime<Utc>) {
        self.alerts_firing = (self.alerts_firing - firing).max(0);
        self.alerts_total = (self.alerts_total - total).max(0);
        if self.alerts_firing == 0 && self.is_open() {
            self.quiet_since.get_or_insert(at);
        }
    }

    /// What a person said about its urgency stands.
    fn rise_to(&mut self, severity: Severity) {
        if !self.severity_set_by_person {
            self.severity = self.severity.max(severity);
        }
    }

    /// An end stays where it was, and never comes before the beginning: clocks are set back.
    fn end(&mut self, at: DateTime<Utc>) {
        self.status = IncidentStatus::Resolved;
        self.resolved_at.get_or_insert(at.max(self.opened_at));
        self.flapping = false;
        self.quiet_since = None;
    }

    /// The acknowledgement stays: a flapping alert does not take an incident away from its owner.
    fn go_on(&mut self) {
        self.status =
            self.acknowledged.as_ref().map_or(IncidentStatus::Open, |_| IncidentStatus::Acknowledged);
        self.resolved_at = None;
    }
}

fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Person { name } | Actor::Component { name } => name.clone(),
        Actor::Alertmanager => "Alertmanager".to_owned(),
        Actor::Grafana => "Grafana".to_owned(),
        Actor::OpsSeer => "OpsSeer".to_owned(),
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
            EventKind::Reopened { reason: reason(), flaps: 1 },
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

    #[test]
    fn a_silence_that_ends_leaves_the_others_in_force() {
        let until = |seconds| DateTime::from_timestamp(seconds, 0).expect("in range");
        let silenced = |id: &str, seconds| EventKind::Silenced {
            silence_id: id.into(),
            until: until(seconds),
            matchers: "m".into(),
            comment: String::new(),
        };
        let mut events = vec![opened(), silenced("a", 1000), silenced("b", 2000)];
        assert_eq!(incident_after(events.clone()).silenced_until(), Some(until(2000)));
        events.push(EventKind::SilenceEnded { silence_id: "b".into() });
        assert_eq!(incident_after(events.clone()).silenced_until(), Some(until(1000)));
        events.push(EventKind::SilenceEnded { silence_id: "a".into() });
        assert_eq!(incident_after(events).silenced_until(), None);
    }

    #[test]
    fn what_is_merged_brings_its_silences_along_and_takes_them_back() {
        let other = IncidentId::generate();
        let silences =
            vec![LiveSilence { id: "a".into(), until: DateTime::from_timestamp(99, 0).expect("in range") }];
        let mut events = vec![
            opened(),
            EventKind::Merged {
                from: other,
                number: IncidentNumber(2),
                title: "t".into(),
                correlation_key: "k".into(),
                alerts_firing: 1,
                alerts_total: 1,
                severity: Severity::Info,
                silences: silences.clone(),
                reason: "r".into(),
            },
        ];
        assert_eq!(incident_after(events.clone()).silences, silences);
        events.push(EventKind::Unmerged {
            from: other,
            number: IncidentNumber(2),
            alerts_firing: 1,
            alerts_total: 1,
            silences,
            reason: "r".into(),
        });
        assert!(incident_after(events).silences.is_empty());
    }
}
