use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{Store, StoreError, db};

// Taken if it is free, if it is this holder's already, or if its holder has not come back in time.
const TAKE: &str = "insert into duties (name, holder, until) values ($1, $2, $3)
    on conflict (name) do update set holder = excluded.holder, until = excluded.until
    where duties.holder = excluded.holder or duties.until <= $4";

const LEAVE: &str = "delete from duties where name = $1 and holder = $2";

impl Store {
    /// Whether `holder` does what `name` stands for until `time` from now: of several replicas only one does. A holder
    /// asks again before its time is over. Where no other process shares the store, the answer is always yes.
    pub async fn hold_duty(&self, name: &str, holder: Uuid, time: Duration) -> Result<bool, StoreError> {
        if !self.is_shared() {
            return Ok(true);
        }
        let now = self.clock.now();
        // Where the calendar ends, so does every duty.
        let until = TimeDelta::from_std(time).ok().and_then(|time| now.checked_add_signed(time));
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let failed = || StoreError::query("take a duty");
        let mut tx = self.db.begin().await.map_err(failed())?;
        let rows = db::execute!(&mut tx, conn => {
            sqlx::query(TAKE).bind(name).bind(holder).bind(until).bind(now).execute(conn).await
        })
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(rows == 1)
    }

    /// Whoever asks next may have what `name` stands for, if `holder` has it.
    pub async fn leave_duty(&self, name: &str, holder: Uuid) -> Result<(), StoreError> {
        if !self.is_shared() {
            return Ok(());
        }
        let failed = || StoreError::query("leave a duty");
        let mut tx = self.db.begin().await.map_err(failed())?;
        db::execute!(&mut tx, conn => sqlx::query(LEAVE).bind(name).bind(holder).execute(conn).await)
            .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }
}
