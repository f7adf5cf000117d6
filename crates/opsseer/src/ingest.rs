//! The way of alerts into the store: one writer, many webhooks a commit.

mod budget;
mod take;
mod writer;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opsseer_core::{Alert, Incident};
use opsseer_store::{Store, StoreError};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::budget::{Share, bytes_of};
use self::{budget::Budget, writer::Writer};
use crate::{config::Config, vital::Vital};

/// How often the gauges of what waits are set.
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// Takes alerts and answers when they are durable. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    /// Taken out when the server ends, which ends the writer once the queue is empty.
    queue: Arc<Mutex<Option<mpsc::Sender<Waiting>>>>,
    /// What all that waits may hold.
    budget: Budget,
    state: Arc<State>,
    closed: CancellationToken,
}

/// What the writer says of itself.
#[derive(Default)]
struct State {
    /// Whether the store refused the last commit.
    refusing: AtomicBool,
    /// Since when the oldest webhook waits that is not answered yet.
    oldest: Mutex<Option<Instant>>,
}

struct Waiting {
    alerts: Vec<Alert>,
    received: Instant,
    answer: oneshot::Sender<Result<Taken, IngestError>>,
    /// What it takes of the budget.
    share: Share,
}

/// What became of the alerts of one webhook.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The incidents that they belong to, each once.
    pub incidents: Vec<Incident>,
    /// How many of the alerts changed one. The others said what was known, or are no sign of trouble.
    pub changes: u64,
}

/// Why alerts were not taken. The sender may try again: what was kept after all changes nothing the second time.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IngestError {
    /// Too many wait, or too much. Nothing is kept.
    #[error("too many webhooks are waiting to be written")]
    Full,
    /// The server is ending. Nothing is kept.
    #[error("the server is ending")]
    Ending,
    /// The store refused. Nothing is kept.
    #[error("the alerts could not be written")]
    Store(#[source] Arc<StoreError>),
    /// The writer broke off while it had them. Whether they are kept is not known.
    #[error("the writer broke off, and the server ends to be started again")]
    Broken,
    /// The store did not say in time whether it kept them.
    #[error("the store did not answer within {0:?}")]
    Slow(Duration),
}

impl Ingest {
    /// Writes the alerts of one webhook. When this answers, they are durable. Gives the incidents that they belong to.
    pub async fn submit(&self, alerts: Vec<Alert>) -> Result<Vec<Incident>, IngestError> {
        Ok(self.submit_counted(alerts).await?.incidents)
    }

    /// As [`Ingest::submit`]. Gives also how many of the alerts were news.
    pub async fn submit_counted(&self, alerts: Vec<Alert>) -> Result<Taken, IngestError> {
        let share = self.reserve(bytes_of(&alerts))?;
        self.submit_within(alerts, share).await
    }

    /// Takes a share of the memory that all that waits may take, in bytes. Refused if so much is not free.
    pub(crate) fn reserve(&self, bytes: usize) -> Result<Share, IngestError> {
        self.budget.take(bytes).ok_or(IngestError::Full)
    }

    /// As [`Ingest::submit_counted`], for alerts that have their share of the memory already.
    pub(crate) async fn submit_within(&self, alerts: Vec<Alert>, share: Share) -> Result<Taken, IngestError> {
        let queue = self.queue.lock().expect("never poisoned: nothing panics while it is held").clone();
        let queue = queue.ok_or(IngestError::Ending)?;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { alerts, received: Instant::now(), answer, share };
        queue.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => IngestError::Full,
            mpsc::error::TrySendError::Closed(_) => IngestError::Ending,
        })?;
        answered.await.map_err(|_| IngestError::Broken)?
    }

    /// Takes no more. What is queued is still written.
    pub fn close(&self) {
        self.closed.cancel();
        self.queue.lock().expect("never poisoned: nothing panics while it is held").take();
    }

    /// Whether the last commit succeeded.
    pub fn writes(&self) -> bool {
        !self.state.refusing.load(Ordering::Relaxed)
    }

    /// Whether the writer is there.
    pub fn is_alive(&self) -> bool {
        let queue = self.queue.lock().expect("never poisoned: nothing panics while it is held");
        queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }

    /// Sets the gauges of what waits.
    fn set_gauges(&self) {
        let queue = self.queue.lock().expect("never poisoned: nothing panics while it is held").clone();
        let length = queue.map_or(0, |queue| queue.max_capacity() - queue.capacity());
        metrics::gauge!("opsseer_ingest_queue_length")
            .set(f64::from(u32::try_from(length).unwrap_or(u32::MAX)));
        let oldest = *self.state.oldest.lock().expect("never poisoned: nothing panics while it is held");
        let age = oldest.map_or(Duration::ZERO, |since| since.elapsed());
        metrics::gauge!("opsseer_ingest_oldest_seconds").set(age.as_secs_f64());
    }
}

/// Starts the writer, and what keeps its gauges.
pub(crate) fn start(config: &Config, store: Store, vital: &Vital) -> Ingest {
    let (queue, waiting) = mpsc::channel(config.ingest.queue);
    let state = Arc::new(State::default());
    let writer = Writer {
        state: state.clone(),
        store,
        policy: config.policy(),
        batch: config.ingest.batch,
        timeout: config.store.timeout,
    };
    vital.start("writer", writer.run(waiting));
    let ingest = Ingest {
        queue: Arc::new(Mutex::new(Some(queue))),
        budget: Budget::new(config.ingest.queue_bytes),
        state,
        closed: CancellationToken::new(),
    };
    vital.start("gauges", keep_gauges(ingest.clone()));
    ingest
}

/// Not the writer's to do: while it waits for a store that hangs is when the gauges matter.
async fn keep_gauges(ingest: Ingest) {
    let mut ticks = tokio::time::interval(GAUGES_EVERY);
    while ingest.closed.run_until_cancelled(ticks.tick()).await.is_some() {
        ingest.set_gauges();
    }
}
