use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::alerts::Labels;

/// What the senders know was accepted.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    alerts: BTreeMap<Labels, Acknowledged>,
}

/// What was accepted about one alert.
#[derive(Debug, Clone, Default)]
pub(super) struct Acknowledged {
    /// When it began to fire, each time.
    pub(super) firings: BTreeSet<DateTime<Utc>>,
    /// How often it ended.
    pub(super) ends: usize,
    /// Whether it fires.
    pub(super) fires: bool,
}

impl Ledger {
    /// An alert that began at `starts_at` fires, or has ended.
    pub(super) fn note(&mut self, labels: &Labels, starts_at: DateTime<Utc>, ended: bool) {
        let known = self.alerts.entry(labels.clone()).or_default();
        known.firings.insert(starts_at);
        known.ends += usize::from(ended);
        known.fires = !ended;
    }

    /// Adds what another sender knows. No two send the same alert.
    pub(super) fn add(&mut self, other: Self) {
        self.alerts.extend(other.alerts);
    }

    pub(super) fn alerts(&self) -> impl Iterator<Item = (&Labels, &Acknowledged)> {
        self.alerts.iter()
    }

    pub(super) fn of(&self, labels: &Labels) -> Option<&Acknowledged> {
        self.alerts.get(labels)
    }

    /// How many different alerts were accepted.
    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Whether nothing was accepted.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }
}
