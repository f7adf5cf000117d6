//! An alert that OpsSeer sends to Alertmanager itself, to see whether and how fast it comes back.

use std::{sync::Arc, time::Duration};

use chrono::{SecondsFormat, TimeDelta};
use opsseer_connect::alertmanager::{Alertmanager, AlertmanagerError, NewAlert};
use opsseer_core::{Alert, AlertStatus};
use opsseer_store::StoreError;
use uuid::Uuid;

use super::{in_words, rounds::Rounds};
use crate::app::{App, SharedApp};

/// Its name, by which Alertmanager routes it. It opens no incident.
pub(crate) const ALERT_NAME: &str = "OpsSeerCanary";

/// The label that tells one canary from the next: without it, Alertmanager would take them for one alert.
const ID_LABEL: &str = "canary";

const DUTY: &str = "canary";

/// One that is not back after so many intervals is lost.
const LOST_AFTER: u32 = 3;

/// Why no canary was sent, or why the last ones could not be counted.
#[derive(Debug, thiserror::Error)]
enum CanaryError {
    #[error("Alertmanager does not take it")]
    Alertmanager(#[from] AlertmanagerError),
    #[error("it cannot be noted down")]
    Store(#[from] StoreError),
}

/// Sends one now and then every `every`.
pub(super) async fn run(app: SharedApp, alertmanager: Arc<dyn Alertmanager>, every: Duration) {
    let mut rounds = Rounds::new(DUTY, every);
    loop {
        if rounds.next(&app).await
            && let Err(error) = send(&app, alertmanager.as_ref(), every).await
        {
            tracing::warn!(error = in_words(&error), "no canary sent");
            rounds.give_up(&app).await;
        }
    }
}

async fn send(app: &App, alertmanager: &dyn Alertmanager, every: Duration) -> Result<(), CanaryError> {
    let now = app.clock.now();
    let patience = TimeDelta::from_std(every.saturating_mul(LOST_AFTER)).unwrap_or(TimeDelta::MAX);
    let lost = match now.checked_sub_signed(patience) {
        Some(sent_by) => app.store.take_lost_canaries(sent_by).await?,
        None => 0,
    };
    if lost > 0 {
        metrics::counter!("opsseer_canaries_total", "result" => "lost").increment(lost);
        tracing::warn!(lost, "canaries that were sent to Alertmanager did not come back");
    }
    let id = Uuid::now_v7();
    // Noted down first: it may be back before the request ends. One that cannot be sent is lost like any other.
    app.store.send_canary(id, now).await?;
    let canary = NewAlert {
        labels: [("alertname", ALERT_NAME), (ID_LABEL, &id.to_string()), ("severity", "none")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        annotations: [
            ("summary".to_owned(), "OpsSeer tries whether alerts arrive".to_owned()),
            ("sent_at".to_owned(), now.to_rfc3339_opts(SecondsFormat::Millis, true)),
        ]
        .into(),
        ..NewAlert::default()
    };
    Ok(alertmanager.post_alerts(&[canary]).await?)
}

/// Whether an alert is a canary, ours or another OpsSeer's.
pub(crate) fn is_canary(alert: &Alert) -> bool {
    alert.name() == ALERT_NAME
}

/// Notes that canaries are back. Their end, repeats and those of another OpsSeer change nothing.
pub(crate) async fn arrived(app: &App, canaries: &[Alert]) -> Result<(), StoreError> {
    for canary in canaries.iter().filter(|canary| canary.status == AlertStatus::Firing) {
        let Some(id) = canary.labels.get(ID_LABEL).and_then(|id| id.parse().ok()) else { continue };
        if let Some(sent_at) = app.store.take_canary(id).await? {
            let on_its_way = (app.clock.now() - sent_at).to_std().unwrap_or_default();
            metrics::histogram!("opsseer_canary_seconds").record(on_its_way.as_secs_f64());
            metrics::counter!("opsseer_canaries_total", "result" => "arrived").increment(1);
        }
    }
    Ok(())
}
