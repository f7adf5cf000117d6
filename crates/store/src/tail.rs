//! Tells this process of what others commit to the same PostgreSQL.

use std::{collections::HashMap, sync::Arc, time::Duration};

use opsseer_core::{Event, EventId, IncidentId};
use sqlx::{PgPool, postgres::PgListener};
use tokio::{
    sync::{Mutex, Notify, broadcast},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    Change, Committed, StoreError,
    db::{CHANNEL, Channel, Db, in_time},
    events::EventRow,
};

/// Events read by one query.
const BATCH: i64 = 500;

/// Even where commits are announced, the log is looked at this often: an announcement may be lost with its connection.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// After an error, the next try waits this long.
const AFTER_ERROR: Duration = Duration::from_secs(1);

// Each event with the one before it on the same timeline.
const AFTER: &str = "select id, incident_id, at, recorded_at, actor, version, body, assets,
        (select coalesce(max(p.id), 0) from events p where p.incident_id = e.incident_id and p.id < e.id) as before_id
    from events e where id > $1 order by id limit $2";
const LAST: &str = "select last_event from sequences";

#[derive(sqlx::FromRow)]
struct FollowedRow {
    #[sqlx(flatten)]
    event: EventRow,
    before_id: i64,
}

/// The task that follows the log. Stopped when the store is closed.
pub(crate) struct Tail(Mutex<Option<JoinHandle<()>>>);

impl Tail {
    /// Follows the log from here on, if other processes can write to it at all.
    pub(crate) async fn start(
        db: &Db,
        bus: &broadcast::Sender<Arc<Committed>>,
        jobs_added: &Arc<Notify>,
        poll_every: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let Db::Postgres { pool, channel, limit } = db else { return Ok(None) };
        let seen: i64 = sqlx::query_scalar(LAST)
            .fetch_one(pool)
            .await
            .map_err(StoreError::query("read the newest event's id"))?;
        let follower = Follower {
            pool: pool.clone(),
            channel: channel.clone(),
            limit: *limit,
            bus: bus.clone(),
            jobs_added: jobs_added.clone(),
            poll_every: if channel.works { LOOK_AT_LEAST_EVERY.max(poll_every) } else { poll_every },
            seen,
        };
        Ok(Some(Self(Mutex::new(Some(tokio::spawn(follower.run()))))))
    }

    pub(crate) async fn stop(&self) {
        if let Some(task) = self.0.lock().await.take() {
            task.abort();
            // Its connections are back in the pool once it has ended.
            drop(task.await);
        }
    }
}

struct Follower {
    pool: PgPool,
    channel: Channel,
    limit: Duration,
    bus: broadcast::Sender<Arc<Committed>>,
    jobs_added: Arc<Notify>,
    poll_every: Duration,
    /// The newest event that this process knows of, its own included.
    seen: i64,
}

impl Follower {
    async fn run(mut self) {
        let mut away = false;
        loop {
            match self.follow().await {
                Ok(()) => continue,
                Err(error) if away => {
                    tracing::debug!(%error, "other replicas' events still cannot be followed");
                }
                Err(error) => {
                    tracing::warn!(%error, "other replicas' events cannot be followed; trying again");
                }
            }
            sleep(AFTER_ERROR).await;
            away = self.catch_up().await.is_err();
        }
    }

    /// Follows until something fails, or the listener seems to be deaf.
    async fn follow(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = if self.channel.works { Some(self.listen().await?) } else { None };
        self.catch_up().await?;
        loop {
            let Some(listener) = &mut listener else {
                sleep(self.poll_every).await;
                self.catch_up().await?;
                continue;
            };
            let told = tokio::select! {
                told = listener.try_recv() => told?,
                () = sleep(self.poll_every) => {
                    if self.catch_up().await? {
                        tracing::debug!("an announcement did not come; listening anew");
                        return Ok(());
                    }
                    continue;
                }
            };
            // `None`: the connection was lost, and with it what was told meanwhile.
            let is_own = told.is_some_and(|told| self.is_own(told.payload()));
            if !is_own {
                // Another replica may have added jobs, or offered some again. Whoever comes first takes them.
                self.jobs_added.notify_one();
                self.catch_up().await?;
            }
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        in_time(self.limit, async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.listen(CHANNEL).await?;
            Ok(listener)
        })
        .await
    }

    /// Whether nothing is new: what this process commits it has told its subscribers itself.
    fn is_own(&mut self, payload: &str) -> bool {
        match Channel::read(payload) {
            Some((instance, first, last)) if instance == self.channel.instance && first <= self.seen + 1 => {
                self.seen = self.seen.max(last);
                true
            }
            _ => false,
        }
    }

    /// Reads what is new and tells it. Whether there was anything.
    async fn catch_up(&mut self) -> Result<bool, sqlx::Error> {
        let before = self.seen;
        loop {
            let query = sqlx::query_as(AFTER).bind(self.seen).bind(BATCH).fetch_all(&self.pool);
            let rows: Vec<FollowedRow> = in_time(self.limit, query).await?;
            let Some(last) = rows.last().map(|row| row.event.id()) else { return Ok(self.seen > before) };
            self.seen = last;
            let committed = Committed { changes: changes(rows), heartbeat: false };
            self.jobs_added.notify_one();
            // Nobody listening is no error.
            drop(self.bus.send(Arc::new(committed)));
        }
    }
}

/// One change an incident, in the order of the log.
fn changes(rows: Vec<FollowedRow>) -> Vec<Change> {
    let mut places: HashMap<IncidentId, usize> = HashMap::new();
    let mut found: Vec<(IncidentId, EventId, Option<Vec<Event>>)> = Vec::new();
    for row in rows {
        let incident = row.event.incident();
        let place = *places.entry(incident).or_insert(found.len());
        if place == found.len() {
            found.push((incident, EventId(row.before_id), Some(Vec::new())));
        }
        // An event that this version cannot read is met again, and explained, where somebody reads it.
        match row.event.into_event() {
            Ok(event) => {
                if let Some(events) = &mut found[place].2 {
                    events.push(event);
                }
            }
            Err(_) => found[place].2 = None,
        }
    }
    found
        .into_iter()
        .map(|(incident, before, events)| Change { incident, before, events: events.map(Arc::from) })
        .collect()
}
