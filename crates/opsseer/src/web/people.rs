//! What people do from a page. Plain forms: with JavaScript the page stays and the stream brings the change, without it
//! the browser is sent back to the page.

pub(crate) mod answers;
pub(crate) mod quiet;
pub(crate) mod regroup;

use axum::{
    Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use opsseer_core::Incident;
use serde::Deserialize;

use crate::{
    actions::{Action, act},
    app::{App, SharedApp},
    web::{problem::Problem, viewer::Viewer},
};

/// The form under the timeline's title.
#[derive(Debug, Deserialize)]
pub(crate) struct NoteForm {
    text: String,
}

/// The form in the top bar.
#[derive(Debug, Deserialize)]
pub(crate) struct NameForm {
    name: String,
    back: String,
}

/// Adds a note in the reader's name.
pub(crate) async fn add_note(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<NoteForm>, FormRejection>,
) -> Response {
    let done = match form {
        // Browsers send line breaks as CR LF.
        Ok(Form(form)) => {
            perform(&app, &incident, &viewer, Action::Note(form.text.replace("\r\n", "\n"))).await
        }
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

/// Acknowledges in the reader's name.
pub(crate) async fn acknowledge_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    answer(&headers, perform(&app, &incident, &viewer, Action::Acknowledge).await)
}

/// Resolves in the reader's name.
pub(crate) async fn resolve_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    answer(&headers, perform(&app, &incident, &viewer, Action::Resolve(None)).await)
}

/// Reopens in the reader's name.
pub(crate) async fn reopen_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
) -> Response {
    answer(&headers, perform(&app, &incident, &viewer, Action::Reopen(None)).await)
}

/// Keeps the reader's name in a cookie.
pub(crate) async fn keep_name(form: Result<Form<NameForm>, FormRejection>) -> Result<Response, Problem> {
    let Form(form) = form.map_err(|rejection| unreadable(&rejection))?;
    let viewer = Viewer::named(&form.name)
        .ok_or_else(|| not_done(StatusCode::BAD_REQUEST, "a name has 1 to 60 printable characters"))?;
    Ok(([(header::SET_COOKIE, viewer.cookie())], Redirect::to(own_page(&form.back))).into_response())
}

/// `back` if it is a page of ours, else the list: a form must not send anybody elsewhere.
fn own_page(back: &str) -> &str {
    let ours = back.starts_with('/')
        && !back.starts_with("//")
        && !back.contains('\\')
        && !back.chars().any(|c| c.is_control() || c.is_whitespace());
    if ours { back } else { "/" }
}

async fn perform(app: &App, incident: &str, viewer: &Viewer, action: Action) -> Result<Incident, Problem> {
    let reference = incident.parse().map_err(|_| Problem::no_incident(incident))?;
    Ok(act(app, reference, &viewer.name, action).await?)
}

/// A script wants a word, a browser a page.
fn answer(headers: &HeaderMap, done: Result<Incident, Problem>) -> Response {
    let script = wants_a_word(headers);
    match done {
        Ok(_) if script => StatusCode::NO_CONTENT.into_response(),
        Ok(incident) => Redirect::to(&format!("/incidents/{}", incident.number)).into_response(),
        Err(problem) if script => problem.into_text(),
        Err(problem) => problem.into_response(),
    }
}

fn wants_a_word(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/plain")
}

fn unreadable(rejection: &FormRejection) -> Problem {
    not_done(rejection.status(), rejection.body_text())
}

fn not_done(status: StatusCode, words: impl Into<String>) -> Problem {
    Problem { status, headline: "Not done", words: words.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_our_own_pages_only() {
        assert_eq!(own_page("/incidents/42?before=7"), "/incidents/42?before=7");
        for elsewhere in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "",
            "/\t/evil",
        ] {
            assert_eq!(own_page(elsewhere), "/", "{elsewhere}");
        }
    }
}
