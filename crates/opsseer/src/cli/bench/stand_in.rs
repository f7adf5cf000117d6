//! A Prometheus that answers at once: every question about a range with one straight line, all others with nothing.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{Json, Router, extract::Form, extract::Query, http::StatusCode, routing::get};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Points that one answer holds at most, as in Prometheus.
const MOST_POINTS: f64 = 11_000.0;

/// How long connections may take to close when it goes away.
const CLOSING: Duration = Duration::from_secs(2);

/// A running stand-in. Dropping it ends it.
pub(super) struct StandInPrometheus {
    address: SocketAddr,
    serving: Option<Serving>,
}

struct Serving {
    end: CancellationToken,
    task: JoinHandle<()>,
}

/// A range, as OpsSeer asks for it (Prometheus documentation, "HTTP API", "Range queries").
#[derive(Deserialize)]
struct Range {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    /// In seconds.
    step: f64,
}

impl StandInPrometheus {
    /// Starts one on a free port.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("cannot find a free port")?;
        let mut stand_in = Self { address: listener.local_addr()?, serving: None };
        stand_in.serve(listener);
        Ok(stand_in)
    }

    /// Where it answers.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections until [`StandInPrometheus::come_back`].
    pub(super) async fn go_away(&mut self) {
        if let Some(Serving { end, mut task }) = self.serving.take() {
            end.cancel();
            if timeout(CLOSING, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    /// Answers again at the same address.
    pub(super) async fn come_back(&mut self) -> anyhow::Result<()> {
        let listener =
            TcpListener::bind(self.address).await.context("cannot take the stand-in's port again")?;
        self.serve(listener);
        Ok(())
    }

    fn serve(&mut self, listener: TcpListener) {
        let by_query = |Query(range): Query<Range>| async move { line(&range) };
        let by_form = |Form(range): Form<Range>| async move { line(&range) };
        let success = |data: Value| move || async move { Json(json!({"status": "success", "data": data})) };
        let nothing = success(json!({"resultType": "vector", "result": []}));
        let router = Router::new()
            .route("/api/v1/query_range", get(by_query).post(by_form))
            .route("/api/v1/query", get(nothing.clone()).post(nothing))
            .route("/api/v1/label/__name__/values", get(success(json!([]))))
            .route("/api/v1/rules", get(success(json!({"groups": []}))));
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(ended).await {
                tracing::error!(%error, "the stand-in for Prometheus ended");
            }
        });
        self.serving = Some(Serving { end, task });
    }
}

impl Drop for StandInPrometheus {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.task.abort();
        }
    }
}

/// From a twentieth up to a quarter.
fn line(range: &Range) -> Result<Json<Value>, StatusCode> {
    let seconds = (range.end - range.start).as_seconds_f64();
    if !(range.step > 0.0 && seconds >= 0.0 && seconds / range.step <= MOST_POINTS) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let began = (range.start - DateTime::UNIX_EPOCH).as_seconds_f64();
    let mut values = Vec::new();
    let mut at = 0.0;
    while at <= seconds {
        values.push(json!([began + at, format!("{:.4}", 0.05 + 0.2 * at / (seconds + range.step))]));
        at += range.step;
    }
    let result = json!([{"metric": {"__name__": "error_rate"}, "values": values}]);
    Ok(Json(json!({"status": "success", "data": {"resultType": "matrix", "result": result}})))
}
