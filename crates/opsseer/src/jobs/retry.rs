//! A person asks that work which was given up is tried again, from whichever door: page, API, command line. What comes of
//! it appears on the timeline like any result, so the wish itself needs no event.

use opsseer_store::{DeadJobs, JobId, JobState, StoreError, StoredJob};

use crate::{
    actions::{ActionError, checked_name},
    app::App,
};

/// Why nothing is tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// There is no such job.
    #[error("there is no such job")]
    NotFound,
    /// The job was done.
    #[error("the job is done; there is nothing to try again")]
    Done,
    /// Who asked is no name.
    #[error(transparent)]
    Name(#[from] ActionError),
    /// The store refused.
    #[error("the job could not be put back")]
    Store(#[from] StoreError),
}

/// Offers a job that was given up once more, with its failures forgotten. Gives it as it stands then. One that waits or
/// is under way already is left alone.
pub(crate) async fn retry(app: &App, id: JobId, person: &str) -> Result<StoredJob, RetryError> {
    let by = checked_name("by", person)?;
    let mut tx = app.store.begin().await?;
    let revived = tx.retry_dead_job(id).await?;
    tx.commit().await?;
    let job = app.store.find_job(id).await?.ok_or(RetryError::NotFound)?;
    if revived {
        tracing::info!(job = job.kind, incident = %job.incident, by, "a person asked that a job is tried again");
    } else if job.state == JobState::Done {
        return Err(RetryError::Done);
    }
    Ok(job)
}

/// The same for all that were given up and fit. Gives how many there were.
pub(crate) async fn retry_all(app: &App, which: &DeadJobs, person: &str) -> Result<u64, RetryError> {
    let by = checked_name("by", person)?;
    let mut tx = app.store.begin().await?;
    let revived = tx.retry_dead_jobs(which).await?;
    tx.commit().await?;
    tracing::info!(jobs = revived, kind = which.kind, by, "a person asked that jobs are tried again");
    Ok(revived)
}
