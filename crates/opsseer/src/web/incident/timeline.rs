//! One event of the timeline: a symbol, one line of meaning, and the detail on demand. Many alike that follow on each
//! other are one line (`timeline/run.rs`).

mod detail;
pub(crate) mod run;

pub(crate) use detail::Shot;

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Actor, AlertSnapshot, Event, EventKind, Incident, RunbookAnswered};

use crate::event_words;
use crate::web::{
    answer::sure_words,
    incident::{
        headline::{Can, severity_word},
        story::Story,
        timeline::detail::{Detail, Value},
        words::{Retry, initial, lines_words, looked_through_words, sentence_case, step_words},
    },
    moment::{Moment, exact_duration_words},
    prose::{Prose, cut, first_line},
    viewer::Viewer,
};

/// Characters of a line of meaning.
const LINE: usize = 200;

/// The sign beside an event: a symbol and a colour. The words carry the meaning; this is for the eye that skims.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Knob {
    symbol: String,
    colour: &'static str,
}

/// An event as the timeline shows it.
#[derive(Template)]
#[template(path = "incident/event.html")]
pub(crate) struct TimelineEvent {
    id: i64,
    at: Moment,
    knob: Knob,
    what: String,
    more: Option<String>,
    retry: Option<Retry>,
    /// When what it began ends.
    until: Option<Moment>,
    quote: Option<Prose>,
    shots: Vec<Shot>,
    detail: Option<Detail>,
    /// The incident's number, where the event can be undone.
    undo: Option<i64>,
}

/// What an event is told in: of which incident, to whom, and when.
#[derive(Clone, Copy)]
pub(crate) struct Telling<'a> {
    pub(crate) incident: &'a Incident,
    pub(crate) story: &'a Story,
    pub(crate) viewer: &'a Viewer,
    pub(crate) now: DateTime<Utc>,
}

impl TimelineEvent {
    #[expect(clippy::too_many_lines, reason = "one short arm for each kind of event")]
    pub(crate) fn new(event: &Event, telling: Telling<'_>) -> Self {
        let Telling { incident, story, viewer, now } = telling;
        let began = incident.opened_at;
        let who = actor_words(&event.actor, viewer);
        let person = matches!(event.actor, Actor::Person { .. });
        let knob = |symbol: &str, colour| Knob {
            symbol: if person { initial(&who) } else { symbol.to_owned() },
            colour: if person { "person" } else { colour },
        };
        let mut shown = Self {
            id: event.id.0,
            at: Moment::new(event.at, now),
            knob: knob("·", ""),
            what: String::new(),
            more: None,
            retry: None,
            until: None,
            quote: None,
            shots: event.assets.iter().filter_map(Shot::of).collect(),
            detail: None,
            undo: (Can::of(incident) != Can::Undo && story.can_undo(event)).then_some(incident.number.0),
        };
        match &event.kind {
            EventKind::Opened { severity, reason, .. } => {
                shown.knob = knob("+", "");
                shown.what = format!("Incident opened, severity {severity}");
                shown.more = Some(reason.clone());
            }
            EventKind::AlertFired { alert, first, reason } => {
                shown.knob = knob("!", "bad");
                let again = if *first { "" } else { " again" };
                shown.what = format!("Fired{again}: {}", alert_words(alert));
                shown.more = Some(format!("{}, from {who}. {reason}", alert.name));
                shown.detail = Some(Detail::of_alert(alert));
            }
            EventKind::AlertResolved { alert, reason } => {
                shown.knob = knob("✓", "good");
                shown.what = format!("No longer fires: {}", alert_words(alert));
                let length = exact_duration_words(event.at - alert.starts_at);
                let why = reason.as_deref().unwrap_or_default();
                shown.more = Some(format!("{}, from {who}. It fired for {length}. {why}", alert.name));
                shown.detail = Some(Detail::of_alert(alert));
            }
            EventKind::AlertMoved { alert } => {
                shown.what = format!("Moved on: {}", alert_words(alert));
                shown.more = Some(format!("{} fired anew and belongs to another incident now.", alert.name));
                shown.detail = Some(Detail::of_alert(alert));
            }
            EventKind::Acknowledged => {
                let after = exact_duration_words(event.at - began);
                shown.what = format!("{who} acknowledged, {after} after it began");
            }
            EventKind::Assigned { owner } => {
                let owner = owner.as_ref().map(|owner| viewer.name_or(owner, "you"));
                shown.what = match owner {
                    Some(owner) if owner.eq_ignore_ascii_case(&who) => format!("{who} took it over"),
                    Some(owner) => format!("{who} handed it to {owner}"),
                    None => format!("{who} left it without an owner"),
                };
            }
            EventKind::SeveritySet { severity } => {
                shown.what = format!("{who} set the severity to {}", severity_word(*severity).to_lowercase());
            }
            EventKind::Note { text } => {
                shown.what = format!("{who} wrote");
                shown.quote = Some(Prose::new(text));
            }
            EventKind::RunbookAnswered(answer) => {
                shown.knob = knob("§", "");
                shown.what = format!("Runbook step found: {}, in {}", answer.heading, answer.file);
                shown.more = Some(runbook_words(answer));
                shown.detail = Some(Detail::of_runbook(answer));
            }
            EventKind::RunbookMissing { alert, documents, nearest } => {
                shown.knob = knob("§", "");
                shown.what = format!("No runbook fits {alert}");
                shown.more = Some(looked_through_words(*documents));
                shown.detail = Detail::of_places(nearest);
            }
            EventKind::Asked { question, answer, nearest } => {
                shown.knob = knob("?", "");
                shown.what = format!("{who} asked the runbooks: {}", first_line(question, LINE));
                if let Some(answer) = answer {
                    let place = format!("{}, in {}", answer.heading, answer.file);
                    shown.more = Some(format!("{place}. {}", runbook_words(answer)));
                    shown.detail = Some(Detail::of_runbook(answer));
                } else {
                    shown.more = Some("No runbook answers this.".to_owned());
                    shown.detail = Detail::of_places(nearest);
                }
            }
            EventKind::Charted(chart) => {
                shown.knob = knob("▦", "");
                shown.what.clone_from(&chart.sentence);
                shown.detail = Some(Detail::of_chart(chart));
            }
            EventKind::StepFailed { step, error, retry_at } => {
                shown.knob = knob("×", "warn");
                shown.what = format!("{} failed: {}", step_words(step), first_line(error, LINE));
                shown.retry = Some(Retry::new(*retry_at, now, event.incident, step));
            }
            EventKind::Resolved { reason } => {
                shown.knob = knob("✓", "good");
                let length = exact_duration_words(event.at - began);
                shown.what = match &event.actor {
                    Actor::Person { .. } => format!("{who} resolved it after {length}"),
                    _ => format!("Resolved after {length}"),
                };
                shown.more = Some(reason.clone());
            }
            EventKind::Reopened { reason, .. } => {
                shown.knob = knob("↺", "warn");
                shown.what = match &event.actor {
                    Actor::Person { .. } => format!("{who} reopened it"),
                    _ => "Reopened".to_owned(),
                };
                shown.more = Some(reason.clone());
            }
            EventKind::Escalated { .. }
            | EventKind::FlappingHeld { .. }
            | EventKind::Merged { .. }
            | EventKind::MergedInto { .. }
            | EventKind::Unmerged { .. }
            | EventKind::Restored { .. }
            | EventKind::Split { .. }
            | EventKind::Silenced { .. }
            | EventKind::SilenceEnded { .. }
            | EventKind::Muted { .. }
            | EventKind::Unmuted
            | EventKind::Classified(_)
            | EventKind::ClassCorrected { .. }
            | EventKind::SimilarFound { .. }
            | EventKind::Forecast(_)
            | EventKind::SuspectsRanked(_)
            | EventKind::ChangeSeen(_)
            | EventKind::ChangesLooked(_)
            | EventKind::BudgetSeen(_)
            | EventKind::ContainersSeen(_) => {
                let (symbol, colour) = match &event.kind {
                    EventKind::Escalated { .. } => ("!", "bad"),
                    EventKind::FlappingHeld { .. } => ("↺", "warn"),
                    EventKind::Classified(_) => ("◇", ""),
                    EventKind::SimilarFound { .. } => ("≈", ""),
                    EventKind::Forecast(_) => ("↗", ""),
                    EventKind::SuspectsRanked(_) => ("◎", ""),
                    EventKind::ChangeSeen(_) | EventKind::ChangesLooked(_) => ("Δ", ""),
                    EventKind::ContainersSeen(seen) if seen.oom_kills > 0 => ("▣", "bad"),
                    EventKind::ContainersSeen(_) => ("▣", ""),
                    _ => ("·", ""),
                };
                shown.knob = knob(symbol, colour);
                if let Some(words) = event_words::of(&event.kind, &who) {
                    shown.what = words.line;
                    shown.more = words.more;
                    shown.until = words.until.map(|at| Moment::new(at, now));
                }
            }
        }
        shown.what = sentence_case(&cut(&shown.what, 2 * LINE));
        shown.more = shown.more.map(|more| cut(more.trim(), 3 * LINE)).filter(|more| !more.is_empty());
        shown
    }
}

/// What an alert says, or its name.
fn alert_words(alert: &AlertSnapshot) -> String {
    let summary = alert.summary.as_deref().map(|summary| first_line(summary, LINE));
    summary.filter(|summary| !summary.is_empty()).unwrap_or_else(|| alert.name.clone())
}

/// Where a runbook step stands and why it was chosen.
fn runbook_words(answer: &RunbookAnswered) -> String {
    let sure = answer.confidence.map_or_else(String::new, |sure| format!(", {}", sure_words(sure)));
    format!("{}{sure}. {}", sentence_case(&lines_words(answer)), answer.reason)
}

fn actor_words(actor: &Actor, viewer: &Viewer) -> String {
    match actor {
        Actor::Person { name } => viewer.name_or(name, "You"),
        Actor::Alertmanager => "Alertmanager".to_owned(),
        Actor::Grafana => "Grafana".to_owned(),
        Actor::OpsSeer => "OpsSeer".to_owned(),
        Actor::Component { name } => format!("OpsSeer's {}", name.replace('_', " ")),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, Severity};

    use super::*;
    use crate::web::test_data::{
        alert, asset, at, chart, event, event_by, incident, merged, runbook, unmerged, viewer,
    };

    fn shown_to(name: &str, event: &Event) -> TimelineEvent {
        told_of(&incident(), &Story::default(), name, event)
    }

    fn told_of(incident: &Incident, story: &Story, name: &str, event: &Event) -> TimelineEvent {
        TimelineEvent::new(event, Telling { incident, story, viewer: &viewer(name), now: at("03:20:41") })
    }

    fn ada(kind: EventKind) -> Event {
        event_by(Actor::Person { name: "ada".into() }, kind)
    }

    #[test]
    fn every_kind_is_one_line_of_meaning() {
        let answered = EventKind::RunbookAnswered(runbook());
        let lines = [
            event(EventKind::Opened {
                title: "t".into(),
                severity: Severity::Page,
                service: None,
                correlation_key: "k".into(),
                reason: "no open incident has the same service".into(),
            }),
            event_by(
                Actor::Alertmanager,
                EventKind::AlertFired { alert: alert(), first: true, reason: "first".into() },
            ),
            event_by(
                Actor::Grafana,
                EventKind::AlertFired { alert: alert(), first: false, reason: "r".into() },
            ),
            event_by(Actor::Alertmanager, EventKind::AlertResolved { alert: alert(), reason: None }),
            ada(EventKind::Acknowledged),
            ada(EventKind::Assigned { owner: Some("bob".into()) }),
            ada(EventKind::Assigned { owner: Some("ada".into()) }),
            ada(EventKind::Assigned { owner: None }),
            ada(EventKind::SeveritySet { severity: Severity::Ticket }),
            ada(EventKind::Note { text: "n".into() }),
            event(answered),
            event(EventKind::RunbookMissing { alert: "DiskFull".into(), documents: 14, nearest: vec![] }),
            event(EventKind::Charted(chart())),
            event(EventKind::StepFailed {
                step: "chart_metric".into(),
                error: "it timed out".into(),
                retry_at: None,
            }),
            event(EventKind::Resolved { reason: "all alerts are resolved".into() }),
            ada(EventKind::Resolved { reason: String::new() }),
            event(EventKind::Reopened { reason: "it fired again".into(), flaps: 1 }),
        ]
        .map(|event| shown_to("bob", &event).what);
        assert_eq!(
            lines,
            [
                "Incident opened, severity page",
                "Fired: error rate above 10 %",
                "Fired again: error rate above 10 %",
                "No longer fires: error rate above 10 %",
                "Ada acknowledged, 4 min 12 s after it began",
                "Ada handed it to you",
                "Ada took it over",
                "Ada left it without an owner",
                "Ada set the severity to ticket",
                "Ada wrote",
                "Runbook step found: Rollback, in payments.md",
                "No runbook fits DiskFull",
                "The error rate is 41 %, above 10 %",
                "Drawing the metric failed: it timed out",
                "Resolved after 4 min 12 s",
                "Ada resolved it after 4 min 12 s",
                "Reopened",
            ]
        );
    }

    #[test]
    fn the_reader_is_you() {
        assert_eq!(shown_to("ada", &ada(EventKind::Note { text: "n".into() })).what, "You wrote");
        assert_eq!(
            shown_to("ada", &ada(EventKind::Assigned { owner: Some("ada".into()) })).what,
            "You took it over"
        );
    }

    #[test]
    fn what_an_alert_says_is_shown_as_text_wherever_it_stands() {
        const HOSTILE: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";
        let mut alert = alert();
        alert.name = HOSTILE.into();
        alert.summary = Some(HOSTILE.into());
        alert.labels.insert(HOSTILE.into(), HOSTILE.into());
        alert.annotations.insert(HOSTILE.into(), HOSTILE.into());
        alert.generator_url = Some("javascript:alert(1)".into());
        let kind = EventKind::AlertFired { alert, first: true, reason: HOSTILE.into() };
        let html = shown_to("bob", &event_by(Actor::Alertmanager, kind)).render().expect("renders");
        assert!(
            !html.contains("<img") && !html.contains("<script") && !html.contains("javascript:"),
            "{html}"
        );
        assert_eq!(html.matches("&#60;script").count(), 7, "{html}");
    }

    #[test]
    fn labels_are_there_on_demand_and_the_rule_is_a_link() {
        let kind = EventKind::AlertFired { alert: alert(), first: true, reason: "r".into() };
        let html = shown_to("bob", &event_by(Actor::Alertmanager, kind)).render().expect("renders");
        assert!(html.contains("<details") && html.contains(">service</th>"), "{html}");
        assert!(html.contains(r#"href="http://prometheus:9090/graph""#), "{html}");
    }

    #[test]
    fn an_alert_of_megabytes_makes_a_small_event_that_says_where_the_rest_is() {
        let mut alert = alert();
        alert.labels = (0..3000).map(|n| (format!("label{n:04}"), "v".to_owned())).collect();
        alert.annotations = [("description".to_owned(), "é".repeat(1_000_000))].into();
        alert.annotations.insert("n".repeat(1_000_000), "short".to_owned());
        alert.annotations.insert("dashboard".to_owned(), format!("http://grafana/?q={}", "x".repeat(900)));
        alert.generator_url = Some(format!("http://prometheus/?q={}", "x".repeat(1_000_000)));
        let kind = EventKind::AlertFired { alert, first: true, reason: "r".into() };
        let html = shown_to("bob", &event_by(Actor::Alertmanager, kind)).render().expect("renders");
        assert!(html.len() < 10_000, "{} bytes", html.len());
        assert!(html.contains("label0049") && !html.contains("label0050"), "{html}");
        assert!(html.contains("2950 more; all in the API"), "{html}");
        let start = "é".repeat(500);
        assert!(html.contains(&format!("<td>{start}… (999500 more characters; whole in the API)")), "{html}");
        assert!(!html.contains("<a "), "a link that is cut leads nowhere: {html}");
    }

    #[test]
    fn a_step_of_commands_alone_has_no_empty_quote() {
        let answer = RunbookAnswered { quote: String::new(), ..runbook() };
        let html = shown_to("bob", &event(EventKind::RunbookAnswered(answer))).render().expect("renders");
        assert!(!html.contains("class=\"quote\"") && html.contains("kubectl rollout undo"), "{html}");
    }

    #[test]
    fn pictures_are_shown_with_their_text_and_other_files_are_not() {
        let mut event = event(EventKind::Charted(chart()));
        event.assets = vec![asset("image/svg+xml"), asset("application/octet-stream")];
        let html = shown_to("bob", &event).render().expect("renders");
        assert_eq!(html.matches("<img").count(), 1, "{html}");
        assert!(html.contains(r#"alt="The error rate over an hour""#), "{html}");
    }

    #[test]
    fn a_failed_step_says_when_it_is_tried_again() {
        let failed = |retry_at| {
            let kind =
                EventKind::StepFailed { step: "answer_runbook".into(), error: "a\nb".into(), retry_at };
            shown_to("bob", &event(kind))
        };
        assert_eq!(failed(None).what, "Looking for the runbook failed: a");
        let given_up = failed(None).render().expect("renders");
        assert!(
            given_up.contains("Not tried again.") && given_up.contains("<button>Try again"),
            "{given_up}"
        );
        assert!(failed(Some(at("03:17:00"))).render().expect("renders").contains(">03:17:00</time>"));
    }

    #[test]
    fn a_merge_can_be_undone_from_its_line_once() {
        let other = IncidentId::generate();
        let event = ada(merged(other, 7));
        let (mut incident, mut story) = (incident(), Story::default());
        story.fold(&event);
        let html = |incident: &Incident, story: &Story| {
            told_of(incident, story, "bob", &event).render().expect("renders")
        };
        let offered = html(&incident, &story);
        assert!(
            offered.contains(r#"action="/incidents/42/undo""#) && offered.contains("same cause"),
            "{offered}"
        );
        incident.merged_into = Some(other);
        assert!(!html(&incident, &story).contains("/undo"), "it goes on elsewhere");
        incident.merged_into = None;
        story.fold(&Event { id: opsseer_core::EventId(8), ..ada(unmerged(other, 7)) });
        assert!(!html(&incident, &story).contains("/undo"), "it is undone");
    }

    #[test]
    fn a_mute_is_told_with_its_end_in_the_readers_own_time() {
        let html =
            shown_to("ada", &ada(EventKind::Muted { until: at("04:10:00") })).render().expect("renders");
        assert!(html.contains("You took it on: muted until <time") && html.contains(">04:10:00<"), "{html}");
    }
}
