mod claim;
mod list;

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{EventId, IncidentId, Severity};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{InvalidReference, Store, StoreError, Tx, db, events::ROWS_A_STATEMENT};

pub use list::{DeadJobs, JobPage, JobState, StoredJob};

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        text.parse()
            .map(Self)
            .map_err(|_| InvalidReference { given: text.to_owned(), expected: "a job's id (a uuid)" })
    }
}

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

/// A job that a worker has taken. It is the worker's for as long as it renews it.
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
    /// How many of the attempts do not count: handed back unfinished, or before a person asked for another try.
    pub returned: i64,
    /// How long it could have been taken before it was.
    pub waited: TimeDelta,
    /// When another worker may take it, unless it is renewed.
    pub until: DateTime<Utc>,
}

impl Lease {
    /// Which try this is, from 1: the attempts that count.
    pub fn tries(&self) -> i64 {
        self.attempt - self.returned
    }
}

/// The place in the queue: lower is taken first.
fn priority(severity: Severity) -> i64 {
    match severity {
        Severity::Page => 0,
        Severity::Ticket => 1,
        Severity::Info => 2,
    }
}

/// All places, first to last.
const PRIORITIES: [i64; 3] = [0, 1, 2];

const RENEW: &str = "update jobs set available_at = $3 where id = $1 and attempt = $2 and state = 'pending'";
// From its end on, `available_at` says when that was.
const FINISH: &str = "update jobs set state = 'done', available_at = $3, last_error = null
    where id = $1 and attempt = $2 and state = 'pending'";
const RETRY: &str = "update jobs set available_at = $3, last_error = $4
    where id = $1 and attempt = $2 and state = 'pending'";
const RETURN: &str = "update jobs set available_at = $3, returned = returned + 1
    where id = $1 and attempt = $2 and state = 'pending'";
const GIVE_UP: &str = "update jobs set state = 'dead', available_at = $3, last_error = $4
    where id = $1 and attempt = $2 and state = 'pending'";
const REPRIORITISE: &str =
    "update jobs set priority = $2 where incident_id = $1 and priority <> $2 and state <> 'done'";
const OLDEST: &str = "select min(available_at) from jobs where state = 'pending' and available_at <= $1";
const COUNT: &str = "select state, count(*) from jobs group by state";

impl Store {
    /// Keeps a job for another `lease` from now. `false` if another worker has it by now, or its incident is gone: then
    /// the work is to stop.
    pub async fn renew_job(&self, lease: &Lease, time: Duration) -> Result<bool, StoreError> {
        let failed = || StoreError::query("renew a job's lease");
        let until = self.clock.now() + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        let mut tx = self.db.begin().await.map_err(failed())?;
        let rows = db::execute!(&mut tx, conn => {
            sqlx::query(RENEW).bind(lease.id.0).bind(lease.attempt).bind(until).execute(conn).await
        })
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(rows == 1)
    }

    /// Since when the job that waits longest could have been taken, if any waits. One whose time to be tried again has
    /// not come does not wait.
    pub async fn oldest_job(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let now = self.clock.now();
        db::read!(&self.db, conn => sqlx::query_scalar(OLDEST).bind(now).fetch_one(conn).await)
            .map_err(StoreError::query("look for the oldest job"))
    }

    /// How many jobs are in each state, 0 included (`pending`, `done`, `dead`).
    pub async fn count_jobs(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let counts: Vec<(String, i64)> =
            db::read!(&self.db, conn => sqlx::query_as(COUNT).fetch_all(conn).await)
                .map_err(StoreError::query("count jobs"))?;
        let count = |state: JobState| {
            let found = counts.iter().find(|(name, _)| name == state.as_str());
            (state.as_str().to_owned(), found.map_or(0, |(_, count)| *count))
        };
        Ok(JobState::ALL.into_iter().map(count).collect())
    }
}

impl Tx {
    /// Marks the job done. `false` if another worker has it by now: then nothing of this transaction may be kept.
    pub async fn finish_job(&mut self, lease: &Lease) -> Result<bool, StoreError> {
        let now = self.now;
        db::execute!(&mut self.db, conn => {
            sqlx::query(FINISH).bind(lease.id.0).bind(lease.attempt).bind(now).execute(conn).await
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

    /// Hands the job back unfinished: it may be taken at once, and this attempt does not count. `false` if another worker
    /// has it by now.
    pub async fn return_job(&mut self, lease: &Lease) -> Result<bool, StoreError> {
        let now = self.now;
        self.new_wake = true;
        db::execute!(&mut self.db, conn => {
            sqlx::query(RETURN).bind(lease.id.0).bind(lease.attempt).bind(now).execute(conn).await
        })
        .map(|rows| rows == 1)
        .map_err(StoreError::query("hand a job back"))
    }

    /// Gives the job up, with the reason. `false` if another worker has it by now.
    pub async fn give_up_job(&mut self, lease: &Lease, error: &str) -> Result<bool, StoreError> {
        let now = self.now;
        db::execute!(&mut self.db, conn => {
            sqlx::query(GIVE_UP).bind(lease.id.0).bind(lease.attempt).bind(now).bind(error).execute(conn).await
        })
        .map(|rows| rows == 1)
        .map_err(StoreError::query("give up a job"))
    }

    /// Writes the jobs that events asked for, and lets waiting ones follow the urgency of their incident.
    pub(crate) async fn write_jobs(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        for incident in self.changed_severity.iter().filter_map(|id| self.incidents.get(id)) {
            db::execute!(&mut self.db, conn => {
                sqlx::query(REPRIORITISE).bind(incident.id.0).bind(priority(incident.severity)).execute(conn).await
            })
            .map_err(StoreError::query("change how urgent jobs are"))?;
        }
        let incidents = &self.incidents;
        for jobs in self.new_jobs.chunks(ROWS_A_STATEMENT) {
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "insert into jobs (id, kind, incident_id, generation, state, priority, available_at, attempt, \
                        created_at) ",
                );
                query.push_values(jobs, |mut row, job| {
                    let severity = incidents.get(&job.incident).map_or(Severity::Ticket, |one| one.severity);
                    row.push_bind(Uuid::now_v7())
                        .push_bind(job.kind)
                        .push_bind(job.incident.0)
                        .push_bind(job.generation.0)
                        .push_bind("pending")
                        .push_bind(priority(severity))
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
