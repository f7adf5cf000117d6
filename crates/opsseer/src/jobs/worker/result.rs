//! Writes what came of an attempt, once: the job's end together with its events, or neither.

use std::time::Duration;

use chrono::TimeDelta;
use opsseer_core::{Actor, EventKind, NewEvent};
use opsseer_store::{Lease, StoreError};
use tokio::time::sleep;

use super::attempt::End;
use crate::{
    app::App,
    jobs::{self, JobError},
};

/// A store that does not take a result is asked again after this time.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);

/// What came of an attempt, as the metric `opsseer_jobs_total` counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its result is written.
    Done,
    /// It failed and is tried again.
    Retry,
    /// It failed and is given up.
    Failed,
    /// It was handed back unfinished.
    Returned,
    /// Nothing of it is written: another worker has the job, or will.
    Lost,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Lost => "lost",
        }
    }
}

/// Writes how an attempt ended. A store that is away is waited for while the job is still this worker's.
pub(super) async fn write(app: &App, lease: &Lease, end: &End) -> Outcome {
    let until = app.clock.now() + TimeDelta::from_std(app.config.jobs.lease).unwrap_or(TimeDelta::MAX);
    if let End::Ended(Err(error)) = end {
        let why = match error {
            JobError::Retry(why) | JobError::Fail(why) => why,
        };
        tracing::warn!(job = lease.kind, incident = %lease.incident, attempt = lease.attempt, error = format!("{why:#}"), "a job failed");
    }
    loop {
        let written = match end {
            End::Lost => Ok(Outcome::Lost),
            End::Unfinished => hand_back(app, lease).await,
            End::Ended(Ok(events)) => finish(app, lease, events).await,
            End::Ended(Err(error)) => fail(app, lease, error).await,
        };
        match written {
            Ok(Outcome::Lost) => {
                tracing::warn!(job = lease.kind, incident = %lease.incident, "another worker has the job by now; this result is dropped");
                return Outcome::Lost;
            }
            Ok(outcome) => return outcome,
            Err(error) => {
                tracing::error!(job = lease.kind, incident = %lease.incident, error = %error, "a job's result cannot be written");
                if app.clock.now() >= until || !pause(app).await {
                    // The lease runs out and the job is taken again.
                    return Outcome::Lost;
                }
            }
        }
    }
}

/// Waits a little. `false` if the server is to end: then it does not wait for the store.
async fn pause(app: &App) -> bool {
    tokio::select! {
        () = sleep(AFTER_STORE_ERROR) => true,
        () = app.ending.cancelled() => false,
    }
}

async fn hand_back(app: &App, lease: &Lease) -> Result<Outcome, StoreError> {
    let mut tx = app.store.begin().await?;
    if !tx.return_job(lease).await? {
        return Ok(Outcome::Lost);
    }
    tx.commit().await?;
    tracing::info!(job = lease.kind, incident = %lease.incident, "a job was handed back unfinished: the server ends");
    Ok(Outcome::Returned)
}

async fn finish(app: &App, lease: &Lease, events: &[NewEvent]) -> Result<Outcome, StoreError> {
    let mut tx = app.store.begin().await?;
    if !tx.finish_job(lease).await? {
        return Ok(Outcome::Lost);
    }
    let news = match jobs::find(&lease.kind) {
        Some(job) => job.news(&mut tx, lease.incident, events.to_vec()).await?,
        None => Vec::new(),
    };
    if let Some(incident) = tx.find_incident(lease.incident.into()).await?
        && !news.is_empty()
    {
        tx.append(incident, news);
    }
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// The first failure and the last are told on the timeline; those between would only repeat the first.
async fn fail(app: &App, lease: &Lease, error: &JobError) -> Result<Outcome, StoreError> {
    let (why, may_pass) = match error {
        JobError::Retry(why) => (why, true),
        JobError::Fail(why) => (why, false),
    };
    // A reader of the timeline needs the outermost words; the causes below them are in the log.
    let why = why.to_string();
    let step = usize::try_from(lease.tries() - 1).unwrap_or(usize::MAX);
    let pause = app.config.jobs.retry_after.get(step).filter(|_| may_pass);
    let mut tx = app.store.begin().await?;
    let retry_at = pause.map(|pause| tx.now() + TimeDelta::from_std(pause.0).unwrap_or(TimeDelta::MAX));
    let kept = match retry_at {
        Some(at) => tx.retry_job(lease, at, &why).await?,
        None => tx.give_up_job(lease, &why).await?,
    };
    if !kept {
        return Ok(Outcome::Lost);
    }
    if (lease.tries() == 1 || retry_at.is_none())
        && let Some(incident) = tx.find_incident(lease.incident.into()).await?
    {
        let actor = Actor::Component { name: lease.kind.clone() };
        let kind = EventKind::StepFailed { step: lease.kind.clone(), error: why, retry_at };
        let event = NewEvent::new(tx.now(), actor, kind);
        tx.append(incident, vec![event]);
    }
    tx.commit().await?;
    Ok(if retry_at.is_some() { Outcome::Retry } else { Outcome::Failed })
}
