//! Works out the vectors of the runbooks' pieces beside everything else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::library::Snapshot;
use super::vectors::VectorFile;
use crate::embed::{Embed, EmbedError};

/// So many pieces are handed to the model at a time.
const BATCH: usize = 16;

/// So many batches are under way, so that a thread of the model that has done one does not wait for the other to be done.
const AT_ONCE: usize = 2;

/// After so many new vectors they are written to disk, so that a crash loses little work.
const SAVE_EVERY: usize = 2_048;

/// How long to wait before the next try when the model fails; the last one again and again.
const WAITS: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
];

/// How far the vectors are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Some are missing. Places whose vectors are missing are found by their words alone.
    Working,
    /// The model failed, in words; it is tried again after a while.
    Failing(String),
    /// All are there, or there is no model.
    Done,
}

/// Starts the thread. It ends when the sender of `snapshots` is gone.
pub(super) fn start(
    embedder: Arc<dyn Embed>,
    file: Option<VectorFile>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
) -> io::Result<watch::Receiver<Progress>> {
    let (progress, progress_receiver) = watch::channel(Progress::Working);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let worker = Worker { embedder, file, progress };
    std::thread::Builder::new()
        .name("runbook-vectors".to_owned())
        .spawn(move || runtime.block_on(worker.keep_up(snapshots)))?;
    Ok(progress_receiver)
}

struct Worker {
    embedder: Arc<dyn Embed>,
    file: Option<VectorFile>,
    progress: watch::Sender<Progress>,
}

impl Worker {
    async fn keep_up(self, mut snapshots: watch::Receiver<Arc<Snapshot>>) {
        loop {
            let now = Arc::clone(&snapshots.borrow_and_update());
            tokio::select! {
                () = self.complete(&now) => {
                    if snapshots.changed().await.is_err() {
                        return;
                    }
                }
                // The runbooks changed meanwhile. What was worked out is kept for the texts that are still there.
                changed = snapshots.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }

    /// Works out all vectors that are missing, however long it takes.
    async fn complete(&self, now: &Snapshot) {
        let missing = now.meanings.missing();
        if missing.is_empty() {
            self.progress.send_replace(Progress::Done);
            return;
        }
        self.progress.send_replace(Progress::Working);
        tracing::info!(
            pieces = missing.len(),
            of = now.meanings.len(),
            "working out the vectors of the runbooks"
        );
        for part in missing.chunks(SAVE_EVERY) {
            // Texts of like length fill a run of the model without padding.
            let mut part = part.to_vec();
            part.sort_by_key(|piece| now.meanings.text(*piece).len());
            let batches = stream::iter(part.chunks(BATCH));
            batches.for_each_concurrent(AT_ONCE, |batch| self.embed(now, batch)).await;
            self.save(now);
        }
        self.progress.send_replace(Progress::Done);
        tracing::info!(pieces = missing.len(), "the vectors of the runbooks are complete");
    }

    async fn embed(&self, now: &Snapshot, batch: &[usize]) {
        let mut waits = WAITS.iter();
        loop {
            let texts: Vec<String> = batch.iter().map(|piece| now.meanings.text(*piece).to_owned()).collect();
            let error = match self.embedder.embed(texts).await {
                Ok(vectors) if vectors.len() == batch.len() => {
                    for (piece, vector) in batch.iter().zip(vectors) {
                        now.meanings.set(*piece, vector);
                    }
                    self.progress.send_if_modified(|progress| {
                        let was_failing = *progress != Progress::Working;
                        *progress = Progress::Working;
                        was_failing
                    });
                    return;
                }
                Ok(vectors) => {
                    EmbedError::Failed(format!("{} vectors for {} texts", vectors.len(), batch.len()))
                }
                Err(error) => error,
            };
            let wait = waits.next().unwrap_or(&WAITS[WAITS.len() - 1]);
            // A full queue is no fault: people come first.
            if !matches!(error, EmbedError::Busy) {
                tracing::warn!("cannot work out vectors of the runbooks, next try in {wait:?}: {error}");
                self.progress.send_replace(Progress::Failing(error.to_string()));
            }
            tokio::time::sleep(*wait).await;
        }
    }

    fn save(&self, now: &Snapshot) {
        let Some(file) = &self.file else { return };
        if let Err(error) = file.save(&now.meanings.known()) {
            tracing::warn!(
                "cannot keep the vectors of the runbooks, a restart works them out again: {error}"
            );
        }
    }
}
