//! The two routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{metrics::CONTENT_TYPE, scrape::Scraper};

/// `/metrics` and `/healthz`; everything else tells where these are.
pub(crate) fn router(scraper: Arc<Scraper>) -> Router {
    Router::new()
        .route("/metrics", get(get_metrics))
        .route("/healthz", get(async || "ok\n"))
        .fallback(async || (StatusCode::NOT_FOUND, "There is only /metrics and /healthz.\n"))
        .layer(DefaultBodyLimit::max(0))
        .with_state(scraper)
}

async fn get_metrics(State(scraper): State<Arc<Scraper>>) -> Response {
    match scraper.scrape().await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a scrape could not be answered");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
        }
    }
}
