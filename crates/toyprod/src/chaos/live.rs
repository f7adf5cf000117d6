//! The chaos in force: read by every order, changed by one request at a time.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use thiserror::Error;
use tokio::sync::{Mutex, watch};

use super::{BadChange, Change, Settings, hog::Hog};

/// Settings and the moments from which they count.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// What goes wrong.
    pub settings: Settings,
    /// When anything was last changed.
    pub since: Instant,
    /// When the delay's shape began: a new fail rate alone does not start a ramp again.
    shape_since: Instant,
}

impl InForce {
    /// How long an order that arrives at `now` waits.
    pub fn delay_at(&self, now: Instant) -> Duration {
        self.settings.delay(now.saturating_duration_since(self.shape_since))
    }

    fn changed_to(&self, settings: Settings, now: Instant) -> Self {
        let shape = |settings: &Settings| (settings.mode, settings.delay_ms, settings.period_s);
        let same_shape = shape(&self.settings) == shape(&settings);
        Self { settings, since: now, shape_since: if same_shape { self.shape_since } else { now } }
    }
}

/// Why a change did not happen. Nothing has changed then.
#[derive(Debug, Error)]
pub enum ChangeError {
    /// The request asks for something that is not allowed.
    #[error(transparent)]
    Bad(#[from] BadChange),
    /// The system gives no thread to leak or burn with.
    #[error("start the chaos threads")]
    NoThread(#[source] io::Error),
}

/// The live state, shared by all handlers.
pub struct Live {
    started: (SystemTime, Instant),
    in_force: watch::Sender<InForce>,
    /// Also the lock that makes one change wait for another.
    hog: Mutex<Option<Hog>>,
    leaked: Arc<AtomicU64>,
}

impl Live {
    /// Calm since the start, which is `wall` on the wall clock and `monotonic` on the monotonic one.
    pub fn new(wall: SystemTime, monotonic: Instant) -> Self {
        let calm = InForce { settings: Settings::CALM, since: monotonic, shape_since: monotonic };
        Self {
            started: (wall, monotonic),
            in_force: watch::Sender::new(calm),
            hog: Mutex::default(),
            leaked: Arc::default(),
        }
    }

    /// What is in force now.
    pub fn in_force(&self) -> InForce {
        *self.in_force.borrow()
    }

    /// Bytes that the leak holds now.
    pub fn leaked_bytes(&self) -> u64 {
        self.leaked.load(Ordering::Relaxed)
    }

    /// The wall clock's time at `at`, reckoned from the start, so that a stepped clock does not confuse it.
    pub fn wall_time(&self, at: Instant) -> SystemTime {
        let (wall, monotonic) = self.started;
        wall + at.saturating_duration_since(monotonic)
    }

    /// Puts `change` in force at `now` and returns the new state, once memory and cores that it frees are free.
    pub async fn apply(&self, change: &Change, now: Instant) -> Result<InForce, ChangeError> {
        let mut hog = self.hog.lock().await;
        let before = self.in_force();
        let after = before.changed_to(before.settings.changed_by(change)?, now);
        let hogging = |settings: &Settings| (settings.mode, settings.leak_mib_per_s, settings.burn_threads);
        let outgoing = if hogging(&before.settings) == hogging(&after.settings) {
            None
        } else {
            let incoming = Hog::start(&after.settings, &self.leaked).map_err(ChangeError::NoThread)?;
            std::mem::replace(&mut *hog, incoming)
        };
        // From here on the change is made, even if the client leaves before the old threads have ended.
        self.in_force.send_replace(after);
        if let Some(outgoing) = outgoing
            && let Err(error) = tokio::task::spawn_blocking(|| outgoing.stop()).await
        {
            tracing::error!(%error, "could not wait for the chaos threads to end");
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn change(query: &[(&str, &str)]) -> Change {
        let owned: Vec<_> = query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Change::from_parameters(&owned).unwrap()
    }

    #[tokio::test]
    async fn a_new_fail_rate_does_not_start_the_ramp_again() {
        let start = Instant::now();
        let live = Live::new(SystemTime::UNIX_EPOCH, start);
        live.apply(&change(&[("mode", "ramp"), ("delay_ms", "400"), ("period_s", "100")]), start)
            .await
            .unwrap();
        let later = start + Duration::from_secs(50);
        let state = live.apply(&change(&[("fail_rate", "0.5")]), later).await.unwrap();
        assert_eq!(state.delay_at(later), Duration::from_millis(200));
        assert_eq!(state.since, later);
        assert_eq!(live.wall_time(state.since), SystemTime::UNIX_EPOCH + Duration::from_secs(50));
    }

    #[tokio::test]
    async fn a_refused_change_changes_nothing() {
        let start = Instant::now();
        let live = Live::new(SystemTime::UNIX_EPOCH, start);
        live.apply(&change(&[("mode", "constant"), ("delay_ms", "40")]), start).await.unwrap();
        let refused = live.apply(&change(&[("fail_rate", "1"), ("period_s", "9")]), start).await;
        assert!(matches!(refused, Err(ChangeError::Bad(_))));
        let settings = live.in_force().settings;
        assert_eq!(settings, Settings { mode: Mode::Constant, delay_ms: 40, ..Settings::CALM });
    }

    #[tokio::test]
    async fn leaving_leak_frees_the_memory_before_the_answer() {
        let live = Live::new(SystemTime::UNIX_EPOCH, Instant::now());
        live.apply(&change(&[("mode", "leak"), ("leak_mib_per_s", "64")]), Instant::now()).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while live.leaked_bytes() == 0 {
            assert!(Instant::now() < deadline, "nothing leaked");
            tokio::task::yield_now().await;
        }
        live.apply(&change(&[("mode", "none")]), Instant::now()).await.unwrap();
        assert_eq!(live.leaked_bytes(), 0);
    }
}
