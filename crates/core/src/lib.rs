//! The domain of OpsSeer: what an alert, an incident and an event are, and what an alert does to incidents.
//!
//! Everything here is pure. Nothing reads a clock, a socket or a file, except [`SystemClock`], the one place where
//! time enters.

mod alert;
mod clock;
mod correlate;
mod event;
mod fingerprint;
mod incident;
mod severity;

pub use alert::{Alert, AlertSource, AlertStatus, Labels};
pub use clock::{Clock, SystemClock};
pub use correlate::{
    CorrelationKey, Decision, GoingBack, Ignored, Keep, KnownAlert, Leaving, Policy, RegroupError, Storm,
    Surroundings, check_reopen, correlate, keep, lapse, merge, split_leaves, split_opens, stale, unmerge,
};
pub use event::{
    Actor, AlertSnapshot, AssetRef, BudgetSeen, BurnRate, ChangeSeen, ChangeType, ChangesLooked, Charted,
    Classified, ContainerCurve, ContainersSeen, Event, EventId, EventKind, Forecast, LiveSilence, NearPlace,
    NewEvent, Outlook, RunbookAnswered, SimilarIncident, SuspectMetric, SuspectService, SuspectsRanked,
    Threshold, UnknownEvent,
};
pub use fingerprint::{Fingerprint, Identity};
pub use incident::{Acknowledgement, Incident, IncidentId, IncidentNumber, IncidentStatus};
pub use severity::{Severity, UnknownSeverity};
