//! The HTTP API: one file a resource.

pub mod actions;
pub mod alerts;
pub mod ask;
pub mod assets;
pub mod classify;
pub mod embeddings;
pub mod error;
pub mod health;
pub mod incidents;
pub mod jobs;
pub mod openai;
pub mod silences;
pub mod stream;
pub mod transcriptions;
pub mod webhook;
pub mod written;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::time::timeout;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::SharedApp, http::error::ApiError, web};

#[derive(OpenApi)]
#[openapi(info(
    title = "OpsSeer",
    description = "Takes alerts, opens incidents, and keeps their timelines.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// Everything that the server answers.
pub fn router(app: SharedApp) -> Router {
    let (api, description) = described().split_for_parts();
    let document = description.to_pretty_json().expect("the description is plain data");
    // Streams last as long as their readers do; everything else has a time-out.
    let bounded = api
        .route("/openapi.json", get(|| async { ([(header::CONTENT_TYPE, "application/json")], document) }))
        .merge(web::routes())
        .layer(middleware::from_fn_with_state(app.config.http.request_timeout, answer_in_time));
    Router::new()
        .merge(bounded)
        .merge(stream::routes())
        .merge(written::routes())
        .merge(web::live_routes())
        .fallback(|request: Request| async move {
            ApiError::not_found(&format!("nothing is at {}", request.uri().path()))
        })
        .layer(middleware::from_fn(web::same_origin::refuse_foreign_posts))
        .layer(middleware::from_fn_with_state(app.clone(), web::same_origin::refuse_unknown_hosts))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(app.config.http.max_body_bytes))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}

/// Gives up on a request after `limit`, in words and with `Retry-After`, so that a sender knows that it may come again.
async fn answer_in_time(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timed_out",
            "the request took longer than http.request_timeout allows; it may or may not have been done, and can be \
             sent again",
        )
        .into_response(),
    }
}

fn described() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(webhook::receive_alertmanager))
        .routes(routes!(webhook::receive_grafana))
        .routes(routes!(incidents::list_incidents))
        .routes(routes!(incidents::show_incident))
        .routes(routes!(incidents::list_timeline))
        .routes(routes!(actions::add_note))
        .routes(routes!(actions::acknowledge_incident))
        .routes(routes!(actions::assign_incident))
        .routes(routes!(actions::set_severity))
        .routes(routes!(actions::resolve_incident))
        .routes(routes!(actions::reopen_incident))
        .routes(routes!(actions::merge_incident))
        .routes(routes!(actions::split_incident))
        .routes(routes!(actions::undo_regrouping))
        .routes(routes!(actions::mute_incident))
        .routes(routes!(actions::unmute_incident))
        .routes(routes!(alerts::list_alerts))
        .routes(routes!(alerts::list_alerts_of_incident))
        .routes(routes!(silences::list_silences))
        .routes(routes!(silences::silence_incident))
        .routes(routes!(silences::end_silence))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::show_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(jobs::retry_jobs))
        .routes(routes!(ask::ask_runbooks))
        .routes(routes!(ask::show_summary))
        .routes(routes!(written::show_sent))
        .routes(routes!(classify::classify_alert))
        .routes(routes!(classify::correct_class))
        .routes(routes!(embeddings::create_embeddings))
        .routes(routes!(transcriptions::create_transcription))
        .routes(routes!(assets::show_asset))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// The OpenAPI description, as committed in `docs/openapi.json`.
pub fn openapi_json() -> String {
    described().to_openapi().to_pretty_json().expect("the description is plain data")
}
