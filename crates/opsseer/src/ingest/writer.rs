//! The one task that writes alerts.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use opsseer_core::{Alert, Incident, Policy};
use opsseer_store::{Store, StoreError};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::{IngestError, State, Waiting, take};

/// Alerts that one commit writes at most, unless a single webhook holds more.
const MOST_ALERTS_A_COMMIT: usize = 2_000;

/// How long a commit under load waits for those that the last one answered.
const LINGER: Duration = Duration::from_millis(1);

/// How often a store that refuses is tried while nobody sends.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// When so many webhooks of a batch were refused one by one, and none taken, it is not the webhooks' fault.
const MOST_REFUSED_ALONE: usize = 3;

pub(super) struct Writer {
    pub(super) state: Arc<State>,
    pub(super) store: Store,
    pub(super) policy: Policy,
    pub(super) batch: usize,
    pub(super) timeout: Duration,
}

impl Writer {
    pub(super) async fn run(self, mut waiting: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::with_capacity(self.batch);
        // Senders that are known to be about: those that the last commit answered, and those that waited for its end.
        let mut crowd = 0;
        // What came while the last commit was on its way to the disk goes into the next one together.
        while self.receive(&mut waiting, &mut batch).await > 0 {
            self.note_oldest(batch.iter().map(|one| one.received).min());
            if crowd > 1 {
                linger(&mut waiting, &mut batch, crowd.min(self.batch)).await;
            }
            let answered = batch.len();
            for batch in bounded(std::mem::take(&mut batch)) {
                self.write(batch).await;
            }
            self.note_oldest(None);
            crowd = answered + waiting.len();
        }
    }

    /// Waits for webhooks. Meanwhile a store that refuses is tried again and again, so that the server says by itself
    /// that it is well again.
    async fn receive(&self, waiting: &mut mpsc::Receiver<Waiting>, batch: &mut Vec<Waiting>) -> usize {
        while self.state.refusing.load(Ordering::Relaxed) {
            match timeout(TRY_EVERY, waiting.recv_many(batch, self.batch)).await {
                Ok(received) => return received,
                Err(_) => self.try_store().await,
            }
        }
        waiting.recv_many(batch, self.batch).await
    }

    async fn try_store(&self) {
        let empty = async { self.store.begin().await?.commit().await };
        let works = matches!(timeout(self.timeout, empty).await, Ok(Ok(())));
        if works {
            tracing::info!("the store takes alerts again");
        }
        self.state.refusing.store(!works, Ordering::Relaxed);
    }

    fn note_oldest(&self, oldest: Option<Instant>) {
        *self.state.oldest.lock().expect("never poisoned: nothing panics while it is held") = oldest;
    }

    async fn write(&self, batch: Vec<Waiting>) {
        let bodies: Vec<&[Alert]> = batch.iter().map(|one| one.alerts.as_slice()).collect();
        let written = self.commit(&bodies).await;
        self.state.refusing.store(written.is_err(), Ordering::Relaxed);
        match written {
            Ok(incidents) => {
                for (one, incidents) in batch.into_iter().zip(incidents) {
                    answer(one, Ok(incidents));
                }
            }
            // A store that hangs would hang once more for each.
            Err(error @ IngestError::Slow(_)) => {
                for one in batch {
                    answer(one, Err(error.clone()));
                }
            }
            Err(error) if batch.len() == 1 => {
                for one in batch {
                    answer(one, Err(error.clone()));
                }
            }
            Err(error) => self.write_one_by_one(batch, error).await,
        }
    }

    /// One body must not take the others of its batch down with it.
    async fn write_one_by_one(&self, batch: Vec<Waiting>, mut error: IngestError) {
        let mut refused = 0;
        let mut any_taken = false;
        for one in batch {
            if !any_taken && refused >= MOST_REFUSED_ALONE {
                answer(one, Err(error.clone()));
                continue;
            }
            match self.commit(&[&one.alerts]).await {
                Ok(mut incidents) => {
                    any_taken = true;
                    answer(one, Ok(incidents.pop().unwrap_or_default()));
                }
                Err(again) => {
                    refused += 1;
                    error = again;
                    answer(one, Err(error.clone()));
                }
            }
        }
        self.state.refusing.store(!any_taken, Ordering::Relaxed);
    }

    /// Writes the alerts of several webhooks in one transaction. Gives each webhook's incidents.
    async fn commit(&self, bodies: &[&[Alert]]) -> Result<Vec<Vec<Incident>>, IngestError> {
        let started = Instant::now();
        let written = match timeout(self.timeout, commit(&self.store, &self.policy, bodies)).await {
            Ok(Ok(written)) => Ok(written),
            Ok(Err(error)) => Err(IngestError::Store(Arc::new(error))),
            Err(_) => Err(IngestError::Slow(self.timeout)),
        };
        metrics::histogram!("opsseer_commit_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("opsseer_commit_webhooks")
            .record(f64::from(u32::try_from(bodies.len()).unwrap_or(u32::MAX)));
        if written.is_err() {
            metrics::counter!("opsseer_commit_failures_total").increment(1);
        }
        let (incidents, decisions) = written?;
        for (decision, count) in decisions {
            metrics::counter!("opsseer_alert_decisions_total", "decision" => decision).increment(count);
        }
        Ok(incidents)
    }
}

/// What became of the alerts of each webhook, and how often each decision was taken.
type Written = (Vec<Vec<Incident>>, take::Decisions);

async fn commit(store: &Store, policy: &Policy, bodies: &[&[Alert]]) -> Result<Written, StoreError> {
    let mut tx = store.begin().await?;
    let alerts: Vec<&Alert> = bodies.iter().copied().flatten().collect();
    tx.read_ahead(&alerts).await?;
    let mut decisions = take::Decisions::default();
    let mut answers = Vec::with_capacity(bodies.len());
    for alerts in bodies {
        answers.push(take::take_all(&mut tx, policy, alerts, &mut decisions).await?);
    }
    tx.commit().await?;
    Ok((answers, decisions))
}

fn answer(one: Waiting, result: Result<Vec<Incident>, IngestError>) {
    if result.is_ok() {
        metrics::histogram!("opsseer_ingest_wait_seconds").record(one.received.elapsed().as_secs_f64());
    }
    // Before the answer: the sender may come again at once.
    drop(one.share);
    // A sender that has left is answered on its next try: what was kept is kept.
    drop(one.answer.send(result));
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
