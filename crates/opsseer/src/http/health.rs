//! Whether the server lives, whether it can work, and its own metrics.

use std::sync::atomic::Ordering;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::SharedApp;

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
    let store = match app.store.count_unresolved().await {
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
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, store, writer, workers }))
}

/// The server's own metrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Prometheus text format", body = String)))]
pub async fn metrics(State(app): State<SharedApp>) -> impl IntoResponse {
    if let Ok(unresolved) = app.store.count_unresolved().await {
        metrics::gauge!("opsseer_incidents_unresolved")
            .set(f64::from(i32::try_from(unresolved).unwrap_or(i32::MAX)));
    }
    if let Ok(jobs) = app.store.count_jobs().await {
        for (state, count) in jobs {
            metrics::gauge!("opsseer_jobs", "state" => state)
                .set(f64::from(i32::try_from(count).unwrap_or(i32::MAX)));
        }
    }
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], app.telemetry.render())
}
