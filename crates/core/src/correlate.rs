//! What an alert does to incidents, decided from what is known and nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Actor, Alert, AlertSnapshot, AlertStatus, EventKind, Fingerprint, Identity, Incident, IncidentId,
    NewEvent,
};

/// Alerts with the same key belong to the same incident while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationKey {
    /// The key, such as `service:toyprod`.
    pub key: String,
    /// What alerts with this key have in common, to complete "it has … as this incident".
    pub shared: String,
}

/// Labels that tell two services of the same name apart.
const PLACE_LABELS: [&str; 5] = ["cluster", "environment", "env", "namespace", "region"];

impl CorrelationKey {
    /// The service (and the place it runs in) if the alert names one; else its rule, with the sender's group and the
    /// scrape job. Alerts of different services never share a key, whatever group their sender puts them in.
    pub fn of(alert: &Alert) -> Self {
        let (mut key, mut shared) = if let Some(service) = alert.service() {
            (format!("service:{service}"), format!("the same service, {service}"))
        } else {
            let name = alert.name();
            let mut key = format!("alert:{name}");
            if let Some(group) = &alert.group_key {
                key = format!("{key}|group:{group}");
            }
            if let Some(job) = alert.labels.get("job") {
                key = format!("{key}|job:{job}");
            }
            (key, format!("the same rule, {name}, of the same group and job"))
        };
        for label in PLACE_LABELS {
            if let Some(place) = alert.labels.get(label).filter(|place| !place.is_empty()) {
                key = format!("{key}|{label}:{place}");
                shared = format!("{shared}, {label} {place}");
            }
        }
        Self { key, shared }
    }
}

/// What the store remembers of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAlert {
    /// The sender's name for it.
    pub fingerprint: Fingerprint,
    /// What its labels hash to.
    pub identity: Identity,
    /// What it was last.
    pub status: AlertStatus,
    /// When its condition began.
    pub starts_at: DateTime<Utc>,
    /// The incident that it last belonged to.
    pub incident: Option<IncidentId>,
}

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// An alert that fires again within this time after its incident was resolved reopens that incident.
    pub reopen_window: TimeDelta,
    /// The name of the alert that always fires, to show that alerts arrive at all.
    pub heartbeat_alert: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self { reopen_window: TimeDelta::minutes(30), heartbeat_alert: "Watchdog".to_owned() }
    }
}

/// Why an alert changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It is known to fire.
    AlreadyFiring,
    /// It is known to be over.
    AlreadyResolved,
    /// It is over, and was never seen to fire.
    NeverFired,
    /// It tells the end of an earlier firing than the one that is known.
    EarlierFiring,
    /// A person resolved its incident while it fired, and it has fired ever since.
    ResolvedByPerson,
}

/// What to do with an alert. The events are to be appended in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is the heartbeat: note that it came.
    Heartbeat,
    /// Nothing to tell. Keep the alert as it is now.
    Ignore(Ignored),
    /// Open an incident with these events.
    Open(Vec<NewEvent>, Option<Leaving>),
    /// Append these events to this incident.
    Append(IncidentId, Vec<NewEvent>, Option<Leaving>),
}

/// The incident that an alert leaves for another, and what to tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaving {
    /// The incident that it leaves.
    pub incident: IncidentId,
    /// To be appended there.
    pub event: NewEvent,
}

/// The alert in the form in which it is to be kept, if `decision` is to ignore it: `None` means that what is known stays.
/// A body that is older than what is known must not undo it.
pub fn keep<'a>(alert: &'a Alert, known: Option<&KnownAlert>, decision: &Decision) -> Option<&'a Alert> {
    let older = known.is_some_and(|known| alert.starts_at < known.starts_at);
    let ignored = matches!(decision, Decision::Ignore(_));
    (!(ignored && older)).then_some(alert)
}

/// Decides what `alert` does.
///
/// `known` is what is remembered of it, `own` the incident that it last belonged to, and `same_key` an open incident
/// with its [`CorrelationKey`].
pub fn correlate(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    same_key: Option<&Incident>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    if alert.name() == policy.heartbeat_alert {
        return match alert.status {
            AlertStatus::Firing => Decision::Heartbeat,
            AlertStatus::Resolved => Decision::Ignore(Ignored::NeverFired),
        };
    }
    match alert.status {
        AlertStatus::Firing => fired(alert, known, own, same_key, policy, now),
        AlertStatus::Resolved => resolved(alert, known, own, now),
    }
}

fn fired(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    same_key: Option<&Incident>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    let was_firing = known.is_some_and(|known| known.status == AlertStatus::Firing);
    if let Some(own) = own {
        if own.is_open() && was_firing {
            return Decision::Ignore(Ignored::AlreadyFiring);
        }
        if own.is_open() {
            let event = alert_fired(alert, false, "It belonged to this incident before.".to_owned(), now);
            return Decision::Append(own.id, vec![event], None);
        }
        let same_firing = known.is_some_and(|known| alert.starts_at <= known.starts_at);
        if was_firing && same_firing {
            return Decision::Ignore(Ignored::ResolvedByPerson);
        }
        let quiet = now - own.resolved_at.unwrap_or(now);
        if quiet <= policy.reopen_window && same_key.is_none() {
            let reason = format!(
                "{} fired again {} after the incident was resolved; within {} it is the same incident.",
                alert.name(),
                in_words(quiet),
                in_words(policy.reopen_window),
            );
            let mut events = vec![NewEvent::new(now, Actor::correlation(), EventKind::Reopened { reason, flaps: 0 })];
            if !was_firing {
                events.push(alert_fired(
                    alert,
                    false,
                    "It belonged to this incident before.".to_owned(),
                    now,
                ));
            }
            return Decision::Append(own.id, events, None);
        }
    }
    // It still counted as firing where a person had resolved it; that incident must not wait for its end.
    let leaving = own.filter(|_| was_firing).map(|own| Leaving {
        incident: own.id,
        event: NewEvent::new(
            now,
            Actor::correlation(),
            EventKind::AlertMoved { alert: AlertSnapshot::from(alert) },
        ),
    });
    let key = CorrelationKey::of(alert);
    if let Some(incident) = same_key {
        let reason = format!("It joined this incident because it has {}.", key.shared);
        return Decision::Append(incident.id, vec![alert_fired(alert, true, reason, now)], leaving);
    }
    // An incident begins when the condition began, but a sender with a wrong clock cannot put it in the future.
    let began = alert.starts_at.min(now);
    let opened = EventKind::Opened {
        title: alert.title(),
        severity: alert.severity(),
        service: alert.subject().map(str::to_owned),
        correlation_key: key.key,
        reason: format!("No open incident has {}.", key.shared),
    };
    let fired = alert_fired(alert, true, "It opened this incident.".to_owned(), now);
    Decision::Open(vec![NewEvent::new(began, Actor::correlation(), opened), fired], leaving)
}

fn resolved(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    now: DateTime<Utc>,
) -> Decision {
    let Some(known) = known else { return Decision::Ignore(Ignored::NeverFired) };
    if known.status == AlertStatus::Resolved {
        return Decision::Ignore(Ignored::AlreadyResolved);
    }
    if alert.starts_at < known.starts_at && alert.ends_at.is_some_and(|end| end <= known.starts_at) {
        return Decision::Ignore(Ignored::EarlierFiring);
    }
    let Some(own) = own else { return Decision::Ignore(Ignored::NeverFired) };
    let ended = alert.ends_at.unwrap_or(now).min(now);
    let snapshot = AlertSnapshot::from(alert);
    let mut events =
        vec![NewEvent::new(ended, alert.source.into(), EventKind::AlertResolved { alert: snapshot, reason: None })];
    if own.is_open() && own.alerts_firing <= 1 {
        let reason = if own.alerts_total > 1 {
            format!("The last of its {} alerts is resolved.", own.alerts_total)
        } else {
            "Its alert is resolved.".to_owned()
        };
        events.push(NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }));
    }
    Decision::Append(own.id, events, None)
}

fn alert_fired(alert: &Alert, first: bool, reason: String, now: DateTime<Utc>) -> NewEvent {
    let kind = EventKind::AlertFired { alert: AlertSnapshot::from(alert), first, reason };
    NewEvent::new(alert.starts_at.min(now), alert.source.into(), kind)
}

/// A length of time for a person: its largest unit, and the next one where it matters.
fn in_words(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds % 60 == 0 || seconds > 600 => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
