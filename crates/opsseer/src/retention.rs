//! Deletes what is old enough, on a schedule.

use std::time::Duration;

use chrono::TimeDelta;
use opsseer_store::{Deleted, StoreError};
use tokio::time::sleep;
use uuid::Uuid;

use crate::app::{App, SharedApp};

/// Incidents or files that one transaction deletes: the writer of alerts waits no longer than that takes.
const AT_ONCE: u32 = 20;

/// Changes that one transaction deletes: each is one small row.
const CHANGES_AT_ONCE: u32 = 1_000;

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
                        changes = deleted.changes,
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
    // A time longer than the calendar keeps everything, and so does none.
    let before = |keep: Duration| {
        let keep = TimeDelta::from_std(keep).ok().filter(|keep| !keep.is_zero())?;
        now.checked_sub_signed(keep)
    };
    if let Some(before) = before(app.config.retention.resolved) {
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
    if let Some(before) = before(app.config.retention.changes) {
        loop {
            let some = app.store.delete_old_changes(before, CHANGES_AT_ONCE).await?;
            metrics::counter!("opsseer_retention_deleted_total", "what" => "changes").increment(some);
            deleted.changes += some;
            if some < u64::from(CHANGES_AT_ONCE) || app.ending.is_cancelled() {
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
