//! Turns of phrase that several parts of the incident page share.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{AssetRef, Charted, Event, EventKind, IncidentId, RunbookAnswered};

use crate::web::{incident::story::Story, moment::Moment};

/// When a failed step is tried again.
#[derive(Template)]
#[template(path = "jobs_retry.html")]
pub(crate) struct Retry {
    next: Next,
}

enum Next {
    At(Moment),
    /// Never by itself; a button asks for it.
    OnRequest {
        incident: IncidentId,
        step: String,
    },
}

impl Retry {
    /// Of a step of this kind. Where it is not tried again by itself, a person can ask for it.
    pub(crate) fn new(
        at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        incident: IncidentId,
        step: &str,
    ) -> Self {
        let on_request = || Next::OnRequest { incident, step: step.to_owned() };
        Self { next: at.map_or_else(on_request, |at| Next::At(Moment::new(at, now))) }
    }
}

/// A step that did not succeed: why, and what comes next.
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) retry: Retry,
}

impl Failure {
    /// The newest of the steps of this kind, unless `done` came after it.
    pub(crate) fn of(story: &Story, step: &str, done: Option<&Event>, now: DateTime<Utc>) -> Option<Self> {
        let event = story.failure_after(step, done)?;
        let EventKind::StepFailed { error, retry_at, .. } = &event.kind else { return None };
        Some(Self { error: error.clone(), retry: Retry::new(*retry_at, now, event.incident, step) })
    }
}

/// How probable something is: `under 1 %`, `82 %`, `over 99 %`. Nothing is certain.
pub(crate) fn probability_words(probability: f64) -> String {
    match probability {
        p if p >= 0.995 => "over 99 %".to_owned(),
        p if p >= 0.01 => format!("{:.0} %", p * 100.0),
        _ => "under 1 %".to_owned(),
    }
}

/// A share as the width of a bar: 0 to 100.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 100")]
pub(crate) fn whole_percent(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u32
}

/// Where a file is served.
pub(crate) fn asset_address(asset: &AssetRef) -> String {
    format!("/assets/{}", asset.sha256)
}

/// `lines 41 to 47 at 3f9c2e1`.
pub(crate) fn lines_words(answer: &RunbookAnswered) -> String {
    let revision: String = answer.revision.chars().take(8).collect();
    if answer.line_start == answer.line_end {
        format!("line {} at {revision}", answer.line_start)
    } else {
        format!("lines {} to {} at {revision}", answer.line_start, answer.line_end)
    }
}

/// How many runbooks were looked through.
pub(crate) fn looked_through_words(documents: usize) -> String {
    match documents {
        0 => "There are no runbooks to look through.".to_owned(),
        1 => "One document was looked through.".to_owned(),
        many => format!("{many} documents were looked through."),
    }
}

/// What was asked of Prometheus, without the expression.
pub(crate) fn range_words(chart: &Charted) -> String {
    let series = if chart.series == 1 { "1 series".to_owned() } else { format!("{} series", chart.series) };
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
    format!(
        "{series}, from {} to {} UTC, a point every {} s",
        day(chart.from),
        chart.to.format("%H:%M:%S"),
        chart.step_seconds
    )
}

/// A job's kind as a person would call it.
pub(crate) fn step_words(step: &str) -> String {
    match step {
        "answer_runbook" => "Looking for the runbook".to_owned(),
        "chart_metric" => "Drawing the metric".to_owned(),
        "classify_alert" => "Saying what kind of trouble it is".to_owned(),
        "see_changes" | "tell_changes" => "Looking for what was changed".to_owned(),
        "find_similar" => "Looking for incidents like it".to_owned(),
        "forecast_metric" => "Forecasting the metric".to_owned(),
        "rank_suspects" => "Looking for what moved first".to_owned(),
        "see_budget" => "Reading the error budget".to_owned(),
        other => other.replace('_', " "),
    }
}

/// The first letter, large.
pub(crate) fn initial(name: &str) -> String {
    name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
}

/// `text` with a large first letter.
pub(crate) fn sentence_case(text: &str) -> String {
    let rest = text.chars().next().map_or(0, char::len_utf8);
    format!("{}{}", initial(text), &text[rest..])
}

/// How often something came back: `back once`, `back twice`, `back 4 times`.
pub(crate) fn times_words(times: i64) -> String {
    match times {
        1 => "back once".to_owned(),
        2 => "back twice".to_owned(),
        many => format!("back {many} times"),
    }
}

/// How many, of what: `1 alert`, `12 alerts`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    }
}
