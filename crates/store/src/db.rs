//! Which database is there. The only place that knows.

use std::{str::FromStr, time::Duration};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{StoreError, migrations};

/// How long a change waits for its turn. Senders are answered before they give up.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Pools of connections to the database.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    /// SQLite writes one transaction at a time, so all writers wait in one place: a pool of one.
    Sqlite { write: SqlitePool, read: SqlitePool },
}

/// An open transaction.
pub(crate) enum DbTx {
    Sqlite(Transaction<'static, Sqlite>),
}

/// Runs `$body` with `$conn` being something to read from. The body is compiled once for each database, so the types
/// of the query follow from it.
macro_rules! read {
    ($db:expr, $conn:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $conn, .. } => $body,
        }
    };
}

/// Runs `$body` with `$conn` being the connection of a transaction.
macro_rules! within {
    ($tx:expr, $conn:ident => $body:expr) => {
        match $tx {
            $crate::db::DbTx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

pub(crate) use {read, within};

impl Db {
    /// Opens the database at `url` and brings its tables to this version's form.
    pub(crate) async fn open(url: &str, readers: u32) -> Result<Self, StoreError> {
        if !url.starts_with("sqlite:") {
            return Err(StoreError::Address(url.to_owned()));
        }
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
            .busy_timeout(LONGEST_WAIT)
            .statement_cache_capacity(512);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(LONGEST_WAIT)
            .connect_with(options.clone())
            .await
            .map_err(failed)?;
        migrations::migrator().run(&write).await.map_err(StoreError::Migrate)?;
        let read = SqlitePoolOptions::new()
            .max_connections(readers.max(1))
            .connect_with(options)
            .await
            .map_err(failed)?;
        Ok(Self::Sqlite { write, read })
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&self) -> Result<DbTx, sqlx::Error> {
        match self {
            // IMMEDIATE: the write lock is taken now, not in the middle, where it could no longer be waited for.
            Self::Sqlite { write, .. } => Ok(DbTx::Sqlite(write.begin_with("begin immediate").await?)),
        }
    }

    /// Waits for what is under way, then closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

impl DbTx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
        }
    }
}
