use chrono::{DateTime, Utc};
use opsseer_core::AlertSource;

use crate::{Store, StoreError, Tx, db};

/// The last sign that alerts arrive at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// `alertmanager` or `grafana`.
    pub source: String,
    /// When it came.
    pub at: DateTime<Utc>,
}

const UPSERT: &str = "insert into heartbeats (source, at) values ($1, $2)
    on conflict (source) do update set at = excluded.at";

impl Tx {
    /// Notes that the alert that always fires came.
    pub async fn beat(&mut self, source: AlertSource) -> Result<(), StoreError> {
        let now = self.now;
        db::execute!(&mut self.db, conn => {
            sqlx::query(UPSERT).bind(source.as_str()).bind(now).execute(conn).await
        })
        .map_err(StoreError::query("note a heartbeat"))?;
        self.new_heartbeat = true;
        Ok(())
    }
}

const LAST: &str = "select source, at from heartbeats order by at desc limit 1";
const LAST_OF: &str = "select at from heartbeats where source = $1";

impl Store {
    /// The newest heartbeat of this sender.
    pub async fn last_heartbeat_of(&self, source: AlertSource) -> Result<Option<DateTime<Utc>>, StoreError> {
        db::read!(&self.db, conn => {
            sqlx::query_scalar(LAST_OF).bind(source.as_str()).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read a sender's last heartbeat"))
    }

    /// The newest heartbeat of any sender.
    pub async fn last_heartbeat(&self) -> Result<Option<Heartbeat>, StoreError> {
        let row: Option<(String, DateTime<Utc>)> =
            db::read!(&self.db, conn => sqlx::query_as(LAST).fetch_optional(conn).await)
                .map_err(StoreError::query("read the last heartbeat"))?;
        Ok(row.map(|(source, at)| Heartbeat { source, at }))
    }
}
