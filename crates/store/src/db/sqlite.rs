use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

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
        // A timeline's page is read in one go, without a wake-up every 50 rows.
        .row_buffer_size(512)
        .busy_timeout(timeout)
        .statement_cache_capacity(512);
    let lock = InUse::take(options.get_filename())?;
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(timeout)
        // When the disk is full, SQLite ends the transaction by itself; the driver's own rollback then fails, and it takes
        // the connection for one within a transaction for ever. Another one is opened in its place.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let before: Result<Option<i64>, sqlx::Error> =
        sqlx::query_scalar(migrations::VERSION).fetch_one(&write).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn after_a_full_disk_the_next_transaction_is_taken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("full.db").display());
        let (db, _) = open(&url, 1, Duration::from_secs(5)).await.expect("it opens");
        let Db::Sqlite { write, .. } = &db else { panic!("it is SQLite") };
        // Stands in for the end of the disk: SQLite gives the same error, and ends the transaction in the same way.
        sqlx::query("create table filler (bytes blob)").execute(write).await.expect("there is room");
        sqlx::query("pragma max_page_count = 1").execute(write).await.expect("it is limited");
        let mut tx = write.begin_with("begin immediate").await.expect("it begins");
        let fill = sqlx::query("insert into filler values (zeroblob(1000000))").execute(&mut *tx).await;
        fill.expect_err("there is no room");
        drop(tx);
        let tx = write.begin_with("begin immediate").await.expect("it begins again");
        tx.commit().await.expect("it commits");
        db.close().await;
    }
}
