//! `GET` and `POST /chaos`: shows the chaos in force and changes it. Both read the query; a `POST` may bring the
//! parameters as a form instead. Without parameters nothing changes.

use std::time::Instant;

use axum::{
    Json, RequestExt,
    extract::{Form, FromRequest, Query, Request, State},
    http::{StatusCode, header},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::problem::Problem;
use crate::{
    App,
    chaos::{Change, ChangeError, InForce, Settings},
};

type Parameters = Vec<(String, String)>;

/// The state now in force.
#[derive(Serialize)]
pub(super) struct ChaosResponse {
    #[serde(flatten)]
    settings: Settings,
    /// The delay of an order that arrives at this moment.
    effective_delay_ms: u64,
    /// When the state was last changed.
    since: String,
    /// Memory leaked so far.
    leaked_bytes: u64,
}

pub(super) async fn get_chaos(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<ChaosResponse>, Problem> {
    show_or_change(&app, &parameters).await
}

pub(super) async fn post_chaos(
    State(app): State<App>,
    Query(mut parameters): Query<Parameters>,
    request: Request,
) -> Result<Json<ChaosResponse>, Problem> {
    parameters.extend(form_of(request).await?);
    show_or_change(&app, &parameters).await
}

async fn show_or_change(app: &App, parameters: &Parameters) -> Result<Json<ChaosResponse>, Problem> {
    let bad =
        |error: &dyn std::fmt::Display| Problem::new(StatusCode::BAD_REQUEST, "bad_chaos", error.to_string());
    let change = Change::from_parameters(parameters).map_err(|error| bad(&error))?;
    if change.is_empty() {
        return Ok(Json(answer(app, app.chaos.in_force())));
    }
    let state = app.chaos.apply(&change, Instant::now()).await.map_err(|error| match error {
        ChangeError::Bad(error) => bad(&error),
        ChangeError::NoThread(source) => {
            tracing::error!(%source, "could not start the chaos threads");
            let detail = "The system gives no thread to leak or burn with; nothing was changed.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_thread", detail)
        }
    })?;
    let Settings { mode, delay_ms, fail_rate, .. } = state.settings;
    tracing::info!(%mode, delay_ms, fail_rate, "chaos changed");
    Ok(Json(answer(app, state)))
}

fn answer(app: &App, state: InForce) -> ChaosResponse {
    let delay = state.delay_at(Instant::now());
    let since: DateTime<Utc> = app.chaos.wall_time(state.since).into();
    ChaosResponse {
        settings: state.settings,
        effective_delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
        since: since.to_rfc3339_opts(SecondsFormat::Millis, true),
        leaked_bytes: app.chaos.leaked_bytes(),
    }
}

/// The parameters in the body. A body of another kind is refused: to ignore it would lose what it asks for.
async fn form_of(request: Request) -> Result<Parameters, Problem> {
    let is_form = request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    });
    if is_form {
        return match Form::from_request(request, &()).await {
            Ok(Form(parameters)) => Ok(parameters),
            Err(rejection) => Err(Problem::new(rejection.status(), "bad_form", rejection.body_text())),
        };
    }
    let body: String = request
        .extract()
        .await
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "bad_body", "The body cannot be read."))?;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let detail = "Send the parameters in the query, or as an application/x-www-form-urlencoded body.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", detail))
}
