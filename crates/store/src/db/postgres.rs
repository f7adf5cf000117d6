use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use super::{Db, Migrated};
use crate::{StoreError, migrations};

/// The channel of `NOTIFY`.
pub(crate) const CHANNEL: &str = "opsseer";

/// Connections beside the readers': the writer of alerts, people's actions, jobs and the listener.
const WRITERS: u32 = 6;

/// How much longer an answer is waited for than PostgreSQL may work on it.
const MARGIN: Duration = Duration::from_secs(2);

/// The way to tell other processes on the same database of a commit.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// Names this process, so that it knows its own announcements.
    pub(crate) instance: Uuid,
    /// Whether the database knows `NOTIFY`. Others that speak PostgreSQL's protocol may not.
    pub(crate) works: bool,
}

impl Channel {
    pub(super) async fn announce(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        (first, last): (i64, i64),
    ) -> Result<(), sqlx::Error> {
        if self.works {
            let payload = format!("{} {first} {last}", self.instance.simple());
            sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Reads an announcement: whose it is, and the first and last event of the commit.
    pub(crate) fn read(payload: &str) -> Option<(Uuid, i64, i64)> {
        let mut words = payload.split(' ');
        let instance = words.next()?.parse().ok()?;
        Some((instance, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    }
}

pub(super) async fn open(url: &str, readers: u32, timeout: Duration) -> Result<(Db, Migrated), StoreError> {
    // Errors name the place without the password.
    let shown = || {
        let place = url.rsplit_once('@').map_or(url, |(_, place)| place);
        let place = place.split_once("://").map_or(place, |(_, place)| place);
        format!("postgres://{}", place.split('?').next().unwrap_or_default())
    };
    let failed = |source| StoreError::Open { url: shown(), source };
    let options = PgConnectOptions::from_str(url).map_err(failed)?.application_name("opsseer");
    let migrated = migrate(&options).await.map_err(|error| match error {
        Migration::Connect(source) => failed(source),
        Migration::Run(source) => StoreError::Migrate(source),
    })?;
    let milliseconds = timeout.as_millis().to_string();
    let options = options.options([
        // A commit is on the disk before it is answered, whatever the server's default.
        ("synchronous_commit", "on".to_owned()),
        ("statement_timeout", milliseconds.clone()),
        ("lock_timeout", milliseconds.clone()),
        // A replica that hangs in the middle of a change must not keep the others from theirs.
        ("idle_in_transaction_session_timeout", milliseconds),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(readers.max(1) + WRITERS)
        .acquire_timeout(timeout)
        .connect_with(options)
        .await
        .map_err(failed)?;
    let works = knows_notify(&pool).await;
    Ok((
        Db::Postgres { pool, channel: Channel { instance: Uuid::now_v7(), works }, limit: timeout + MARGIN },
        migrated,
    ))
}

enum Migration {
    Connect(sqlx::Error),
    Run(sqlx::migrate::MigrateError),
}

/// On a connection of its own, without the time limits of the others: of several processes that start at once, one works
/// and the others wait for it, by a lock that `sqlx` takes in the database.
async fn migrate(options: &PgConnectOptions) -> Result<Migrated, Migration> {
    let mut connection = PgConnection::connect_with(options).await.map_err(Migration::Connect)?;
    let before: Result<Option<i64>, sqlx::Error> =
        sqlx::query_scalar(migrations::VERSION).fetch_one(&mut connection).await;
    migrations::migrator().run(&mut connection).await.map_err(Migration::Run)?;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the connection that migrated did not close cleanly");
    }
    Ok(migrations::migrated(before))
}

async fn knows_notify(pool: &PgPool) -> bool {
    let tried = sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(pool).await;
    if let Err(error) = &tried {
        tracing::warn!(%error, "this database does not know NOTIFY; replicas see each other's events by polling");
    }
    tried.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_read_back_and_what_is_none_is_passed_over() {
        let instance = Uuid::now_v7();
        assert_eq!(Channel::read(&format!("{} 3 7", instance.simple())), Some((instance, 3, 7)));
        for other in ["", "hello", "x 1 2", &format!("{} 1", instance.simple())] {
            assert_eq!(Channel::read(other), None, "{other}");
        }
    }
}
