//! How many jobs may run at once: altogether, and of each kind.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;

use crate::config::Jobs;

/// The places in which jobs run. One kind that is slow fills its own places and leaves the others theirs.
pub(super) struct Slots {
    workers: u32,
    kinds: Vec<Kind>,
    freed: Arc<Notify>,
}

struct Kind {
    name: &'static str,
    at_most: u32,
    running: Arc<AtomicU32>,
}

/// A place that a job has. It is free again when this is dropped, however the job ended.
pub(super) struct Place {
    running: Option<Arc<AtomicU32>>,
    freed: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.fetch_sub(1, Ordering::Relaxed);
        }
        self.freed.notify_one();
    }
}

impl Slots {
    /// As many places as the configuration says. A kind that it does not name may have them all.
    pub(super) fn new(set: &Jobs, kinds: &[&'static str]) -> Self {
        let kind = |name: &&'static str| Kind {
            name,
            at_most: set.at_most.get(*name).copied().unwrap_or(set.workers),
            running: Arc::default(),
        };
        Self { workers: set.workers, kinds: kinds.iter().map(kind).collect(), freed: Arc::default() }
    }

    /// The free places of each kind, and altogether. Only the one who takes jobs asks, so they can only become more.
    pub(super) fn free(&self) -> (Vec<(&'static str, u32)>, u32) {
        let running = |kind: &Kind| kind.running.load(Ordering::Relaxed);
        let all: u32 = self.kinds.iter().map(running).sum();
        let free = |kind: &Kind| (kind.name, kind.at_most.saturating_sub(running(kind)));
        (self.kinds.iter().map(free).collect(), self.workers.saturating_sub(all))
    }

    /// Gives a job of this kind one of the places that are [`Slots::free`].
    pub(super) fn take(&self, kind: &str) -> Place {
        let running = self.kinds.iter().find(|one| one.name == kind).map(|one| one.running.clone());
        if let Some(running) = &running {
            running.fetch_add(1, Ordering::Relaxed);
        }
        Place { running, freed: self.freed.clone() }
    }

    /// Waits until a place has become free since the last wait.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn a_kind_fills_its_own_places_and_leaves_the_others_theirs() {
        let set = "[jobs]\nworkers = 3\nat_most = { chart_metric = 2 }";
        let config = Config::with_overrides(set).expect("a configuration");
        let slots = Slots::new(&config.jobs, &["answer_runbook", "chart_metric"]);
        assert_eq!(slots.free(), (vec![("answer_runbook", 3), ("chart_metric", 2)], 3));
        let (first, second) = (slots.take("chart_metric"), slots.take("chart_metric"));
        assert_eq!(slots.free(), (vec![("answer_runbook", 3), ("chart_metric", 0)], 1));
        drop(first);
        slots.freed().await;
        drop(second);
        assert_eq!(slots.free(), (vec![("answer_runbook", 3), ("chart_metric", 2)], 3));
    }
}
