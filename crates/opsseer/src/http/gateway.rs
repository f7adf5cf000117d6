//! The AI services alone, on a machine that keeps no incidents: `opsseer serve --role ai`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ai::AiServer,
    http::{ai_services, error::ApiError, guarded, in_time, with_description},
};

#[derive(OpenApi)]
#[openapi(info(
    title = "OpsSeer's AI services",
    description = "Answers questions from runbooks, classifies alerts, turns texts into vectors. Keeps nothing.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// How the services are.
#[derive(Debug, Serialize, ToSchema)]
pub struct AiReadiness {
    /// Always true: without a model the services go by words.
    pub ready: bool,
    /// `ai`.
    pub role: &'static str,
    /// `ok`, or why things are found by their words alone.
    pub ai: String,
    /// How many runbooks are looked through.
    pub runbooks: usize,
}

/// Everything that the server answers.
pub fn router(server: Arc<AiServer>) -> Router {
    let services = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .merge(ai_services());
    let routes = in_time(with_description(services), &server.config.http).fallback(nothing_there);
    guarded(routes, &server.config.http).with_state(server)
}

async fn nothing_there(request: Request) -> ApiError {
    let path = request.uri().path();
    ApiError::not_found(&format!(
        "nothing is at {path}: this server runs the AI services alone (--role ai); /openapi.json lists them. Pages, \
         webhooks and incidents are on the server that uses it"
    ))
}

/// Whether the services answer, and how well.
#[utoipa::path(get, path = "/readyz", responses((status = 200, description = "ready", body = AiReadiness)))]
async fn readyz(State(server): State<Arc<AiServer>>) -> Json<AiReadiness> {
    let gateway = server.gateway.clone();
    // It looks at the folder.
    let runbooks = tokio::task::spawn_blocking(move || gateway.runbooks.document_count()).await.unwrap_or(0);
    let ai = server.gateway.meaning.state();
    metrics::gauge!("opsseer_ready").set(1.0);
    Json(AiReadiness { ready: true, role: "ai", ai, runbooks })
}

/// The server's own metrics, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Prometheus text format", body = String)))]
async fn metrics(State(server): State<Arc<AiServer>>) -> impl IntoResponse {
    metrics::gauge!("opsseer_ready").set(1.0);
    server.telemetry.run_upkeep();
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], server.telemetry.render())
}
