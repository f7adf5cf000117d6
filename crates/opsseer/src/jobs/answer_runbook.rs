//! The runbook's step for an alert.

use anyhow::Context;
use async_trait::async_trait;
use opsseer_ai::runbook::{AlertQuestion, MatchedBy, RunbookAnswer};
use opsseer_connect::promql;
use opsseer_core::{Actor, AlertSnapshot, EventId, EventKind, NewEvent, RunbookAnswered};

use super::{Job, JobError, Task};
use crate::app::App;

pub(super) const KIND: &str = "answer_runbook";

/// Events that are searched for the same answer given before.
const EVENTS_SEARCHED: u32 = 200;

/// Quotes the step to take.
pub(super) struct AnswerRunbook;

#[async_trait]
impl Job for AnswerRunbook {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let runbooks = app.runbooks.clone();
        let question = question(&task.alert);
        // Reads and searches files: not on a thread that serves requests.
        let (answer, documents) =
            tokio::task::spawn_blocking(move || (runbooks.answer(&question), runbooks.document_count()))
                .await
                .map_err(|error| JobError::Fail(error.into()))?;
        let answer = answer.context("the runbooks cannot be searched").map_err(JobError::Retry)?;
        let kind = match answer {
            Some(answer) => EventKind::RunbookAnswered(quoted(&task.alert, answer)),
            None => EventKind::RunbookMissing { alert: task.alert.name.clone(), documents },
        };
        if given_before(app, task, &kind).await? {
            return Ok(vec![]);
        }
        Ok(vec![NewEvent::new(app.clock.now(), Actor::Component { name: KIND.to_owned() }, kind)])
    }
}

/// The same answer about the same alert is not repeated: an alert may come with many label sets.
async fn given_before(app: &App, task: &Task, kind: &EventKind) -> Result<bool, JobError> {
    let events = app
        .store
        .list_events_before(task.incident.id, EventId(i64::MAX), EVENTS_SEARCHED)
        .await
        .map_err(|error| JobError::Retry(error.into()))?;
    Ok(events.iter().any(|event| match (&event.kind, kind) {
        (EventKind::RunbookAnswered(before), EventKind::RunbookAnswered(now)) => {
            (&before.alert, &before.file, before.line_start, &before.revision)
                == (&now.alert, &now.file, now.line_start, &now.revision)
        }
        (before, now) => before == now,
    }))
}

fn question(alert: &AlertSnapshot) -> AlertQuestion {
    let annotation = |name: &str| alert.annotations.get(name).filter(|text| !text.is_empty()).cloned();
    AlertQuestion {
        alert_name: alert.name.clone(),
        runbook_url: annotation("runbook_url").or_else(|| annotation("runbook")),
        summary: alert.summary.clone(),
        description: annotation("description"),
        labels: alert.labels.clone(),
        expr: alert.generator_url.as_deref().and_then(promql::expr_of_generator_url),
    }
}

fn quoted(alert: &AlertSnapshot, answer: RunbookAnswer) -> RunbookAnswered {
    let reason = match answer.matched_by {
        MatchedBy::RunbookUrl => format!("The rule of {} points to this runbook.", alert.name),
        MatchedBy::AlertName => format!("This runbook is named after {}.", alert.name),
        MatchedBy::Search { score } => {
            format!("Found by search: it speaks of {:.0} % of what the alert says.", score * 100.0)
        }
    };
    RunbookAnswered {
        alert: alert.name.clone(),
        quote: answer.quote,
        commands: answer.commands,
        file: answer.file,
        heading: answer.heading,
        line_start: answer.line_start,
        line_end: answer.line_end,
        revision: answer.revision,
        reason,
    }
}
