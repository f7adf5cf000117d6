//! The page of work that failed: what an incident lacks, why, and a button that asks for another try. Beside it, what
//! still waits.

use askama::Template;
use axum::{
    Form,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use opsseer_core::IncidentId;
use opsseer_store::{DeadJobs, JobId, JobState, StoredJob};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    app::SharedApp,
    http::error::ApiError,
    jobs::retry::{self, RetryError},
    web::{
        frame::Frame,
        incident::{sentence_case, step_words},
        moment::Moment,
        problem::Problem,
        prose::{cut, first_line},
        viewer::Viewer,
    },
};

/// Rows of one page.
const ROWS: u32 = 50;
/// Characters of a reason or a headline.
const WORDS: usize = 300;

/// The address's query, as it came.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct JobsQuery {
    /// `dead`, as if absent, or `pending`.
    state: Option<String>,
    cursor: Option<String>,
}

/// Which of the work that failed is to be tried again: all of it, unless something is named.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RetryForm {
    incident: Option<Uuid>,
    kind: Option<String>,
}

/// A job that was given up or waits.
struct Row {
    id: JobId,
    number: i64,
    title: String,
    what: String,
    why: Option<String>,
    attempts: String,
    /// When it was given up; of one that waits, when it is taken at the latest, unless that is as soon as a worker is free.
    at: Option<Moment>,
}

impl Row {
    fn new(job: &StoredJob, now: DateTime<Utc>) -> Self {
        Self {
            id: job.id,
            number: job.incident_number.0,
            title: cut(&job.incident_title, WORDS),
            what: step_words(&job.kind),
            why: job.last_error.as_deref().map(|why| sentence_case(&first_line(why, WORDS))),
            attempts: match job.attempts {
                0 => "not begun yet".to_owned(),
                1 => "begun once".to_owned(),
                attempts => format!("begun {attempts} times"),
            },
            at: (job.state == JobState::Dead || job.available_at > now)
                .then(|| Moment::new(job.available_at, now)),
        }
    }
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    /// Those that wait, not those that were given up.
    waiting: bool,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

/// Shows the work that failed or waits, what was asked for last first.
pub(crate) async fn show_jobs(
    State(app): State<SharedApp>,
    query: Result<Query<JobsQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let cursor: Option<JobId> = query
        .cursor
        .map(|cursor| cursor.parse())
        .transpose()
        .map_err(|error: opsseer_store::InvalidReference| Problem::not_understood(error.to_string()))?;
    let state = match query.state.as_deref() {
        None | Some("dead") => JobState::Dead,
        Some("pending") => JobState::Pending,
        Some(other) => {
            return Err(Problem::not_understood(format!("{other:?} is not a state; allowed: dead, pending")));
        }
    };
    let page = app.store.list_jobs(Some(state), ROWS, cursor).await?;
    let now = app.clock.now();
    let page = JobsPage {
        waiting: state == JobState::Pending,
        rows: page.jobs.iter().map(|job| Row::new(job, now)).collect(),
        first: cursor.map(|_| address(state, None)),
        next: page.next_cursor.map(|cursor| address(state, Some(cursor))),
        frame: Frame::new(&app, viewer, address(state, cursor)).await?,
    };
    Ok(Html(page.render()?))
}

/// Tries one again, in the reader's name.
pub(crate) async fn retry_job(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    viewer: Viewer,
) -> Result<Redirect, Problem> {
    let id = id.parse().map_err(|_| not_done(&ApiError::from(RetryError::NotFound)))?;
    retry::retry(&app, id, &viewer.name).await?;
    Ok(Redirect::to("/jobs"))
}

/// Tries all again that fit, in the reader's name. From an incident's page it leads back there.
pub(crate) async fn retry_jobs(
    State(app): State<SharedApp>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<RetryForm>, FormRejection>,
) -> Response {
    let script = headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/plain");
    match retry_fitting(&app, &viewer, form).await {
        Ok(_) if script => StatusCode::NO_CONTENT.into_response(),
        Ok(Some(incident)) => Redirect::to(&format!("/incidents/{incident}")).into_response(),
        Ok(None) => Redirect::to("/jobs").into_response(),
        Err(problem) if script => problem.into_text(),
        Err(problem) => problem.into_response(),
    }
}

async fn retry_fitting(
    app: &SharedApp,
    viewer: &Viewer,
    form: Result<Form<RetryForm>, FormRejection>,
) -> Result<Option<Uuid>, Problem> {
    let Form(form) = form.map_err(|rejection| not_done(&rejection.into()))?;
    let which = DeadJobs { incident: form.incident.map(IncidentId), kind: form.kind };
    let retried = retry::retry_all(app, &which, &viewer.name).await?;
    if retried == 0 && form.incident.is_some() {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            headline: "Nothing to try again",
            words: "it was done meanwhile, or is under way again".to_owned(),
        });
    }
    Ok(form.incident)
}

fn address(state: JobState, cursor: Option<JobId>) -> String {
    let state = state.as_str();
    cursor.map_or_else(
        || format!("/jobs?state={state}"),
        |cursor| format!("/jobs?state={state}&cursor={cursor}"),
    )
}

fn not_done(error: &ApiError) -> Problem {
    Problem { status: error.status(), headline: "Not done", words: error.detail().to_owned() }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        not_done(&error.into())
    }
}
