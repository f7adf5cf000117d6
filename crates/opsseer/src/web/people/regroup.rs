//! Which alerts belong together, as people say: merge, split, undo.

use axum::{
    Form,
    extract::{Path, RawForm, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use opsseer_core::{EventId, Incident};
use serde::Deserialize;
use url::form_urlencoded;
use uuid::Uuid;

use super::{answer, not_done, perform, unreadable};
use crate::{
    actions::Action,
    app::{App, SharedApp},
    web::{problem::Problem, viewer::Viewer},
};

/// Which other incident, and which of the two stays.
#[derive(Debug, Deserialize)]
pub(crate) struct MergeForm {
    /// As chosen.
    #[serde(default)]
    other: String,
    /// As typed, which counts more.
    #[serde(default)]
    number: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    way: Way,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Way {
    /// This incident stays.
    #[default]
    Here,
    /// The other one does.
    There,
}

/// What is undone.
#[derive(Debug, Deserialize)]
pub(crate) struct UndoForm {
    event: i64,
}

/// Merges two incidents.
pub(crate) async fn merge_incidents(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<MergeForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => merge(&app, &incident, &viewer, form).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

async fn merge(app: &App, here: &str, viewer: &Viewer, form: MergeForm) -> Result<Incident, Problem> {
    let typed = form.number.trim().trim_start_matches('#').to_uppercase();
    let other = if typed.is_empty() { form.other.trim() } else { typed.as_str() };
    if other.is_empty() {
        return Err(not_done(StatusCode::BAD_REQUEST, "choose the other incident, or type its number"));
    }
    let (stays, ends) = match form.way {
        Way::Here => (here, other),
        Way::There => (other, here),
    };
    let from = ends.parse().map_err(|_| Problem::no_incident(ends))?;
    perform(app, stays, viewer, Action::Merge { from, reason: given(form.reason) }).await
}

/// Takes the ticked alerts out into an incident of their own.
pub(crate) async fn split_incident(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    RawForm(form): RawForm,
) -> Response {
    let done = match split_action(&form) {
        Ok(action) => perform(&app, &incident, &viewer, action).await,
        Err(words) => Err(not_done(StatusCode::BAD_REQUEST, words)),
    };
    answer(&headers, done)
}

/// Each ticked alert is a field `alert` of its own.
fn split_action(form: &[u8]) -> Result<Action, &'static str> {
    let (mut alerts, mut reason) = (Vec::<Uuid>::new(), None);
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "alert" => alerts.push(value.parse().map_err(|_| "that is not an alert of this incident")?),
            "reason" => reason = given(value.into_owned()),
            _ => {}
        }
    }
    if alerts.is_empty() {
        return Err("tick the alerts that go");
    }
    Ok(Action::Split { alerts, reason })
}

/// Undoes a merge or a split.
pub(crate) async fn undo_regrouping(
    State(app): State<SharedApp>,
    Path(incident): Path<String>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<Form<UndoForm>, FormRejection>,
) -> Response {
    let done = match form {
        Ok(Form(form)) => {
            perform(&app, &incident, &viewer, Action::Undo { event: EventId(form.event) }).await
        }
        Err(rejection) => Err(unreadable(&rejection)),
    };
    answer(&headers, done)
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticked_alert_goes() {
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        let form = format!("alert={one}&alert={two}&reason=not+ours");
        let action = split_action(form.as_bytes()).expect("understood");
        assert_eq!(action, Action::Split { alerts: vec![one, two], reason: Some("not ours".into()) });
        let form = format!("alert={one}&reason=+");
        assert_eq!(split_action(form.as_bytes()), Ok(Action::Split { alerts: vec![one], reason: None }));
    }

    #[test]
    fn nothing_ticked_and_nonsense_are_said() {
        assert_eq!(split_action(b"reason=x"), Err("tick the alerts that go"));
        assert!(split_action(b"alert=7").is_err());
    }
}
