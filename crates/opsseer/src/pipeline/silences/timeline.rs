//! What incidents tell of silences.

use std::collections::HashSet;

use opsseer_connect::alertmanager::Silence;
use opsseer_core::{Actor, EventKind, Incident, IncidentId, NewEvent};
use opsseer_store::{IncidentRef, StoreError};

use super::in_words;
use crate::{actions::ActionError, app::App};

/// Notes the silences on their incident's timeline. Gives the incident after it.
pub(super) async fn note_made(
    app: &App,
    reference: IncidentRef,
    name: &str,
    comment: &str,
    made: &[Silence],
) -> Result<Incident, ActionError> {
    let mut tx = app.store.begin().await?;
    let incident = tx.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let now = tx.now();
    let event = |silence: &Silence| {
        let kind = EventKind::Silenced {
            silence_id: silence.id.clone(),
            until: silence.ends_at,
            matchers: in_words(&silence.matchers),
            comment: comment.to_owned(),
        };
        NewEvent::new(now, Actor::Person { name: name.to_owned() }, kind)
    };
    let incident = tx.append(incident, made.iter().map(event).collect());
    tx.commit().await?;
    Ok(incident)
}

/// Notes on these incidents which of their silences are over before their time. Gives those that had one, after it.
pub(in crate::pipeline) async fn note_ended(
    app: &App,
    incidents: &[IncidentId],
    ended: &HashSet<String>,
    actor: &Actor,
) -> Result<Vec<Incident>, StoreError> {
    if incidents.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = app.store.begin().await?;
    let now = tx.now();
    let mut told = Vec::new();
    for id in incidents {
        // Another may have told it since it was read.
        let Some(incident) = tx.find_incident((*id).into()).await? else { continue };
        let over = incident.silences.iter().filter(|live| ended.contains(&live.id));
        let events: Vec<NewEvent> = over
            .map(|live| {
                let kind = EventKind::SilenceEnded { silence_id: live.id.clone() };
                NewEvent::new(now, actor.clone(), kind)
            })
            .collect();
        if !events.is_empty() {
            told.push(tx.append(incident, events));
        }
    }
    tx.commit().await?;
    Ok(told)
}
