use std::{str::FromStr, time::Duration};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Db, Migrated, lock::InUse};
use crate::{StoreError, migrations};

pub(super) async fn open(url: &str, readers: u32, timeout: Duration) -> Result<(Db, Migrated), StoreError> {
    let failed = |source| StoreError::Open { url: url.to_owned(), source };
    let options = SqliteConnectOptions::from_str(url)
        .map_err(failed)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit is on the disk before it is answered. Group commit pays for it.
        .synchronous(SqliteSynchronous::Full)
        // Pages that many commits change are then copied back once, not every few commits. 64 MiB of log at most.
        .pragma("wal_autocheckpoint", "16000")
        .busy_timeout(timeout)
        .statement_cache_capacity(512);
    let lock = InUse::take(options.get_filename())?;
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(timeout)
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let before: Result<Option<i64>, sqlx::Error> = sqlx::query_scalar(migrations::VERSION).fetch_one(&write).await;
    migrations::migrator().run(&write).await.map_err(StoreError::Migrate)?;
    let migrated = migrations::migrated(before);
    let read = SqlitePoolOptions::new()
        .max_connections(readers.max(1))
        .acquire_timeout(timeout)
        .connect_with(options)
        .await
        .map_err(failed)?;
    Ok((Db::Sqlite { write, read, lock }, migrated))
}
