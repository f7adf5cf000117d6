//! Takes jobs, runs them, and writes what comes of them.
//!
//! This file takes; `worker/attempt.rs` runs one job while it keeps its lease; `worker/result.rs` writes.

mod attempt;
mod result;
mod slots;

use std::time::Duration;

use tokio::time::sleep;

use self::slots::Slots;
use super::KINDS;
use crate::app::SharedApp;

/// Even without a wake-up, the table is looked at this often: another replica may have added a job.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// After an error of the store, the next look waits this long.
const AFTER_STORE_ERROR: Duration = Duration::from_secs(1);

/// Takes jobs until the server is to end. Those under way then have `jobs.grace` to finish; the rest are handed back.
pub async fn work(app: SharedApp) {
    let slots = Slots::new(&app.config.jobs, &KINDS);
    while !app.ending.is_cancelled() {
        let (free, limit) = slots.free();
        let wait = match app.store.claim_jobs(&free, limit, app.config.jobs.lease).await {
            Ok(taken) if taken.is_empty() => until_next(&app, &free, limit).await,
            Ok(taken) => {
                for lease in taken {
                    let place = slots.take(&lease.kind);
                    let attempted = attempt::attempt(app.clone(), lease);
                    app.tasks.spawn(async move {
                        attempted.await;
                        drop(place);
                    });
                }
                continue;
            }
            Err(error) => {
                tracing::error!(error = %error, "jobs cannot be taken");
                AFTER_STORE_ERROR
            }
        };
        tokio::select! {
            () = app.ending.cancelled() => {}
            () = slots.freed() => {}
            () = app.store.jobs_added() => {}
            () = sleep(wait) => {}
        }
    }
}

/// How long it is until a job may be taken by whoever is free; a while, if nobody is or none waits.
async fn until_next(app: &SharedApp, free: &[(&'static str, u32)], limit: u32) -> Duration {
    if limit == 0 {
        return LOOK_AT_LEAST_EVERY;
    }
    let kinds: Vec<&str> = free.iter().filter(|(_, free)| *free > 0).map(|(kind, _)| *kind).collect();
    match app.store.next_job_at(&kinds).await {
        Ok(None) => LOOK_AT_LEAST_EVERY,
        Ok(Some(at)) => (at - app.clock.now()).to_std().unwrap_or_default().min(LOOK_AT_LEAST_EVERY),
        Err(error) => {
            tracing::error!(error = %error, "the next job cannot be looked for");
            AFTER_STORE_ERROR
        }
    }
}
