use std::{path::PathBuf, sync::Arc, time::Duration};

use opsseer_core::{Clock, Event, EventId, Incident, IncidentId};
use tokio::sync::{Notify, broadcast};

use crate::{Migrated, StoreError, Tx, db::Db, tail::Tail};

/// What a store needs to know.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: String,
    /// Where files go, beside SQLite. PostgreSQL keeps them itself, for replicas share nothing else.
    pub assets: PathBuf,
    /// How many queries may run beside the writer.
    pub readers: u32,
    /// How long a statement, or the wait for a connection or a lock, may take.
    pub timeout: Duration,
    /// How often other replicas' events are looked for where the database does not announce them.
    pub poll_every: Duration,
}

/// Says which jobs (their kinds) an event of an incident asks for. Asked inside the transaction that writes the event, so
/// that no change can be kept without the work that follows from it.
pub type FollowUps = fn(&Incident, &Event) -> &'static [&'static str];

/// Told after each commit, this process's or another's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Committed {
    /// What changed, one entry an incident.
    pub changes: Vec<Change>,
    /// Whether a heartbeat came.
    pub heartbeat: bool,
}

impl Committed {
    /// What changed of this incident.
    pub fn change_of(&self, incident: IncidentId) -> Option<&Change> {
        self.changes.iter().find(|change| change.incident == incident)
    }
}

/// New events of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which incident.
    pub incident: IncidentId,
    /// The newest event that it had before: who has read up to there has missed nothing.
    pub before: EventId,
    /// The events, in order, so that a thousand readers need not all ask for them. `None` after a large commit: read
    /// them from the store.
    pub events: Option<Arc<[Event]>>,
}

/// Commits that a subscriber may fall behind before it is told that it missed some.
const BUS_CAPACITY: usize = 256;

/// Everything that OpsSeer remembers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) assets: Arc<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) bus: broadcast::Sender<Arc<Committed>>,
    pub(crate) jobs_added: Arc<Notify>,
    pub(crate) follow_ups: FollowUps,
    migrated: Migrated,
    tail: Option<Arc<Tail>>,
}

impl Store {
    /// Opens the store and brings its tables to this version's form.
    pub async fn open(
        config: StoreConfig,
        clock: Arc<dyn Clock>,
        follow_ups: FollowUps,
    ) -> Result<Self, StoreError> {
        let (db, migrated) = Db::open(&config.url, config.readers, config.timeout).await?;
        let bus = broadcast::channel(BUS_CAPACITY).0;
        let jobs_added = Arc::new(Notify::new());
        let tail = Tail::start(&db, &bus, &jobs_added, config.poll_every).await?.map(Arc::new);
        Ok(Self { db, assets: Arc::new(config.assets), clock, bus, jobs_added, follow_ups, migrated, tail })
    }

    /// Begins a change. Nothing of it is seen or kept before [`Tx::commit`].
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Tx::begin(self).await
    }

    /// Each commit from now on. A slow reader that gets `Lagged` has lost what was told, not events: they are in the
    /// store.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.bus.subscribe()
    }

    /// Waits until a commit has added jobs. One waiter is woken.
    pub async fn jobs_added(&self) {
        self.jobs_added.notified().await;
    }

    /// What opening did to the tables.
    pub fn migrated(&self) -> Migrated {
        self.migrated
    }

    /// Whether other processes may work on the same database.
    pub fn is_shared(&self) -> bool {
        matches!(self.db, Db::Postgres { .. })
    }

    /// Waits for what is under way, then closes all connections.
    pub async fn close(&self) {
        if let Some(tail) = &self.tail {
            tail.stop().await;
        }
        self.db.close().await;
    }
}
