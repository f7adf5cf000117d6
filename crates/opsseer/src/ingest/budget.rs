//! A bound on the bytes of all that waits: many large webhooks must not fill the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use opsseer_core::{Alert, Labels};

/// What an alert takes beside its texts, roughly, in bytes.
const ALERT: usize = 512;

/// What a label or an annotation takes beside its texts, roughly, in bytes.
const LABEL: usize = 64;

/// Bytes that may be in use. Cheap to clone.
#[derive(Clone)]
pub(super) struct Budget {
    limit: usize,
    used: Arc<AtomicUsize>,
}

/// Bytes in use, given back on drop.
pub(super) struct Share {
    bytes: usize,
    used: Arc<AtomicUsize>,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// Takes so many bytes, if they are free. Where nothing is in use any size is taken, for what is larger than all would
    /// else be refused for ever.
    pub(super) fn take(&self, bytes: usize) -> Option<Share> {
        let fits = |used: usize| {
            let after = used.saturating_add(bytes);
            (used == 0 || after <= self.limit).then_some(after)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Share { bytes, used: self.used.clone() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What alerts take in memory, roughly.
pub(super) fn bytes_of(alerts: &[Alert]) -> usize {
    let texts = |labels: &Labels| -> usize {
        labels.iter().map(|(name, value)| LABEL + name.len() + value.len()).sum()
    };
    alerts.iter().map(|alert| ALERT + texts(&alert.labels) + texts(&alert.annotations)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_until_something_is_given_back() {
        let budget = Budget::new(100);
        let first = budget.take(60).expect("free");
        assert!(budget.take(50).is_none());
        let second = budget.take(40).expect("just fits");
        drop(first);
        let third = budget.take(50).expect("free again");
        drop((second, third));
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_larger_than_the_whole_is_taken_alone() {
        let budget = Budget::new(100);
        let large = budget.take(1_000).expect("nothing else is there");
        assert!(budget.take(1).is_none());
        drop(large);
        assert!(budget.take(1).is_some());
    }
}
