//! What an alert does to incidents, decided from what is known and nothing else.

mod fired;
mod key;
mod policy;
mod quiet;
mod regroup;
mod resolved;
mod storm;
mod words;

use chrono::{DateTime, Utc};

pub use self::{
    key::CorrelationKey,
    policy::Policy,
    quiet::{lapse, stale},
    regroup::{GoingBack, RegroupError, check_reopen, merge, split_leaves, split_opens, unmerge},
    storm::Storm,
};
use crate::{Alert, AlertStatus, EventKind, Fingerprint, Identity, Incident, IncidentId, NewEvent};

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
    /// When a body last said so, by our own clock.
    pub last_seen_at: DateTime<Utc>,
    /// The incident that it last belonged to.
    pub incident: Option<IncidentId>,
}

impl KnownAlert {
    fn fires(&self) -> bool {
        self.status == AlertStatus::Firing
    }
}

/// What is known around an alert when it comes in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// What is remembered of the alert.
    pub known: Option<&'a KnownAlert>,
    /// The incident that it last belonged to.
    pub own: Option<&'a Incident>,
    /// An open incident with the correlation key of `own`. Only needed where `own` is over and has another key than the
    /// alert: a merge, a split or a storm brought the alert there.
    pub own_key: Option<&'a Incident>,
    /// An open incident with the alert's [`CorrelationKey`].
    pub same_key: Option<&'a Incident>,
    /// Given while too many incidents are being opened.
    pub storm: Option<Storm<'a>>,
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
    /// It tells late of a firing whose end is known.
    EndedAlready,
    /// A person resolved its incident while it fired, and it has fired ever since.
    ResolvedByPerson,
}

/// What to do with an alert. The events are to be appended in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is the heartbeat: note that it came.
    Heartbeat,
    /// Nothing to tell.
    Ignore(Ignored),
    /// Open an incident with these events.
    Open(Vec<NewEvent>, Option<Leaving>),
    /// Append these events to this incident.
    Append(IncidentId, Vec<NewEvent>, Option<Leaving>),
}

impl Decision {
    /// A word for it, as in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Ignore(Ignored::AlreadyFiring) => "already_firing",
            Self::Ignore(Ignored::AlreadyResolved) => "already_resolved",
            Self::Ignore(Ignored::NeverFired) => "never_fired",
            Self::Ignore(Ignored::EarlierFiring) => "earlier_firing",
            Self::Ignore(Ignored::EndedAlready) => "ended_already",
            Self::Ignore(Ignored::ResolvedByPerson) => "resolved_by_person",
            Self::Open(..) => "opened",
            Self::Append(_, events, _) => match events.first().map(|event| &event.kind) {
                Some(EventKind::Reopened { .. }) => "reopened",
                Some(EventKind::AlertResolved { .. }) => "resolved",
                _ => "joined",
            },
        }
    }
}

/// The incident that an alert leaves for another, and what to tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaving {
    /// The incident that it leaves.
    pub incident: IncidentId,
    /// To be appended there.
    pub event: NewEvent,
}

/// How an alert is to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub enum Keep {
    /// As it is given here, heard of now.
    Now(Alert),
    /// As it is known, heard of now.
    Known,
    /// As it is known, and when it was last heard of stays as well: a late body says nothing about the present.
    Nothing,
}

/// How `alert` is to be remembered after `decision`. What is known never goes back in time.
pub fn keep(mut alert: Alert, known: Option<&KnownAlert>, decision: &Decision) -> Keep {
    let Some(known) = known else { return Keep::Now(alert) };
    let older = alert.starts_at < known.starts_at;
    match decision {
        Decision::Ignore(Ignored::EndedAlready) => Keep::Nothing,
        // Of two Prometheus servers one began to see it earlier, and Alertmanager tells the earlier start from then on.
        Decision::Ignore(Ignored::AlreadyFiring | Ignored::ResolvedByPerson) if older => Keep::Known,
        Decision::Ignore(_) if older => Keep::Nothing,
        _ => {
            // Else a late body of the newer firing would look like a new one.
            alert.starts_at = alert.starts_at.max(known.starts_at);
            Keep::Now(alert)
        }
    }
}

/// Decides what `alert` does.
pub fn correlate(alert: &Alert, around: &Surroundings<'_>, policy: &Policy, now: DateTime<Utc>) -> Decision {
    if alert.name() == policy.heartbeat_alert {
        return match alert.status {
            AlertStatus::Firing => Decision::Heartbeat,
            AlertStatus::Resolved => Decision::Ignore(Ignored::NeverFired),
        };
    }
    match alert.status {
        AlertStatus::Firing => fired::fired(alert, around, policy, now),
        AlertStatus::Resolved => resolved::resolved(alert, around, now),
    }
}

#[cfg(test)]
mod tests;
