//! The alerts of one sender: groups of one service each, whose alerts come and go.

use std::{collections::BTreeMap, time::Instant};

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Dice, ledger::Ledger};

/// What an alert is known by.
pub(super) type Labels = BTreeMap<String, String>;

/// The rules that fire. A server under test may have runbooks for some of them.
const RULES: [&str; 3] = ["HighErrorRate", "HighLatency", "QueueGrows"];

/// More alerts than OpsSeer enriches in one incident, and several of one name among the first.
const INSTANCES: [(usize, &str); 7] =
    [(0, "pod-a"), (0, "pod-b"), (1, "pod-a"), (1, "pod-b"), (2, "pod-a"), (2, "pod-b"), (0, "pod-c")];

/// Times that only ever grow, so that a later state is later for everybody.
#[derive(Debug)]
pub(super) struct Times {
    began: DateTime<Utc>,
    since: Instant,
    last: DateTime<Utc>,
}

impl Times {
    /// `began` is the time when this is called.
    pub(super) fn new(began: DateTime<Utc>) -> Self {
        // Bodies tell times to the millisecond.
        let began = began.trunc_subsecs(3);
        Self { began, since: Instant::now(), last: began }
    }

    /// Now, to the millisecond, and at least one after the last.
    fn next(&mut self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::zero());
        let now = self.began + TimeDelta::milliseconds(elapsed.num_milliseconds());
        self.last = now.max(self.last + TimeDelta::milliseconds(1));
        self.last
    }
}

#[derive(Debug)]
struct Alert {
    labels: Labels,
    /// When it last began to fire; `None` if it never did.
    starts_at: Option<DateTime<Utc>>,
    /// When it ended, if it has.
    ends_at: Option<DateTime<Utc>>,
    /// Whether the body that says so is still to be sent.
    news: bool,
}

impl Alert {
    fn fires(&self) -> bool {
        self.starts_at.is_some() && self.ends_at.is_none()
    }

    fn wire(&self) -> Value {
        let text = |at: Option<DateTime<Utc>>| {
            at.map_or("0001-01-01T00:00:00Z".to_owned(), |at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
        };
        json!({
            "status": if self.fires() { "firing" } else { "resolved" },
            "labels": self.labels,
            "annotations": {"summary": format!("{} of {}", self.labels["alertname"], self.labels["service"])},
            "startsAt": text(self.starts_at),
            "endsAt": text(self.ends_at),
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=error_rate+%3E+0.1&g0.tab=1",
        })
    }
}

/// The alerts of one service, which Alertmanager sends together.
#[derive(Debug)]
pub(super) struct Group {
    service: String,
    alerts: Vec<Alert>,
}

impl Group {
    pub(super) fn new(service: String) -> Self {
        let alert = |&(rule, instance): &(usize, &str)| Alert {
            labels: [
                ("alertname", RULES[rule]),
                ("service", service.as_str()),
                ("instance", instance),
                ("severity", "page"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            starts_at: None,
            ends_at: None,
            news: false,
        };
        Self { alerts: INSTANCES.iter().map(alert).collect(), service }
    }

    /// Lets some alerts begin and some end. Often none: then the next body repeats the last, as Alertmanager does.
    pub(super) fn change(&mut self, dice: &mut Dice, times: &mut Times) {
        // Now and then all end together, and the incident with them.
        let all_end = dice.chance(6);
        for alert in &mut self.alerts {
            if alert.fires() {
                if all_end || dice.chance(8) {
                    alert.ends_at = Some(times.next());
                    alert.news = true;
                }
            } else if !all_end && dice.chance(20) {
                alert.starts_at = Some(times.next());
                alert.ends_at = None;
                alert.news = true;
            }
        }
    }

    /// What Alertmanager would send now: all that fire, and those that have ended since. None if that is nothing.
    pub(super) fn body(&self) -> Option<Vec<u8>> {
        let told: Vec<Value> =
            self.alerts.iter().filter(|alert| alert.fires() || alert.news).map(Alert::wire).collect();
        if told.is_empty() {
            return None;
        }
        let fires = self.alerts.iter().any(Alert::fires);
        let body = json!({
            "version": "4",
            "groupKey": format!("{{}}:{{service=\"{}\"}}", self.service),
            "truncatedAlerts": 0,
            "status": if fires { "firing" } else { "resolved" },
            "receiver": "opsseer",
            "groupLabels": {"service": self.service},
            "commonLabels": {"service": self.service},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager.example.com:9093",
            "alerts": told,
        });
        Some(body.to_string().into_bytes())
    }

    /// Writes down that the last body was accepted.
    pub(super) fn accepted(&mut self, ledger: &mut Ledger) {
        for alert in self.alerts.iter_mut().filter(|alert| alert.news) {
            alert.news = false;
            if let Some(starts_at) = alert.starts_at {
                ledger.note(&alert.labels, starts_at, alert.ends_at.is_some());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_tells_an_end_once_and_what_fires_again_and_again() {
        let mut times = Times::new(DateTime::UNIX_EPOCH);
        let mut group = Group::new("s".to_owned());
        assert_eq!(group.body(), None);
        let mut ledger = Ledger::default();
        let statuses = |group: &Group| {
            let body: Value = serde_json::from_slice(&group.body().expect("a body")).expect("JSON");
            let alerts = body["alerts"].as_array().expect("a list").clone();
            alerts.iter().map(|alert| alert["status"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
        };
        for alert in &mut group.alerts[..2] {
            alert.starts_at = Some(times.next());
            alert.news = true;
        }
        assert_eq!(statuses(&group), ["firing", "firing"]);
        group.accepted(&mut ledger);
        assert_eq!(statuses(&group), ["firing", "firing"]);
        group.alerts[0].ends_at = Some(times.next());
        group.alerts[0].news = true;
        assert_eq!(statuses(&group), ["resolved", "firing"]);
        group.accepted(&mut ledger);
        assert_eq!(statuses(&group), ["firing"]);
        let known: Vec<_> = ledger.alerts().map(|(_, alert)| (alert.firings.len(), alert.fires)).collect();
        assert_eq!(known, [(1, false), (1, true)]);
    }
}
