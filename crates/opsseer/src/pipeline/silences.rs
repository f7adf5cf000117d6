//! Silences: a person keeps Alertmanager from telling about the alerts of an incident for a while.

mod cover;
mod series;
pub(super) mod timeline;

use std::{collections::HashSet, future::pending, panic::resume_unwind, time::Duration};

use chrono::TimeDelta;
use humantime_serde::re::humantime::format_duration;
use opsseer_connect::alertmanager::{Alertmanager, AlertmanagerError, Matcher, NewSilence, Silence};
use opsseer_core::{Actor, AlertSource, Incident, IncidentId, IncidentNumber};
use opsseer_store::{IncidentRef, StoreError};
use tokio::{task::JoinError, time::timeout};

use crate::{
    actions::{ActionError, MAX_TEXT, checked_name},
    app::{App, SharedApp},
};

/// The shortest and the longest silence.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// An incident is silenced by so many silences at most: more than that is a storm, and a silence over all of it would
/// hide what comes next.
const MOST_SILENCES: usize = 10;

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
    /// Alertmanager took too long. What it had made is taken back.
    #[error("Alertmanager did not answer within {0:?}")]
    TooSlow(Duration),
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

/// Silences the alerts of an incident that fire now for `time`. Gives the incident after it, and the silences. Once
/// begun it is done or taken back, whether or not anybody still waits for the answer.
pub async fn silence(
    app: &SharedApp,
    reference: IncidentRef,
    person: &str,
    time: Duration,
    comment: Option<&str>,
) -> Result<(Incident, Vec<Silence>), SilenceError> {
    alertmanager(app)?;
    let name = checked_name("by", person)?;
    let comment = checked_comment(comment, &name, time)?;
    let task_app = app.clone();
    to_its_end(app, async move { silence_now(&task_app, reference, name, time, comment).await }).await
}

async fn silence_now(
    app: &App,
    reference: IncidentRef,
    name: String,
    time: Duration,
    comment: String,
) -> Result<(Incident, Vec<Silence>), SilenceError> {
    let alertmanager = alertmanager(app)?;
    let incident = app.store.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let page = format!("{}/incidents/{}", app.config.public_url(), incident.number);
    let now = app.clock.now();
    let until = now + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    let wish = |matchers| NewSilence {
        matchers,
        starts_at: now,
        ends_at: until,
        created_by: name.clone(),
        comment: format!("{}{comment} ({page})", comment_start(incident.number)),
    };
    let wanted = plan(app, incident.id).await?.into_iter().map(wish).collect();
    let patience = patience(app);
    let made = series::make(alertmanager, wanted, patience).await?;
    match timeline::note_made(app, reference, &name, &comment, &made).await {
        Ok(incident) => Ok((incident, made)),
        // A silence that nobody can see here would be worse than none.
        Err(error) => {
            series::take_back(alertmanager, &made, None, patience / 2).await;
            Err(error.into())
        }
    }
}

/// Ends a silence, and tells all incidents that it covers. Gives one of them after it: the one that it was made for, if
/// that is told. Once begun it is done, whether or not anybody still waits for the answer.
pub async fn end(app: &SharedApp, id: &str, person: &str) -> Result<Option<Incident>, SilenceError> {
    alertmanager(app)?;
    let (name, id) = (checked_name("by", person)?, id.to_owned());
    let task_app = app.clone();
    to_its_end(app, async move { end_now(&task_app, id, name).await }).await
}

async fn end_now(app: &App, id: String, name: String) -> Result<Option<Incident>, SilenceError> {
    let alertmanager = alertmanager(app)?;
    let patience = patience(app);
    let ending = async {
        let silences = alertmanager.silences().await?;
        let silence = silences.into_iter().find(|silence| silence.id == id);
        let silence = silence.ok_or_else(|| SilenceError::Unknown(id.clone()))?;
        alertmanager.expire_silence(&id).await?;
        Ok(incident_of(&silence))
    };
    let made_for = timeout(patience, ending).await.unwrap_or(Err(SilenceError::TooSlow(patience)))?;
    let silenced = app.store.list_silenced_incidents(app.clock.now()).await?;
    let has_it = |incident: &&Incident| incident.silences.iter().any(|live| live.id == id);
    let mut covered: Vec<IncidentId> = silenced.iter().filter(has_it).map(|incident| incident.id).collect();
    // Also when it is over: it tells of the silence, and would for ever leave open what became of it.
    if let Some(number) = made_for
        && let Some(incident) = app.store.find_incident(IncidentRef::Number(number)).await?
        && !covered.contains(&incident.id)
    {
        covered.push(incident.id);
    }
    let ended = HashSet::from([id]);
    let mut told = timeline::note_ended(app, &covered, &ended, &Actor::Person { name }).await?;
    let place = told.iter().position(|incident| Some(incident.number) == made_for).unwrap_or(0);
    Ok((place < told.len()).then(|| told.swap_remove(place)))
}

/// Does something that must not stop half-way on a task of its own: a request ends with its connection or its time-out.
async fn to_its_end<T: Send + 'static>(app: &App, work: impl Future<Output = T> + Send + 'static) -> T {
    match app.tasks.spawn(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // Only the end of the runtime breaks it off, and with it whoever waits here.
        Err(Err(_)) => pending().await,
    }
}

/// How long Alertmanager may take for all that is asked of it, so that there is time left to take it back and to answer.
fn patience(app: &App) -> Duration {
    app.config.http.request_timeout / 2
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
