//! The routes.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{App, metrics};

mod chaos;
mod list_orders;
mod problem;
mod track;

use problem::Problem;

/// The most that a request's body may hold: a form of a few parameters.
const BODY_LIMIT_BYTES: usize = 16 * 1024;

/// The whole service.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/orders", get(list_orders::list_orders))
        .route("/chaos", get(chaos::get_chaos).post(chaos::post_chaos))
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(expose_metrics))
        .fallback(no_such_page)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), track::track))
        .with_state(app)
}

async fn expose_metrics(axum::extract::State(app): axum::extract::State<App>) -> Response {
    match app.metrics.expose() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            let detail = "The metrics cannot be written; the log says why.";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics_unreadable", detail).into_response()
        }
    }
}

async fn no_such_page(request: Request) -> Problem {
    let detail =
        format!("There is nothing at {}; try /orders, /chaos, /healthz or /metrics.", request.uri().path());
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

async fn method_not_allowed(request: Request) -> Problem {
    let detail = format!("{} does not answer {}.", request.uri().path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
