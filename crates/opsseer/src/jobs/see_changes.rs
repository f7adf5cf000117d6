//! What was changed before an incident began.

use async_trait::async_trait;
use opsseer_core::{Actor, ChangesLooked, EventKind, IncidentId, NewEvent};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{alert_metric::MetricError, app::App, changes};

pub(crate) const KIND: &str = "see_changes";

/// Asks Prometheus for deployments, restarts, new settings and other numbers of instances of the incident's service, and
/// says how much was found, with what was told.
pub(super) struct SeeChanges;

#[async_trait]
impl Job for SeeChanges {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let retry = |error: StoreError| JobError::Retry(error.into());
        let service = task.incident(app).await?.service;
        let (from, to) = changes::span(task.alert.starts_at, app.clock.now(), changes::look_back(app));
        let shown = match &service {
            Some(service) => changes::metrics::find(app.metrics.as_ref(), service, from, to)
                .await
                .map_err(MetricError::from)?,
            None => Vec::new(),
        };
        let told = changes::told_of(&app.store, service.as_deref(), (from, to)).await.map_err(retry)?;
        let all = changes::together(told, shown);
        let found = all.len().min(changes::MOST);
        let looked = ChangesLooked { service, from, to, found, left_out: all.len() - found };
        // The last one comes last, as it happened.
        let mut events: Vec<NewEvent> =
            all.into_iter().take(found).rev().map(|change| change.event(KIND)).collect();
        let actor = Actor::Component { name: KIND.to_owned() };
        events.push(NewEvent::new(to, actor, EventKind::ChangesLooked(looked)));
        Ok(events)
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
