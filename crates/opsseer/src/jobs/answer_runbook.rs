//! The runbook's step for an alert.

use anyhow::Context;
use async_trait::async_trait;
use opsseer_ai::runbook::{MatchedBy, RunbookAnswer};
use opsseer_core::{Actor, EventKind, IncidentId, NewEvent, RunbookAnswered};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{alert_text, app::App, asking};

pub(super) const KIND: &str = "answer_runbook";

/// Quotes the step to take.
pub(super) struct AnswerRunbook;

#[async_trait]
impl Job for AnswerRunbook {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let answer = app
            .runbooks
            .answer(&alert_text::for_runbooks(&task.alert))
            .await
            .context("the runbooks cannot be searched")
            .map_err(JobError::Retry)?;
        let kind = match answer.found {
            Some(found) => EventKind::RunbookAnswered(answered(&task.alert.name, found)),
            None => EventKind::RunbookMissing {
                alert: task.alert.name.clone(),
                documents: app.runbooks.document_count(),
                nearest: answer.nearest.into_iter().map(asking::near).collect(),
            },
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

fn answered(alert: &str, found: RunbookAnswer) -> RunbookAnswered {
    let reason = match found.matched_by {
        MatchedBy::RunbookUrl => format!("The rule of {alert} points to this runbook."),
        MatchedBy::AlertName => format!("This runbook is named after {alert}."),
        MatchedBy::Search { .. } => "Found by search with what the alert says.".to_owned(),
    };
    RunbookAnswered { alert: alert.to_owned(), reason, ..asking::quoted(found) }
}
