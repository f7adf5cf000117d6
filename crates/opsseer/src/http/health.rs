//! Whether the server lives, whether it can work, and its own metrics.

use std::{collections::HashMap, sync::atomic::Ordering, time::Instant};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use chrono::TimeDelta;
use opsseer_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, SharedApp};

/// What each part that the server cannot work without says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether all parts are well.
    pub ready: bool,
    /// `ok`, or why the store does not answer.
    pub store: &'static str,
    /// `ok`, or why no alert can be written.
    pub writer: &'static str,
    /// `ok`, or why no enricher runs.
    pub workers: &'static str,
    /// `ok`, or why things are found by their words alone. Alerts are taken and shown all the same, so it makes no server
    /// unready.
    pub ai: String,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "alive", body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether alerts can be taken and shown.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "ready", body = Readiness), (status = 503, description = "not ready", body = Readiness)))]
pub async fn readyz(State(app): State<SharedApp>) -> impl IntoResponse {
    let readiness = look(&app).await.1;
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

/// Asks each part. Gives how many incidents go on, if the store answers.
async fn look(app: &App) -> (Option<i64>, Readiness) {
    let started = Instant::now();
    let unresolved = app.store.count_unresolved().await;
    metrics::histogram!("opsseer_store_read_seconds").record(started.elapsed().as_secs_f64());
    let store = match &unresolved {
        Ok(_) => "ok",
        Err(error) => {
            tracing::error!(error = %error, "the store does not answer");
            "does not answer"
        }
    };
    let writer = match (app.ingest.is_alive(), app.ingest.writes()) {
        (false, _) => "has ended",
        (true, false) => "the last alerts could not be written",
        (true, true) => "ok",
    };
    let workers = if app.working.load(Ordering::Relaxed) { "ok" } else { "have ended" };
    let ready = [store, writer, workers].iter().all(|part| *part == "ok");
    metrics::gauge!("opsseer_ready").set(if ready { 1.0 } else { 0.0 });
    let ai = app.meaning.state();
    (unresolved.ok(), Readiness { ready, store, writer, workers, ai })
}

/// The server's own metrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Prometheus text format", body = String)))]
pub async fn metrics(State(app): State<SharedApp>) -> impl IntoResponse {
    if let (Some(unresolved), _) = look(&app).await {
        metrics::gauge!("opsseer_incidents_unresolved").set(as_f64(unresolved));
        if let Err(error) = read_gauges(&app).await {
            tracing::error!(error = %error, "some metrics cannot be read from the store");
        }
    }
    app.telemetry.run_upkeep();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], app.telemetry.render())
}

/// What is read from the store when somebody asks.
async fn read_gauges(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let counts: HashMap<String, i64> = app.store.count_jobs().await?.into_iter().collect();
    for state in ["pending", "done", "dead"] {
        let count = counts.get(state).copied().unwrap_or(0);
        metrics::gauge!("opsseer_jobs", "state" => state).set(as_f64(count));
    }
    let oldest = app.store.oldest_job().await?;
    metrics::gauge!("opsseer_oldest_job_seconds").set(oldest.map_or(0.0, |since| seconds(now - since)));
    if let Some(heartbeat) = app.store.last_heartbeat().await? {
        metrics::gauge!("opsseer_heartbeat_age_seconds").set(seconds(now - heartbeat.at));
    }
    if app.alertmanager.is_some() {
        let compared = app.pipeline.compared_at().unwrap_or(app.started_at);
        metrics::gauge!("opsseer_comparison_age_seconds").set(seconds(now - compared));
    }
    Ok(())
}

fn seconds(time: TimeDelta) -> f64 {
    time.as_seconds_f64().max(0.0)
}

fn as_f64(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap_or(i32::MAX))
}
