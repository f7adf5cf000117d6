//! A scrape: one thread reads and renders, and whoever asks meanwhile shares the next reading.
//!
//! Cgroup files are read when Prometheus asks, so the figures are of that moment and nothing is read in vain. Docker is
//! never asked: what it knows is in the fleet already. Reading happens on one thread of its own, because a read of a
//! cgroup file can wait for a lock of the kernel's; a scrape then gets the reading before, in time.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use axum::body::Bytes;
use tokio::{sync::oneshot, time::timeout};

use crate::metrics::{Health, Metrics};

/// Scrapes that may wait for a reading. Prometheus asks one at a time; more are answered from the last reading.
const WAITING: usize = 64;

/// What a scrape waits for.
type Answer = Result<Bytes, ScrapeError>;

/// Why a scrape has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ScrapeError {
    /// The first reading of all is not finished yet.
    #[error("no reading has been finished yet; try again")]
    NotYet,
    /// The exposition could not be written.
    #[error("the metrics could not be written")]
    Write(#[from] fmt::Error),
}

/// Answers scrapes. The reading thread ends when this is dropped.
pub(crate) struct Scraper {
    requests: mpsc::SyncSender<oneshot::Sender<Answer>>,
    latest: Arc<Mutex<Option<Bytes>>>,
    patience: Duration,
    health: Health,
}

impl Scraper {
    /// Starts the reading thread. `read` renews the rows that `metrics` exposes. A scrape waits at most `patience` for it.
    pub(crate) fn start(
        metrics: Metrics,
        health: Health,
        patience: Duration,
        mut read: impl FnMut() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, inbox) = mpsc::sync_channel::<oneshot::Sender<Answer>>(WAITING);
        let latest = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&latest);
        thread::Builder::new().name("read-cgroups".to_owned()).spawn(move || {
            while let Ok(first) = inbox.recv() {
                // Those who have come meanwhile share the reading that begins now.
                let others: Vec<_> = inbox.try_iter().collect();
                read();
                let answer = metrics.expose().map(Bytes::from).map_err(ScrapeError::from);
                if let Ok(text) = &answer {
                    *shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.clone());
                }
                for waiting in others.into_iter().chain([first]) {
                    // Whoever has left needs no answer.
                    let _ = waiting.send(answer.clone());
                }
            }
        })?;
        Ok(Self { requests, latest, patience, health })
    }

    /// The exposition, with figures of now, or those of the reading before if a new one does not come in time.
    pub(crate) async fn scrape(&self) -> Answer {
        let (sender, receiver) = oneshot::channel();
        if self.requests.try_send(sender).is_ok()
            && let Ok(Ok(answer)) = timeout(self.patience, receiver).await
        {
            return answer;
        }
        self.health.late_scrapes.inc();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        latest.ok_or(ScrapeError::NotYet)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::metrics::Rows;

    /// A scraper whose every reading waits for a word from the test.
    fn held() -> (Scraper, mpsc::Sender<()>, mpsc::Receiver<()>) {
        let (go, may_go) = mpsc::channel::<()>();
        let (began, begins) = mpsc::channel::<()>();
        let health = Health::default();
        let metrics = Metrics::new(SystemTime::UNIX_EPOCH, Rows::default(), &health);
        let read = move || {
            began.send(()).unwrap();
            let _ = may_go.recv();
        };
        let scraper = Scraper::start(metrics, health, Duration::from_millis(50), read).unwrap();
        (scraper, go, begins)
    }

    #[tokio::test]
    async fn a_reading_that_hangs_does_not_hold_a_scrape_up() {
        let (scraper, go, _begins) = held();
        assert!(matches!(scraper.scrape().await, Err(ScrapeError::NotYet)));
        go.send(()).unwrap();
        go.send(()).unwrap();
        // The thread has one reading behind it and may do another.
        let text = loop {
            if let Ok(text) = scraper.scrape().await {
                break text;
            }
        };
        assert!(text.ends_with(b"# EOF\n"));
        // Now it hangs again, and the reading before is given.
        assert_eq!(scraper.scrape().await.unwrap(), text);
        assert!(scraper.health.late_scrapes.get() >= 2);
    }

    #[tokio::test]
    async fn scrapes_that_come_during_a_reading_share_the_next_one() {
        let (mut scraper, go, begins) = held();
        scraper.patience = Duration::from_secs(30);
        let scraper = Arc::new(scraper);
        let scrape = || {
            let scraper = Arc::clone(&scraper);
            tokio::spawn(async move { scraper.scrape().await.map(|_| ()) })
        };
        let first = scrape();
        let begins =
            tokio::task::spawn_blocking(move || begins.recv().map(|()| begins)).await.unwrap().unwrap();
        let others: Vec<_> = (0..10).map(|_| scrape()).collect();
        // All ten have to be in the queue before the first reading ends.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(begins.try_iter().count(), 1, "one more reading for all ten");
    }
}
