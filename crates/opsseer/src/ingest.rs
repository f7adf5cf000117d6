//! The way of alerts into the store: one writer, many webhooks a commit.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opsseer_core::{Alert, CorrelationKey, Decision, Incident, IncidentId, Leaving, Policy, correlate, keep};
use opsseer_store::{Store, StoreError, StoredAlert, Tx};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// Takes alerts and answers when they are durable. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    /// Taken out when the server ends, which ends the writer once the queue is empty.
    queue: Arc<Mutex<Option<mpsc::Sender<Waiting>>>>,
    /// Whether the store refused the last commit.
    refusing: Arc<AtomicBool>,
}

/// Alerts that one commit writes at most, unless a single webhook holds more.
const MOST_ALERTS_A_COMMIT: usize = 2_000;

/// How long a commit under load waits for those that the last one answered.
const LINGER: Duration = Duration::from_millis(1);

struct Waiting {
    alerts: Vec<Alert>,
    answer: oneshot::Sender<Result<Vec<Incident>, Arc<StoreError>>>,
}

/// Why alerts were not taken. In each case nothing of them is kept, and the sender may try again.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The queue is full.
    #[error("too many webhooks are waiting to be written")]
    Full,
    /// The server is ending.
    #[error("the server is ending")]
    Ending,
    /// The store refused.
    #[error("the alerts could not be written")]
    Store(#[source] Arc<StoreError>),
}

impl Ingest {
    /// Writes the alerts of one webhook. When this answers, they are durable. Gives the incidents that they belong to.
    pub async fn submit(&self, alerts: Vec<Alert>) -> Result<Vec<Incident>, IngestError> {
        let queue = self.queue.lock().expect("never poisoned: nothing panics while it is held").clone();
        let queue = queue.ok_or(IngestError::Ending)?;
        let (answer, answered) = oneshot::channel();
        queue.try_send(Waiting { alerts, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => IngestError::Full,
            mpsc::error::TrySendError::Closed(_) => IngestError::Ending,
        })?;
        answered.await.map_err(|_| IngestError::Ending)?.map_err(IngestError::Store)
    }

    /// Takes no more. What is queued is still written.
    pub fn close(&self) {
        self.queue.lock().expect("never poisoned: nothing panics while it is held").take();
    }

    /// Whether the last commit succeeded.
    pub fn writes(&self) -> bool {
        !self.refusing.load(Ordering::Relaxed)
    }

    /// Whether the writer is there.
    pub fn is_alive(&self) -> bool {
        let queue = self.queue.lock().expect("never poisoned: nothing panics while it is held");
        queue.as_ref().is_some_and(|queue| !queue.is_closed())
    }
}

/// Starts the writer.
pub(crate) fn start(config: &Config, store: Store, tasks: &TaskTracker) -> Ingest {
    let (queue, waiting) = mpsc::channel(config.ingest.queue);
    let refusing = Arc::new(AtomicBool::new(false));
    let writer =
        Writer { refusing: refusing.clone(), store, policy: config.policy(), batch: config.ingest.batch };
    tasks.spawn(writer.run(waiting));
    Ingest { queue: Arc::new(Mutex::new(Some(queue))), refusing }
}

/// Splits what waits into batches of a bounded number of alerts, so that no transaction keeps others waiting for long.
fn bounded(waiting: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut batches: Vec<Vec<Waiting>> = Vec::new();
    let mut alerts = MOST_ALERTS_A_COMMIT;
    for one in waiting {
        alerts += one.alerts.len();
        if alerts > MOST_ALERTS_A_COMMIT {
            alerts = one.alerts.len();
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(one);
        }
    }
    batches
}

/// Under load, those that were just answered come again in a moment, and a commit of all costs little more than one of
/// half of them. A lone sender never waits.
async fn linger(waiting: &mut mpsc::Receiver<Waiting>, batch: &mut Vec<Waiting>, crowd: usize) {
    let deadline = Instant::now() + LINGER;
    while batch.len() < crowd {
        let more = crowd - batch.len();
        match timeout_at(deadline, waiting.recv_many(batch, more)).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
    }
}

struct Writer {
    refusing: Arc<AtomicBool>,
    store: Store,
    policy: Policy,
    batch: usize,
}

impl Writer {
    async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(self.batch);
        // Senders that are known to be about: those that the last commit answered, and those that waited for its end.
        let mut crowd = 0;
        // What came while the last commit was on its way to the disk goes into the next one together.
        while waiting.recv_many(&mut batch, self.batch).await > 0 {
            if crowd > 1 {
                linger(&mut waiting, &mut batch, crowd.min(self.batch)).await;
            }
            let answered = batch.len();
            metrics::gauge!("opsseer_ingest_queue_length")
                .set(f64::from(u32::try_from(waiting.len()).unwrap_or(u32::MAX)));
            for batch in bounded(std::mem::take(&mut batch)) {
                self.write(batch).await;
            }
            crowd = answered + waiting.len();
        }
    }

    async fn write(&self, batch: Vec<Waiting>) {
        let started = Instant::now();
        let bodies: Vec<&[Alert]> = batch.iter().map(|one| one.alerts.as_slice()).collect();
        let written = commit(&self.store, &self.policy, &bodies).await;
        metrics::histogram!("opsseer_commit_seconds").record(started.elapsed().as_secs_f64());
        self.refusing.store(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(incidents) => {
                for (one, incidents) in batch.into_iter().zip(incidents) {
                    // A sender that has left is answered on its next try: the alerts are kept.
                    drop(one.answer.send(Ok(incidents)));
                }
            }
            Err(error) => {
                // One body must not take the others of its batch down with it.
                let alone = batch.len() == 1;
                let shared = Arc::new(error);
                for one in batch {
                    let result = if alone {
                        Err(shared.clone())
                    } else {
                        commit(&self.store, &self.policy, &[&one.alerts])
                            .await
                            .map(|mut all| all.remove(0))
                            .map_err(Arc::new)
                    };
                    drop(one.answer.send(result));
                }
            }
        }
    }
}

/// Writes the alerts of several webhooks in one transaction. Gives each webhook's incidents.
async fn commit(
    store: &Store,
    policy: &Policy,
    bodies: &[&[Alert]],
) -> Result<Vec<Vec<Incident>>, StoreError> {
    let mut tx = store.begin().await?;
    let alerts: Vec<&Alert> = bodies.iter().copied().flatten().collect();
    tx.read_ahead(&alerts).await?;
    let mut answers = Vec::with_capacity(bodies.len());
    for alerts in bodies {
        let mut places: HashMap<IncidentId, usize> = HashMap::new();
        let mut incidents: Vec<Incident> = Vec::new();
        for alert in *alerts {
            let Some(incident) = take(&mut tx, policy, alert).await? else { continue };
            let place = *places.entry(incident.id).or_insert(incidents.len());
            if place == incidents.len() {
                incidents.push(incident);
            } else {
                incidents[place] = incident;
            }
        }
        answers.push(incidents);
    }
    tx.commit().await?;
    Ok(answers)
}

/// Lets one alert do what it does. Gives the incident that it belongs to, if any.
async fn take(tx: &mut Tx, policy: &Policy, alert: &Alert) -> Result<Option<Incident>, StoreError> {
    let before = tx.find_alert(&alert.fingerprint, &alert.identity).await?;
    let own = match before.as_ref().and_then(|before| before.incident) {
        Some(id) => tx.find_incident(id.into()).await?,
        None => None,
    };
    let known = before.as_ref().map(StoredAlert::known);
    let alert = alert.clone().with_known_start(known.as_ref());
    let same_key = tx.find_open_incident_by_key(&CorrelationKey::of(&alert).key).await?;
    let decision = correlate(&alert, known.as_ref(), own.as_ref(), same_key.as_ref(), policy, tx.now());
    let stays_as_it_was = keep(&alert, known.as_ref(), &decision).is_none();
    let incident = match decision {
        Decision::Heartbeat => {
            tx.beat(alert.source).await?;
            None
        }
        Decision::Ignore(reason) => {
            tracing::debug!(fingerprint = %alert.fingerprint, ?reason, "alert changes nothing");
            own
        }
        Decision::Open(events, leaving) => {
            leave(tx, leaving, own);
            Some(tx.open_incident(events))
        }
        Decision::Append(id, events, leaving) => {
            let target = [own.clone(), same_key].into_iter().flatten().find(|incident| incident.id == id);
            leave(tx, leaving, own);
            target.map(|incident| tx.append(incident, events))
        }
    };
    let kept = before.as_ref().filter(|_| stays_as_it_was).map_or(alert, |before| before.alert.clone());
    tx.put_alert(kept, incident.as_ref().map(|incident| incident.id), before);
    Ok(incident)
}

/// Tells the incident that an alert belonged to that it has moved on.
fn leave(tx: &mut Tx, leaving: Option<Leaving>, own: Option<Incident>) {
    if let (Some(leaving), Some(own)) = (leaving, own) {
        tx.append(own, vec![leaving.event]);
    }
}
