//! Merge, split, and the way back: which rows of alerts move is decided and written in one transaction.

use std::collections::BTreeSet;

use opsseer_core::{
    Actor, Alert, Event, EventId, EventKind, GoingBack, Incident, IncidentId, NewEvent, RegroupError, merge,
    split_leaves, split_opens, unmerge,
};
use opsseer_store::{IncidentRef, Tx};
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
    let firing = tx.count_alerts(ends.id).await?.firing;
    let total = tx.count_alerts_new_to(incident.id, ends.id).await?;
    let (stays_events, ends_events) = merge(&incident, &ends, (firing, total), by, reason, tx.now())?;
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
    let alerts: Vec<Uuid> = alerts.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let going = tx.find_alerts_of(incident.id, &alerts).await?;
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
            let merged = merge_of(tx, &stays, incident.id, event).await?;
            let reason = format!("{name} undid the merge.");
            let id = incident.id;
            give_back(tx, stays, incident, merged, by, &reason).await?;
            find(tx, id.into()).await
        }
        Some(EventKind::Split { into, .. }) => {
            let reason = format!("{name} undid the split.");
            join_again(tx, incident, into.into(), by, &reason).await
        }
        _ => Err(ActionError::Invalid(format!(
            "event {event} is no merge or split of INC-{}; only these can be undone",
            incident.number
        ))),
    }
}

/// Takes what was split off `incident` in again. `incident` may have ended since, be it only because nothing that it kept
/// fires: then it goes on, if what comes back fires.
async fn join_again(
    tx: &mut Tx,
    incident: Incident,
    split_off: IncidentRef,
    by: &Actor,
    reason: &str,
) -> Result<Incident, ActionError> {
    if incident.is_open() {
        return take_in(tx, incident, split_off, by, reason).await;
    }
    check_reopen(tx, &incident).await?;
    let now = tx.now();
    let kind = EventKind::Reopened { reason: reason.to_owned(), flaps: 0 };
    let open = tx.append(incident, vec![NewEvent::new(now, by.clone(), kind)]);
    let whole = take_in(tx, open, split_off, by, reason).await?;
    if whole.alerts_firing > 0 {
        return Ok(whole);
    }
    let kind = EventKind::Resolved { reason: "None of its alerts fires.".to_owned() };
    Ok(tx.append(whole, vec![NewEvent::new(now, Actor::correlation(), kind)]))
}

async fn give_back(
    tx: &mut Tx,
    stays: Incident,
    ended: Incident,
    merged: EventId,
    by: &Actor,
    reason: &str,
) -> Result<Incident, ActionError> {
    if !tx.is_merge_in_force(merged).await? {
        return Err(RegroupError::UndoneAlready(ended.number).into());
    }
    let count = tx.count_merged_alerts(merged, stays.id).await?;
    let back = GoingBack {
        firing: count.alerts.firing,
        total: count.alerts.total,
        goes_on: count.fires_anew || was_open(tx, &ended).await?,
    };
    let same_key = tx.find_open_incident_of_key(&ended.correlation_key).await?;
    let (stays_events, ended_events): (Vec<NewEvent>, Vec<NewEvent>) =
        unmerge(&stays, &ended, back, same_key.as_ref(), by, reason, tx.now())?;
    tx.unmerge_alerts(merged, ended.id, stays.id);
    tx.append(ended, ended_events);
    Ok(tx.append(stays, stays_events))
}

/// Whether an incident went on when it was merged last.
async fn was_open(tx: &mut Tx, ended: &Incident) -> Result<bool, ActionError> {
    let events: Vec<Event> = tx.list_events_of_kind(ended.id, "merged_into").await?;
    let newest = events.into_iter().next_back().map(|event| event.kind);
    Ok(matches!(newest, Some(EventKind::MergedInto { was_open: true, .. })))
}

/// The event by which `stays` took in `ended`, of which `told` tells the one that ended. Both were written together.
async fn merge_of(
    tx: &mut Tx,
    stays: &Incident,
    ended: IncidentId,
    told: EventId,
) -> Result<EventId, ActionError> {
    let events: Vec<Event> = tx.list_events_of_kind(stays.id, "merged").await?;
    let of_ended = |event: &&Event| matches!(event.kind, EventKind::Merged { from, .. } if from == ended);
    // It may have been merged and restored before, and merged again since.
    events
        .iter()
        .rev()
        .filter(|event| event.id < told)
        .find(of_ended)
        .map(|event| event.id)
        .ok_or(ActionError::NotFound)
}

async fn find(tx: &mut Tx, reference: IncidentRef) -> Result<Incident, ActionError> {
    tx.find_incident(reference).await?.ok_or(ActionError::NotFound)
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
