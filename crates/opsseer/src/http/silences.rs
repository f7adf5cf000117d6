//! Alertmanager's silences, seen and changed from here.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use humantime_serde::re::humantime::parse_duration;
use opsseer_connect::alertmanager::{Silence, SilenceState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    http::{
        actions::By,
        error::{ApiError, Problem},
        incidents::IncidentResponse,
    },
    pipeline::silences::{self, SilenceError},
};

/// A silence of Alertmanager's.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceResponse {
    /// Alertmanager's name for it.
    pub id: String,
    /// `pending`, `active` or `expired`.
    pub state: &'static str,
    /// What an alert must meet to be silenced, such as `alertname="Slow", service="db"`.
    pub matchers: String,
    /// From when.
    pub starts_at: DateTime<Utc>,
    /// Until when.
    pub ends_at: DateTime<Utc>,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// The number of the incident that it was made for, if it was made by an OpsSeer.
    pub incident: Option<i64>,
}

/// All silences.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceList {
    /// Active ones first, then pending ones, then those that expired some days ago at most.
    pub silences: Vec<SilenceResponse>,
    /// Always null: Alertmanager gives all at once.
    pub next_cursor: Option<String>,
}

/// What becomes of a request for a silence.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilencedResponse {
    /// The incident after it.
    pub incident: IncidentResponse,
    /// The silences, one for each service in the incident.
    pub silences: Vec<SilenceResponse>,
}

/// What is left after a silence.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceEndedResponse {
    /// An incident that it covered, after it: the one that it was made for, if that is told. Null if none is.
    pub incident: Option<IncidentResponse>,
}

/// A silence for an incident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceBody {
    /// Who wants it.
    pub by: String,
    /// For how long, such as `1h` or `30m`.
    #[serde(rename = "for")]
    pub time: String,
    /// Why.
    pub comment: Option<String>,
}

impl From<Silence> for SilenceResponse {
    fn from(silence: Silence) -> Self {
        let state = match silence.state {
            SilenceState::Pending => "pending",
            SilenceState::Active => "active",
            SilenceState::Expired => "expired",
        };
        Self {
            state,
            matchers: silences::in_words(&silence.matchers),
            incident: silences::incident_of(&silence).map(|number| number.0),
            id: silence.id,
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by,
            comment: silence.comment,
        }
    }
}

impl From<SilenceError> for ApiError {
    fn from(error: SilenceError) -> Self {
        match error {
            SilenceError::NotConfigured => {
                Self::new(StatusCode::CONFLICT, "alertmanager_not_configured", error.to_string())
            }
            SilenceError::Unknown(_) => Self::not_found(&error.to_string()),
            SilenceError::Alertmanager(source) => {
                tracing::warn!(error = %source, "Alertmanager did not do what a person asked");
                Self::new(StatusCode::BAD_GATEWAY, "alertmanager_failed", source.to_string())
            }
            SilenceError::TooSlow(_) => {
                tracing::warn!(%error, "Alertmanager did not do what a person asked");
                Self::new(StatusCode::BAD_GATEWAY, "alertmanager_failed", error.to_string())
            }
            SilenceError::Action(error) => error.into(),
        }
    }
}

/// Lists the silences that Alertmanager knows.
#[utoipa::path(get, path = "/api/v1/silences",
    responses((status = 200, description = "all silences", body = SilenceList),
        (status = 409, description = "no Alertmanager is configured", body = Problem),
        (status = 502, description = "Alertmanager does not answer", body = Problem)))]
pub async fn list_silences(State(app): State<SharedApp>) -> Result<Json<SilenceList>, ApiError> {
    let mut silences = silences::list(&app).await?;
    silences.sort_by_key(|silence| match silence.state {
        SilenceState::Active => 0,
        SilenceState::Pending => 1,
        SilenceState::Expired => 2,
    });
    let silences = silences.into_iter().map(SilenceResponse::from).collect();
    Ok(Json(SilenceList { silences, next_cursor: None }))
}

/// Silences the firing alerts of an incident in Alertmanager.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/silence", params(("id" = String, Path, description = "number or uuid")), request_body = SilenceBody,
    responses((status = 200, description = "silenced", body = SilencedResponse), (status = 400, description = "not understood", body = Problem),
        (status = 404, description = "none such", body = Problem),
        (status = 409, description = "no Alertmanager is configured, nothing fires, or no silence is narrow enough", body = Problem),
        (status = 502, description = "Alertmanager does not answer", body = Problem)))]
pub async fn silence_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Result<Json<SilenceBody>, JsonRejection>,
) -> Result<Json<SilencedResponse>, ApiError> {
    let Json(body) = body?;
    let time = parse_duration(&body.time).map_err(|_| {
        ApiError::bad_request(
            "invalid_value",
            format!("for is {:?}; it must be a time such as 1h", body.time),
        )
    })?;
    let (incident, made) =
        silences::silence(&app, id.parse()?, &body.by, time, body.comment.as_deref()).await?;
    Ok(Json(SilencedResponse {
        incident: IncidentResponse::new(&app, incident),
        silences: made.into_iter().map(SilenceResponse::from).collect(),
    }))
}

/// Ends a silence before its time.
#[utoipa::path(delete, path = "/api/v1/silences/{silence_id}", params(("silence_id" = String, Path, description = "Alertmanager's name for it")), request_body = By,
    responses((status = 200, description = "ended", body = SilenceEndedResponse), (status = 404, description = "none such", body = Problem),
        (status = 409, description = "no Alertmanager is configured", body = Problem),
        (status = 502, description = "Alertmanager does not answer", body = Problem)))]
pub async fn end_silence(
    State(app): State<SharedApp>,
    Path(silence_id): Path<String>,
    body: Result<Json<By>, JsonRejection>,
) -> Result<Json<SilenceEndedResponse>, ApiError> {
    let incident = silences::end(&app, &silence_id, &body?.0.by).await?;
    let incident = incident.map(|incident| IncidentResponse::new(&app, incident));
    Ok(Json(SilenceEndedResponse { incident }))
}
