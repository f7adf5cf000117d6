//! Deletes what is old enough, on a schedule.

use std::time::Duration;

use chrono::TimeDelta;
use opsseer_store::{Deleted, StoreError};
use tokio::time::sleep;
use uuid::Uuid;

use crate::app::{App, SharedApp};

/// Incidents or files that one transaction deletes: the writer of alerts waits no longer than that takes.
const AT_ONCE: u32 = 20;

/// The pause between two such transactions.
const PAUSE: Duration = Duration::from_millis(50);

/// A file that nothing refers to may belong to an event that is about to be committed, until it is this old.
const FILES_ARE_YOUNG_FOR: TimeDelta = TimeDelta::days(1);

/// Deletes on schedule until the server ends.
pub(crate) async fn work(app: SharedApp) {
    let holder = Uuid::now_v7();
    let every = app.config.retention.every;
    loop {
        // Held for longer than the pause, so that the same replica goes on with it.
        match app.store.hold_duty("retention", holder, every.saturating_mul(2)).await {
            Ok(true) => match delete(&app).await {
                Ok(deleted) if deleted == Deleted::default() => {}
                Ok(deleted) => {
                    tracing::info!(
                        incidents = deleted.incidents,
                        assets = deleted.assets,
                        "deleted what was old enough"
                    );
                }
                Err(error) => {
                    tracing::error!(error = %error, "what is old enough cannot be deleted; trying again later");
                }
            },
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %error, "the duty of deleting cannot be taken; trying again later");
            }
        }
        tokio::select! {
            () = app.ending.cancelled() => return,
            () = sleep(every) => {}
        }
    }
}

/// Deletes everything that is old enough now.
pub async fn delete(app: &App) -> Result<Deleted, StoreError> {
    let now = app.clock.now();
    let mut deleted = Deleted::default();
    let keep = app.config.retention.resolved;
    // A time longer than the calendar keeps everything.
    let before = TimeDelta::from_std(keep).ok().and_then(|keep| now.checked_sub_signed(keep));
    if let Some(before) = before.filter(|_| !keep.is_zero()) {
        loop {
            let some = app.store.delete_resolved(before, AT_ONCE).await?;
            metrics::counter!("opsseer_retention_deleted_total", "what" => "incidents").increment(some);
            deleted.incidents += some;
            if some < u64::from(AT_ONCE) || app.ending.is_cancelled() {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    let before = now - FILES_ARE_YOUNG_FOR;
    loop {
        let some = app.store.delete_unreferenced_assets(before, AT_ONCE).await?;
        metrics::counter!("opsseer_retention_deleted_total", "what" => "assets").increment(some);
        deleted.assets += some;
        if some < u64::from(AT_ONCE) || app.ending.is_cancelled() {
            break;
        }
        sleep(PAUSE).await;
    }
    // Once a round, for it looks at every file.
    app.store.delete_unknown_files(before).await?;
    Ok(deleted)
}
