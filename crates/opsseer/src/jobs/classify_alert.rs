//! What kind of trouble an alert is about.

use anyhow::Context;
use async_trait::async_trait;
use opsseer_ai::classify::Classification;
use opsseer_core::{Actor, Classified, EventKind, IncidentId, NewEvent};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{alert_text, app::App, corrections};

pub(super) const KIND: &str = "classify_alert";

/// Says the category, how urgent such alerts mostly are, and what the cause may be.
pub(super) struct ClassifyAlert;

#[async_trait]
impl Job for ClassifyAlert {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let corrections = corrections::learned(app).await.map_err(|error| JobError::Retry(error.into()))?;
        let text = alert_text::for_classifier(&task.alert);
        let class = app
            .classifier
            .classify(&text, &corrections)
            .await
            .context("the alert cannot be classified")
            .map_err(JobError::Fail)?;
        let kind = EventKind::Classified(classified(&task.alert.name, class));
        Ok(vec![NewEvent::new(app.clock.now(), Actor::Component { name: KIND.to_owned() }, kind)])
    }

    /// An alert may come with many label sets, and what a person said of it stands.
    async fn news(
        &self,
        tx: &mut Tx,
        incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let mut said = tx.list_events_of_kind(incident, "classified").await?;
        said.extend(tx.list_events_of_kind(incident, "class_corrected").await?);
        let is_said = |name: &str| {
            said.iter().any(|event| match &event.kind {
                EventKind::Classified(class) => class.alert == name,
                EventKind::ClassCorrected { alert, .. } => alert == name,
                _ => false,
            })
        };
        let is_news =
            |event: &NewEvent| matches!(&event.kind, EventKind::Classified(class) if !is_said(&class.alert));
        Ok(result.into_iter().filter(is_news).collect())
    }
}

/// As a timeline keeps it.
pub(crate) fn classified(alert: &str, class: Classification) -> Classified {
    let runners_up =
        class.runners_up.iter().map(|(category, p)| (category.as_str().to_owned(), *p)).collect();
    Classified {
        alert: alert.to_owned(),
        category: class.category.as_str().to_owned(),
        probability: class.probability,
        unsure: class.unsure,
        runners_up,
        severity: class.severity.as_str().to_owned(),
        severity_probability: class.severity_probability,
        severity_unsure: class.severity_unsure,
        hint: class.hint,
        learned_from: class.learned_from,
        model: class.model,
    }
}
