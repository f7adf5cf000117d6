//! Which database is there. The only place that knows.

mod lock;
mod postgres;
mod sqlite;

use std::{io, time::Duration};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::time::timeout;

use crate::StoreError;

pub(crate) use self::postgres::{CHANNEL, Channel};

/// What opening a store did to its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version of the tables before; 0 if there were none.
    pub from: i64,
    /// Their version now.
    pub to: i64,
}

/// Pools of connections to the database.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    /// SQLite writes one transaction at a time, so all writers wait in one place: a pool of one.
    Sqlite { write: SqlitePool, read: SqlitePool, lock: lock::InUse },
    /// One pool for all; several processes may share the database.
    Postgres { pool: PgPool, channel: Channel, limit: Duration },
}

/// An open transaction.
pub(crate) enum DbTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>, Channel, Duration),
}

/// Runs `$body` with `$conn` being something to read from. The body is compiled once for each database, so the types
/// of the query follow from it.
macro_rules! read {
    ($db:expr, $conn:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $conn, .. } => $body,
            $crate::db::Db::Postgres { pool: $conn, limit, .. } => {
                $crate::db::in_time(*limit, async { $body }).await
            }
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
            $crate::db::DbTx::Postgres(tx, _, limit) => {
                let $conn = &mut **tx;
                $crate::db::in_time(*limit, async { $body }).await
            }
        }
    };
}

/// As [`within`], for a statement that gives nothing back but the number of rows that it changed.
macro_rules! execute {
    ($tx:expr, $conn:ident => $body:expr) => {
        $crate::db::within!($tx, $conn => $body.map(|done| done.rows_affected()))
    };
}

pub(crate) use {execute, read, within};

/// PostgreSQL ends a statement that takes too long by itself. This is for the answer that never comes, because the network
/// swallows it: TCP alone would wait for a quarter of an hour.
pub(crate) async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => {
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer")))
        }
    }
}

impl Db {
    /// Opens the database at `url` and brings its tables to this version's form.
    pub(crate) async fn open(
        url: &str,
        readers: u32,
        limit: Duration,
    ) -> Result<(Self, Migrated), StoreError> {
        if url.starts_with("sqlite:") {
            sqlite::open(url, readers, limit).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres::open(url, readers, limit).await
        } else {
            Err(StoreError::Address(url.split_once("://").map_or(url, |(scheme, _)| scheme).to_owned()))
        }
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&self) -> Result<DbTx, sqlx::Error> {
        match self {
            // IMMEDIATE: the write lock is taken now, not in the middle, where it could no longer be waited for.
            Self::Sqlite { write, .. } => Ok(DbTx::Sqlite(write.begin_with("begin immediate").await?)),
            Self::Postgres { pool, channel, limit } => {
                let tx = in_time(*limit, pool.begin()).await?;
                Ok(DbTx::Postgres(tx, channel.clone(), *limit))
            }
        }
    }

    /// Waits for what is under way, then closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { write, read, lock } => {
                read.close().await;
                write.close().await;
                lock.release();
            }
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}

impl DbTx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx, _, limit) => in_time(limit, tx.commit()).await,
        }
    }

    /// Tells the other processes on this database, once this is committed, that there is something new.
    pub(crate) async fn announce(&mut self, events: (i64, i64)) -> Result<(), sqlx::Error> {
        match self {
            // There are no others: see `lock`.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx, channel, limit) => in_time(*limit, channel.announce(tx, events)).await,
        }
    }
}
