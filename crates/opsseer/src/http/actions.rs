//! People's actions on an incident.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
};
use chrono::TimeDelta;
use opsseer_core::{EventId, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    actions::{Action, MAX_MUTE, act},
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

/// The other incident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// Who says so.
    pub by: String,
    /// The incident that ends: its number (`"43"`) or uuid. Its alerts, and those to come, join this one.
    pub from: String,
    /// Why, in words.
    pub reason: Option<String>,
}

/// The alerts that go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitBody {
    /// Who says so.
    pub by: String,
    /// Their ids, as the incident shows them.
    pub alerts: Vec<Uuid>,
    /// Why, in words.
    pub reason: Option<String>,
}

/// What is undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoBody {
    /// Who says so.
    pub by: String,
    /// The id of the event `merged`, `merged_into` or `split` of this incident.
    pub event: i64,
}

/// How long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MuteBody {
    /// Who is on it.
    pub by: String,
    /// For how long, such as `30m` or `4h`; at most 7 days.
    #[serde(rename = "for", with = "humantime_serde")]
    #[schema(value_type = String)]
    pub time: std::time::Duration,
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

/// Takes in another incident: its alerts, and those to come, belong to this one.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", params(("id" = String, Path, description = "number or uuid")), request_body = MergeBody,
    responses((status = 200, description = "merged; the incident that stays", body = IncidentResponse), (status = 404, description = "none such", body = Problem),
        (status = 409, description = "these two cannot be merged", body = Problem)))]
pub async fn merge_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<MergeBody>,
) -> Answer {
    let Json(body) = body?;
    let from = body.from.parse()?;
    take(app, &id, &body.by, Action::Merge { from, reason: body.reason }).await
}

/// Takes alerts out into an incident of their own.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/split", params(("id" = String, Path, description = "number or uuid")), request_body = SplitBody,
    responses((status = 200, description = "split; the new incident", body = IncidentResponse), (status = 400, description = "not its alerts", body = Problem),
        (status = 404, description = "none such", body = Problem), (status = 409, description = "it cannot be split like that", body = Problem)))]
pub async fn split_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<SplitBody>,
) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Split { alerts: body.alerts, reason: body.reason }).await
}

/// Undoes a merge or a split.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/undo", params(("id" = String, Path, description = "number or uuid")), request_body = UndoBody,
    responses((status = 200, description = "undone", body = IncidentResponse), (status = 400, description = "no merge or split", body = Problem),
        (status = 404, description = "none such", body = Problem), (status = 409, description = "it cannot be undone any more", body = Problem)))]
pub async fn undo_regrouping(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<UndoBody>,
) -> Answer {
    let Json(body) = body?;
    take(app, &id, &body.by, Action::Undo { event: EventId(body.event) }).await
}

/// Is on it: nobody needs to be told about this incident for a while.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/mute", params(("id" = String, Path, description = "number or uuid")), request_body = MuteBody,
    responses((status = 200, description = "muted", body = IncidentResponse), (status = 400, description = "no such time", body = Problem),
        (status = 404, description = "none such", body = Problem), (status = 409, description = "it is resolved", body = Problem)))]
pub async fn mute_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Body<MuteBody>,
) -> Answer {
    let Json(body) = body?;
    let time = TimeDelta::from_std(body.time)
        .map_err(|_| ApiError::bad_request("invalid_value", "for is too long"))?;
    let until = app.clock.now() + time.min(MAX_MUTE + TimeDelta::seconds(1));
    take(app, &id, &body.by, Action::Mute { until }).await
}

/// Ends the mute.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/unmute", params(("id" = String, Path, description = "number or uuid")), request_body = By,
    responses((status = 200, description = "not muted", body = IncidentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn unmute_incident(State(app): State<SharedApp>, Path(id): Path<String>, body: Body<By>) -> Answer {
    take(app, &id, &body?.0.by, Action::Unmute).await
}
