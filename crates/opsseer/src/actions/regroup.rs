//! Merge, split, and the way back: which rows of alerts move is decided and written in one transaction.

use opsseer_core::{
    Actor, Alert, Event, EventId, EventKind, Incident, IncidentId, NewEvent, RegroupError, merge,
    split_leaves, split_opens, unmerge,
};
use opsseer_store::{AlertCount, IncidentRef, Tx};
use uuid::Uuid;

use super::ActionError;

/// Lets `incident` take in `other`. Gives the one that stays.
pub(super) async fn take_in(
    tx: &mut Tx,
    incident: Incident,
    other: IncidentRef,
    by: &Actor,
    reason: &str,
) -> Result<Incident, ActionError> {
    let ends = find(tx, other).await?;
    let count = tx.count_alerts(ends.id).await?;
    let (stays_events, ends_events) = merge(&incident, &ends, pair(count), by, reason, tx.now())?;
    let stays = tx.append(incident, stays_events);
    tx.merge_alerts(stays.last_event, &ends, stays.id);
    tx.append(ends, ends_events);
    Ok(stays)
}

/// Takes alerts out of `incident`, into a new one. Gives the new one.
pub(super) async fn split_off(
    tx: &mut Tx,
    incident: Incident,
    alerts: &[Uuid],
    by: &Actor,
    reason: &str,
) -> Result<Incident, ActionError> {
    let going = tx.find_alerts_of(incident.id, alerts).await?;
    if going.len() < alerts.len() {
        let reason = format!("some of these alerts are not in INC-{}", incident.number);
        return Err(ActionError::Invalid(reason));
    }
    let total = usize::try_from(tx.count_alerts(incident.id).await?.total).unwrap_or(usize::MAX);
    let ids = going.iter().map(|stored| stored.id).collect();
    let going: Vec<Alert> = going.into_iter().map(|stored| stored.alert).collect();
    let now = tx.now();
    let new = tx.open_incident(split_opens(&incident, &going, total, by, reason, now)?);
    let leaves = split_leaves(&incident, &new, &going, by, reason, now);
    tx.append(incident, leaves);
    tx.split_alerts(ids, new.id);
    Ok(new)
}

/// Undoes the merge or split that `event` of `incident` tells of. Gives the incident.
pub(super) async fn undo(
    tx: &mut Tx,
    incident: Incident,
    event: EventId,
    by: &Actor,
    name: &str,
) -> Result<Incident, ActionError> {
    let told = tx.find_event(event).await?.filter(|told| told.incident == incident.id);
    match told.map(|told| told.kind) {
        Some(EventKind::Merged { from, .. }) => {
            let ended = find(tx, from.into()).await?;
            let reason = format!("{name} undid the merge.");
            give_back(tx, incident, ended, event, by, &reason).await
        }
        Some(EventKind::MergedInto { into, .. }) => {
            let stays = find(tx, into.into()).await?;
            let merged = merge_of(tx, &stays, incident.id).await?;
            let reason = format!("{name} undid the merge.");
            let id = incident.id;
            give_back(tx, stays, incident, merged, by, &reason).await?;
            find(tx, id.into()).await
        }
        Some(EventKind::Split { into, .. }) => {
            take_in(tx, incident, into.into(), by, &format!("{name} undid the split.")).await
        }
        _ => Err(ActionError::Invalid(format!(
            "event {event} is no merge or split of INC-{}; only these can be undone",
            incident.number
        ))),
    }
}

async fn give_back(
    tx: &mut Tx,
    stays: Incident,
    ended: Incident,
    merged: EventId,
    by: &Actor,
    reason: &str,
) -> Result<Incident, ActionError> {
    let count = tx.count_merged_alerts(merged, stays.id).await?;
    let same_key = tx.find_open_incident_of_key(&ended.correlation_key).await?;
    let (stays_events, ended_events): (Vec<NewEvent>, Vec<NewEvent>) =
        unmerge(&stays, &ended, pair(count), same_key.as_ref(), by, reason, tx.now())?;
    tx.unmerge_alerts(merged, ended.id, stays.id);
    tx.append(ended, ended_events);
    Ok(tx.append(stays, stays_events))
}

/// The event by which `stays` took in `ended`.
async fn merge_of(tx: &mut Tx, stays: &Incident, ended: IncidentId) -> Result<EventId, ActionError> {
    let events: Vec<Event> = tx.list_events_of_kind(stays.id, "merged").await?;
    let of_ended = |event: &&Event| matches!(event.kind, EventKind::Merged { from, .. } if from == ended);
    // The newest: it may have been merged and restored before.
    events.iter().rev().find(of_ended).map(|event| event.id).ok_or(ActionError::NotFound)
}

async fn find(tx: &mut Tx, reference: IncidentRef) -> Result<Incident, ActionError> {
    tx.find_incident(reference).await?.ok_or(ActionError::NotFound)
}

fn pair(count: AlertCount) -> (i64, i64) {
    (count.firing, count.total)
}

impl From<RegroupError> for ActionError {
    fn from(error: RegroupError) -> Self {
        Self::Regroup(error)
    }
}

/// Whether the incident may be open again.
pub(super) async fn check_reopen(tx: &mut Tx, incident: &Incident) -> Result<(), ActionError> {
    let same_key = tx.find_open_incident_of_key(&incident.correlation_key).await?;
    opsseer_core::check_reopen(incident, same_key.as_ref())?;
    Ok(())
}
