use std::str::FromStr;

use chrono::{DateTime, Utc};
use opsseer_core::{EventId, IncidentId, IncidentNumber};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::JobId;
use crate::{InvalidReference, Store, StoreError, Tx, db};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// It waits, or a worker has it.
    Pending,
    /// Its result is written.
    Done,
    /// It was given up. A person may ask for another try.
    Dead,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Done, Self::Dead];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// In SQL, without a parameter, so that the planner knows which state it is.
    fn condition(self) -> &'static str {
        match self {
            Self::Pending => " and j.state = 'pending'",
            // Nearly all jobs are done. Reading the newest ids and leaving out the others beats sorting all that are
            // done, which is what an index on the state would lead to.
            Self::Done => " and j.state || '' = 'done'",
            Self::Dead => " and j.state = 'dead'",
        }
    }
}

impl FromStr for JobState {
    type Err = InvalidReference;

    fn from_str(word: &str) -> Result<Self, InvalidReference> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(|| InvalidReference {
            given: word.to_owned(),
            expected: "a state of a job; allowed: pending, done, dead",
        })
    }
}

/// A job, to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Its name.
    pub id: JobId,
    /// Which work.
    pub kind: String,
    /// For which incident.
    pub incident: IncidentId,
    /// That incident's number.
    pub incident_number: IncidentNumber,
    /// That incident's headline.
    pub incident_title: String,
    /// The event that asks for it.
    pub generation: EventId,
    /// Where it stands.
    pub state: JobState,
    /// How often a worker began it.
    pub attempts: i64,
    /// How many of these do not count: handed back unfinished, or before a person asked for another try.
    pub returned: i64,
    /// Why the last try that failed did, unless the job is done.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Of one that is pending, when it may be taken, at once or if its worker does not come back; of the others, when it
    /// ended.
    pub available_at: DateTime<Utc>,
}

/// Some jobs, those asked for last first.
#[derive(Debug, Clone)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<StoredJob>,
    /// The last of them, if there are more after it.
    pub next_cursor: Option<JobId>,
}

/// Which of the jobs that were given up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadJobs {
    /// Only those of this incident.
    pub incident: Option<IncidentId>,
    /// Only this kind.
    pub kind: Option<String>,
}

#[derive(FromRow)]
struct JobRow {
    id: Uuid,
    kind: String,
    incident_id: Uuid,
    number: i64,
    title: String,
    generation: i64,
    state: String,
    attempt: i64,
    returned: i64,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    available_at: DateTime<Utc>,
}

impl JobRow {
    fn into_job(self) -> Result<StoredJob, StoreError> {
        let state = self
            .state
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "state of a job", value: self.state.clone() })?;
        Ok(StoredJob {
            id: JobId(self.id),
            kind: self.kind,
            incident: IncidentId(self.incident_id),
            incident_number: IncidentNumber(self.number),
            incident_title: self.title,
            generation: EventId(self.generation),
            state,
            attempts: self.attempt,
            returned: self.returned,
            last_error: self.last_error,
            created_at: self.created_at,
            available_at: self.available_at,
        })
    }
}

/// `select` of all that [`JobRow`] holds, to be completed.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select j.id, j.kind, j.incident_id, i.number, i.title, j.generation, j.state, j.attempt, j.returned,
                j.last_error, j.created_at, j.available_at
            from jobs j join incidents i on i.id = j.incident_id where ",
            $rest
        )
    };
}

const BY_ID: &str = select!("j.id = $1");
const COUNT_DEAD: &str = "select count(*) from jobs where state = 'dead'";
// Its failures start anew: none of the attempts so far counts.
const REVIVE: &str = "update jobs set state = 'pending', available_at = $2, returned = attempt
    where id = $1 and state = 'dead'";

impl Store {
    /// A page of jobs in a state, or in any; those asked for before the one that `cursor` names.
    pub async fn list_jobs(
        &self,
        state: Option<JobState>,
        limit: u32,
        cursor: Option<JobId>,
    ) -> Result<JobPage, StoreError> {
        let limit = i64::from(limit.max(1));
        let rows: Vec<JobRow> = db::read!(&self.db, conn => {
            let mut query = QueryBuilder::new(select!("1 = 1"));
            query.push(state.map_or("", JobState::condition));
            if let Some(cursor) = cursor {
                query.push(" and j.id < ").push_bind(cursor.0);
            }
            // One more than asked tells whether there is a next page.
            query.push(" order by j.id desc limit ").push_bind(limit + 1);
            query.build_query_as().fetch_all(conn).await
        })
        .map_err(StoreError::query("list jobs"))?;
        let mut jobs = rows.into_iter().map(JobRow::into_job).collect::<Result<Vec<_>, _>>()?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = jobs.len() > page;
        jobs.truncate(page);
        let next_cursor = jobs.last().filter(|_| more).map(|last| last.id);
        Ok(JobPage { jobs, next_cursor })
    }

    /// The job with this id.
    pub async fn find_job(&self, id: JobId) -> Result<Option<StoredJob>, StoreError> {
        let row: Option<JobRow> =
            db::read!(&self.db, conn => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await)
                .map_err(StoreError::query("read a job"))?;
        row.map(JobRow::into_job).transpose()
    }

    /// How many jobs were given up.
    pub async fn count_dead_jobs(&self) -> Result<i64, StoreError> {
        db::read!(&self.db, conn => sqlx::query_scalar(COUNT_DEAD).fetch_one(conn).await)
            .map_err(StoreError::query("count the jobs that were given up"))
    }
}

impl Tx {
    /// Offers a job that was given up once more, with its failures forgotten. `false` if it was not given up.
    pub async fn retry_dead_job(&mut self, id: JobId) -> Result<bool, StoreError> {
        let now = self.now;
        self.new_wake = true;
        db::execute!(&mut self.db, conn => sqlx::query(REVIVE).bind(id.0).bind(now).execute(conn).await)
            .map(|rows| rows == 1)
            .map_err(StoreError::query("try a job again"))
    }

    /// The same for all of these. Gives how many there were.
    pub async fn retry_dead_jobs(&mut self, which: &DeadJobs) -> Result<u64, StoreError> {
        let now = self.now;
        self.new_wake = true;
        db::execute!(&mut self.db, conn => {
            let mut query = QueryBuilder::new("update jobs set state = 'pending', returned = attempt, available_at = ");
            query.push_bind(now).push(" where state = 'dead'");
            if let Some(incident) = which.incident {
                query.push(" and incident_id = ").push_bind(incident.0);
            }
            if let Some(kind) = &which.kind {
                query.push(" and kind = ").push_bind(kind);
            }
            query.build().execute(conn).await
        })
        .map_err(StoreError::query("try jobs again"))
    }
}
