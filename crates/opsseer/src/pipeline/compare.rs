//! What Alertmanager holds against what the store knows: alerts whose webhook never came are taken all the same.

mod differences;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::alertmanager::{Alertmanager, AlertmanagerError, HeldAlert, Silence, SilenceState};
use opsseer_core::{Alert, AlertSource, AlertStatus};
use opsseer_store::{StoreError, StoredAlert};
use serde_json::json;

use self::differences::{Differences, Rules, Seen};
use super::{canary, in_words, rounds::Rounds};
use crate::{
    app::{App, SharedApp},
    http::webhook::body,
    ingest::IngestError,
};

const DUTY: &str = "compare";

const FIRED: &str = "Its webhook did not arrive; found by asking Alertmanager.";
const RESOLVED: &str = "Alertmanager no longer has it; its webhook was missed.";
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

/// Compares at once and then every `alertmanager.compare_every`.
pub(super) async fn run(app: SharedApp, alertmanager: Arc<dyn Alertmanager>) {
    let mut rounds = Rounds::new(DUTY, app.config.alertmanager.compare_every);
    let mut differences = Differences::default();
    let mut is_first = true;
    loop {
        let is_ours = rounds.next(&app).await;
        // What this server missed while it was down cannot wait for the turn of another, and to mend twice does no harm.
        if is_ours || is_first {
            let compared = compare(&app, alertmanager.as_ref(), &mut differences).await;
            let result = if compared.is_ok() { "ok" } else { "failed" };
            metrics::counter!("opsseer_comparisons_total", "result" => result).increment(1);
            match compared {
                Ok(()) => is_first = false,
                Err(error) => {
                    tracing::warn!(error = in_words(&error), "not compared with Alertmanager");
                }
            }
        } else {
            differences.forget();
        }
    }
}

async fn compare(
    app: &App,
    alertmanager: &dyn Alertmanager,
    differences: &mut Differences,
) -> Result<(), CompareError> {
    let held = alertmanager.alerts().await?;
    // Asked last: a server that has lost its alerts by a restart in between shows that it is young.
    let started_at = alertmanager.status().await?.started_at;
    // Read after Alertmanager was asked: a webhook that came meanwhile is known by now.
    let known = app.store.list_firing_alerts(AlertSource::Alertmanager).await?;
    let now = app.clock.now();
    let settings = &app.config.alertmanager;
    let rules = Rules {
        receiver: &settings.receiver,
        grace: TimeDelta::from_std(settings.grace).unwrap_or(TimeDelta::MAX),
        signals: [&app.config.correlation.heartbeat_alert, canary::ALERT_NAME],
    };
    let missed = differences.missed(&known, &Seen { held: &held, started_at }, &rules, now);
    let fired = missed.fired.iter().filter_map(|held| fired(app, held, now)).collect();
    mend(app, "fired", fired).await?;
    if !missed.resolved.is_empty() {
        let silences = alertmanager.silences().await?;
        let (unheard, missed): (Vec<&StoredAlert>, Vec<&StoredAlert>) =
            missed.resolved.into_iter().partition(|known| was_silenced(known, &silences));
        submit(app, unheard.into_iter().map(|known| resolved(known, now, RESOLVED_IN_SILENCE)).collect())
            .await?;
        mend(app, "resolved", missed.into_iter().map(|known| resolved(known, now, RESOLVED)).collect())
            .await?;
    }
    app.pipeline.set_compared_at(now);
    Ok(())
}

/// Takes alerts whose webhooks were missed, and says so.
async fn mend(app: &App, what: &'static str, alerts: Vec<Alert>) -> Result<(), IngestError> {
    if alerts.is_empty() {
        return Ok(());
    }
    let count = alerts.len();
    submit(app, alerts).await?;
    metrics::counter!("opsseer_missed_alerts_total", "what" => what).increment(count as u64);
    tracing::warn!(what, alerts = count, "webhooks of alerts were missed; mended");
    Ok(())
}

async fn submit(app: &App, alerts: Vec<Alert>) -> Result<(), IngestError> {
    for alerts in alerts.chunks(ALERTS_A_BATCH) {
        app.ingest.submit(alerts.to_vec()).await?;
    }
    Ok(())
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
