//! Alerts as they were last, to read.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use chrono::{DateTime, Utc};
use opsseer_store::StoredAlert;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    alert_filter::AlertFilter,
    app::SharedApp,
    http::{
        error::{ApiError, Problem},
        incidents::{find, limit},
    },
};

/// Alerts on a page if nothing else is asked, and at most.
const PAGE: (u32, u32) = (100, 1000);

/// An alert as it came last.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AlertResponse {
    /// Its id.
    pub id: Uuid,
    /// The sender's name for it.
    pub fingerprint: String,
    /// The rule's name.
    pub name: String,
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// `page`, `ticket` or `info`.
    pub severity: &'static str,
    /// `alertmanager` or `grafana`.
    pub source: &'static str,
    /// What is wrong, in the sender's words.
    pub summary: Option<String>,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// What it says.
    pub annotations: BTreeMap<String, String>,
    /// When its condition began.
    pub starts_at: DateTime<Utc>,
    /// When it ended.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where the sender shows the rule or the query.
    pub generator_url: Option<String>,
    /// The number of its incident. A heartbeat has none.
    pub incident: Option<i64>,
    /// When it first came.
    pub first_seen_at: DateTime<Utc>,
    /// When it last came.
    pub last_seen_at: DateTime<Utc>,
}

impl AlertResponse {
    /// The wire form.
    pub fn new(stored: StoredAlert, incident: Option<i64>) -> Self {
        let alert = stored.alert;
        Self {
            id: stored.id,
            fingerprint: alert.fingerprint.to_string(),
            name: alert.name().to_owned(),
            status: alert.status.as_str(),
            severity: alert.severity().as_str(),
            source: alert.source.as_str(),
            summary: alert.summary().map(str::to_owned),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            generator_url: alert.generator_url,
            labels: alert.labels,
            annotations: alert.annotations,
            incident,
            first_seen_at: stored.first_seen_at,
            last_seen_at: stored.last_seen_at,
        }
    }
}

/// A page of alerts, in the order in which they first came.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertListResponse {
    /// The alerts.
    pub alerts: Vec<AlertResponse>,
    /// To be given as `cursor` for the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Which alerts are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertQuery {
    /// How many, 1 to 1000.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Which alerts of an incident are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncidentAlertQuery {
    /// How many are looked at for a page, 1 to 1000.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Words that must each stand in name, labels or summary. A page then holds those that fit among the ones looked at,
    /// perhaps none, while `next_cursor` says that there are more to look at.
    pub q: Option<String>,
}

/// Lists all alerts that were ever taken, each once.
#[utoipa::path(get, path = "/api/v1/alerts", params(AlertQuery), responses(
    (status = 200, description = "a page", body = AlertListResponse), (status = 400, description = "not understood", body = Problem)))]
pub async fn list_alerts(
    State(app): State<SharedApp>,
    query: Result<Query<AlertQuery>, QueryRejection>,
) -> Result<Json<AlertListResponse>, ApiError> {
    let query = query?.0;
    let cursor = query.cursor.map(|cursor| cursor.parse()).transpose()?;
    let page = app.store.list_alerts(limit(query.limit, PAGE)?, cursor).await?;
    let mut numbers = HashMap::new();
    for id in page.alerts.iter().filter_map(|alert| alert.incident) {
        if let std::collections::hash_map::Entry::Vacant(entry) = numbers.entry(id)
            && let Some(incident) = app.store.find_incident(id.into()).await?
        {
            entry.insert(incident.number.0);
        }
    }
    let wire = |alert: StoredAlert| {
        let number = alert.incident.and_then(|id| numbers.get(&id).copied());
        AlertResponse::new(alert, number)
    };
    Ok(Json(AlertListResponse {
        alerts: page.alerts.into_iter().map(wire).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// Lists all alerts of an incident. The incident itself shows only the first of them.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/alerts", params(("id" = String, Path, description = "number or uuid"), IncidentAlertQuery),
    responses((status = 200, description = "a page", body = AlertListResponse), (status = 400, description = "not understood", body = Problem),
        (status = 404, description = "none such", body = Problem)))]
pub async fn list_alerts_of_incident(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    query: Result<Query<IncidentAlertQuery>, QueryRejection>,
) -> Result<Json<AlertListResponse>, ApiError> {
    let query = query?.0;
    let limit = limit(query.limit, PAGE)?;
    let cursor = query.cursor.filter(|cursor| !cursor.is_empty()).map(|cursor| cursor.parse()).transpose()?;
    let filter = AlertFilter::of(query.q.as_deref().unwrap_or_default());
    let incident = find(&app, &id).await?;
    let page = app.store.page_alerts_of(incident.id, limit, cursor).await?;
    let fitting = page.alerts.into_iter().filter(|alert| filter.fits(alert));
    Ok(Json(AlertListResponse {
        alerts: fitting.map(|alert| AlertResponse::new(alert, Some(incident.number.0))).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}
