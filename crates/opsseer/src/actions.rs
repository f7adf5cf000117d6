//! What people do to an incident, from whichever door: page, API, command line.

mod regroup;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Actor, EventId, EventKind, Incident, IncidentStatus, NewEvent, RegroupError, Severity};
use opsseer_store::{IncidentRef, StoreError};
use uuid::Uuid;

use crate::app::App;

/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 80;

/// The longest note or reason, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// The most alerts that are split off at once.
pub const MAX_SPLIT: usize = 500;

/// The longest mute: whoever is on it for longer says so again.
pub const MAX_MUTE: TimeDelta = TimeDelta::days(7);

/// What a person does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Takes notice.
    Acknowledge,
    /// Writes something down.
    Note(String),
    /// Gives the incident to somebody, or to nobody.
    Assign(Option<String>),
    /// Says how urgent it is.
    SetSeverity(Severity),
    /// Says that it is over, and perhaps why.
    Resolve(Option<String>),
    /// Says that it is not over, and perhaps why.
    Reopen(Option<String>),
    /// Takes another incident's alerts in, and those to come; the other ends. Says perhaps why.
    Merge {
        /// The one that ends.
        from: IncidentRef,
        /// Why.
        reason: Option<String>,
    },
    /// Takes alerts (ids of the store) out into an incident of their own, and says perhaps why.
    Split {
        /// The alerts that go.
        alerts: Vec<Uuid>,
        /// Why.
        reason: Option<String>,
    },
    /// Undoes a merge or split, named by its event.
    Undo {
        /// That tells of it on this incident's timeline.
        event: EventId,
    },
    /// Is on it: nobody needs to be told about this incident until then.
    Mute {
        /// When the mute ends.
        until: DateTime<Utc>,
    },
    /// Ends the mute.
    Unmute,
}

/// Why an action was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// What was given cannot be taken.
    #[error("{0}")]
    Invalid(String),
    /// The incident is not in a state for it.
    #[error("{0}")]
    Conflict(&'static str),
    /// Incidents cannot be regrouped like that.
    #[error("{0}")]
    Regroup(RegroupError),
    /// The store refused.
    #[error("the action could not be written")]
    Store(#[from] StoreError),
}

/// Lets `person` act on an incident. Gives the incident as it stands after it; after a split, the new incident. Doing
/// again what is done already changes nothing and is no error.
pub async fn act(
    app: &App,
    reference: IncidentRef,
    person: &str,
    action: Action,
) -> Result<Incident, ActionError> {
    let name = checked_name("by", person)?;
    check_text(&action)?;
    let mut tx = app.store.begin().await?;
    let incident = tx.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let by = Actor::Person { name: name.clone() };
    let incident = match action {
        Action::Merge { from, reason } => {
            let reason = reason_or(reason, &name, "merged them");
            regroup::take_in(&mut tx, incident, from, &by, &reason).await?
        }
        Action::Split { alerts, reason } => {
            let reason = reason_or(reason, &name, "split it off");
            regroup::split_off(&mut tx, incident, &alerts, &by, &reason).await?
        }
        Action::Undo { event } => regroup::undo(&mut tx, incident, event, &by, &name).await?,
        action => {
            let now = tx.now();
            if matches!(action, Action::Reopen(_)) {
                regroup::check_reopen(&mut tx, &incident).await?;
            }
            let Some(kind) = kind_of(&incident, &name, action, now)? else { return Ok(incident) };
            tx.append(incident, vec![NewEvent::new(now, by, kind)])
        }
    };
    tx.commit().await?;
    Ok(incident)
}

/// The event that an action causes, or nothing if it is done already.
fn kind_of(
    incident: &Incident,
    name: &str,
    action: Action,
    now: DateTime<Utc>,
) -> Result<Option<EventKind>, ActionError> {
    let resolved = !incident.is_open();
    Ok(match action {
        Action::Acknowledge | Action::Mute { .. } if resolved => {
            return Err(ActionError::Conflict("the incident is resolved"));
        }
        Action::Acknowledge if incident.status == IncidentStatus::Acknowledged => None,
        Action::Acknowledge => Some(EventKind::Acknowledged),
        Action::Note(text) => Some(EventKind::Note { text: text.trim().to_owned() }),
        Action::Assign(owner) => {
            let owner = owner.map(|owner| checked_name("owner", &owner)).transpose()?;
            (incident.owner != owner).then_some(EventKind::Assigned { owner })
        }
        Action::SetSeverity(severity) => {
            let same = incident.severity == severity && incident.severity_set_by_person;
            (!same).then_some(EventKind::SeveritySet { severity })
        }
        Action::Resolve(_) if resolved => None,
        Action::Resolve(reason) => {
            Some(EventKind::Resolved { reason: reason_or(reason, name, "resolved it") })
        }
        Action::Mute { until } if until <= now || until - now > MAX_MUTE => {
            let days = MAX_MUTE.num_days();
            return Err(ActionError::Invalid(format!("a mute ends in the future, within {days} days")));
        }
        Action::Mute { until } => Some(EventKind::Muted { until }),
        Action::Unmute => incident.muted_until.is_some_and(|until| until > now).then_some(EventKind::Unmuted),
        Action::Merge { .. } | Action::Split { .. } | Action::Undo { .. } => None,
        Action::Reopen(_) if !resolved => None,
        Action::Reopen(reason) => {
            Some(EventKind::Reopened { reason: reason_or(reason, name, "reopened it"), flaps: 0 })
        }
    })
}

fn reason_or(reason: Option<String>, name: &str, did: &str) -> String {
    let given = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    given.unwrap_or_else(|| format!("{name} {did}."))
}

/// The name of a person, without spaces around it. `field` says whose, for the error.
pub(crate) fn checked_name(field: &str, name: &str) -> Result<String, ActionError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(ActionError::Invalid(format!("{field} must be a name of 1 to {MAX_NAME} characters")));
    }
    Ok(name.to_owned())
}

fn check_text(action: &Action) -> Result<(), ActionError> {
    let (what, text, may_be_empty) = match action {
        Action::Note(text) => ("the note", text, false),
        Action::Split { alerts, .. } if alerts.len() > MAX_SPLIT => {
            let named = alerts.len();
            return Err(ActionError::Invalid(format!(
                "{named} alerts were named; at most {MAX_SPLIT} are split off at once"
            )));
        }
        Action::Resolve(Some(text))
        | Action::Reopen(Some(text))
        | Action::Merge { reason: Some(text), .. }
        | Action::Split { reason: Some(text), .. } => ("the reason", text, true),
        _ => return Ok(()),
    };
    if text.len() > MAX_TEXT {
        return Err(ActionError::Invalid(format!("{what} is longer than {MAX_TEXT} bytes")));
    }
    if text.contains('\0') {
        return Err(ActionError::Invalid(format!("{what} holds a NUL character")));
    }
    if !may_be_empty && text.trim().is_empty() {
        return Err(ActionError::Invalid(format!("{what} is empty")));
    }
    Ok(())
}
