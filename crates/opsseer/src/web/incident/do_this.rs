//! The card "Do this": the runbook's step, quoted, and where it is written. Of several, the most urgent alert's.

use std::{cmp::Reverse, collections::HashSet};

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventId, EventKind, Incident, RunbookAnswered};

use crate::web::{
    answer::{Near, Quoted},
    incident::{
        story::Story,
        words::{Retry, looked_through_words},
    },
    moment::Moment,
    prose::cut,
};

/// The kind of the job that looks.
pub(crate) const STEP: &str = "answer_runbook";

/// Characters of an alert's name.
const NAME: usize = 160;
/// Other steps that stand below the first; the timeline has them all.
const OTHERS: usize = 5;

struct Step {
    /// Of the event that brought it.
    id: EventId,
    alert: String,
    quoted: Quoted,
}

enum Answer {
    Found {
        first: Step,
        others: Vec<Step>,
        /// How many steps only the timeline shows, in words.
        more: Option<String>,
    },
    Missing {
        alert: String,
        documents: String,
        nearest: Vec<Near>,
    },
    Failed {
        error: String,
        retry: Retry,
    },
    Looking {
        since: Moment,
    },
}

#[derive(Template)]
#[template(path = "incident/do_this.html")]
pub(crate) struct DoThis {
    answer: Answer,
    over: bool,
}

impl DoThis {
    /// A step that was found stays until a more urgent alert has one: what one is just doing must not change under the
    /// hand because a lesser alert has another step, or none.
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let found = Answer::found(story);
        let missing = story.runbook_missing.as_ref();
        let failed = || story.failure_after(STEP, missing).and_then(|event| Answer::failed(event, now));
        let answer = found
            .or_else(failed)
            .or_else(|| missing.and_then(Answer::missing))
            .unwrap_or_else(|| Answer::Looking { since: began(story, incident, now) });
        Self { answer, over: !incident.is_open() }
    }
}

/// The step of the most urgent alert of a log.
pub(crate) fn step_to_take(events: &[Event]) -> Option<RunbookAnswered> {
    let mut story = Story::default();
    for event in events {
        story.fold(event);
    }
    ranked(&story).into_iter().next().map(|(_, answer)| answer.clone())
}

/// When OpsSeer began to work on the incident.
pub(crate) fn began(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Moment {
    Moment::new(story.opened.as_ref().map_or(incident.updated_at, |opened| opened.recorded_at), now)
}

impl Answer {
    fn found(story: &Story) -> Option<Self> {
        let mut steps = ranked(story).into_iter();
        let first = Step::new(steps.next()?);
        let others = steps.by_ref().take(OTHERS).map(Step::new).collect();
        let more = match steps.count() {
            0 => None,
            1 => Some("1 more step is on the timeline.".to_owned()),
            many => Some(format!("{many} more steps are on the timeline.")),
        };
        Some(Self::Found { first, others, more })
    }

    fn missing(event: &Event) -> Option<Self> {
        let EventKind::RunbookMissing { alert, documents, nearest } = &event.kind else { return None };
        Some(Self::Missing {
            alert: alert.clone(),
            documents: looked_through_words(*documents),
            nearest: Near::all(nearest),
        })
    }

    fn failed(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::StepFailed { error, retry_at, .. } = &event.kind else { return None };
        Some(Self::Failed { error: error.clone(), retry: Retry::new(*retry_at, now, event.incident, STEP) })
    }
}

impl Step {
    fn new((id, answer): (EventId, &RunbookAnswered)) -> Self {
        Self { id, alert: cut(&answer.alert, NAME), quoted: Quoted::new(answer) }
    }
}

/// Each step once: those of the most urgent alerts first, of these the oldest. Steps from before the last reopening count
/// only while there are none since.
fn ranked(story: &Story) -> Vec<(EventId, &RunbookAnswered)> {
    let since = story.reopened.filter(|id| story.runbooks.range(id..).next().is_some()).unwrap_or_default();
    let mut steps: Vec<_> = story.runbooks.range(since..).map(|(id, answer)| (*id, answer)).collect();
    // Stable: what is equally urgent stays in the order of the log.
    steps.sort_by_key(|(_, answer)| Reverse(story.urgency.get(&answer.alert)));
    let mut known = HashSet::new();
    steps.retain(|(_, answer)| known.insert((&answer.file, &answer.quote, &answer.commands)));
    steps
}

#[cfg(test)]
mod tests {
    use opsseer_core::{AlertSnapshot, NearPlace, Severity};

    use super::*;
    use crate::web::test_data::{alert, at, event, incident, runbook};

    fn html(kinds: Vec<EventKind>) -> String {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        DoThis::new(&story, &incident(), at("03:12:30")).render().expect("renders")
    }

    fn missing() -> EventKind {
        let near = NearPlace {
            file: "volumes.md".into(),
            heading: "Grow it".into(),
            line_start: 3,
            line_end: 9,
            excerpt: "Add space.".into(),
            confidence: 0.21,
        };
        EventKind::RunbookMissing { alert: "DiskFull".into(), documents: 14, nearest: vec![near] }
    }

    fn failed() -> EventKind {
        EventKind::StepFailed { step: STEP.into(), error: "the folder cannot be read".into(), retry_at: None }
    }

    fn fired(name: &str, severity: Severity) -> EventKind {
        let alert = AlertSnapshot { name: name.into(), severity, ..alert() };
        EventKind::AlertFired { alert, first: true, reason: "r".into() }
    }

    /// A step for an alert, from a file of its name.
    fn answered(alert: &str) -> EventKind {
        let (file, quote) = (format!("{alert}.md"), format!("Mend {alert}."));
        EventKind::RunbookAnswered(RunbookAnswered { alert: alert.into(), file, quote, ..runbook() })
    }

    fn reopened() -> EventKind {
        EventKind::Reopened { reason: "it fired again".into(), flaps: 1 }
    }

    /// The steps in the order of the page.
    fn steps(kinds: Vec<EventKind>) -> Vec<String> {
        let shown = html(kinds);
        let quotes = shown.split("<p class=\"step\">Mend ").skip(1);
        quotes.filter_map(|rest| rest.split_once('.')).map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn the_step_is_quoted_with_its_commands_and_its_source() {
        let answer = RunbookAnswered { confidence: Some(0.93), ..runbook() };
        let shown = html(vec![EventKind::RunbookAnswered(answer)]);
        for part in [
            "Roll the payments service back",
            "kubectl rollout undo deployment/payments",
            "payments.md",
            "Rollback",
            "lines 41 to 47 at 3f9c2e1",
            "named after the alert",
            "93 % sure",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_command_is_shown_as_it_is_written_and_never_as_markup() {
        let mut answer = runbook();
        answer.commands = vec!["curl 'http://a/?x=<script>' && true".into()];
        let shown = html(vec![EventKind::RunbookAnswered(answer)]);
        assert!(shown.contains("curl &#39;http://a/?x=&#60;script&#62;&#39; &#38;&#38; true"), "{shown}");
    }

    #[test]
    fn no_answer_is_said_in_words() {
        assert!(html(vec![]).contains("Looking for the runbook"));
        let none = html(vec![missing()]);
        assert!(
            none.contains("No runbook fits") && none.contains("volumes.md") && none.contains("21 % sure"),
            "{none}"
        );
        let shown = html(vec![missing(), failed()]);
        assert!(shown.contains("the folder cannot be read") && shown.contains("Not tried again."), "{shown}");
        assert!(html(vec![failed(), missing()]).contains("No runbook fits"));
    }

    #[test]
    fn a_step_that_was_found_stays_when_a_later_alert_has_none() {
        assert!(
            html(vec![EventKind::RunbookAnswered(runbook()), missing(), failed()])
                .contains("Roll the payments")
        );
    }
    #[test]
    fn the_most_urgent_alerts_step_comes_first_then_the_oldest() {
        let (page, ticket) = (Severity::Page, Severity::Ticket);
        let both = vec![fired("Errors", page), answered("Errors"), fired("Queue", ticket), answered("Queue")];
        assert_eq!(steps(both), ["Errors", "Queue"]);
        let later =
            vec![fired("Queue", ticket), answered("Queue"), fired("Errors", page), answered("Errors")];
        assert_eq!(steps(later), ["Errors", "Queue"]);
        let equal = vec![fired("A", page), answered("A"), fired("B", page), answered("B"), answered("A")];
        assert_eq!(steps(equal), ["A", "B"]);
        // Answers of old stores do not say whose they are.
        assert_eq!(steps(vec![fired("A", ticket), answered(""), answered("A")]), ["A", ""]);
    }

    #[test]
    fn the_other_steps_are_there_on_demand() {
        let shown = html(vec![fired("Errors", Severity::Page), answered("Errors"), answered("Queue<b>")]);
        let summary =
            r#"<details id="do-this-3"><summary>Also: Queue&#60;b&#62;, Queue&#60;b&#62;.md</summary>"#;
        assert!(shown.contains(summary), "{shown}");
        let many = html((0..9).map(|n| answered(&format!("A{n}"))).collect());
        assert_eq!(many.matches("Also: ").count(), OTHERS, "{many}");
        assert!(many.contains("3 more steps are on the timeline"), "{many}");
    }

    #[test]
    fn after_a_reopening_the_new_steps_count_and_until_then_the_old_ones() {
        let (page, ticket) = (Severity::Page, Severity::Ticket);
        let mut log = vec![fired("Errors", page), answered("Errors"), reopened(), fired("Queue", ticket)];
        assert_eq!(steps(log.clone()), ["Errors"]);
        log.push(answered("Queue"));
        assert_eq!(steps(log), ["Queue"]);
    }

    #[test]
    fn a_step_of_commands_alone_has_no_empty_paragraph() {
        let answer = RunbookAnswered { quote: " \n".into(), ..runbook() };
        let shown = html(vec![EventKind::RunbookAnswered(answer)]);
        assert!(!shown.contains("class=\"step\"") && shown.contains("kubectl rollout undo"), "{shown}");
    }
}
