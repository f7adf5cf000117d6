//! Incidents and their timelines, to read.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventId, Incident, IncidentStatus, Severity};
use opsseer_store::{IncidentFilter, IncidentRef, StatusFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    app::{App, SharedApp},
    http::{
        alerts::AlertResponse,
        error::{ApiError, Problem},
    },
};

/// Incidents on a page if nothing else is asked, and at most.
const PAGE: (u32, u32) = (50, 200);

/// Events on a page if nothing else is asked, and at most.
const TIMELINE_PAGE: (u32, u32) = (500, 5000);

/// Alerts that are shown with their incident.
const ALERTS_SHOWN: u32 = 200;

/// An incident as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentResponse {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: i64,
    /// Its page.
    pub url: String,
    /// `open`, `acknowledged` or `resolved`.
    pub status: &'static str,
    /// `page`, `ticket` or `info`.
    pub severity: &'static str,
    /// The headline.
    pub title: String,
    /// The service it is about, if known.
    pub service: Option<String>,
    /// When it began.
    pub opened_at: DateTime<Utc>,
    /// Who took notice first.
    pub acknowledged: Option<AcknowledgedResponse>,
    /// Who owns it.
    pub owner: Option<String>,
    /// When it ended.
    pub resolved_at: Option<DateTime<Utc>>,
    /// How often it came back.
    pub reopened_count: i64,
    /// How many of its alerts fire.
    pub alerts_firing: i64,
    /// How many different alerts it has had.
    pub alerts_total: i64,
    /// Whether its end is held back because it comes and goes.
    pub flapping: bool,
    /// How often it came back by itself of late.
    pub flaps: i64,
    /// Since when none of its alerts fires, while it goes on.
    pub quiet_since: Option<DateTime<Utc>>,
    /// The incident that has its alerts now.
    pub merged_into: Option<Uuid>,
    /// Nobody needs to be told about it until then.
    pub muted_until: Option<DateTime<Utc>>,
    /// Who said so.
    pub muted_by: Option<String>,
    /// When Alertmanager's silence that covers it ends.
    pub silenced_until: Option<DateTime<Utc>>,
    /// The id of its newest event.
    pub last_event: i64,
    /// When that was written.
    pub updated_at: DateTime<Utc>,
}

/// Who took notice, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AcknowledgedResponse {
    /// The person.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl IncidentResponse {
    /// The wire form.
    pub fn new(app: &App, incident: Incident) -> Self {
        let silenced_until = incident.silenced_until();
        Self {
            id: incident.id.0,
            number: incident.number.0,
            url: format!("{}/incidents/{}", app.config.public_url(), incident.number),
            status: incident.status.as_str(),
            severity: incident.severity.as_str(),
            title: incident.title,
            service: incident.service,
            opened_at: incident.opened_at,
            acknowledged: incident.acknowledged.map(|one| AcknowledgedResponse { by: one.by, at: one.at }),
            owner: incident.owner,
            resolved_at: incident.resolved_at,
            reopened_count: incident.reopened_count,
            alerts_firing: incident.alerts_firing,
            alerts_total: incident.alerts_total,
            flapping: incident.flapping,
            flaps: incident.flaps,
            quiet_since: incident.quiet_since,
            merged_into: incident.merged_into.map(|into| into.0),
            muted_until: incident.muted_until,
            muted_by: incident.muted_by,
            silenced_until,
            last_event: incident.last_event.0,
            updated_at: incident.updated_at,
        }
    }
}

/// An incident with its alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentDetailResponse {
    /// The incident.
    #[serde(flatten)]
    pub incident: IncidentResponse,
    /// Its alerts: firing ones first, at most 200.
    pub alerts: Vec<AlertResponse>,
}

/// A page of incidents: those that go on first, then the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentListResponse {
    /// The incidents.
    pub incidents: Vec<IncidentResponse>,
    /// To be given as `cursor` for the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Which incidents are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncidentQuery {
    /// `unresolved`, `open`, `acknowledged` or `resolved`.
    pub status: Option<String>,
    /// `page`, `ticket` or `info`.
    pub severity: Option<String>,
    /// Words of title, service or number.
    pub q: Option<String>,
    /// How many, 1 to 200.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl IncidentQuery {
    /// Checks what was asked.
    pub fn into_filter(self) -> Result<IncidentFilter, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(IncidentFilter {
            status: given(self.status).map(|word| status_filter(&word)).transpose()?,
            severity: given(self.severity)
                .map(|word| word.parse::<Severity>())
                .transpose()
                .map_err(|error| ApiError::bad_request("invalid_query", error.to_string()))?,
            text: given(self.q),
            limit: limit(self.limit, PAGE)?,
            cursor: given(self.cursor).map(|cursor| cursor.parse()).transpose()?,
        })
    }
}

/// Which events are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// Only events with a larger id.
    pub after: Option<i64>,
    /// How many, 1 to 5000.
    pub limit: Option<u32>,
}

/// A page of a timeline, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineResponse {
    /// The events.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Event>,
    /// To be given as `after` for the next page, if there is one.
    pub next_after: Option<i64>,
}

/// Lists incidents.
#[utoipa::path(get, path = "/api/v1/incidents", params(IncidentQuery), responses(
    (status = 200, description = "a page", body = IncidentListResponse), (status = 400, description = "not understood", body = Problem)))]
pub async fn list_incidents(
    State(app): State<SharedApp>,
    query: Result<Query<IncidentQuery>, QueryRejection>,
) -> Result<Json<IncidentListResponse>, ApiError> {
    let page = app.store.list_incidents(&query?.0.into_filter()?).await?;
    Ok(Json(IncidentListResponse {
        incidents: page.incidents.into_iter().map(|incident| IncidentResponse::new(&app, incident)).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// Shows an incident and its alerts.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", params(("id" = String, Path, description = "number or uuid")), responses(
    (status = 200, description = "the incident", body = IncidentDetailResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn show_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<Json<IncidentDetailResponse>, ApiError> {
    let incident = find(&app, &id).await?;
    let number = incident.number.0;
    let alerts = app.store.list_alerts_of(incident.id, ALERTS_SHOWN).await?;
    Ok(Json(IncidentDetailResponse {
        incident: IncidentResponse::new(&app, incident),
        alerts: alerts.into_iter().map(|alert| AlertResponse::new(alert, Some(number))).collect(),
    }))
}

/// Shows what happened to an incident.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/timeline", params(("id" = String, Path, description = "number or uuid"), TimelineQuery),
    responses((status = 200, description = "a page", body = TimelineResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn list_timeline(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    query: Result<Query<TimelineQuery>, QueryRejection>,
) -> Result<Json<TimelineResponse>, ApiError> {
    let query = query?.0;
    let limit = limit(query.limit, TIMELINE_PAGE)?;
    let incident = find(&app, &id).await?;
    let events = app.store.list_events(incident.id, EventId(query.after.unwrap_or(0)), limit).await?;
    let more = events.last().filter(|last| last.id < incident.last_event).map(|last| last.id.0);
    Ok(Json(TimelineResponse { next_after: more, events }))
}

/// The incident that a path names.
pub async fn find(app: &App, id: &str) -> Result<Incident, ApiError> {
    let reference: IncidentRef = id.parse()?;
    let found = app.store.find_incident(reference).await?;
    found.ok_or_else(|| ApiError::not_found(&format!("there is no incident {id}")))
}

fn status_filter(word: &str) -> Result<StatusFilter, ApiError> {
    match word {
        "unresolved" => Ok(StatusFilter::Unresolved),
        "open" => Ok(StatusFilter::Is(IncidentStatus::Open)),
        "acknowledged" => Ok(StatusFilter::Is(IncidentStatus::Acknowledged)),
        "resolved" => Ok(StatusFilter::Is(IncidentStatus::Resolved)),
        other => Err(ApiError::bad_request(
            "invalid_query",
            format!("{other:?} is not a status; allowed: unresolved, open, acknowledged, resolved"),
        )),
    }
}

/// A limit within `1..=most`, or the usual one.
pub(super) fn limit(given: Option<u32>, (usual, most): (u32, u32)) -> Result<u32, ApiError> {
    match given {
        None => Ok(usual),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            Err(ApiError::bad_request("invalid_query", format!("limit is {limit}; allowed: 1 to {most}")))
        }
    }
}
