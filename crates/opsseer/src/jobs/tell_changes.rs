//! What OpsSeer had been told of when an incident began.

use async_trait::async_trait;
use opsseer_core::{IncidentId, NewEvent};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{app::App, changes};

pub(super) const KIND: &str = "tell_changes";

/// Puts the deployments and other changes on the timeline that somebody told of before. A job of its own, and quick: it
/// must not wait for a Prometheus that does not answer.
pub(super) struct TellChanges;

#[async_trait]
impl Job for TellChanges {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let retry = |error: StoreError| JobError::Retry(error.into());
        let service = task.incident(app).await?.service;
        let span = changes::span(task.alert.starts_at, app.clock.now(), changes::look_back(app));
        let told = changes::told_of(&app.store, service.as_deref(), span).await.map_err(retry)?;
        // The last one comes last, as it happened.
        let newest = told.into_iter().take(changes::MOST).rev();
        Ok(newest.map(|change| change.event(KIND)).collect())
    }

    async fn news(
        &self,
        tx: &mut Tx,
        incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        changes::news(tx, incident, result).await
    }
}
