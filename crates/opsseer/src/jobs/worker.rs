//! Takes jobs, runs them, and writes what comes of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use opsseer_core::{Actor, EventKind, NewEvent};
use opsseer_store::{Lease, StoreError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::{ALL, JobError, Task};
use crate::app::{App, SharedApp};

/// Even without a wake-up, the table is looked at this often: another replica may have added a job.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// After an error of the store, the next look waits this long.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);

/// Works until the server ends, then lets what is under way finish.
pub async fn work(app: SharedApp) {
    let workers = Arc::new(Semaphore::new(app.config.jobs.workers as usize));
    while let Some(first) = free_worker(&app, &workers).await {
        let free = workers.available_permits() + 1;
        match app.store.claim_jobs(u32::try_from(free).unwrap_or(u32::MAX), app.config.jobs.lease).await {
            Ok(taken) if taken.is_empty() => {
                drop(first);
                wait_for_work(&app).await;
            }
            Ok(taken) => {
                let mut first = Some(first);
                for lease in taken {
                    // Only this loop takes permits, so those that were free still are.
                    let Some(worker) = first.take().or_else(|| workers.clone().try_acquire_owned().ok())
                    else {
                        break;
                    };
                    let job_app = app.clone();
                    app.tasks.spawn(async move {
                        attempt(&job_app, &lease).await;
                        drop(worker);
                    });
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "jobs cannot be taken");
                tokio::select! {
                    () = app.ending.cancelled() => {}
                    () = sleep(AFTER_STORE_ERROR) => {}
                }
            }
        }
    }
}

/// Waits for a worker to be free. None once the server ends.
async fn free_worker(app: &App, workers: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = app.ending.cancelled() => None,
        worker = workers.clone().acquire_owned() => worker.ok(),
    }
}

/// Waits for a new job, for the time of the next retry, or a while.
async fn wait_for_work(app: &App) {
    let next = app.store.next_job_at().await.unwrap_or_else(|error| {
        tracing::error!(error = %error, "the next job cannot be looked for");
        None
    });
    let until_next =
        next.map_or(LOOK_AT_LEAST_EVERY, |at| (at - app.clock.now()).to_std().unwrap_or_default());
    tokio::select! {
        () = app.ending.cancelled() => {}
        () = app.store.jobs_added() => {}
        () = sleep(until_next.min(LOOK_AT_LEAST_EVERY)) => {}
    }
}

async fn attempt(app: &SharedApp, lease: &Lease) {
    let started = Instant::now();
    // Shorter than the lease: what comes of it must be written before another worker may take the job.
    let limit = app.config.jobs.lease.mul_f64(0.8);
    let tries = i64::try_from(app.config.jobs.retry_after.len()).unwrap_or(i64::MAX).saturating_add(1);
    let outcome = if lease.attempt > tries {
        Err(JobError::Fail(anyhow::anyhow!("it was begun {tries} times and never came to an end")))
    } else {
        // A task of its own, so that a panic in a job is the job's failure and nobody else's.
        let mut work = tokio::spawn(run(app.clone(), lease.clone()));
        let ended = tokio::select! {
            ended = timeout(limit, &mut work) => ended,
            () = app.ending.cancelled() => {
                work.abort();
                return put_back(app, lease).await;
            }
        };
        match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(JobError::Retry(anyhow::Error::new(panic).context("it broke off"))),
            Err(_) => {
                work.abort();
                Err(JobError::Retry(anyhow::anyhow!("it took longer than {} s", limit.as_secs_f64())))
            }
        }
    };
    let result = match &outcome {
        Ok(_) => "done",
        Err(JobError::Retry(_)) => "retry",
        Err(JobError::Fail(_)) => "failed",
    };
    metrics::counter!("opsseer_jobs_total", "kind" => lease.kind.clone(), "result" => result).increment(1);
    metrics::histogram!("opsseer_job_seconds", "kind" => lease.kind.clone())
        .record(started.elapsed().as_secs_f64());
    let written = match outcome {
        Ok(events) => finish(app, lease, events).await,
        Err(error) => put_back_or_give_up(app, lease, error).await,
    };
    match written {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(job = lease.kind, incident = %lease.incident, "another worker has the job by now; this result is dropped");
        }
        // The lease runs out and the job is taken again.
        Err(error) => {
            tracing::error!(job = lease.kind, incident = %lease.incident, error = %error, "a job's result cannot be written");
        }
    }
}

/// The server ends: another, or this one when it is back, may take the job at once.
async fn put_back(app: &App, lease: &Lease) {
    let written = async {
        let mut tx = app.store.begin().await?;
        let now = tx.now();
        tx.retry_job(lease, now, "the server ended").await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::warn!(job = lease.kind, error = %error, "a job is taken again only when its lease runs out");
    }
}

async fn run(app: SharedApp, lease: Lease) -> Result<Vec<NewEvent>, JobError> {
    let job = ALL
        .into_iter()
        .find(|job| job.kind() == lease.kind)
        .ok_or_else(|| JobError::Fail(anyhow::anyhow!("this version knows no such job")))?;
    let task = Task::load(&app, lease.incident, lease.generation).await?;
    job.run(&app, &task).await
}

/// Writes the events and the job's end together: both, or neither.
async fn finish(app: &App, lease: &Lease, events: Vec<NewEvent>) -> Result<bool, StoreError> {
    let mut tx = app.store.begin().await?;
    if !tx.finish_job(lease).await? {
        return Ok(false);
    }
    if let Some(incident) = tx.find_incident(lease.incident.into()).await?
        && !events.is_empty()
    {
        tx.append(incident, events);
    }
    tx.commit().await?;
    Ok(true)
}

/// The first failure and the last are told on the timeline; those between would only repeat the first.
async fn put_back_or_give_up(app: &App, lease: &Lease, error: JobError) -> Result<bool, StoreError> {
    let (why, may_pass) = match error {
        JobError::Retry(why) => (why, true),
        JobError::Fail(why) => (why, false),
    };
    let step = usize::try_from(lease.attempt - 1).unwrap_or(usize::MAX);
    let pause = app.config.jobs.retry_after.get(step).filter(|_| may_pass);
    let mut tx = app.store.begin().await?;
    let retry_at = pause.map(|pause| tx.now() + TimeDelta::from_std(pause.0).unwrap_or(TimeDelta::MAX));
    tracing::warn!(job = lease.kind, incident = %lease.incident, attempt = lease.attempt, again = retry_at.is_some(), error = format!("{why:#}"), "a job failed");
    // A reader of the timeline needs the outermost words; the causes below them are in the log.
    let why = why.to_string();
    let kept = match retry_at {
        Some(at) => tx.retry_job(lease, at, &why).await?,
        None => tx.give_up_job(lease, &why).await?,
    };
    if !kept {
        return Ok(false);
    }
    if (lease.attempt == 1 || retry_at.is_none())
        && let Some(incident) = tx.find_incident(lease.incident.into()).await?
    {
        let actor = Actor::Component { name: lease.kind.clone() };
        let kind = EventKind::StepFailed { step: lease.kind.clone(), error: why, retry_at };
        let event = NewEvent::new(tx.now(), actor, kind);
        tx.append(incident, vec![event]);
    }
    tx.commit().await?;
    Ok(true)
}
