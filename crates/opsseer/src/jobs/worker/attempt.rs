//! One attempt at a job: runs it while it keeps its lease, until it ends, takes too long, loses the lease, or the server
//! ends.

use std::time::{Duration, Instant};

use opsseer_core::NewEvent;
use opsseer_store::Lease;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use super::result;
use crate::{
    app::{App, SharedApp},
    jobs::{self, Job, JobError, Task},
};

/// How an attempt ended.
pub(super) enum End {
    /// The job came to an end of its own, or was ended.
    Ended(Result<Vec<NewEvent>, JobError>),
    /// Another worker has the job by now.
    Lost,
    /// The server ends before the job did.
    Unfinished,
}

/// Work on a task of its own, so that a panic in a job is the job's failure and nobody else's. Ends with its owner.
struct Work(JoinHandle<Result<Vec<NewEvent>, JobError>>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a job that was just taken, and writes what comes of it.
pub(super) async fn attempt(app: SharedApp, lease: Lease) {
    let waited = lease.waited.to_std().unwrap_or_default();
    metrics::histogram!("opsseer_job_wait_seconds", "kind" => lease.kind.clone()).record(waited);
    let started = Instant::now();
    let end = match run(&app, &lease).await {
        Ok(end) => end,
        Err(error) => End::Ended(Err(error)),
    };
    let taken = started.elapsed();
    let result = result::write(&app, &lease, &end).await;
    metrics::counter!("opsseer_jobs_total", "kind" => lease.kind.clone(), "result" => result.as_str())
        .increment(1);
    metrics::histogram!("opsseer_job_seconds", "kind" => lease.kind.clone()).record(taken);
}

async fn run(app: &SharedApp, lease: &Lease) -> Result<End, JobError> {
    let tries = i64::try_from(app.config.jobs.retry_after.len()).unwrap_or(i64::MAX).saturating_add(1);
    // Whoever fails is counted when it fails. This is work that takes its server along each time.
    if lease.tries() > tries {
        return Err(JobError::Fail(anyhow::anyhow!("it was begun {tries} times and never came to an end")));
    }
    let job = jobs::find(&lease.kind)
        .ok_or_else(|| JobError::Fail(anyhow::anyhow!("this version knows no such job")))?;
    let longest = job.longest().map_or(app.config.jobs.longest, |own| own.min(app.config.jobs.longest));
    let mut work = Work(tokio::spawn(perform(app.clone(), lease.clone(), job)));
    let mut too_long = std::pin::pin!(sleep(longest));
    let mut ending = std::pin::pin!(grace_is_over(app));
    let every = (app.config.jobs.lease / 3).max(Duration::from_millis(1));
    let mut renewals = interval(every);
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once; the lease is fresh.
    renewals.tick().await;
    loop {
        tokio::select! {
            biased;
            ended = &mut work.0 => return Ok(End::Ended(ended.unwrap_or_else(|broken| {
                Err(JobError::Retry(anyhow::Error::new(broken).context("it broke off")))
            }))),
            () = &mut ending => return Ok(End::Unfinished),
            () = &mut too_long => {
                let words = anyhow::anyhow!("it took longer than {} s", longest.as_secs_f64());
                return Err(JobError::Retry(words));
            }
            _ = renewals.tick() => match app.store.renew_job(lease, app.config.jobs.lease).await {
                Ok(true) => {}
                Ok(false) => return Ok(End::Lost),
                // The store may be back before the lease runs out. If it is not, another worker takes the job, and the
                // number of the attempt keeps this one from writing.
                Err(error) => {
                    tracing::warn!(job = lease.kind, incident = %lease.incident, error = %error, "a job's lease cannot be renewed");
                }
            },
        }
    }
}

async fn perform(app: SharedApp, lease: Lease, job: &dyn Job) -> Result<Vec<NewEvent>, JobError> {
    let task = Task::load(&app, lease.incident, lease.generation).await?;
    job.run(&app, &task).await
}

/// Waits until the server is to end and the time that running jobs then have is over.
async fn grace_is_over(app: &App) {
    app.ending.cancelled().await;
    sleep(app.config.jobs.grace).await;
}
