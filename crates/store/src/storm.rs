use chrono::{DateTime, TimeDelta, Utc};

use crate::{StoreError, Tx, db};

const CREATED: &str = "select created_at from incidents where number = $1";

impl Tx {
    /// Whether more than `limit` incidents were opened within `window` of now, those of this transaction included. Numbers
    /// are given in order, so the age of one incident tells.
    pub async fn storming(&mut self, limit: u32, window: TimeDelta) -> Result<bool, StoreError> {
        let edge = self.next_incident - i64::from(limit);
        if self.storms >= limit {
            return Ok(true);
        }
        if edge > self.last_incident {
            self.storms = limit;
            return Ok(true);
        }
        let created: Option<Option<DateTime<Utc>>> = db::within!(&mut self.db, conn => {
            sqlx::query_scalar(CREATED).bind(edge).fetch_optional(conn).await
        })
        .map_err(StoreError::query("look for a storm"))?;
        let storms = created.flatten().is_some_and(|created| self.now - created < window);
        if storms {
            self.storms = limit;
        }
        Ok(storms)
    }
}
