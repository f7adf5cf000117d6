//! Work that follows from events, to look at, and to ask for again where it was given up.

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use opsseer_store::{DeadJobs, JobId, JobState, StoredJob};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    app::{App, SharedApp},
    http::{
        actions::By,
        error::{ApiError, Problem},
        incidents::limit,
    },
    jobs::retry::{self, RetryError},
};

/// Jobs on a page if nothing else is asked, and at most.
const PAGE: (u32, u32) = (50, 200);

/// A job as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobResponse {
    /// Its id.
    pub id: Uuid,
    /// Which work, such as `chart_metric`.
    pub kind: String,
    /// The number of its incident.
    pub incident: i64,
    /// That incident's headline.
    pub title: String,
    /// That incident's page.
    pub url: String,
    /// The id of the event that asks for it.
    pub event: i64,
    /// `pending`, `done` or `dead`.
    pub state: &'static str,
    /// How often it was begun.
    pub attempts: i64,
    /// Why the last try that failed did.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker may take it: at once, at its next try, or if the worker that has it does not come back.
    pub available_at: Option<DateTime<Utc>>,
    /// When it was done or given up.
    pub ended_at: Option<DateTime<Utc>>,
}

impl JobResponse {
    fn new(app: &App, job: StoredJob) -> Self {
        let pending = job.state == JobState::Pending;
        Self {
            id: job.id.0,
            kind: job.kind,
            incident: job.incident_number.0,
            title: job.incident_title,
            url: format!("{}/incidents/{}", app.config.public_url(), job.incident_number),
            event: job.generation.0,
            state: job.state.as_str(),
            attempts: job.attempts,
            last_error: job.last_error,
            created_at: job.created_at,
            available_at: Some(job.available_at).filter(|_| pending),
            ended_at: Some(job.available_at).filter(|_| !pending),
        }
    }
}

/// A page of jobs, those asked for last first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobListResponse {
    /// The jobs.
    pub jobs: Vec<JobResponse>,
    /// To be given as `cursor` for the next page, if there is one.
    pub next_cursor: Option<String>,
}

/// Which jobs are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// `pending`, `done` or `dead`.
    pub state: Option<String>,
    /// How many, 1 to 200.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Who asks, and for which work.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryJobsBody {
    /// The person's name.
    pub by: String,
    /// Only this kind of work, such as `chart_metric`.
    pub kind: Option<String>,
}

/// What became of the wish.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetriedResponse {
    /// How many jobs are tried again.
    pub retried: u64,
}

/// Lists jobs.
#[utoipa::path(get, path = "/api/v1/jobs", params(JobQuery), responses(
    (status = 200, description = "a page", body = JobListResponse), (status = 400, description = "not understood", body = Problem)))]
pub async fn list_jobs(
    State(app): State<SharedApp>,
    query: Result<Query<JobQuery>, QueryRejection>,
) -> Result<Json<JobListResponse>, ApiError> {
    let query = query?.0;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let state: Option<JobState> = given(query.state).map(|word| word.parse()).transpose()?;
    let cursor: Option<JobId> = given(query.cursor).map(|cursor| cursor.parse()).transpose()?;
    let page = app.store.list_jobs(state, limit(query.limit, PAGE)?, cursor).await?;
    Ok(Json(JobListResponse {
        jobs: page.jobs.into_iter().map(|job| JobResponse::new(&app, job)).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// Shows a job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", params(("id" = String, Path, description = "uuid")), responses(
    (status = 200, description = "the job", body = JobResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn show_job(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<Json<JobResponse>, ApiError> {
    let job = app.store.find_job(id.parse()?).await?;
    let job = job.ok_or_else(|| ApiError::from(RetryError::NotFound))?;
    Ok(Json(JobResponse::new(&app, job)))
}

/// Asks that a job which was given up is tried again.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retry", params(("id" = String, Path, description = "uuid")), request_body = By,
    responses((status = 200, description = "the job, which waits or is under way", body = JobResponse),
        (status = 404, description = "none such", body = Problem), (status = 409, description = "it is done", body = Problem)))]
pub async fn retry_job(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Result<Json<By>, JsonRejection>,
) -> Result<Json<JobResponse>, ApiError> {
    let Json(body) = body?;
    let job = retry::retry(&app, id.parse()?, &body.by).await?;
    Ok(Json(JobResponse::new(&app, job)))
}

/// Asks that all jobs which were given up are tried again, or all of a kind.
#[utoipa::path(post, path = "/api/v1/jobs/retry", request_body = RetryJobsBody, responses(
    (status = 200, description = "how many", body = RetriedResponse), (status = 400, description = "not understood", body = Problem)))]
pub async fn retry_jobs(
    State(app): State<SharedApp>,
    body: Result<Json<RetryJobsBody>, JsonRejection>,
) -> Result<Json<RetriedResponse>, ApiError> {
    let Json(body) = body?;
    let which = DeadJobs { incident: None, kind: body.kind };
    Ok(Json(RetriedResponse { retried: retry::retry_all(&app, &which, &body.by).await? }))
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> Self {
        match error {
            RetryError::NotFound => Self::not_found("there is no such job"),
            RetryError::Done => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()),
            RetryError::Name(error) => error.into(),
            RetryError::Store(error) => error.into(),
        }
    }
}
