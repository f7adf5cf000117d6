//! The page of work that failed: what an incident lacks, why, and a button that asks for another try.

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
        incident::step_words,
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
    cursor: Option<String>,
}

/// Which of the work that failed is to be tried again: all of it, unless something is named.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct RetryForm {
    incident: Option<Uuid>,
    kind: Option<String>,
}

/// A job that was given up.
struct Row {
    id: JobId,
    number: i64,
    title: String,
    what: String,
    why: String,
    attempts: String,
    since: Moment,
}

impl Row {
    fn new(job: &StoredJob, now: DateTime<Utc>) -> Self {
        let why = job.last_error.as_deref().unwrap_or("nothing is known of it");
        Self {
            id: job.id,
            number: job.incident_number.0,
            title: cut(&job.incident_title, WORDS),
            what: step_words(&job.kind),
            why: first_line(why, WORDS),
            attempts: match job.attempts {
                1 => "begun once".to_owned(),
                attempts => format!("begun {attempts} times"),
            },
            since: Moment::new(job.available_at, now),
        }
    }
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    rows: Vec<Row>,
    first: Option<&'static str>,
    next: Option<String>,
}

/// Shows the work that failed, what was asked for last first.
pub(crate) async fn show_failed_jobs(
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
    let page = app.store.list_jobs(Some(JobState::Dead), ROWS, cursor).await?;
    let now = app.clock.now();
    let here = address(cursor);
    let page = JobsPage {
        rows: page.jobs.iter().map(|job| Row::new(job, now)).collect(),
        first: cursor.map(|_| "/jobs"),
        next: page.next_cursor.map(|cursor| address(Some(cursor))),
        frame: Frame::new(&app, viewer, here).await?,
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

fn address(cursor: Option<JobId>) -> String {
    cursor.map_or_else(|| "/jobs".to_owned(), |cursor| format!("/jobs?cursor={cursor}"))
}

fn not_done(error: &ApiError) -> Problem {
    Problem { status: error.status(), headline: "Not done", words: error.detail().to_owned() }
}

impl From<RetryError> for Problem {
    fn from(error: RetryError) -> Self {
        not_done(&error.into())
    }
}
