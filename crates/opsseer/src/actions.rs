//! What people do to an incident, from whichever door: page, API, command line.

use chrono::{DateTime, Utc};
use opsseer_core::{Actor, EventKind, Incident, IncidentStatus, NewEvent, Severity};
use opsseer_store::{IncidentRef, StoreError};

use crate::app::App;

/// The longest name of a person, in characters.
pub const MAX_NAME: usize = 80;

/// The longest note or reason, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

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
    /// The store refused.
    #[error("the action could not be written")]
    Store(#[from] StoreError),
}

/// Lets `person` act on an incident. Gives the incident as it stands after it. Doing again what is done already changes
/// nothing and is no error.
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
    let Some(kind) = kind_of(&incident, &name, action)? else { return Ok(incident) };
    let now: DateTime<Utc> = tx.now();
    let incident = tx.append(incident, vec![NewEvent::new(now, Actor::Person { name }, kind)]);
    tx.commit().await?;
    Ok(incident)
}

/// The event that an action causes, or nothing if it is done already.
fn kind_of(incident: &Incident, name: &str, action: Action) -> Result<Option<EventKind>, ActionError> {
    let resolved = !incident.is_open();
    Ok(match action {
        Action::Acknowledge if resolved => return Err(ActionError::Conflict("the incident is resolved")),
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

fn checked_name(field: &str, name: &str) -> Result<String, ActionError> {
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
        Action::Resolve(Some(text)) | Action::Reopen(Some(text)) => ("the reason", text, true),
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
