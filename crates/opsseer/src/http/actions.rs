//! People's actions on an incident.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use opsseer_core::Severity;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    actions::{Action, act},
    app::SharedApp,
    http::{
        error::{ApiError, Problem},
        incidents::IncidentResponse,
    },
};

type Answer = Result<Json<IncidentResponse>, ApiError>;
type Body<T> = Result<Json<T>, JsonRejection>;

/// Who acts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// The person's name.
    pub by: String,
}

/// Who acts, and perhaps why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ByWithReason {
    /// The person's name.
    pub by: String,
    /// Why, in words.
    pub reason: Option<String>,
}

/// A note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// Who wrote it.
    pub by: String,
    /// Plain text.
    pub text: String,
}

/// A new owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignBody {
    /// Who says so.
    pub by: String,
    /// Who owns the incident from now on; null for nobody.
    pub owner: Option<String>,
}

/// A new severity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityBody {
    /// Who says so.
    pub by: String,
    /// `page`, `ticket` or `info`.
    pub severity: String,
}

async fn take(app: SharedApp, id: &str, by: &str, action: Action) -> Answer {
    let incident = act(&app, id.parse()?, by, action).await?;
    Ok(Json(IncidentResponse::new(&app, incident)))
}

/// Writes a note on the timeline.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/notes", params(("id" = String, Path, description = "number or uuid")), request_body = NoteBody,
    responses((status = 200, description = "written", body = IncidentResponse), (status = 400, description = "not understood", body = Problem),
        (status = 404, description = "none such", body = Problem)))]
pub async fn add_note(State(app): State<SharedApp>, Path(id): Path<String>, body: Body<NoteBody>) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Note(body.text)).await
}

/// Takes notice of an incident.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/ack", params(("id" = String, Path, description = "number or uuid")), request_body = By,
    responses((status = 200, description = "acknowledged", body = IncidentResponse), (status = 404, description = "none such", body = Problem),
        (status = 409, description = "it is resolved", body = Problem)))]
pub async fn acknowledge_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<By>,
) -> Answer {
    take(app, &id, &body?.0.by, Action::Acknowledge).await
}

/// Gives an incident to somebody.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/assign", params(("id" = String, Path, description = "number or uuid")), request_body = AssignBody,
    responses((status = 200, description = "assigned", body = IncidentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn assign_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<AssignBody>,
) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Assign(body.owner)).await
}

/// Says how urgent an incident is.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/severity", params(("id" = String, Path, description = "number or uuid")), request_body = SeverityBody,
    responses((status = 200, description = "set", body = IncidentResponse), (status = 400, description = "not understood", body = Problem),
        (status = 404, description = "none such", body = Problem)))]
pub async fn set_severity(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<SeverityBody>,
) -> Answer {
    let Json(body) = body?;
    let severity: Severity =
        body.severity.parse().map_err(|error| ApiError::bad_request("invalid_value", format!("{error}")))?;
    take(app, &id, &body.by, Action::SetSeverity(severity)).await
}

/// Says that an incident is over.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/resolve", params(("id" = String, Path, description = "number or uuid")), request_body = ByWithReason,
    responses((status = 200, description = "resolved", body = IncidentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn resolve_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<ByWithReason>,
) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Resolve(body.reason)).await
}

/// Says that an incident is not over after all.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/reopen", params(("id" = String, Path, description = "number or uuid")), request_body = ByWithReason,
    responses((status = 200, description = "open again", body = IncidentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn reopen_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<ByWithReason>,
) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Reopen(body.reason)).await
}
