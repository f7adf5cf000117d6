//! What comes to an end because nothing more is heard of it.

use chrono::{DateTime, Utc};

use super::{Policy, words::in_words};
use crate::{Actor, Alert, AlertSource, AlertStatus, EventKind, Incident, NewEvent};

/// The end of an incident that was held because it flapped, once it has been quiet for [`Policy::flap_quiet`].
///
/// Others end with their last alert, or by a person; one that a person keeps open stays open.
pub fn lapse(incident: &Incident, policy: &Policy, now: DateTime<Utc>) -> Option<NewEvent> {
    let quiet_since = incident.quiet_since.filter(|_| incident.is_open() && incident.flapping)?;
    if now - quiet_since < policy.flap_quiet {
        return None;
    }
    let times = if incident.flaps == 1 { "once".to_owned() } else { format!("{} times", incident.flaps) };
    let reason = format!("It came back {times}, and has been quiet for {}.", in_words(policy.flap_quiet));
    Some(NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }))
}

/// The end of an alert that is known to fire and has not been heard of for [`Policy::stale_after`], to be taken in like
/// any other. `last_seen_at` is when its sender was last able to tell and did.
///
/// What OpsSeer raises itself it ends itself, and does not repeat.
pub fn stale(
    alert: &Alert,
    last_seen_at: DateTime<Utc>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<Alert> {
    let silent = now - last_seen_at >= policy.stale_after;
    if !silent || alert.status != AlertStatus::Firing || alert.source == AlertSource::OpsSeer {
        return None;
    }
    let note = format!(
        "Not heard of for {}; its sender repeats what fires far more often.",
        in_words(policy.stale_after)
    );
    Some(Alert { status: AlertStatus::Resolved, ends_at: Some(now), note: Some(note), ..alert.clone() })
}
