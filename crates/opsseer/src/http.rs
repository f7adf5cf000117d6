//! The HTTP API: one file a resource.

pub mod actions;
pub mod alerts;
pub mod ask;
pub mod assets;
pub mod changes;
pub mod classify;
pub mod embeddings;
pub mod error;
pub mod forecast;
pub mod gateway;
pub mod health;
pub mod incidents;
pub mod jobs;
pub mod openai;
pub mod silences;
pub mod stream;
pub mod suspects;
pub mod transcriptions;
pub mod webhook;
pub mod written;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request, State},
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

use crate::{ai::Gateway, app::SharedApp, config, http::error::ApiError, web};

#[derive(OpenApi)]
#[openapi(info(
    title = "OpsSeer",
    description = "Takes alerts, opens incidents, and keeps their timelines.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// Everything that the server answers.
pub fn router(app: SharedApp) -> Router {
    // Streams last as long as their readers do; everything else has a time-out.
    let bounded = with_description(described()).merge(web::routes());
    let all = Router::new()
        .merge(in_time(bounded, &app.config.http))
        .merge(stream::routes())
        .merge(written::routes())
        .merge(web::live_routes())
        .fallback(|request: Request| async move {
            ApiError::not_found(&format!("nothing is at {}", request.uri().path()))
        });
    guarded(all, &app.config.http).with_state(app)
}

/// Adds the description of an API to it.
fn with_description<S: Clone + Send + Sync + 'static>(api: OpenApiRouter<S>) -> Router<S> {
    let (api, description) = api.split_for_parts();
    let document = description.to_pretty_json().expect("the description is plain data");
    api.route("/openapi.json", get(|| async { ([(header::CONTENT_TYPE, "application/json")], document) }))
}

/// Adds the time-out of requests.
fn in_time<S: Clone + Send + Sync + 'static>(routes: Router<S>, http: &config::Http) -> Router<S> {
    routes.layer(middleware::from_fn_with_state(http.request_timeout, answer_in_time))
}

/// Adds what every answer and every request must pass.
fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, http: &config::Http) -> Router<S> {
    let names = Arc::new(http.clone());
    routes
        .layer(middleware::from_fn(web::same_origin::refuse_foreign_posts))
        .layer(middleware::from_fn_with_state(names, web::same_origin::refuse_unknown_hosts))
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(http.max_body_bytes))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
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
        .routes(routes!(changes::list_changes, changes::tell_change))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::show_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(jobs::retry_jobs))
        .routes(routes!(ask::show_summary))
        .routes(routes!(written::sent::show_sent))
        .routes(routes!(written::answer::show_sent_for_question))
        .routes(routes!(classify::correct_class))
        .routes(routes!(assets::show_asset))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .merge(ai_services())
}

/// The AI services, within a whole server and alone.
fn ai_services<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S>
where
    Gateway: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(ask::ask_runbooks))
        .routes(routes!(classify::classify_alert))
        .routes(routes!(forecast::forecast))
        .routes(routes!(suspects::rank_suspects))
        .routes(routes!(embeddings::create_embeddings))
        .routes(routes!(transcriptions::create_transcription))
        .routes(routes!(health::healthz))
}

/// The OpenAPI description, as committed in `docs/openapi.json`.
pub fn openapi_json() -> String {
    described().to_openapi().to_pretty_json().expect("the description is plain data")
}
