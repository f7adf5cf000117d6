use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{EventId, IncidentId};
use sqlx::{Database, Encode, FromRow, QueryBuilder, Type};
use uuid::Uuid;

use super::{JobId, Lease, PRIORITIES};
use crate::{
    Store, StoreError,
    db::{self, DbTx},
    tx::LOCK_SEQUENCES,
};

#[derive(FromRow)]
struct WaitingRow {
    id: Uuid,
    kind: String,
    incident_id: Uuid,
    generation: i64,
    attempt: i64,
    returned: i64,
    available_at: DateTime<Utc>,
}

impl Store {
    /// Takes up to `limit` jobs for `time`: of each kind that `slots` names at most as many as stand beside it, the most
    /// urgent first, and of those the ones that have waited longest. A job whose lease runs out is offered again.
    pub async fn claim_jobs(
        &self,
        slots: &[(&str, u32)],
        limit: u32,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let slots: Vec<(&str, u32)> = slots.iter().copied().filter(|(_, free)| *free > 0).collect();
        // Most looks find nothing. They must not cost a write, for which alerts would have to wait.
        if slots.is_empty() || limit == 0 || !self.any_job_waits(&slots).await? {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let until = now + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let failed = || StoreError::query("take jobs");
        let mut tx = self.db.begin().await.map_err(failed())?;
        // Replicas that choose at the same time would choose the same jobs, and all but one come away with nothing.
        db::execute!(&mut tx, conn => sqlx::query(LOCK_SEQUENCES).execute(conn).await).map_err(failed())?;
        let mut chosen: Vec<WaitingRow> = db::within!(&mut tx, conn => {
            let mut query = choose(&slots, limit, now);
            query.build_query_as().fetch_all(conn).await
        })
        .map_err(failed())?;
        let taken = take(&mut tx, &chosen, until, now).await?;
        tx.commit().await.map_err(failed())?;
        chosen.retain(|row| taken.contains(&row.id));
        let lease = |row: WaitingRow| Lease {
            id: JobId(row.id),
            kind: row.kind,
            incident: IncidentId(row.incident_id),
            generation: EventId(row.generation),
            attempt: row.attempt + 1,
            returned: row.returned,
            waited: now - row.available_at,
            until,
        };
        Ok(chosen.into_iter().map(lease).collect())
    }

    /// When the next job of one of these kinds may be taken, if one is waiting.
    pub async fn next_job_at(&self, kinds: &[&str]) -> Result<Option<DateTime<Utc>>, StoreError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        db::read!(&self.db, conn => {
            let mut query = earliest(kinds);
            query.build_query_scalar().fetch_one(conn).await
        })
        .map_err(StoreError::query("look for the next job"))
    }

    async fn any_job_waits(&self, slots: &[(&str, u32)]) -> Result<bool, StoreError> {
        let kinds: Vec<&str> = slots.iter().map(|(kind, _)| *kind).collect();
        let now = self.clock.now();
        Ok(self.next_job_at(&kinds).await?.is_some_and(|at| at <= now))
    }
}

/// Gives what could be taken: a worker that came back late may just have renewed one.
async fn take(
    tx: &mut DbTx,
    chosen: &[WaitingRow],
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<HashSet<Uuid>, StoreError> {
    if chosen.is_empty() {
        return Ok(HashSet::new());
    }
    let taken: Vec<Uuid> = db::within!(tx, conn => {
        let mut query = QueryBuilder::new("update jobs set attempt = attempt + 1, available_at = ");
        query.push_bind(until).push(" where state = 'pending' and available_at <= ").push_bind(now);
        query.push(" and id in (");
        let mut ids = query.separated(", ");
        for row in chosen {
            ids.push_bind(row.id);
        }
        query.push(") returning id");
        query.build_query_scalar().fetch_all(conn).await
    })
    .map_err(StoreError::query("take jobs"))?;
    Ok(taken.into_iter().collect())
}

/// For each kind and priority one look into the index `jobs_by_claim`, which holds them in the order in which they are
/// wanted: the cost is that of the jobs taken, however many wait, or wait for their next try.
fn choose<'a, DB>(slots: &[(&'a str, u32)], limit: u32, now: DateTime<Utc>) -> QueryBuilder<DB>
where
    DB: Database,
    &'a str: Encode<'a, DB> + Type<DB>,
    i64: Encode<'a, DB> + Type<DB>,
    DateTime<Utc>: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("select * from (");
    for (place, (kind, free)) in slots.iter().enumerate() {
        let free = i64::from((*free).min(limit));
        query.push(if place == 0 { "" } else { " union all " }).push("select * from (select * from (");
        for priority in PRIORITIES {
            query.push(if priority == PRIORITIES[0] { "" } else { " union all " });
            query.push(
                "select * from (
                    select id, kind, incident_id, generation, attempt, returned, priority, available_at
                    from jobs where state = 'pending' and kind = ",
            );
            query.push_bind(*kind).push(" and priority = ").push_bind(priority);
            query.push(" and available_at <= ").push_bind(now);
            query.push(" order by available_at limit ").push_bind(free).push(") as of_priority");
        }
        query.push(") as of_kind order by priority, available_at limit ").push_bind(free).push(") as slot");
    }
    query.push(") as waiting order by priority, available_at limit ").push_bind(i64::from(limit));
    query
}

/// The first time at which one of these kinds may be taken, by as many looks into the same index.
fn earliest<'a, DB>(kinds: &[&'a str]) -> QueryBuilder<DB>
where
    DB: Database,
    &'a str: Encode<'a, DB> + Type<DB>,
    i64: Encode<'a, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("select min(first_at) from (");
    for (place, kind) in kinds.iter().enumerate() {
        for priority in PRIORITIES {
            query.push(if place == 0 && priority == PRIORITIES[0] { "" } else { " union all " });
            query.push("select min(available_at) as first_at from jobs where state = 'pending' and kind = ");
            query.push_bind(*kind).push(" and priority = ").push_bind(priority);
        }
    }
    query.push(") as firsts");
    query
}

#[cfg(test)]
mod tests {
    use sqlx::{Row, Sqlite, SqlitePool};

    use super::*;
    use crate::migrations;

    #[tokio::test]
    async fn however_many_jobs_wait_only_those_that_are_wanted_are_looked_at() {
        let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
        migrations::migrator().run(&pool).await.unwrap();
        let query: QueryBuilder<Sqlite> = choose(&[("draw", 2), ("look", 2)], 4, DateTime::UNIX_EPOCH);
        let explained = format!("explain query plan {}", sqlx::SqlStr::as_str(&query.into_sql()));
        let plan = sqlx::query(sqlx::AssertSqlSafe(explained)).fetch_all(&pool).await.unwrap();
        let looks: Vec<String> = plan.iter().map(|row| row.get::<String, _>("detail")).collect();
        let wanted = "USING INDEX jobs_by_claim (state=? AND kind=? AND priority=? AND available_at<?)";
        assert_eq!(looks.iter().filter(|look| look.contains(wanted)).count(), 6, "{looks:#?}");
        assert!(!looks.iter().any(|look| look.starts_with("SCAN jobs")), "{looks:#?}");
    }
}
