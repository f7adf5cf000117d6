//! The page of Alertmanager's silences: what nobody is told about, who said so, why, and until when.

use std::cmp::Reverse;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use opsseer_connect::alertmanager::{Matcher, Silence, SilenceState};
use opsseer_core::{AlertSource, IncidentId, IncidentNumber};
use opsseer_store::{StoreError, StoredAlert};

use crate::{
    app::{App, SharedApp},
    pipeline::silences::{self, SilenceError},
    web::{
        frame::Frame,
        incident::counted,
        moment::{Moment, duration_words},
        problem::Problem,
        prose::{Prose, cut},
        viewer::Viewer,
    },
};

/// Silences that are shown, those that end last left out.
const ROWS: usize = 100;
/// Firing alerts that each is compared with, and incidents that are named.
const ALERTS: usize = 1000;
const INCIDENTS: usize = 5;
/// Characters of the conditions.
const MATCHERS: usize = 400;

/// A silence in force, or to come.
struct Row {
    id: String,
    matchers: String,
    /// From when, if it is still to come.
    pending: Option<Moment>,
    until: Moment,
    left: String,
    by: String,
    comment: Prose,
    /// The incident that it was made for, from here.
    made_for: Option<i64>,
    covers: Covers,
    /// Whose those are.
    incidents: Vec<IncidentNumber>,
}

/// What of that which fires here a silence covers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Covers {
    alerts: usize,
    incidents: Vec<IncidentId>,
}

enum Answer {
    Rows { rows: Vec<Row>, left_out: usize },
    NotConfigured,
    Silent(String),
}

#[derive(Template)]
#[template(path = "silences.html")]
struct SilencesPage {
    frame: Frame,
    answer: Answer,
}

/// Lists the silences that hold or will hold: those made here first, then what ends first.
pub(crate) async fn list_silences(State(app): State<SharedApp>, viewer: Viewer) -> Result<Response, Problem> {
    let (status, answer) = match silences::list(&app).await {
        Ok(all) => (StatusCode::OK, rows(&app, all, &viewer).await?),
        Err(SilenceError::NotConfigured) => (StatusCode::OK, Answer::NotConfigured),
        Err(SilenceError::Alertmanager(error)) => {
            (StatusCode::BAD_GATEWAY, Answer::Silent(error.to_string()))
        }
        Err(error) => return Err(error.into()),
    };
    let page = SilencesPage { frame: Frame::new(&app, viewer, "/silences".to_owned()).await?, answer };
    Ok((status, Html(page.render()?)).into_response())
}

async fn rows(app: &App, all: Vec<Silence>, viewer: &Viewer) -> Result<Answer, StoreError> {
    let now = app.clock.now();
    let mut held: Vec<Silence> =
        all.into_iter().filter(|silence| silence.state != SilenceState::Expired).collect();
    held.sort_by_key(|silence| (Reverse(silences::incident_of(silence).is_some()), silence.ends_at));
    let left_out = held.len().saturating_sub(ROWS);
    held.truncate(ROWS);
    let mut firing = app.store.list_firing_alerts(AlertSource::Alertmanager).await?;
    firing.truncate(ALERTS);
    let mut rows = Vec::with_capacity(held.len());
    for silence in held {
        let mut row = Row::new(silence, &firing, viewer, now);
        for incident in &row.covers.incidents {
            let found = app.store.find_incident((*incident).into()).await?;
            row.incidents.extend(found.map(|incident| incident.number));
        }
        rows.push(row);
    }
    Ok(Answer::Rows { rows, left_out })
}

impl Row {
    fn new(silence: Silence, firing: &[StoredAlert], viewer: &Viewer, now: DateTime<Utc>) -> Self {
        let pending = silence.state == SilenceState::Pending;
        Self {
            matchers: cut(&silences::in_words(&silence.matchers), MATCHERS),
            pending: pending.then(|| Moment::new(silence.starts_at, now)),
            until: Moment::new(silence.ends_at, now),
            left: duration_words(silence.ends_at - now),
            by: viewer.name_or(&silence.created_by, "you"),
            made_for: silences::incident_of(&silence).map(|number| number.0),
            covers: if pending { Covers::default() } else { Covers::of(&silence.matchers, firing) },
            incidents: Vec::new(),
            comment: Prose::new(own_words(&silence.comment)),
            id: silence.id,
        }
    }

    /// `3 alerts that fire here`.
    fn covers_words(&self) -> String {
        match self.covers.alerts {
            0 => "nothing that fires here".to_owned(),
            1 => "1 alert that fires here".to_owned(),
            many => format!("{} that fire here", counted(many, "alert")),
        }
    }
}

/// What somebody wrote, without what is put around it for the readers of Alertmanager's own page: `INC-7: … (address)`.
fn own_words(comment: &str) -> &str {
    let inner = comment.strip_prefix("INC-").and_then(|rest| rest.split_once(": "));
    let inner = inner.filter(|(number, _)| number.parse::<i64>().is_ok()).map(|(_, words)| words);
    let Some(words) = inner else { return comment };
    match words.rsplit_once(" (") {
        Some((words, page)) if page.starts_with("http") && page.ends_with(')') => words,
        _ => words,
    }
}

impl Covers {
    fn of(matchers: &[Matcher], firing: &[StoredAlert]) -> Self {
        // Plain conditions first: they are quick, and most alerts fail one.
        let mut ordered: Vec<&Matcher> = matchers.iter().collect();
        ordered.sort_by_key(|matcher| matcher.is_regex);
        let mut covers = Self::default();
        for stored in firing {
            if !ordered.iter().all(|matcher| matcher.matches(&stored.alert.labels)) {
                continue;
            }
            covers.alerts += 1;
            let Some(incident) = stored.incident else { continue };
            if covers.incidents.len() < INCIDENTS && !covers.incidents.contains(&incident) {
                covers.incidents.push(incident);
            }
        }
        covers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, stored_alert, viewer};

    fn silence(comment: &str, state: SilenceState) -> Silence {
        Silence {
            id: "s-1".into(),
            matchers: vec![
                Matcher::equal("alertname", "Slow"),
                Matcher::one_of("service", ["payments", "web"]),
            ],
            starts_at: at("03:00:00"),
            ends_at: at("04:20:00"),
            updated_at: at("03:00:00"),
            created_by: "ada".into(),
            comment: comment.into(),
            state,
        }
    }

    #[test]
    fn a_silence_says_what_it_covers_here() {
        let firing = [stored_alert("Slow"), stored_alert("Slow"), stored_alert("Errors")];
        let row = Row::new(
            silence("INC-7: known (http://o/incidents/7)", SilenceState::Active),
            &firing,
            &viewer("ada"),
            at("03:20:00"),
        );
        assert_eq!((row.covers.alerts, row.covers.incidents.len()), (2, 1));
        assert_eq!(row.covers_words(), "2 alerts that fire here");
        assert_eq!((row.made_for, row.by.as_str(), row.left.as_str()), (Some(7), "you", "1 h"));
        assert!(row.matchers.contains(r#"alertname="Slow""#), "{}", row.matchers);
    }

    #[test]
    fn what_somebody_wrote_is_shown_without_what_was_put_around_it() {
        assert_eq!(own_words("INC-7: known (really) (http://o/incidents/7)"), "known (really)");
        for as_it_is in ["planned (http://wiki)", "INC-x: y", "INC-7 known", ""] {
            assert_eq!(own_words(as_it_is), as_it_is);
        }
    }

    #[test]
    fn one_that_is_still_to_come_covers_nothing_yet() {
        let row = Row::new(
            silence("planned", SilenceState::Pending),
            &[stored_alert("Slow")],
            &viewer("bob"),
            at("02:20:00"),
        );
        assert_eq!((row.covers.alerts, row.made_for, row.by.as_str()), (0, None, "ada"));
        assert!(row.pending.is_some());
    }
}
