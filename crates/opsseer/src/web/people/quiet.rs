//! Keeping quiet about an incident for a while: somebody is on it, or Alertmanager is silenced.

use std::time::Duration;

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use chrono::TimeDelta;
use opsseer_core::Incident;
use serde::Deserialize;

use super::{answer, not_done, perform, unreadable, wants_a_word};
use crate::{
    actions::Action,
    app::{App, SharedApp},
    pipeline::silences,
    web::{problem::Problem, viewer::Viewer},
};

/// For how long somebody is on it.
#[derive(Debug, Deserialize)]
pub(crate) struct OnItForm {
    minutes: u32,
}

/// For how long nobody is told, and why.
#[derive(Debug, Deserialize)]
pub(crate) struct SilenceForm {
    minutes: u32,
    #[serde(default)]
    comment: String,
}

/// The page to come back to.
#[derive(Debug, Deserialize)]
pub(crate) struct EndForm {
    /// An incident's number; the list of silences if absent.
    back: Option<i64>,
}

/// Acknowledges, and mutes the incident for a while.
pub(crate) async fn be_on_it(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<OnItForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => on_it(&app, &incident, &viewer, form).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

async fn on_it(app: &App, incident: &str, viewer: &Viewer, form: OnItForm) -> Result<Incident, Problem> {
    perform(app, incident, viewer, Action::Acknowledge).await?;
    let until = app.clock.now() + TimeDelta::minutes(i64::from(form.minutes));
    perform(app, incident, viewer, Action::Mute { until }).await
}

/// Ends the mute.
pub(crate) async fn unmute_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    answer(&headers, perform(&app, &incident, &viewer, Action::Unmute).await)
}

/// Silences the incident's firing alerts in Alertmanager.
pub(crate) async fn silence_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<SilenceForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => silence(&app, &incident, &viewer, form).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

async fn silence(
    app: &SharedApp,
    incident: &str,
    viewer: &Viewer,
    form: SilenceForm,
) -> Result<Incident, Problem> {
    let reference = incident.parse().map_err(|_| Problem::no_incident(incident))?;
    if form.comment.trim().is_empty() {
        return Err(not_done(StatusCode::BAD_REQUEST, "say why, for those who find the silence"));
    }
    let time = Duration::from_secs(u64::from(form.minutes) * 60);
    let (incident, _) = silences::silence(app, reference, &viewer.name, time, Some(&form.comment)).await?;
    Ok(incident)
}

/// Ends a silence, whoever made it.
pub(crate) async fn end_silence(
    State(app): State<SharedApp>,
    Path(silence): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<EndForm>, FormRejection>,
) -> Response {
    let back = form.ok().and_then(|Form(form)| form.back);
    let page = back.map_or_else(|| "/silences".to_owned(), |number| format!("/incidents/{number}"));
    match silences::end(&app, &silence, &viewer.name).await.map_err(Problem::from) {
        Ok(_) if wants_a_word(&headers) => StatusCode::NO_CONTENT.into_response(),
        Ok(_) => Redirect::to(&page).into_response(),
        Err(problem) if wants_a_word(&headers) => problem.into_text(),
        Err(problem) => problem.into_response(),
    }
}
