//! Earlier incidents that are like this one.

use async_trait::async_trait;
use opsseer_core::{Actor, EventKind, Incident, IncidentId, NewEvent, SimilarIncident};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{app::App, similar};

pub(super) const KIND: &str = "find_similar";

/// How many are shown.
const SHOWN: usize = 3;

/// Looks through what is known of all incidents.
pub(super) struct FindSimilar;

#[async_trait]
impl Job for FindSimilar {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let retry = |error: StoreError| JobError::Retry(error.into());
        let found = app.store.find_incident(task.cause.incident.into()).await.map_err(retry)?;
        let incident = found.ok_or_else(|| JobError::Fail(anyhow::anyhow!("its incident is gone")))?;
        let looked = similar::look(app, &incident, &task.alert).await.map_err(retry)?;
        let mut incidents = Vec::new();
        for like in looked.like {
            if incidents.len() == SHOWN {
                break;
            }
            let Some(other) = app.store.find_incident(like.id.into()).await.map_err(retry)? else {
                app.similar.forget(like.id);
                continue;
            };
            // Its alerts are another incident's now, which is compared itself.
            if other.merged_into.is_some() || other.opened_at > incident.opened_at {
                continue;
            }
            let ended = how_it_ended(app, &other).await.map_err(retry)?;
            incidents.push(SimilarIncident {
                id: other.id,
                number: other.number,
                seconds: other.resolved_at.map(|end| (end - other.opened_at).num_seconds().max(0)),
                title: other.title,
                score: like.score,
                reason: like.reason,
                ended,
            });
        }
        let kind = EventKind::SimilarFound { incidents, looked_through: looked.looked_through };
        Ok(vec![NewEvent::new(app.clock.now(), Actor::Component { name: KIND.to_owned() }, kind)])
    }

    /// A second alert that finds the same incidents is no news.
    async fn news(
        &self,
        tx: &mut Tx,
        incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let before = tx.list_events_of_kind(incident, "similar_found").await?;
        let known = before.last().map(|event| ids(&event.kind));
        Ok(result.into_iter().filter(|event| known.as_ref() != Some(&ids(&event.kind))).collect())
    }
}

fn ids(kind: &EventKind) -> Vec<IncidentId> {
    match kind {
        EventKind::SimilarFound { incidents, .. } => incidents.iter().map(|one| one.id).collect(),
        _ => Vec::new(),
    }
}

/// The reason that stands on its timeline, while it is over.
async fn how_it_ended(app: &App, incident: &Incident) -> Result<Option<String>, StoreError> {
    if incident.is_open() {
        return Ok(None);
    }
    let end = app.store.find_newest_event(incident.id, "resolved", incident.last_event).await?;
    Ok(end.and_then(|event| match event.kind {
        EventKind::Resolved { reason } => Some(reason),
        _ => None,
    }))
}
