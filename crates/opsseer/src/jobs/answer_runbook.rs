//! The runbook's step for an alert.

use anyhow::Context;
use async_trait::async_trait;
use opsseer_ai::runbook::{AlertQuestion, MatchedBy, RunbookAnswer};
use opsseer_connect::promql;
use opsseer_core::{Actor, AlertSnapshot, EventKind, IncidentId, NewEvent, RunbookAnswered};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::app::App;

pub(super) const KIND: &str = "answer_runbook";

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
        Ok(vec![NewEvent::new(app.clock.now(), Actor::Component { name: KIND.to_owned() }, kind)])
    }

    /// The same answer about the same alert is not repeated: an alert may come with many label sets.
    async fn news(
        &self,
        tx: &mut Tx,
        incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let mut news = Vec::new();
        for event in result {
            let before = tx.list_events_of_kind(incident, event.kind.name()).await?;
            if !before.iter().any(|before| is_same(&before.kind, &event.kind)) {
                news.push(event);
            }
        }
        Ok(news)
    }
}

/// Whether both say the same about the same alert.
fn is_same(before: &EventKind, now: &EventKind) -> bool {
    match (before, now) {
        (EventKind::RunbookAnswered(before), EventKind::RunbookAnswered(now)) => {
            (&before.alert, &before.file, before.line_start, &before.revision)
                == (&now.alert, &now.file, now.line_start, &now.revision)
        }
        (before, now) => before == now,
    }
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
