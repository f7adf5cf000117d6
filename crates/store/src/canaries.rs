use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Store, StoreError, db};

const SEND: &str = "insert into canaries (id, sent_at) values ($1, $2)";
const TAKE: &str = "delete from canaries where id = $1 returning sent_at";
const TAKE_LOST: &str = "delete from canaries where sent_at <= $1";

impl Store {
    /// Notes that a canary is on its way.
    pub async fn send_canary(&self, id: Uuid, sent_at: DateTime<Utc>) -> Result<(), StoreError> {
        let failed = || StoreError::query("note a canary");
        let mut tx = self.db.begin().await.map_err(failed())?;
        db::execute!(&mut tx, conn => sqlx::query(SEND).bind(id).bind(sent_at).execute(conn).await)
            .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }

    /// A canary is back, at whichever replica. Gives when it was sent; nothing if it is not awaited (any more).
    pub async fn take_canary(&self, id: Uuid) -> Result<Option<DateTime<Utc>>, StoreError> {
        let failed = || StoreError::query("take a canary");
        let mut tx = self.db.begin().await.map_err(failed())?;
        let sent_at: Option<DateTime<Utc>> =
            db::within!(&mut tx, conn => sqlx::query_scalar(TAKE).bind(id).fetch_optional(conn).await)
                .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(sent_at)
    }

    /// Waits no longer for canaries that were sent at `sent_by` or before. Gives how many there were.
    pub async fn take_lost_canaries(&self, sent_by: DateTime<Utc>) -> Result<u64, StoreError> {
        let failed = || StoreError::query("count lost canaries");
        let mut tx = self.db.begin().await.map_err(failed())?;
        let lost = db::execute!(&mut tx, conn => sqlx::query(TAKE_LOST).bind(sent_by).execute(conn).await)
            .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(lost)
    }
}
