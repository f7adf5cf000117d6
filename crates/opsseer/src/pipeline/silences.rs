//! Silences: a person keeps Alertmanager from telling about the alerts of an incident for a while.

mod cover;

use std::time::Duration;

use chrono::TimeDelta;
use humantime_serde::re::humantime::format_duration;
use opsseer_connect::alertmanager::{
    Alertmanager, AlertmanagerError, Matcher, NewSilence, Silence, SilenceState,
};
use opsseer_core::{
    Actor, AlertSource, Event, EventId, EventKind, Incident, IncidentId, IncidentNumber, NewEvent,
};
use opsseer_store::{IncidentRef, StoreError};

use crate::{
    actions::{ActionError, MAX_TEXT, checked_name},
    app::App,
};

/// The shortest and the longest silence.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// An incident is silenced by so many silences at most: more than that is a storm, and a silence over all of it would
/// hide what comes next.
const MOST_SILENCES: usize = 10;

/// Events of a timeline that are read at once.
const EVENTS_A_PAGE: u32 = 1000;

/// Why a silence was not made, listed or ended.
#[derive(Debug, thiserror::Error)]
pub enum SilenceError {
    /// There is nobody to ask.
    #[error("no Alertmanager is configured (alertmanager.url), so there are no silences")]
    NotConfigured,
    /// Alertmanager knows no such silence.
    #[error("Alertmanager knows no silence {0}")]
    Unknown(String),
    /// Alertmanager refused, or gave no answer.
    #[error("Alertmanager did not do it")]
    Alertmanager(#[source] AlertmanagerError),
    /// As with any other thing that a person does.
    #[error(transparent)]
    Action(#[from] ActionError),
}

impl From<StoreError> for SilenceError {
    fn from(error: StoreError) -> Self {
        Self::Action(error.into())
    }
}

impl From<AlertmanagerError> for SilenceError {
    fn from(error: AlertmanagerError) -> Self {
        match error {
            AlertmanagerError::SilenceNotFound { id } => Self::Unknown(id),
            AlertmanagerError::Request(_) => Self::Alertmanager(error),
        }
    }
}

/// All silences that Alertmanager knows, whoever made them.
pub async fn list(app: &App) -> Result<Vec<Silence>, SilenceError> {
    Ok(alertmanager(app)?.silences().await?)
}

/// What silences of the incident would match, each in a list of conditions that all must hold.
pub async fn plan(app: &App, incident: IncidentId) -> Result<Vec<Vec<Matcher>>, SilenceError> {
    let firing = app.store.list_firing_alerts(AlertSource::Alertmanager).await?;
    let plan = cover::of_incident(incident, &firing).ok_or(ActionError::Conflict(
        "no silence would cover the alerts of this incident and none of another; make one in Alertmanager itself",
    ))?;
    match plan.len() {
        0 => Err(ActionError::Conflict("no alert of Alertmanager fires in this incident, so there is none to silence").into()),
        1..=MOST_SILENCES => Ok(plan),
        _ => Err(ActionError::Conflict(
            "the alerts of this incident are about too many services for a silence; make one in Alertmanager itself",
        )
        .into()),
    }
}

/// Silences the alerts of an incident that fire now for `time`. Gives the incident after it, and the silences.
pub async fn silence(
    app: &App,
    reference: IncidentRef,
    person: &str,
    time: Duration,
    comment: Option<&str>,
) -> Result<(Incident, Vec<Silence>), SilenceError> {
    let alertmanager = alertmanager(app)?;
    let name = checked_name("by", person)?;
    let comment = checked_comment(comment, &name, time)?;
    let incident = app.store.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let page = format!("{}/incidents/{}", app.config.public_url(), incident.number);
    let now = app.clock.now();
    let until = now + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    let mut made = Vec::new();
    for matchers in plan(app, incident.id).await? {
        let silence = NewSilence {
            matchers,
            starts_at: now,
            ends_at: until,
            created_by: name.clone(),
            comment: format!("{}{comment} ({page})", comment_start(incident.number)),
        };
        match alertmanager.create_silence(&silence).await {
            Ok(id) => made.push(made_from(id, silence)),
            Err(error) => {
                take_back(alertmanager, &made).await;
                return Err(error.into());
            }
        }
    }
    match note(app, reference, &name, &comment, &made).await {
        Ok(incident) => Ok((incident, made)),
        // A silence that nobody can see here would be worse than none.
        Err(error) => {
            take_back(alertmanager, &made).await;
            Err(error.into())
        }
    }
}

/// Ends a silence. If it was made here, its incident is told; then that is given as it stands after it.
pub async fn end(app: &App, id: &str, person: &str) -> Result<Option<Incident>, SilenceError> {
    let alertmanager = alertmanager(app)?;
    let name = checked_name("by", person)?;
    let silences = alertmanager.silences().await?;
    let silence = silences.iter().find(|silence| silence.id == id);
    let silence = silence.ok_or_else(|| SilenceError::Unknown(id.to_owned()))?;
    alertmanager.expire_silence(id).await?;
    let Some(number) = incident_of(silence) else { return Ok(None) };
    let mut tx = app.store.begin().await?;
    let Some(incident) = tx.find_incident(IncidentRef::Number(number)).await? else { return Ok(None) };
    // The number in its comment is another OpsSeer's, or it was ended here before.
    if !is_in_force(app, incident.id, id).await? {
        return Ok(None);
    }
    let ended = EventKind::SilenceEnded { silence_id: id.to_owned() };
    let event = NewEvent::new(tx.now(), Actor::Person { name }, ended);
    let incident = tx.append(incident, vec![event]);
    tx.commit().await?;
    Ok(Some(incident))
}

/// The number of the incident that a silence was made for, if it was made by an OpsSeer.
pub fn incident_of(silence: &Silence) -> Option<IncidentNumber> {
    let (number, _) = silence.comment.strip_prefix("INC-")?.split_once(": ")?;
    number.parse().ok().map(IncidentNumber)
}

fn comment_start(incident: IncidentNumber) -> String {
    format!("INC-{incident}: ")
}

/// The conditions as people write them.
pub fn in_words(matchers: &[Matcher]) -> String {
    matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn alertmanager(app: &App) -> Result<&dyn Alertmanager, SilenceError> {
    app.alertmanager.as_deref().ok_or(SilenceError::NotConfigured)
}

fn checked_comment(comment: Option<&str>, name: &str, time: Duration) -> Result<String, ActionError> {
    if !(SHORTEST..=LONGEST).contains(&time) {
        let (shortest, longest) = (format_duration(SHORTEST), format_duration(LONGEST));
        return Err(ActionError::Invalid(format!("a silence lasts from {shortest} to {longest}")));
    }
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    match comment {
        Some(comment) if comment.len() > MAX_TEXT => {
            Err(ActionError::Invalid(format!("the comment is longer than {MAX_TEXT} bytes")))
        }
        Some(comment) if comment.contains('\0') => {
            Err(ActionError::Invalid("the comment holds a NUL character".to_owned()))
        }
        Some(comment) => Ok(comment.to_owned()),
        None => Ok(format!("{name} silenced it for {}.", format_duration(time))),
    }
}

fn made_from(id: String, silence: NewSilence) -> Silence {
    Silence {
        id,
        matchers: silence.matchers,
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        updated_at: silence.starts_at,
        created_by: silence.created_by,
        comment: silence.comment,
        state: SilenceState::Active,
    }
}

async fn note(
    app: &App,
    reference: IncidentRef,
    name: &str,
    comment: &str,
    made: &[Silence],
) -> Result<Incident, ActionError> {
    let mut tx = app.store.begin().await?;
    let incident = tx.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let now = tx.now();
    let event = |silence: &Silence| {
        let kind = EventKind::Silenced {
            silence_id: silence.id.clone(),
            until: silence.ends_at,
            matchers: in_words(&silence.matchers),
            comment: comment.to_owned(),
        };
        NewEvent::new(now, Actor::Person { name: name.to_owned() }, kind)
    };
    let incident = tx.append(incident, made.iter().map(event).collect());
    tx.commit().await?;
    Ok(incident)
}

/// Ends silences that were made a moment ago.
async fn take_back(alertmanager: &dyn Alertmanager, made: &[Silence]) {
    for silence in made {
        if let Err(error) = alertmanager.expire_silence(&silence.id).await {
            tracing::error!(silence = silence.id, error = %error, "a silence that is on no timeline stays in Alertmanager");
        }
    }
}

/// Whether the timeline says that this silence was made for the incident, and not yet that it was ended.
async fn is_in_force(app: &App, incident: IncidentId, silence: &str) -> Result<bool, StoreError> {
    let (mut in_force, mut after) = (false, EventId(0));
    loop {
        let events: Vec<Event> = app.store.list_events(incident, after, EVENTS_A_PAGE).await?;
        let Some(last) = events.last() else { return Ok(in_force) };
        after = last.id;
        for event in &events {
            match &event.kind {
                EventKind::Silenced { silence_id, .. } if silence_id == silence => in_force = true,
                EventKind::SilenceEnded { silence_id } if silence_id == silence => in_force = false,
                _ => {}
            }
        }
    }
}
