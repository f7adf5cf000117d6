//! Asking the runbooks within an incident, and saying what kind of trouble an alert is about.

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use opsseer_ai::classify::{Category, SeverityOpinion};
use opsseer_core::Incident;
use serde::Deserialize;

use super::{answer, not_done, unreadable};
use crate::{
    app::{App, SharedApp},
    asking, corrections,
    web::{problem::Problem, viewer::Viewer},
};

/// What somebody wants to know.
#[derive(Debug, Deserialize)]
pub(crate) struct AskForm {
    question: String,
}

/// What an alert is about.
#[derive(Debug, Deserialize)]
pub(crate) struct ClassForm {
    alert: String,
    category: String,
    /// Empty: no opinion.
    #[serde(default)]
    severity: String,
}

/// Asks the runbooks in the reader's name. Question and answer stand on the timeline then.
pub(crate) async fn ask_within_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<AskForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => ask(&app, &incident, &viewer, &form.question).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

async fn ask(app: &App, incident: &str, viewer: &Viewer, question: &str) -> Result<Incident, Problem> {
    let reference = incident.parse().map_err(|_| Problem::no_incident(incident))?;
    let asked = asking::ask(app, question, Some(reference), &viewer.name).await?;
    asked.incident.ok_or_else(|| Problem::no_incident(incident))
}

/// Corrects the classifier in the reader's name.
pub(crate) async fn correct_class(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<ClassForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => correct(&app, &incident, &viewer, &form).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

async fn correct(app: &App, incident: &str, viewer: &Viewer, form: &ClassForm) -> Result<Incident, Problem> {
    let reference = incident.parse().map_err(|_| Problem::no_incident(incident))?;
    let refused = |what: &str| not_done(StatusCode::BAD_REQUEST, format!("that is not a {what}"));
    let category = Category::parse(&form.category).ok_or_else(|| refused("category"))?;
    let severity = match form.severity.as_str() {
        "" => None,
        word => Some(SeverityOpinion::parse(word).ok_or_else(|| refused("severity"))?),
    };
    Ok(corrections::correct(app, reference, &viewer.name, &form.alert, category, severity).await?)
}
