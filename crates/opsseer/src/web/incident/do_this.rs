//! The card "Do this": the runbook's step, quoted, and where it is written.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventKind, Incident, RunbookAnswered};

use crate::web::{
    incident::{
        story::Story,
        words::{Retry, lines_words, looked_through_words},
    },
    moment::Moment,
    prose::Prose,
};

/// The kind of the job that looks.
pub(crate) const STEP: &str = "answer_runbook";

enum Answer {
    Found {
        quote: Prose,
        commands: Vec<String>,
        file: String,
        heading: String,
        lines: String,
        reason: String,
    },
    Missing {
        alert: String,
        documents: String,
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
    /// A step that was found is shown until a newer one is: what one is just doing must not change under the hand because
    /// a second alert has no runbook.
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let found = story.runbook.as_ref().and_then(|event| match &event.kind {
            EventKind::RunbookAnswered(answer) => Some(Answer::found(answer)),
            _ => None,
        });
        let missing = story.runbook_missing.as_ref();
        let failed = || story.failure_after(STEP, missing).and_then(|event| Answer::failed(event, now));
        let answer = found
            .or_else(failed)
            .or_else(|| missing.and_then(Answer::missing))
            .unwrap_or_else(|| Answer::Looking { since: began(story, incident, now) });
        Self { answer, over: !incident.is_open() }
    }
}

/// When OpsSeer began to work on the incident.
pub(crate) fn began(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Moment {
    Moment::new(story.opened.as_ref().map_or(incident.updated_at, |opened| opened.recorded_at), now)
}

impl Answer {
    fn found(answer: &RunbookAnswered) -> Self {
        Self::Found {
            quote: Prose::new(answer.quote.trim()),
            commands: answer.commands.clone(),
            file: answer.file.clone(),
            heading: answer.heading.clone(),
            lines: lines_words(answer),
            reason: answer.reason.clone(),
        }
    }

    fn missing(event: &Event) -> Option<Self> {
        let EventKind::RunbookMissing { alert, documents } = &event.kind else { return None };
        Some(Self::Missing { alert: alert.clone(), documents: looked_through_words(*documents) })
    }

    fn failed(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::StepFailed { error, retry_at, .. } = &event.kind else { return None };
        Some(Self::Failed { error: error.clone(), retry: Retry::new(*retry_at, now) })
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::EventId;

    use super::*;
    use crate::web::test_data::{at, event, incident, runbook};

    fn html(kinds: Vec<EventKind>) -> String {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        DoThis::new(&story, &incident(), at("03:12:30")).render().expect("renders")
    }

    fn missing() -> EventKind {
        EventKind::RunbookMissing { alert: "DiskFull".into(), documents: 14 }
    }

    fn failed() -> EventKind {
        EventKind::StepFailed { step: STEP.into(), error: "the folder cannot be read".into(), retry_at: None }
    }

    #[test]
    fn the_step_is_quoted_with_its_commands_and_its_source() {
        let shown = html(vec![EventKind::RunbookAnswered(runbook())]);
        for part in [
            "Roll the payments service back",
            "kubectl rollout undo deployment/payments",
            "payments.md",
            "Rollback",
            "lines 41 to 47 at 3f9c2e1",
            "named after the alert",
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
        assert!(html(vec![missing()]).contains("No runbook fits"));
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
}
