//! What people say about which alerts belong together: merge, split, and the way back.
//!
//! The events say what happened to the incidents. Which rows of alerts move is the store's to do, in the same
//! transaction.

use chrono::{DateTime, Utc};

use super::CorrelationKey;
use crate::{
    Actor, Alert, AlertSnapshot, AlertStatus, EventKind, Incident, IncidentNumber, NewEvent, Severity,
};

/// Why incidents cannot be regrouped as asked. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegroupError {
    /// Both are the same incident.
    #[error("an incident cannot be merged with itself")]
    SameIncident,
    /// It has no alerts of its own any more.
    #[error("INC-{0} was merged into another incident; undo that first")]
    MergedAway(IncidentNumber),
    /// It is over.
    #[error("INC-{0} is resolved; reopen it first")]
    Resolved(IncidentNumber),
    /// There is no such merge to undo.
    #[error("INC-{ended} is not merged into INC-{stays}")]
    NotMerged {
        /// The incident that was to be restored.
        ended: IncidentNumber,
        /// The incident that was to give its alerts back.
        stays: IncidentNumber,
    },
    /// The two may have been merged again since, by another event.
    #[error("this merge of INC-{0} was undone already")]
    UndoneAlready(IncidentNumber),
    /// Another incident of the same service goes on.
    #[error("INC-{goes_on} goes on about the same as INC-{0}; merge the two instead", .number)]
    KeyTaken {
        /// The incident that was to be open again.
        number: IncidentNumber,
        /// The one that is open.
        goes_on: IncidentNumber,
    },
    /// None of its alerts was named.
    #[error("no alert of INC-{0} was named")]
    NothingToSplit(IncidentNumber),
    /// All of its alerts were named.
    #[error("all alerts of INC-{0} were named; one must stay")]
    NothingLeft(IncidentNumber),
}

/// What a merge tells the incident that stays, and the one that ends.
///
/// `firing` counts the alerts of `ends` that fire, `total` all that `stays` has not had before. They move. Its notes, its owner and what else people said stay on
/// its own timeline.
pub fn merge(
    stays: &Incident,
    ends: &Incident,
    (firing, total): (i64, i64),
    by: &Actor,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(Vec<NewEvent>, Vec<NewEvent>), RegroupError> {
    if stays.id == ends.id {
        return Err(RegroupError::SameIncident);
    }
    if let Some(merged) = [stays, ends].into_iter().find(|incident| incident.merged_into.is_some()) {
        return Err(RegroupError::MergedAway(merged.number));
    }
    if !stays.is_open() {
        return Err(RegroupError::Resolved(stays.number));
    }
    let merged = EventKind::Merged {
        from: ends.id,
        number: ends.number,
        title: ends.title.clone(),
        correlation_key: ends.correlation_key.clone(),
        alerts_firing: firing,
        alerts_total: total,
        severity: ends.severity,
        silences: ends.silences.clone(),
        reason: reason.to_owned(),
    };
    let merged_into = EventKind::MergedInto {
        into: stays.id,
        number: stays.number,
        was_open: ends.is_open(),
        reason: reason.to_owned(),
    };
    Ok((vec![NewEvent::new(now, by.clone(), merged)], vec![NewEvent::new(now, by.clone(), merged_into)]))
}

/// The alerts that go back when a merge is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoingBack {
    /// How many of them fire.
    pub firing: i64,
    /// How many there are.
    pub total: i64,
    /// Whether their incident goes on, if any fires: it did when it was merged, or one fires that did not then.
    pub goes_on: bool,
}

/// Undoes a merge. What it tells the incident that had stayed, and the one that has its alerts again.
///
/// `same_key` is an open incident with the key of `ended`.
pub fn unmerge(
    stays: &Incident,
    ended: &Incident,
    back: GoingBack,
    same_key: Option<&Incident>,
    by: &Actor,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(Vec<NewEvent>, Vec<NewEvent>), RegroupError> {
    if ended.merged_into != Some(stays.id) {
        return Err(RegroupError::NotMerged { ended: ended.number, stays: stays.number });
    }
    if stays.merged_into.is_some() {
        return Err(RegroupError::MergedAway(stays.number));
    }
    let GoingBack { firing, total, goes_on } = back;
    if firing > 0 && goes_on {
        check_key_is_free(ended, same_key)?;
    }
    let unmerged = EventKind::Unmerged {
        from: ended.id,
        number: ended.number,
        alerts_firing: firing,
        alerts_total: total,
        silences: ended.silences.clone(),
        reason: reason.to_owned(),
    };
    let mut left = vec![NewEvent::new(now, by.clone(), unmerged)];
    left.extend(end_if_nothing_fires(stays, firing, now));
    let restored = EventKind::Restored {
        from: stays.id,
        number: stays.number,
        alerts_firing: firing,
        alerts_total: total,
        goes_on,
        reason: reason.to_owned(),
    };
    Ok((left, vec![NewEvent::new(now, by.clone(), restored)]))
}

/// The first events of an incident for the alerts `going`, which a person takes out of `from`. Then [`split_leaves`]
/// tells `from`. `total` counts the alerts that `from` has now.
pub fn split_opens(
    from: &Incident,
    going: &[Alert],
    total: usize,
    by: &Actor,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, RegroupError> {
    if from.merged_into.is_some() {
        return Err(RegroupError::MergedAway(from.number));
    }
    if !from.is_open() {
        return Err(RegroupError::Resolved(from.number));
    }
    // The headline is that of the most urgent alert which fires; of the first, among equals.
    let fires = |alert: &Alert| alert.status == AlertStatus::Firing;
    let most_urgent = going.iter().rev().max_by_key(|alert| (fires(alert), alert.severity()));
    let Some(most_urgent) = most_urgent else { return Err(RegroupError::NothingToSplit(from.number)) };
    if going.len() >= total {
        return Err(RegroupError::NothingLeft(from.number));
    }
    let service =
        most_urgent.subject().filter(|service| going.iter().all(|alert| alert.subject() == Some(service)));
    let began = going.iter().map(|alert| alert.starts_at).min().unwrap_or(now).min(now);
    let opened = EventKind::Opened {
        title: most_urgent.title(),
        severity: going.iter().map(Alert::severity).max().unwrap_or(Severity::Info),
        service: service.map(str::to_owned),
        correlation_key: CorrelationKey::of_split(from).key,
        reason: reason.to_owned(),
    };
    let mut events = vec![NewEvent::new(began, by.clone(), opened)];
    for alert in going {
        let snapshot = AlertSnapshot::from(alert);
        let reason = format!("It was split off INC-{}.", from.number);
        let kind = EventKind::AlertFired { alert: snapshot.clone(), first: true, reason };
        events.push(NewEvent::new(alert.starts_at.min(now), alert.source.into(), kind));
        if !fires(alert) {
            let ended = alert.ends_at.unwrap_or(now).min(now);
            let kind = EventKind::AlertResolved { alert: snapshot, reason: None };
            events.push(NewEvent::new(ended, alert.source.into(), kind));
        }
    }
    if !going.iter().any(fires) {
        let reason = "None of the alerts that were split off fires.".to_owned();
        events.push(NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }));
    }
    Ok(events)
}

/// What a split tells the incident that loses the alerts `going` to `into`.
pub fn split_leaves(
    from: &Incident,
    into: &Incident,
    going: &[Alert],
    by: &Actor,
    reason: &str,
    now: DateTime<Utc>,
) -> Vec<NewEvent> {
    let mut names: Vec<String> = Vec::new();
    for alert in going {
        if !names.iter().any(|name| name == alert.name()) {
            names.push(alert.name().to_owned());
        }
    }
    let count = |alerts: usize| i64::try_from(alerts).unwrap_or(i64::MAX);
    let firing = count(going.iter().filter(|alert| alert.status == AlertStatus::Firing).count());
    let split = EventKind::Split {
        into: into.id,
        number: into.number,
        alerts: names,
        alerts_firing: firing,
        alerts_total: count(going.len()),
        reason: reason.to_owned(),
    };
    let mut events = vec![NewEvent::new(now, by.clone(), split)];
    events.extend(end_if_nothing_fires(from, firing, now));
    events
}

/// Whether a person may say that an incident is not over after all. `same_key` is an open incident with its key: two
/// open incidents about the same would both claim the next alert.
pub fn check_reopen(incident: &Incident, same_key: Option<&Incident>) -> Result<(), RegroupError> {
    if incident.merged_into.is_some() {
        return Err(RegroupError::MergedAway(incident.number));
    }
    check_key_is_free(incident, same_key)
}

fn check_key_is_free(incident: &Incident, same_key: Option<&Incident>) -> Result<(), RegroupError> {
    match same_key.filter(|other| other.id != incident.id) {
        Some(other) => Err(RegroupError::KeyTaken { number: incident.number, goes_on: other.number }),
        None => Ok(()),
    }
}

/// An incident ends when what is taken out of it was the last that fired. One that a person keeps open without any
/// stays open, and one that is held because it flaps has its own time.
fn end_if_nothing_fires(incident: &Incident, firing_out: i64, now: DateTime<Utc>) -> Option<NewEvent> {
    let was_last = firing_out > 0 && incident.alerts_firing <= firing_out;
    let reason = "None of the alerts that it kept fires.".to_owned();
    (incident.is_open() && was_last && !incident.flapping)
        .then(|| NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }))
}
