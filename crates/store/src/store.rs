use std::{path::PathBuf, sync::Arc};

use opsseer_core::{Clock, Event, Incident, IncidentId};
use tokio::sync::{Notify, broadcast};

use crate::{StoreError, Tx, db::Db};

/// What a store needs to know.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `sqlite:PATH`.
    pub url: String,
    /// Where files go.
    pub assets: PathBuf,
    /// How many queries may run beside the writer.
    pub readers: u32,
}

/// Says which jobs (their kinds) an event of an incident asks for. Asked inside the transaction that writes the event, so
/// that no change can be kept without the work that follows from it.
pub type FollowUps = fn(&Incident, &Event) -> &'static [&'static str];

/// Told after each commit. Only a wake-up: what changed is read from the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Incidents with new events.
    pub incidents: Vec<IncidentId>,
    /// Whether a heartbeat came.
    pub heartbeat: bool,
}

/// Commits that a subscriber may fall behind before it is told that it missed some.
const BUS_CAPACITY: usize = 1024;

/// Everything that OpsSeer remembers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) assets: Arc<PathBuf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) bus: broadcast::Sender<Arc<Committed>>,
    pub(crate) jobs_added: Arc<Notify>,
    pub(crate) follow_ups: FollowUps,
}

impl Store {
    /// Opens the store and brings its tables to this version's form.
    pub async fn open(
        config: StoreConfig,
        clock: Arc<dyn Clock>,
        follow_ups: FollowUps,
    ) -> Result<Self, StoreError> {
        let db = Db::open(&config.url, config.readers).await?;
        Ok(Self {
            db,
            assets: Arc::new(config.assets),
            clock,
            bus: broadcast::channel(BUS_CAPACITY).0,
            jobs_added: Arc::new(Notify::new()),
            follow_ups,
        })
    }

    /// Begins a change. Nothing of it is seen or kept before [`Tx::commit`].
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Tx::begin(self).await
    }

    /// Wake-ups after each commit from now on. A slow reader that gets `Lagged` has lost wake-ups, not events.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.bus.subscribe()
    }

    /// Waits until a commit has added jobs. One waiter is woken.
    pub async fn jobs_added(&self) {
        self.jobs_added.notified().await;
    }

    /// Waits for what is under way, then closes all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
