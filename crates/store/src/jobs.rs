use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{EventId, IncidentId};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::{Store, StoreError, Tx, db, events::ROWS_A_STATEMENT, tx::LOCK_SEQUENCES};

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(pub Uuid);

/// Work to do. The same kind for the same incident and generation is kept once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewJob {
    /// Which work.
    pub(crate) kind: &'static str,
    /// For which incident.
    pub(crate) incident: IncidentId,
    /// The event that asks for it.
    pub(crate) generation: EventId,
}

/// A job that a worker has taken, until `until`.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// Which work.
    pub kind: String,
    /// For which incident.
    pub incident: IncidentId,
    /// The event that asks for it.
    pub generation: EventId,
    /// Which attempt this is, from 1. Only the latest may write its result.
    pub attempt: i64,
    /// When another worker may take it.
    pub until: DateTime<Utc>,
}

#[derive(FromRow)]
struct LeaseRow {
    id: Uuid,
    kind: String,
    incident_id: Uuid,
    generation: i64,
    attempt: i64,
    available_at: DateTime<Utc>,
}

const CLAIM: &str = "update jobs set attempt = attempt + 1, available_at = $1
    where id in (select id from jobs where state = 'pending' and available_at <= $2 order by available_at limit $3)
        and state = 'pending' and available_at <= $2
    returning id, kind, incident_id, generation, attempt, available_at";
const FINISH: &str = "update jobs set state = 'done', last_error = null
    where id = $1 and attempt = $2 and state = 'pending'";
const RETRY: &str = "update jobs set available_at = $3, last_error = $4
    where id = $1 and attempt = $2 and state = 'pending'";
const GIVE_UP: &str = "update jobs set state = 'dead', last_error = $3
    where id = $1 and attempt = $2 and state = 'pending'";
const NEXT: &str = "select min(available_at) from jobs where state = 'pending'";
const COUNT: &str = "select state, count(*) from jobs group by state";

impl Store {
    /// Takes up to `limit` jobs for `lease`. A job whose lease runs out is offered again.
    pub async fn claim_jobs(&self, limit: u32, lease: Duration) -> Result<Vec<Lease>, StoreError> {
        let now = self.clock.now();
        let until = now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
        let failed = || StoreError::query("take jobs");
        let mut tx = self.db.begin().await.map_err(failed())?;
        // Replicas that choose at the same time would choose the same jobs, and all but one come away with nothing.
        db::execute!(&mut tx, conn => sqlx::query(LOCK_SEQUENCES).execute(conn).await).map_err(failed())?;
        let rows: Vec<LeaseRow> = db::within!(&mut tx, conn => {
            sqlx::query_as(CLAIM).bind(until).bind(now).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        let lease = |row: LeaseRow| Lease {
            id: JobId(row.id),
            kind: row.kind,
            incident: IncidentId(row.incident_id),
            generation: EventId(row.generation),
            attempt: row.attempt,
            until: row.available_at,
        };
        Ok(rows.into_iter().map(lease).collect())
    }

    /// When the next job may be taken, if one is waiting.
    pub async fn next_job_at(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        db::read!(&self.db, conn => sqlx::query_scalar(NEXT).fetch_one(conn).await)
            .map_err(StoreError::query("look for the next job"))
    }

    /// How many jobs are in each state (`pending`, `done`, `dead`).
    pub async fn count_jobs(&self) -> Result<Vec<(String, i64)>, StoreError> {
        db::read!(&self.db, conn => sqlx::query_as(COUNT).fetch_all(conn).await)
            .map_err(StoreError::query("count jobs"))
    }
}

impl Tx {
    /// Marks the job done. `false` if another worker has it by now: then nothing of this transaction may be kept.
    pub async fn finish_job(&mut self, lease: &Lease) -> Result<bool, StoreError> {
        db::execute!(&mut self.db, conn => {
            sqlx::query(FINISH).bind(lease.id.0).bind(lease.attempt).execute(conn).await
        })
        .map(|rows| rows == 1)
        .map_err(StoreError::query("finish a job"))
    }

    /// Offers the job again from `at`. `false` if another worker has it by now.
    pub async fn retry_job(
        &mut self,
        lease: &Lease,
        at: DateTime<Utc>,
        error: &str,
    ) -> Result<bool, StoreError> {
        self.new_wake = true;
        db::execute!(&mut self.db, conn => {
            sqlx::query(RETRY).bind(lease.id.0).bind(lease.attempt).bind(at).bind(error).execute(conn).await
        })
        .map(|rows| rows == 1)
        .map_err(StoreError::query("put a job back"))
    }

    /// Gives the job up, with the reason. `false` if another worker has it by now.
    pub async fn give_up_job(&mut self, lease: &Lease, error: &str) -> Result<bool, StoreError> {
        db::execute!(&mut self.db, conn => {
            sqlx::query(GIVE_UP).bind(lease.id.0).bind(lease.attempt).bind(error).execute(conn).await
        })
        .map(|rows| rows == 1)
        .map_err(StoreError::query("give up a job"))
    }

    pub(crate) async fn write_jobs(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        for jobs in self.new_jobs.chunks(ROWS_A_STATEMENT) {
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "insert into jobs (id, kind, incident_id, generation, state, available_at, attempt, created_at) ",
                );
                query.push_values(jobs, |mut row, job| {
                    row.push_bind(Uuid::now_v7())
                        .push_bind(job.kind)
                        .push_bind(job.incident.0)
                        .push_bind(job.generation.0)
                        .push_bind("pending")
                        .push_bind(now)
                        .push_bind(0_i64)
                        .push_bind(now);
                });
                query.push(" on conflict (incident_id, kind, generation) do nothing");
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("add jobs"))?;
        }
        Ok(())
    }
}
