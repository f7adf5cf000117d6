//! How another AI server is, as its last answer told.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use url::Url;

use super::trouble::Trouble;

/// A server that failed is not asked again for this long: meanwhile nobody waits for it.
const REST: Duration = Duration::from_secs(5);

/// How it is.
#[derive(Debug, Default)]
pub struct RemoteHealth {
    /// Its address, without a password.
    address: String,
    failed: Mutex<Option<Failed>>,
}

#[derive(Debug)]
struct Failed {
    reason: String,
    /// Not to be asked before this time.
    until: Option<Instant>,
}

impl RemoteHealth {
    pub(super) fn of(base: &Url) -> Self {
        let mut shown = base.clone();
        // Both only fail for addresses that cannot have one.
        let (_, _) = (shown.set_username(""), shown.set_password(None));
        Self { address: shown.as_str().trim_end_matches('/').to_owned(), failed: Mutex::default() }
    }

    /// Why there was no answer to what it was last asked: a sentence without its end. `None` if there was one, or if it was
    /// never asked.
    pub fn trouble(&self) -> Option<String> {
        self.locked().as_ref().map(|failed| failed.reason.clone())
    }

    /// Why it is not to be asked now; `None` if it is.
    pub(super) fn resting(&self, now: Instant) -> Option<String> {
        let failed = self.locked();
        let failed = failed.as_ref().filter(|failed| failed.until.is_some_and(|until| now < until))?;
        Some(failed.reason.clone())
    }

    /// Keeps that it failed, and gives the words for it.
    pub(super) fn failed(&self, trouble: &Trouble, now: Instant) -> String {
        let reason = format!("the AI server at {} {trouble}", self.address);
        let mut failed = self.locked();
        if failed.is_none() {
            tracing::warn!(reason, "going by words alone until the AI server answers");
        }
        let until = (!trouble.passes()).then(|| now + REST);
        *failed = Some(Failed { reason: reason.clone(), until });
        reason
    }

    /// Keeps that it answered.
    pub(super) fn answered(&self) {
        if self.locked().take().is_some() {
            tracing::info!(address = self.address, "the AI server answers again");
        }
    }

    fn locked(&self) -> MutexGuard<'_, Option<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_failed_rests_and_one_that_is_busy_does_not() {
        let health = RemoteHealth::of(&"http://ada:hunter2@gpu:8888/".parse().expect("an address"));
        let now = Instant::now();
        assert_eq!((health.trouble(), health.resting(now)), (None, None));
        let reason = health.failed(&Trouble::Silent(Duration::from_secs(5)), now);
        assert_eq!(reason, "the AI server at http://gpu:8888 did not answer within 5 s");
        assert_eq!(health.resting(now), Some(reason.clone()));
        assert_eq!((health.trouble(), health.resting(now + REST)), (Some(reason), None));
        health.failed(&Trouble::Busy, now);
        assert_eq!(health.resting(now), None);
        assert!(health.trouble().is_some_and(|reason| reason.ends_with("is busy")));
        health.answered();
        assert_eq!(health.trouble(), None);
    }
}
