//! Watches the alert on its way: Prometheus for pending and firing, OpsSeer's API for everything after.
//!
//! Every time in the story is a time that the piece itself wrote down; how often the demo looks does not matter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use opsseer_connect::prometheus::{AlertState, Metrics, PrometheusAlert, PrometheusClient, PrometheusError};
use opsseer_core::{Event, EventId, EventKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::event_words;

use super::story::{Step, Story, TheIncident};

/// The heartbeat of the alert path is always firing and is no incident.
const HEARTBEAT: &str = "Watchdog";

/// Why a look at the stack found nothing out.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Prometheus did not answer.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// OpsSeer did not answer, or not as its API says.
    #[error("cannot read {url}")]
    OpsSeer {
        /// What was asked.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
}

/// The part of an incident that the story needs.
#[derive(Debug, Deserialize)]
struct IncidentRow {
    id: String,
    number: i64,
    title: String,
}

#[derive(Debug, Deserialize)]
struct IncidentList {
    incidents: Vec<IncidentRow>,
}

#[derive(Debug, Deserialize)]
struct Timeline {
    events: Vec<Event>,
}

/// Looks again and again, and adds what is new to the story.
#[derive(Debug)]
pub struct Observer {
    prometheus: PrometheusClient,
    prometheus_url: String,
    http: reqwest::Client,
    opsseer_url: String,
    evaluation_interval: Duration,
    /// The alerts seen, by name, and whether they were seen firing.
    alerts: BTreeMap<String, AlertState>,
    /// The alert that the story follows: the first that fires, and until then the first that is pending.
    leader: Option<String>,
    incidents: BTreeSet<String>,
    last_event: EventId,
}

impl Observer {
    /// Both addresses without a slash at the end.
    pub fn new(
        prometheus: PrometheusClient,
        prometheus_url: String,
        http: reqwest::Client,
        opsseer_url: String,
        evaluation_interval: Duration,
    ) -> Self {
        Self {
            prometheus,
            prometheus_url,
            http,
            opsseer_url,
            evaluation_interval,
            alerts: BTreeMap::new(),
            leader: None,
            incidents: BTreeSet::new(),
            last_event: EventId(0),
        }
    }

    /// One look at everything. What it found before an error is in the story already.
    pub async fn look(&mut self, story: &mut Story, now: DateTime<Utc>) -> Result<(), LookError> {
        if story.has(Step::ChaosBegan) {
            self.look_at_alerts(story, now).await?;
        }
        self.look_at_incidents(story, now).await?;
        self.look_at_timeline(story).await
    }

    async fn look_at_alerts(&mut self, story: &mut Story, now: DateTime<Utc>) -> Result<(), LookError> {
        let alerts = self.prometheus.alerts().await?;
        let named = |alert: PrometheusAlert| Some((alert.labels.get("alertname")?.clone(), alert));
        let alerts: BTreeMap<_, _> =
            alerts.into_iter().filter_map(named).filter(|(name, _)| name != HEARTBEAT).collect();
        if !story.has(Step::AlertFiring)
            && let Some(leader) = self.leader.take_if(|leader| !alerts.contains_key(leader))
        {
            story.also(
                now,
                format!("{leader} is no longer pending: its condition did not hold for long enough"),
            );
            story.take_back(Step::AlertPending);
            self.alerts.remove(&leader);
        }
        for (name, alert) in alerts {
            let seen = self.alerts.get(&name).copied();
            if seen.is_none() {
                self.tell_pending(story, &name, &alert);
                self.alerts.insert(name.clone(), AlertState::Pending);
            }
            if alert.state == AlertState::Firing && seen != Some(AlertState::Firing) {
                let Some(at) = self.firing_since(&name, alert.active_at, now).await? else {
                    // The sample that says when is not stored yet. Look again.
                    continue;
                };
                self.tell_firing(story, &name, &alert, at);
                self.alerts.insert(name, AlertState::Firing);
            }
        }
        Ok(())
    }

    fn tell_pending(&mut self, story: &mut Story, name: &str, alert: &PrometheusAlert) {
        let detail = format!("{name}: {}", summary_of(alert));
        if story.has(Step::AlertPending) {
            story.also(alert.active_at, format!("pending too: {detail}"));
        } else {
            self.leader = Some(name.to_owned());
            story.tell(
                Step::AlertPending,
                alert.active_at,
                detail,
                Some(format!("{}/alerts", self.prometheus_url)),
            );
        }
    }

    fn tell_firing(&mut self, story: &mut Story, name: &str, alert: &PrometheusAlert, at: DateTime<Utc>) {
        if story.has(Step::AlertFiring) {
            story.also(at, format!("firing too: {name}"));
            return;
        }
        if self.leader.as_deref() != Some(name) {
            // Another alert was pending first, but this one leads to the incident.
            story.take_back(Step::AlertPending);
            self.tell_pending(story, name, alert);
        }
        let waited = (at - alert.active_at).as_seconds_f64();
        let detail =
            format!("{name}: its condition has held for {waited:.1} s, so Prometheus tells Alertmanager");
        story.tell(Step::AlertFiring, at, detail, None);
    }

    /// When an alert began to fire: the time of the first sample in which Prometheus itself wrote that it does.
    async fn firing_since(
        &self,
        name: &str,
        active_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, LookError> {
        // `timestamp` gives the sample's own time, so a step below the evaluation interval loses nothing.
        let expr = format!("timestamp(ALERTS{{alertname=\"{name}\",alertstate=\"firing\"}})");
        let step = self.evaluation_interval / 5;
        let series = self.prometheus.query_range(&expr, active_at, now, step).await?;
        let first = series.iter().filter_map(|series| series.points.first()).map(|(_, seconds)| *seconds);
        let Some(seconds) = first.min_by(f64::total_cmp) else { return Ok(None) };
        #[expect(clippy::cast_possible_truncation, reason = "a time in milliseconds fits by far")]
        let at = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64);
        Ok(at)
    }

    async fn look_at_incidents(&mut self, story: &mut Story, now: DateTime<Utc>) -> Result<(), LookError> {
        let list: IncidentList = self.get("/api/v1/incidents").await?;
        // Oldest first: the first incident is the story's.
        for row in list.incidents.into_iter().rev() {
            if !self.incidents.insert(row.id.clone()) {
                continue;
            }
            if story.incident().is_none() {
                let url = format!("{}/incidents/{}", self.opsseer_url, row.number);
                story.set_incident(TheIncident { number: row.number, id: row.id, url });
            } else {
                story.problem(now, format!("a second incident was opened: INC-{} {}", row.number, row.title));
            }
        }
        Ok(())
    }

    async fn look_at_timeline(&mut self, story: &mut Story) -> Result<(), LookError> {
        let Some(incident) = story.incident().cloned() else { return Ok(()) };
        let path = format!("/api/v1/incidents/{}/timeline?after={}", incident.id, self.last_event);
        let timeline: Timeline = self.get(&path).await?;
        let mut events = timeline.events;
        // The webhook made both in one commit; the story tells the cause first.
        events.sort_by_key(|event| (event.recorded_at, matches!(event.kind, EventKind::Opened { .. })));
        for event in &events {
            self.last_event = self.last_event.max(event.id);
            self.tell_event(story, &incident, event);
        }
        Ok(())
    }

    fn tell_event(&self, story: &mut Story, incident: &TheIncident, event: &Event) {
        let at = event.recorded_at;
        match &event.kind {
            EventKind::AlertFired { alert, .. } if !story.has(Step::WebhookReceived) => {
                let detail = format!("Alertmanager delivered {}; it is stored", alert.name);
                story.tell(Step::WebhookReceived, at, detail, None);
            }
            EventKind::AlertFired { alert, reason, .. } => {
                story.also(at, format!("{} joined: {reason}", alert.name));
            }
            EventKind::Opened { title, .. } => {
                let detail = format!("INC-{} \"{title}\"", incident.number);
                story.tell(Step::IncidentOpened, at, detail, Some(incident.url.clone()));
            }
            EventKind::RunbookAnswered(answer) => {
                let lines = if answer.line_start == answer.line_end {
                    format!("line {}", answer.line_start)
                } else {
                    format!("lines {} to {}", answer.line_start, answer.line_end)
                };
                let place = format!("runbooks/{}, \"{}\", {lines}", answer.file, answer.heading);
                story.tell(Step::RunbookStep, at, answer.quote.clone(), Some(place));
            }
            EventKind::Charted(chart) => {
                let place =
                    event.assets.first().map(|asset| format!("{}/assets/{}", self.opsseer_url, asset.sha256));
                story.tell(Step::Picture, at, chart.sentence.clone(), place);
            }
            // Prometheus's time, not that of the message about it.
            EventKind::AlertResolved { alert, .. } if self.leader.as_ref() == Some(&alert.name) => {
                story.tell(
                    Step::AlertResolved,
                    event.at,
                    format!("{}: its condition no longer holds", alert.name),
                    None,
                );
            }
            EventKind::AlertResolved { alert, .. } => {
                story.also(event.at, format!("resolved too: {}", alert.name));
            }
            EventKind::AlertMoved { alert } => {
                story.problem(at, format!("{} moved to another incident", alert.name));
            }
            EventKind::Resolved { reason } => {
                let detail = format!("INC-{}: {reason}", incident.number);
                story.tell(Step::IncidentResolved, at, detail, Some(incident.url.clone()));
            }
            EventKind::Reopened { reason, .. } => {
                story.problem(at, format!("INC-{} was reopened: {reason}", incident.number));
            }
            EventKind::RunbookMissing { alert, documents, .. } => {
                story.also(at, format!("none of the {documents} runbooks fits {alert}"));
            }
            EventKind::StepFailed { step, error, .. } => story.also(at, format!("{step} failed: {error}")),
            EventKind::Note { text } => story.also(at, format!("note: {text}")),
            kind => match event_words::of(kind, "somebody") {
                Some(words) => story.also(at, words.line),
                None => story.also(at, format!("{}, on the page", kind.name().replace('_', " "))),
            },
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, LookError> {
        let url = format!("{}{path}", self.opsseer_url);
        let answer = async { self.http.get(&url).send().await?.error_for_status()?.json().await };
        // The address is part of the error already.
        answer.await.map_err(|source: reqwest::Error| LookError::OpsSeer {
            url: url.clone(),
            source: source.without_url(),
        })
    }
}

fn summary_of(alert: &PrometheusAlert) -> &str {
    alert.annotations.get("summary").map_or("its condition holds", String::as_str)
}

#[cfg(test)]
mod tests;
