//! What goes when it is old enough.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use opsseer_core::IncidentId;
use tokio::fs;
use uuid::Uuid;

use crate::{Store, StoreError, db};

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Incidents, each with its events, alerts and jobs.
    pub incidents: u64,
    /// Files that nothing refers to any more.
    pub assets: u64,
    /// Changes that OpsSeer was told of.
    pub changes: u64,
}

// One that still has a firing alert stays: the alert would open it anew.
const OLD: &str = "select id from incidents where resolved = $1 and resolved_at < $2
    and not exists (select 1 from alerts where alerts.incident_id = incidents.id and alerts.status = 'firing')
    order by number limit $3";
const OF_INCIDENT: [&str; 9] = [
    "delete from merged_alerts where alert_id in (select id from alerts where incident_id = $1)",
    "delete from merges where into_incident = $1",
    "delete from alerts where incident_id = $1",
    "delete from incident_alerts where incident_id = $1",
    "delete from jobs where incident_id = $1",
    "delete from incident_profiles where incident_id = $1",
    "delete from events where incident_id = $1",
    "delete from asset_refs where incident_id = $1",
    "delete from incidents where id = $1",
];
// The end of an alert that was never seen to fire belongs to no incident.
const STRAY_ENDS: &str = "delete from alerts where id in (select id from alerts
    where incident_id is null and status = 'resolved' and last_seen_at < $1 limit $2)";
const UNREFERENCED: &str = "select sha256 from assets
    where created_at < $1 and not exists (select 1 from asset_refs where asset_refs.sha256 = assets.sha256)
    order by sha256 limit $2";
const FORGET_ASSET: &str = "delete from assets where sha256 = $1
    and not exists (select 1 from asset_refs where asset_refs.sha256 = assets.sha256)";
// Written, but the event that was to refer to it was never committed.
const FORGET_CONTENTS: &str = "delete from asset_contents where created_at < $1
    and not exists (select 1 from assets where assets.sha256 = asset_contents.sha256)";
/// Rows of alerts that one transaction deletes: each costs little, and no incident's log goes with it.
const STRAY_ENDS_AT_ONCE: i64 = 10_000;
const KNOWN_BETWEEN: &str = "select sha256 from assets where sha256 >= $1 and sha256 < $2";

impl Store {
    /// Deletes up to `limit` incidents that were resolved before `before`, with all that belongs to them, and some of the
    /// ends that came before then of alerts that never fired here. A small `limit` keeps the writer free for alerts.
    pub async fn delete_resolved(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let failed = || StoreError::query("delete old incidents");
        let mut tx = self.begin().await?;
        let old: Vec<Uuid> = db::within!(&mut tx.db, conn => {
            sqlx::query_scalar(OLD).bind(true).bind(before).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(failed())?;
        for id in &old {
            for statement in OF_INCIDENT {
                db::execute!(&mut tx.db, conn => sqlx::query(statement).bind(id).execute(conn).await)
                    .map_err(failed())?;
            }
            tracing::info!(incident = %IncidentId(*id), "deleted an old incident");
        }
        db::execute!(&mut tx.db, conn => {
            sqlx::query(STRAY_ENDS).bind(before).bind(STRAY_ENDS_AT_ONCE).execute(conn).await
        })
        .map_err(failed())?;
        tx.commit().await?;
        Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
    }

    /// Forgets up to `limit` files that no event refers to, first referred to before `before`. The files themselves go with
    /// [`Store::delete_unknown_files`].
    pub async fn delete_unreferenced_assets(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let failed = || StoreError::query("delete files that nothing refers to");
        let mut tx = self.begin().await?;
        let unreferenced: Vec<String> = db::within!(&mut tx.db, conn => {
            sqlx::query_scalar(UNREFERENCED).bind(before).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(failed())?;
        for sha256 in &unreferenced {
            db::execute!(&mut tx.db, conn => sqlx::query(FORGET_ASSET).bind(sha256).execute(conn).await)
                .map_err(failed())?;
        }
        tx.commit().await?;
        Ok(u64::try_from(unreferenced.len()).unwrap_or(u64::MAX))
    }

    /// Deletes the files themselves that are older than `before` and that the database does not know: what
    /// [`Store::delete_unreferenced_assets`] left behind, and what was written for an event that was never committed. A
    /// younger one may belong to an event that is about to be. Looks at every file, so once is enough after many.
    pub async fn delete_unknown_files(&self, before: DateTime<Utc>) -> Result<(), StoreError> {
        if self.is_shared() {
            let failed = || StoreError::query("delete files that nothing refers to");
            // Not `begin`: the writer of alerts need not wait for this.
            let mut tx = self.db.begin().await.map_err(failed())?;
            db::execute!(&mut tx, conn => sqlx::query(FORGET_CONTENTS).bind(before).execute(conn).await)
                .map_err(failed())?;
            return tx.commit().await.map_err(failed());
        }
        for folder in entries(&self.assets).await? {
            let files = entries(&folder).await?;
            if files.is_empty() {
                continue;
            }
            let known = self.known_in(name_of(&folder)).await?;
            for file in files.iter().filter(|file| !known.contains(name_of(file))) {
                // Asked last: `write_asset` makes a file young before the database knows it.
                let modified = match fs::metadata(file).await.and_then(|about| about.modified()) {
                    Ok(modified) => modified,
                    // It was being written when the folder was listed, and has its final name by now.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(source) => return Err(failed("look at", file, source)),
                };
                if DateTime::<Utc>::from(modified) < before {
                    fs::remove_file(file).await.map_err(|source| failed("remove", file, source))?;
                }
            }
        }
        Ok(())
    }

    /// The names of all files that the database knows in this folder.
    async fn known_in(&self, folder: &str) -> Result<HashSet<String>, StoreError> {
        // A folder is named by the beginning of its files' names, in hexadecimal digits: "g" comes after them all.
        let after = format!("{folder}g");
        let known: Vec<String> = db::read!(&self.db, conn => {
            sqlx::query_scalar(KNOWN_BETWEEN).bind(folder).bind(after).fetch_all(conn).await
        })
        .map_err(StoreError::query("look for assets"))?;
        Ok(known.into_iter().collect())
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// What is in a folder. Nothing, if the folder is not there.
async fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut listing = match fs::read_dir(folder).await {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(source) => return Err(failed("list", folder, source)),
    };
    let mut found = Vec::new();
    while let Some(entry) = listing.next_entry().await.map_err(|source| failed("list", folder, source))? {
        found.push(entry.path());
    }
    Ok(found)
}

fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File { doing, path: path.display().to_string(), source }
}
