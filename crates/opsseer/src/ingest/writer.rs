//! The one task that writes alerts.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use opsseer_core::{Alert, Policy};
use opsseer_store::{Store, StoreError};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::{IngestError, State, Taken, Waiting, take};

/// Alerts that one commit writes at most, unless a single webhook holds more.
const MOST_ALERTS_A_COMMIT: usize = 2_000;

/// How long a commit under load waits for those that the last one answered.
const LINGER: Duration = Duration::from_millis(1);

/// How often a store that refuses is tried while nobody sends.
const TRY_EVERY: Duration = Duration::from_secs(1);

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
        let works = self.store_works().await;
        if works {
            tracing::info!("the store takes alerts again");
        }
        self.state.refusing.store(!works, Ordering::Relaxed);
    }

    /// Whether the store takes a transaction with nothing in it.
    async fn store_works(&self) -> bool {
        let empty = async { self.store.begin().await?.commit().await };
        matches!(timeout(self.timeout, empty).await, Ok(Ok(())))
    }

    fn note_oldest(&self, oldest: Option<Instant>) {
        *self.state.oldest.lock().expect("never poisoned: nothing panics while it is held") = oldest;
    }

    async fn write(&self, batch: Vec<Waiting>) {
        let bodies: Vec<&[Alert]> = batch.iter().map(|one| one.alerts.as_slice()).collect();
        let written = self.commit(&bodies).await;
        match written {
            Ok(taken) => {
                self.state.refusing.store(false, Ordering::Relaxed);
                for (one, taken) in batch.into_iter().zip(taken) {
                    answer(one, Ok(taken));
                }
            }
            Err(error) if batch.len() == 1 || matches!(error, IngestError::Slow(_)) => {
                self.judge(&error).await;
                for one in batch {
                    answer(one, Err(error.clone()));
                }
            }
            Err(_) => self.write_one_by_one(batch).await,
        }
    }

    /// One body must not take the others of its batch down with it.
    async fn write_one_by_one(&self, batch: Vec<Waiting>) {
        let mut batch = batch.into_iter();
        while let Some(one) = batch.next() {
            match self.commit(&[&one.alerts]).await {
                Ok(mut taken) => {
                    self.state.refusing.store(false, Ordering::Relaxed);
                    answer(one, Ok(taken.pop().unwrap_or_default()));
                }
                Err(error) => {
                    let works = self.judge(&error).await;
                    answer(one, Err(error.clone()));
                    if !works {
                        batch.by_ref().for_each(|one| answer(one, Err(error.clone())));
                    }
                }
            }
        }
    }

    /// Finds out whether it was the store that refused, or only this body that cannot be written. One body must not make
    /// the whole server look as if it could write nothing.
    async fn judge(&self, error: &IngestError) -> bool {
        // A store that hangs would hang once more.
        let works = !matches!(error, IngestError::Slow(_)) && self.store_works().await;
        self.state.refusing.store(!works, Ordering::Relaxed);
        works
    }

    /// Writes the alerts of several webhooks in one transaction. Gives what became of each.
    async fn commit(&self, bodies: &[&[Alert]]) -> Result<Vec<Taken>, IngestError> {
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
        let (taken, decisions) = written?;
        for (decision, count) in decisions {
            metrics::counter!("opsseer_alert_decisions_total", "decision" => decision).increment(count);
        }
        Ok(taken)
    }
}

/// What became of the alerts of each webhook, and how often each decision was taken.
type Written = (Vec<Taken>, take::Decisions);

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

fn answer(one: Waiting, result: Result<Taken, IngestError>) {
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
