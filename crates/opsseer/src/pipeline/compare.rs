//! What Alertmanager holds against what the store knows: alerts whose webhook never came are taken all the same.

mod differences;
mod ended_silences;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::alertmanager::{
    AlertGroup, Alertmanager, AlertmanagerError, HeldAlert, Silence, SilenceState,
};
use opsseer_core::{Actor, Alert, AlertSource, AlertStatus, Fingerprint, Incident, IncidentId};
use opsseer_store::{StoreError, StoredAlert};
use serde_json::json;

use self::{
    differences::{Differences, Ended, Muted, Rules, Seen},
    ended_silences::Missing,
};
use super::{in_words, rounds::Rounds, silences::timeline};
use crate::{
    app::{App, SharedApp},
    http::webhook::body,
    ingest::IngestError,
};

const DUTY: &str = "compare";

/// Whose word it is that a silence was ended.
const ACTOR: &str = "comparison";

const FIRED: &str = "Its webhook did not arrive; found by asking Alertmanager.";
const RESOLVED: &str = "Alertmanager no longer has it; its webhook was missed.";
const RESOLVED_INHIBITED: &str =
    "It ended while another alert inhibited it; Alertmanager does not tell of that.";
const RESOLVED_IN_SILENCE: &str = "It ended while it was silenced; Alertmanager does not tell of that.";

/// Alerts that are handed to the writer at once.
const ALERTS_A_BATCH: usize = 500;

/// Why a comparison came to nothing. The next one tries again.
#[derive(Debug, thiserror::Error)]
enum CompareError {
    #[error("Alertmanager cannot be asked")]
    Alertmanager(#[from] AlertmanagerError),
    #[error("what is known cannot be read")]
    Store(#[from] StoreError),
    #[error("what was missed cannot be written")]
    Ingest(#[from] IngestError),
}

/// What is remembered from one comparison to the next.
#[derive(Default)]
struct Memory {
    differences: Differences,
    missing: Missing,
}

/// Compares at once and then every `alertmanager.compare_every`.
pub(super) async fn run(app: SharedApp, alertmanager: Arc<dyn Alertmanager>) {
    let mut rounds = Rounds::new(DUTY, app.config.alertmanager.compare_every);
    let mut memory = Memory::default();
    let mut is_first = true;
    loop {
        let is_ours = rounds.next(&app).await;
        // What this server missed while it was down cannot wait for the turn of another, and to mend twice does no harm.
        if is_ours || is_first {
            let compared = compare(&app, alertmanager.as_ref(), &mut memory).await;
            let result = if compared.is_ok() { "ok" } else { "failed" };
            metrics::counter!("opsseer_comparisons_total", "result" => result).increment(1);
            match compared {
                Ok(()) => is_first = false,
                Err(error) => {
                    tracing::warn!(error = in_words(&error), "not compared with Alertmanager");
                    rounds.give_up(&app).await;
                }
            }
        } else {
            memory.differences.forget();
            memory.missing.forget();
        }
    }
}

async fn compare(
    app: &App,
    alertmanager: &dyn Alertmanager,
    memory: &mut Memory,
) -> Result<(), CompareError> {
    // What is found is as old as the first question.
    let now = app.clock.now();
    // Read before Alertmanager is asked: what is noted here was made there before.
    let covered = app.store.list_silenced_incidents(now).await?;
    let held = alertmanager.alerts().await?;
    let silences = alertmanager.silences().await?;
    // Asked last: a server that has lost its alerts by a restart in between shows that it is young.
    let started_at = alertmanager.status().await?.started_at;
    // Read after Alertmanager was asked: a webhook that came meanwhile is known by now.
    let known = app.store.list_firing_alerts(AlertSource::Alertmanager).await?;
    let heartbeat = app.store.last_heartbeat_of(AlertSource::Alertmanager).await?;
    let (settings, correlation) = (&app.config.alertmanager, &app.config.correlation);
    let rules = Rules {
        receiver: &settings.receiver,
        grace: delta(settings.grace),
        heartbeat: &correlation.heartbeat_alert,
        heartbeat_max_age: delta(correlation.heartbeat_max_age),
    };
    let seen = Seen { held: &held, started_at, heartbeat };
    let missed = memory.differences.missed(&known, &seen, &rules, now);
    if settings.raise_missed && !missed.fired.is_empty() {
        let groups = alertmanager.groups().await?;
        let (muted, told): (Vec<_>, Vec<_>) =
            missed.fired.into_iter().partition(|held| is_muted(held, &groups, rules.receiver));
        for held in muted {
            memory.differences.not_told(held);
        }
        raise(app, &told, now).await?;
    }
    end(app, &missed.resolved, &silences, now).await?;
    app.store.touch_alerts(&missed.held).await?;
    let ended = memory.missing.ended(&covered, &silences, rules.grace, now);
    tell_of_ended_silences(app, &covered, &ended).await?;
    app.pipeline.set_compared_at(now);
    Ok(())
}

/// Takes alerts that fire unknown to the store, except those that it knows to have ended just now.
async fn raise(app: &App, told: &[&HeldAlert], now: DateTime<Utc>) -> Result<(), CompareError> {
    let mut alerts: Vec<Alert> = told.iter().filter_map(|held| fired(app, held, now)).collect();
    let fingerprints: Vec<&Fingerprint> = alerts.iter().map(|alert| &alert.fingerprint).collect();
    let stored = app.store.find_alerts(&fingerprints).await?;
    let known: HashMap<_, _> =
        stored.iter().map(|stored| ((&stored.alert.fingerprint, &stored.alert.identity), stored)).collect();
    let late_window = delta(app.config.correlation.late_window);
    alerts.retain(|alert| {
        let known = known.get(&(&alert.fingerprint, &alert.identity));
        !known.is_some_and(|known| has_just_ended(known, alert.starts_at, late_window, now))
    });
    Ok(mend(app, "fired", alerts).await?)
}

/// Ends alerts that Alertmanager no longer has.
async fn end(
    app: &App,
    ended: &[Ended<'_>],
    silences: &[Silence],
    now: DateTime<Utc>,
) -> Result<(), IngestError> {
    let (mut unheard, mut missed) = (Vec::new(), Vec::new());
    for Ended { known, muted } in ended {
        match muted {
            Some(Muted::Inhibited) => unheard.push(resolved(known, now, RESOLVED_INHIBITED)),
            Some(Muted::Silenced) => unheard.push(resolved(known, now, RESOLVED_IN_SILENCE)),
            None if was_silenced(known, silences) => unheard.push(resolved(known, now, RESOLVED_IN_SILENCE)),
            None => missed.push(resolved(known, now, RESOLVED)),
        }
    }
    submit(app, unheard).await?;
    mend(app, "resolved", missed).await
}

/// Takes alerts whose webhooks were missed, and says how many of them were news.
async fn mend(app: &App, what: &'static str, alerts: Vec<Alert>) -> Result<(), IngestError> {
    let count = submit(app, alerts).await?;
    if count > 0 {
        metrics::counter!("opsseer_missed_alerts_total", "what" => what).increment(count);
        tracing::warn!(what, alerts = count, "webhooks of alerts were missed; mended");
    }
    Ok(())
}

async fn submit(app: &App, alerts: Vec<Alert>) -> Result<u64, IngestError> {
    let mut changes = 0;
    for alerts in alerts.chunks(ALERTS_A_BATCH) {
        changes += app.ingest.submit_counted(alerts.to_vec()).await?.changes;
    }
    Ok(changes)
}

async fn tell_of_ended_silences(
    app: &App,
    silenced: &[Incident],
    ended: &HashSet<String>,
) -> Result<(), StoreError> {
    let has_one = |incident: &&Incident| incident.silences.iter().any(|live| ended.contains(&live.id));
    let told: Vec<IncidentId> = silenced.iter().filter(has_one).map(|incident| incident.id).collect();
    let actor = Actor::Component { name: ACTOR.to_owned() };
    timeline::note_ended(app, &told, ended, &actor).await.map(drop)
}

/// Whether a time interval mutes the alert in all groups in which our receiver would be told of it.
fn is_muted(held: &HeldAlert, groups: &[AlertGroup], receiver: &str) -> bool {
    let mut ours = groups
        .iter()
        .filter(|group| receiver.is_empty() || group.receiver.name == receiver)
        .flat_map(|group| &group.alerts)
        .filter(|alert| alert.fingerprint == held.fingerprint && alert.labels == held.labels)
        .peekable();
    ours.peek().is_some() && ours.all(|alert| !alert.status.muted_by.is_empty())
}

/// Whether the store knows the end of that very firing, and Alertmanager may only not have heard of it yet.
fn has_just_ended(
    known: &StoredAlert,
    starts_at: DateTime<Utc>,
    late_window: TimeDelta,
    now: DateTime<Utc>,
) -> bool {
    known.alert.status == AlertStatus::Resolved
        && starts_at <= known.alert.starts_at
        && now - known.last_seen_at <= late_window
}

/// A time too long to be told is for ever.
fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

/// The alert as its webhook would have brought it, read with the same care.
fn fired(app: &App, held: &HeldAlert, now: DateTime<Utc>) -> Option<Alert> {
    let webhook = json!({"alerts": [{
        "status": "firing", "labels": held.labels, "annotations": held.annotations, "startsAt": held.starts_at,
        "generatorURL": held.generator_url, "fingerprint": held.fingerprint,
    }]});
    match body::parse(webhook.to_string().as_bytes(), AlertSource::Alertmanager, now, &app.config.ingest) {
        Ok(alerts) => alerts.into_iter().next().map(|alert| Alert { note: Some(FIRED.to_owned()), ..alert }),
        Err(error) => {
            tracing::warn!(fingerprint = held.fingerprint, error = %error, "an alert that was missed cannot be taken");
            None
        }
    }
}

/// Whether a silence has covered the alert since it was last heard of.
fn was_silenced(known: &StoredAlert, silences: &[Silence]) -> bool {
    silences.iter().any(|silence| {
        silence.state != SilenceState::Pending
            && silence.ends_at >= known.last_seen_at
            && silence.matchers.iter().all(|matcher| matcher.matches(&known.alert.labels))
    })
}

fn resolved(known: &StoredAlert, now: DateTime<Utc>, note: &str) -> Alert {
    let (status, ends_at, note) = (AlertStatus::Resolved, Some(now), Some(note.to_owned()));
    Alert { status, ends_at, note, ..known.alert.clone() }
}
