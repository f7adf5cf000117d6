//! A bound on the bytes of all that waits: many large webhooks must not fill the memory.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use opsseer_core::{Alert, Labels};

/// What an alert takes beside its texts and maps, in bytes. This and what follows was measured with an allocator that
/// counts: for Alertmanager's own bodies the sum is 1.0 to 1.3 times what is taken, for 250 labels of a letter each 0.75.
const ALERT: usize = 640;

/// What a map takes as soon as there is anything in it, in bytes.
const MAP: usize = 384;

/// What a label or an annotation takes beside its texts, in bytes.
const LABEL: usize = 112;

/// Bytes that may be in use. Cheap to clone.
#[derive(Clone)]
pub(super) struct Budget {
    limit: usize,
    used: Arc<AtomicUsize>,
}

/// Bytes in use, given back on drop.
pub(crate) struct Share {
    bytes: usize,
    limit: usize,
    used: Arc<AtomicUsize>,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// Takes so many bytes, if they are free. Where nothing is in use any size is taken, for what is larger than all would
    /// else be refused for ever.
    pub(super) fn take(&self, bytes: usize) -> Option<Share> {
        let mut share = Share { bytes: 0, limit: self.limit, used: self.used.clone() };
        share.resize(bytes).then_some(share)
    }
}

impl Share {
    /// Makes this so many bytes. Less always goes; more only if that is free, or nothing else is in use. Otherwise this stays
    /// as it is and the answer is no.
    #[must_use]
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        let fits = |used: usize| {
            let after = (used - self.bytes).saturating_add(bytes);
            (bytes <= self.bytes || used == self.bytes || after <= self.limit).then_some(after)
        };
        let done = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if done {
            self.bytes = bytes;
        }
        done
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What alerts take in memory, roughly.
pub(crate) fn bytes_of(alerts: &[Alert]) -> usize {
    let map = |labels: &Labels| -> usize {
        let texts: usize = labels.iter().map(|(name, value)| LABEL + name.len() + value.len()).sum();
        if labels.is_empty() { 0 } else { MAP + texts }
    };
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let bytes = |alert: &Alert| {
        ALERT
            + map(&alert.labels)
            + map(&alert.annotations)
            + text(&alert.generator_url)
            + text(&alert.group_key)
    };
    alerts.iter().map(bytes).sum()
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

    #[test]
    fn a_share_grows_only_into_what_is_free_and_shrinks_always() {
        let budget = Budget::new(100);
        let mut share = budget.take(20).expect("free");
        let other = budget.take(70).expect("free");
        assert!(!share.resize(31));
        assert_eq!((share.bytes, budget.used.load(Ordering::Relaxed)), (20, 90));
        assert!(share.resize(30) && share.resize(5));
        drop(other);
        assert!(share.resize(1_000), "it is alone");
        assert!(budget.take(1).is_none());
        assert!(share.resize(500), "less than before, though more than all");
        drop(share);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
