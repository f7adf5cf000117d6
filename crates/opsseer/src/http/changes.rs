//! What was changed, told by those who did it.

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use chrono::{DateTime, SubsecRound, Utc};
use opsseer_store::{ChangeFilter, StoredChange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    app::SharedApp,
    changes::told::{self, ChangeError, Telling},
    http::{
        error::{ApiError, Problem},
        incidents::limit,
    },
};

/// Changes on a page if nothing else is asked, and at most.
const PAGE: (u32, u32) = (100, 1000);

/// Something that was changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// `deploy`, `config`, `restart`, `scale`, `flag` or `other`.
    pub kind: String,
    /// What was done, in at most 200 characters.
    pub title: String,
    /// The service that it was done to. Without one it may concern every service.
    #[serde(default)]
    pub service: Option<String>,
    /// When. Now, if absent.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
    /// The version that runs since.
    #[serde(default)]
    pub version: Option<String>,
    /// Where one can read more: http or https.
    #[serde(default)]
    pub link: Option<String>,
    /// Your own name for this change, such as the number of the pipeline's run. What comes again with the same id and
    /// source is kept once.
    #[serde(default)]
    pub id: Option<String>,
    /// Who tells, such as `github-actions`.
    #[serde(default)]
    pub source: Option<String>,
}

/// A change as it is kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeResponse {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// `deploy`, `config`, `restart`, `scale`, `flag` or `other`.
    pub kind: &'static str,
    /// What was done.
    pub title: String,
    /// The service that it was done to.
    pub service: Option<String>,
    /// The version that runs since.
    pub version: Option<String>,
    /// Where one can read more.
    pub link: Option<String>,
    /// Who told.
    pub source: String,
    /// When OpsSeer was told.
    pub recorded_at: DateTime<Utc>,
}

/// A change that was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldResponse {
    /// The change as it is kept.
    #[serde(flatten)]
    pub change: ChangeResponse,
    /// The numbers of the incidents on whose timelines it was written now.
    pub incidents: Vec<i64>,
}

/// Changes, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeListResponse {
    /// The changes.
    pub changes: Vec<ChangeResponse>,
    /// To be given as `cursor` for the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Which changes are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeQuery {
    /// Of this service.
    pub service: Option<String>,
    /// Not made before this.
    pub since: Option<DateTime<Utc>>,
    /// How many, 1 to 1000.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

impl ChangeResponse {
    /// The wire form.
    pub fn new(stored: StoredChange) -> Self {
        let seen = stored.seen;
        Self {
            id: stored.id,
            at: stored.at,
            kind: seen.change.as_str(),
            title: seen.title,
            service: seen.service,
            version: seen.version,
            link: seen.link,
            source: seen.source,
            recorded_at: stored.recorded_at,
        }
    }
}

/// Tells of a change. It is kept, and written at once on the timeline of each open incident of its service; without a
/// service, of all that are open.
#[utoipa::path(post, path = "/api/v1/changes", request_body = ChangeBody,
    responses((status = 201, description = "kept", body = ToldResponse), (status = 200, description = "known already, as it was told first", body = ToldResponse),
        (status = 400, description = "not understood", body = Problem)))]
pub async fn tell_change(
    State(app): State<SharedApp>,
    body: Result<Json<ChangeBody>, JsonRejection>,
) -> Result<(StatusCode, Json<ToldResponse>), ApiError> {
    let Json(ChangeBody { kind, title, service, at, version, link, id, source }) = body?;
    let telling = Telling { kind, title, service, at, version, link, id, source };
    let told = told::tell(&app, telling).await?;
    let status = if told.new { StatusCode::CREATED } else { StatusCode::OK };
    let incidents = told.incidents.into_iter().map(|number| number.0).collect();
    Ok((status, Json(ToldResponse { change: ChangeResponse::new(told.change), incidents })))
}

/// Lists changes that were told, the latest first.
#[utoipa::path(get, path = "/api/v1/changes", params(ChangeQuery),
    responses((status = 200, description = "a page of them", body = ChangeListResponse), (status = 400, description = "not understood", body = Problem)))]
pub async fn list_changes(
    State(app): State<SharedApp>,
    query: Result<Query<ChangeQuery>, QueryRejection>,
) -> Result<Json<ChangeListResponse>, ApiError> {
    let Query(query) = query?;
    let filter = ChangeFilter {
        service: query.service,
        from: query.since.map(|since| since.trunc_subsecs(6)),
        limit: limit(query.limit, PAGE)?,
        cursor: query.cursor.map(|cursor| cursor.parse()).transpose()?,
        ..ChangeFilter::default()
    };
    let page = app.store.list_changes(&filter).await?;
    let changes = page.changes.into_iter().map(ChangeResponse::new).collect();
    let next_cursor = page.next_cursor.map(|cursor| cursor.to_string());
    Ok(Json(ChangeListResponse { changes, next_cursor }))
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(reason) => Self::bad_request("invalid_value", reason),
            ChangeError::Store(error) => error.into(),
        }
    }
}
