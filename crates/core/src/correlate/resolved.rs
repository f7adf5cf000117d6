use chrono::{DateTime, Utc};

use super::{Decision, Ignored, Surroundings};
use crate::{Actor, Alert, AlertSnapshot, EventKind, Incident, NewEvent};

/// Decides what an alert does that is over.
pub(super) fn resolved(alert: &Alert, around: &Surroundings<'_>, now: DateTime<Utc>) -> Decision {
    let Some(known) = around.known else { return Decision::Ignore(Ignored::NeverFired) };
    if !known.fires() {
        return Decision::Ignore(Ignored::AlreadyResolved);
    }
    if alert.starts_at < known.starts_at && alert.ends_at.is_some_and(|end| end <= known.starts_at) {
        return Decision::Ignore(Ignored::EarlierFiring);
    }
    let Some(own) = around.own else { return Decision::Ignore(Ignored::NeverFired) };
    let mut events = vec![alert_resolved(alert, now)];
    // What flaps is only over when it has been quiet for a while.
    if own.is_open() && own.alerts_firing <= 1 && !own.flapping {
        let reason = reason_of_end(alert, own);
        events.push(NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }));
    }
    Decision::Append(own.id, events, None)
}

fn alert_resolved(alert: &Alert, now: DateTime<Utc>) -> NewEvent {
    // A note says that OpsSeer drew the conclusion, not the sender.
    let actor = alert.note.as_ref().map_or(alert.source.into(), |_| Actor::correlation());
    let kind = EventKind::AlertResolved { alert: AlertSnapshot::from(alert), reason: alert.note.clone() };
    NewEvent::new(alert.ends_at.unwrap_or(now).min(now), actor, kind)
}

fn reason_of_end(alert: &Alert, own: &Incident) -> String {
    let which = if own.alerts_total > 1 {
        format!("The last of its {} alerts", own.alerts_total)
    } else {
        "Its alert".to_owned()
    };
    match &alert.note {
        Some(note) => format!("{which} counts as resolved. {note}"),
        None => format!("{which} is resolved."),
    }
}
