use chrono::{DateTime, Utc};

use super::{CorrelationKey, Decision, Ignored, KnownAlert, Leaving, Policy, Surroundings, words::in_words};
use crate::{Actor, Alert, AlertSnapshot, EventKind, Incident, NewEvent};

const WAS_HERE: &str = "It belonged to this incident before.";

/// Decides what an alert does that fires.
pub(super) fn fired(
    alert: &Alert,
    around: &Surroundings<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    let was_firing = around.known.is_some_and(KnownAlert::fires);
    let known_start = around.known.is_some_and(|known| alert.starts_at <= known.starts_at);
    let since_last_seen = around.known.map(|known| now - known.last_seen_at);
    if known_start && !was_firing && since_last_seen.is_some_and(|since| since <= policy.late_window) {
        return Decision::Ignore(Ignored::EndedAlready);
    }
    if let Some(own) = around.own {
        if own.is_open() && was_firing {
            return Decision::Ignore(Ignored::AlreadyFiring);
        }
        if own.is_open() {
            return Decision::Append(own.id, join(alert, own, false, WAS_HERE, now), None);
        }
        if was_firing && known_start {
            return Decision::Ignore(Ignored::ResolvedByPerson);
        }
        if comes_back(own, around, policy, now) {
            return Decision::Append(own.id, reopen(alert, own, was_firing, policy, now), None);
        }
    }
    // It still counted as firing where a person had resolved it; that incident must not wait for its end.
    let leaving = around.own.filter(|_| was_firing).map(|own| Leaving {
        incident: own.id,
        event: NewEvent::new(
            now,
            Actor::correlation(),
            EventKind::AlertMoved { alert: AlertSnapshot::from(alert) },
        ),
    });
    let key = CorrelationKey::of(alert);
    if let Some(incident) = around.same_key {
        let reason = format!("It joined this incident because it has {}.", key.shared);
        return Decision::Append(incident.id, join(alert, incident, true, &reason, now), leaving);
    }
    let Some(storm) = around.storm else {
        let reason = format!("No open incident has {}.", key.shared);
        let events = open(alert, alert.title(), alert.subject(), key, reason, now);
        return Decision::Open(events, leaving);
    };
    let shelter = storm.shelter(alert, policy);
    match shelter.incident {
        Some(incident) => {
            Decision::Append(incident.id, join(alert, incident, true, &shelter.reason, now), leaving)
        }
        None => Decision::Open(open(alert, shelter.title, None, shelter.key, shelter.reason, now), leaving),
    }
}

/// Whether the alert's own incident, which is over, goes on with it.
fn comes_back(own: &Incident, around: &Surroundings<'_>, policy: &Policy, now: DateTime<Utc>) -> bool {
    let soon = now - own.resolved_at.unwrap_or(now) <= policy.reopen_window;
    // What was split off stays so; else an open incident of the alert's own key takes precedence.
    let nowhere_else = around.same_key.is_none() || own.is_split_off();
    // A storm that is over is no place for the alert of one service. Two open incidents never share a key.
    soon && nowhere_else && !own.is_storm() && around.own_key.is_none() && own.merged_into.is_none()
}

fn reopen(
    alert: &Alert,
    own: &Incident,
    was_firing: bool,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Vec<NewEvent> {
    let quiet = now - own.resolved_at.unwrap_or(now);
    let recent = own.last_flap_at.is_some_and(|last| now - last <= policy.flap_window);
    let flaps = if recent { own.flaps + 1 } else { 1 };
    let reason = format!(
        "{} fired again {} after the incident was resolved; within {} it is the same incident.",
        alert.name(),
        in_words(quiet),
        in_words(policy.reopen_window),
    );
    let mut events = vec![NewEvent::new(now, Actor::correlation(), EventKind::Reopened { reason, flaps })];
    if !was_firing {
        events.extend(join(alert, own, false, WAS_HERE, now));
    }
    // After the alert: what is held counts every firing that ends a silence as one more time.
    if flaps >= i64::from(policy.flaps) {
        let reason = format!(
            "It came back {flaps} times, each within {} of the last; it counts as over once it has been quiet for {}.",
            in_words(policy.flap_window),
            in_words(policy.flap_quiet),
        );
        let quiet_seconds = policy.flap_quiet.num_seconds();
        let held = EventKind::FlappingHeld { flaps, quiet_seconds, reason };
        events.push(NewEvent::new(now, Actor::correlation(), held));
    }
    events
}

fn open(
    alert: &Alert,
    title: String,
    service: Option<&str>,
    key: CorrelationKey,
    reason: String,
    now: DateTime<Utc>,
) -> Vec<NewEvent> {
    let opened = EventKind::Opened {
        title,
        severity: alert.severity(),
        service: service.map(str::to_owned),
        correlation_key: key.key,
        reason,
    };
    // An incident begins when the condition began, but a sender with a wrong clock cannot put it in the future.
    let began = alert.starts_at.min(now);
    vec![
        NewEvent::new(began, Actor::correlation(), opened),
        alert_fired(alert, true, "It opened this incident.", now),
    ]
}

/// An alert becomes one of an incident's, and makes it more urgent if it is more urgent itself.
fn join(alert: &Alert, incident: &Incident, first: bool, reason: &str, now: DateTime<Utc>) -> Vec<NewEvent> {
    let mut events = vec![alert_fired(alert, first, reason, now)];
    let (from, to) = (incident.severity, alert.severity());
    if to > from && !incident.severity_set_by_person {
        let escalated = EventKind::Escalated {
            from,
            to,
            // A storm stays a storm, whatever blows in it.
            title: if incident.is_storm() { incident.title.clone() } else { alert.title() },
            reason: format!("{} is of severity {to}; the incident was of severity {from}.", alert.name()),
        };
        events.push(NewEvent::new(now, Actor::correlation(), escalated));
    }
    events
}

fn alert_fired(alert: &Alert, first: bool, reason: &str, now: DateTime<Utc>) -> NewEvent {
    let reason = match &alert.note {
        Some(note) => format!("{note} {reason}"),
        None => reason.to_owned(),
    };
    let kind = EventKind::AlertFired { alert: AlertSnapshot::from(alert), first, reason };
    NewEvent::new(alert.starts_at.min(now), alert.source.into(), kind)
}
