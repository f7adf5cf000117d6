//! Reads a timeline as a user would: what it says must lead to what the incident shows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::alerts::Labels;

/// Alerts of one incident that OpsSeer enriches: the first ones (`ENRICHED_ALERTS` of its jobs).
const ENRICHED_ALERTS: usize = 5;

/// An event, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) id: i64,
    pub(super) kind: String,
    alert: Option<About>,
    #[serde(default)]
    first: bool,
}

/// The alert that an event is about: as it came, or only its name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum About {
    Snapshot { labels: Labels, starts_at: DateTime<Utc> },
    Name(String),
}

/// Where a timeline leads.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) status: Status,
    pub(super) last_event: i64,
    pub(super) firing: BTreeSet<Labels>,
    /// How many of its alerts were said to be new to it.
    pub(super) total: usize,
    /// Each beginning and each end of an alert, in their order.
    pub(super) began: Vec<(Labels, DateTime<Utc>)>,
    pub(super) ended: Vec<Labels>,
    /// Names of alerts that a runbook answer and a class are asked for, and how many of each there are.
    pub(super) asked: BTreeSet<String>,
    pub(super) runbooks_answered: BTreeMap<String, usize>,
    pub(super) classified: BTreeMap<String, usize>,
    pub(super) charts_asked: usize,
    pub(super) charts: usize,
    pub(super) failed_steps: usize,
    pub(super) faults: Vec<String>,
    /// Alerts that it has had.
    known: BTreeSet<Labels>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Unborn,
    Open,
    Acknowledged,
    Resolved,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unborn => "unborn",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// Goes through all events of one incident, oldest first.
pub(super) fn fold(events: &[Event]) -> Folded {
    let mut folded = Folded::default();
    for event in events {
        folded.take(event);
    }
    if events.is_empty() {
        folded.faults.push("its timeline is empty".to_owned());
    }
    folded
}

impl Folded {
    fn take(&mut self, event: &Event) {
        let Event { id, kind, alert, first } = event;
        if *id <= self.last_event {
            self.faults.push(format!("event {id} comes after event {}", self.last_event));
        }
        if (self.status == Status::Unborn) != (kind == "opened") {
            self.faults.push(format!("event {id} is {kind}; a timeline begins with opened, and has it once"));
        }
        self.last_event = *id;
        match (kind.as_str(), alert) {
            ("opened", _) => self.status = Status::Open,
            ("acknowledged", _) => self.status = Status::Acknowledged,
            ("resolved", _) => {
                self.status = Status::Resolved;
                self.charts_asked += 1;
            }
            ("reopened", _) => {
                self.status = Status::Open;
                self.charts_asked += 1;
            }
            ("alert_fired", Some(About::Snapshot { labels, starts_at })) => {
                self.fired(*id, labels, *starts_at, *first);
            }
            ("alert_resolved" | "alert_moved", Some(About::Snapshot { labels, .. })) => {
                if !self.firing.remove(labels) {
                    self.faults.push(format!("event {id} ends {}, which did not fire", shown(labels)));
                }
                if kind == "alert_resolved" {
                    self.ended.push(labels.clone());
                }
            }
            ("runbook_answered" | "runbook_missing", Some(About::Name(name))) => {
                *self.runbooks_answered.entry(name.clone()).or_default() += 1;
            }
            ("classified", Some(About::Name(name))) => {
                *self.classified.entry(name.clone()).or_default() += 1;
            }
            ("charted", _) => self.charts += 1,
            ("step_failed", _) => self.failed_steps += 1,
            _ => {}
        }
    }

    fn fired(&mut self, id: i64, labels: &Labels, starts_at: DateTime<Utc>, first: bool) {
        if !self.firing.insert(labels.clone()) {
            self.faults.push(format!("event {id} begins {}, which fired already", shown(labels)));
        }
        let is_new = self.known.insert(labels.clone());
        if is_new != first {
            let claim = if first { "for the first time" } else { "again" };
            self.faults.push(format!("event {id} says that {} fires {claim}", shown(labels)));
        }
        self.total += usize::from(first);
        if first && self.total <= ENRICHED_ALERTS {
            self.asked.insert(labels.get("alertname").cloned().unwrap_or_default());
            self.charts_asked += 1;
        }
        self.began.push((labels.clone(), starts_at));
    }
}

/// An alert for a person.
pub(super) fn shown(labels: &Labels) -> String {
    let text = |name: &str| labels.get(name).map_or("?", String::as_str);
    format!("{} of {} on {}", text("alertname"), text("service"), text("instance"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn alert(instance: &str) -> Value {
        json!({"labels": {"alertname": "A", "service": "s", "instance": instance}, "starts_at": "2026-01-02T03:04:05Z"})
    }

    fn folded(events: Value) -> Folded {
        fold(&serde_json::from_value::<Vec<Event>>(events).expect("readable"))
    }

    #[test]
    fn a_sound_timeline_leads_to_its_state_and_to_what_it_asks_for() {
        let folded = folded(json!([
            {"id": 1, "kind": "opened", "title": "t"},
            {"id": 2, "kind": "alert_fired", "first": true, "alert": alert("a")},
            {"id": 3, "kind": "alert_fired", "first": true, "alert": alert("b")},
            {"id": 5, "kind": "runbook_answered", "alert": "A"},
            {"id": 6, "kind": "charted"},
            {"id": 7, "kind": "alert_resolved", "alert": alert("a")},
            {"id": 8, "kind": "alert_resolved", "alert": alert("b")},
            {"id": 9, "kind": "resolved", "reason": "r"},
        ]));
        assert_eq!(folded.faults, Vec::<String>::new());
        assert_eq!((folded.status, folded.last_event, folded.firing.len()), (Status::Resolved, 9, 0));
        assert_eq!((folded.charts_asked, folded.charts), (3, 1));
        assert_eq!(folded.asked.len(), 1);
        assert_eq!(folded.runbooks_answered["A"], 1);
    }

    #[test]
    fn what_was_done_twice_is_named() {
        let folded = folded(json!([
            {"id": 1, "kind": "opened"},
            {"id": 2, "kind": "opened"},
            {"id": 3, "kind": "alert_fired", "first": true, "alert": alert("a")},
            {"id": 3, "kind": "alert_fired", "first": true, "alert": alert("a")},
            {"id": 5, "kind": "alert_resolved", "alert": alert("b")},
        ]));
        assert_eq!(
            folded.faults,
            [
                "event 2 is opened; a timeline begins with opened, and has it once",
                "event 3 comes after event 3",
                "event 3 begins A of s on a, which fired already",
                "event 3 says that A of s on a fires for the first time",
                "event 5 ends A of s on b, which did not fire",
            ]
        );
    }
}
