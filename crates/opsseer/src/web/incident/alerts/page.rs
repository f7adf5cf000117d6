//! All alerts of an incident, some at a time, with a filter.

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    response::Html,
};
use chrono::{DateTime, Utc};
use opsseer_core::{Incident, Labels};
use opsseer_store::StoredAlert;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::{AlertLine, can_split};
use crate::{
    alert_filter::AlertFilter,
    app::SharedApp,
    web::{
        frame::Frame,
        incident::{find, headline::State as Standing, story::Story, words::counted},
        moment::Moment,
        problem::Problem,
        prose::cut,
        viewer::Viewer,
    },
};

/// Rows of one page.
const ROWS: usize = 100;
/// Alerts that are looked through at most.
const MOST: u32 = 20_000;
/// Labels of a row, and characters of each.
const LABELS: usize = 12;
const LABEL: usize = 120;

/// Which alerts are wanted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AlertsQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    from: usize,
}

struct Line {
    shown: AlertLine,
    labels: String,
}

#[derive(Template)]
#[template(path = "incident/all_alerts.html")]
struct AlertsPage {
    frame: Frame,
    number: i64,
    title: String,
    state: Standing,
    text: String,
    found: String,
    lines: Vec<Line>,
    can_split: bool,
    read_at: Moment,
    earlier: Option<String>,
    later: Option<String>,
}

/// Shows the alerts of an incident: those that fire first, then the newest first.
pub(crate) async fn list_incident_alerts(
    State(app): State<SharedApp>,
    Path(asked): Path<String>,
    query: Result<Query<AlertsQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let incident = find(&app, &asked).await?;
    let (story, _) = Story::read(&app.store, incident.id).await?;
    let alerts = app.store.list_alerts_of(incident.id, MOST).await?;
    let now = app.clock.now();
    let text = query.q.trim().to_owned();
    let filter = AlertFilter::of(&text);
    let fitting: Vec<&StoredAlert> = alerts.iter().filter(|alert| filter.fits(alert)).collect();
    let from = query.from.min(fitting.len());
    let rows = &fitting[from..fitting.len().min(from + ROWS)];
    let address = |from: usize| address(&incident, &text, from);
    let page = AlertsPage {
        number: incident.number.0,
        title: incident.title.clone(),
        state: Standing::of(&incident),
        found: found_words(fitting.len(), alerts.len(), (from, rows.len()), &text),
        lines: rows.iter().map(|alert| Line::new(alert, &incident, &story, now)).collect(),
        can_split: can_split(&incident, alerts.len()),
        read_at: Moment::new(now, now),
        earlier: (from > 0).then(|| address(from.saturating_sub(ROWS))),
        later: (from + rows.len() < fitting.len()).then(|| address(from + ROWS)),
        frame: Frame::new(&app, viewer, address(from)).await?,
        text,
    };
    Ok(Html(page.render()?))
}

impl Line {
    fn new(alert: &StoredAlert, incident: &Incident, story: &Story, now: DateTime<Utc>) -> Self {
        Self { shown: AlertLine::new(alert, incident, story, now), labels: label_words(&alert.alert.labels) }
    }
}

/// `instance=db-1 · service=db`, without the name, which stands above.
fn label_words(labels: &Labels) -> String {
    let others = || labels.iter().filter(|(name, _)| *name != "alertname");
    let mut words: Vec<String> = others()
        .take(LABELS)
        .map(|(name, value)| format!("{}={}", cut(name, LABEL), cut(value, LABEL)))
        .collect();
    let left_out = others().count().saturating_sub(LABELS);
    if left_out > 0 {
        words.push(format!("{left_out} more; all in the API"));
    }
    words.join(" · ")
}

fn found_words(fitting: usize, all: usize, (from, shown): (usize, usize), text: &str) -> String {
    let what = counted(fitting, "alert");
    let mut words = match (text.is_empty(), fitting) {
        (false, 0) => format!("None of {} has “{}”", counted(all, "alert"), cut(text, LABEL)),
        (false, _) => format!("{what} of {all} with “{}”", cut(text, LABEL)),
        (true, _) => what,
    };
    if shown < fitting {
        words = format!("{words}, {} to {} shown", from + 1, from + shown);
    }
    if all >= MOST as usize {
        words = format!("{words}; only the first {MOST} were looked through");
    }
    words
}

fn address(incident: &Incident, text: &str, from: usize) -> String {
    let mut query = Serializer::new(String::new());
    if !text.is_empty() {
        query.append_pair("q", text);
    }
    if from > 0 {
        query.append_pair("from", &from.to_string());
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/incidents/{}/alerts{mark}{query}", incident.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::incident;

    #[test]
    fn the_count_says_what_is_shown_of_what() {
        assert_eq!(found_words(1, 1, (0, 1), ""), "1 alert");
        assert_eq!(found_words(10_000, 10_000, (100, 100), ""), "10000 alerts, 101 to 200 shown");
        assert_eq!(found_words(3, 40, (0, 3), "db"), "3 alerts of 40 with “db”");
        assert_eq!(found_words(0, 40, (0, 0), "db"), "None of 40 alerts has “db”");
    }

    #[test]
    fn a_page_has_an_address_and_labels_a_bound() {
        assert_eq!(address(&incident(), "a b&c", 100), "/incidents/42/alerts?q=a+b%26c&from=100");
        assert_eq!(address(&incident(), "", 0), "/incidents/42/alerts");
        let labels: Labels = (0..40).map(|n| (format!("l{n:02}"), "v".repeat(1000))).collect();
        let words = label_words(&labels);
        assert!(words.ends_with("28 more; all in the API") && words.len() < 4000, "{words}");
    }
}
