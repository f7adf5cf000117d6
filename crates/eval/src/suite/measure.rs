use std::{fmt, sync::Arc};

use super::{Item, aggregate};

/// A function that sums up items; `None` where it has no value, such as a mean of nothing.
pub(crate) type Aggregate = Arc<dyn Fn(&[&Item]) -> Option<f64> + Send + Sync>;

/// Which way a figure should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// A greater figure is better.
    Higher,
    /// A smaller figure is better: an error.
    Lower,
    /// Neither; it is told, and a change is no fault.
    Neither,
}

/// A figure and how it comes out of the items.
#[derive(Clone)]
pub struct Measure {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) better: Better,
    pub(crate) is_share: bool,
    pub(crate) chance: Option<f64>,
    pub(crate) aggregate: Aggregate,
}

impl Measure {
    /// The mean of the items' scores of this key, between 0 and 1; a greater one is better.
    pub fn share(key: &'static str, title: &'static str) -> Self {
        Self::of(key, title, move |items: &[&Item]| aggregate::mean(items, key))
    }

    /// The mean of the items' scores of this key, of any size: a number of words, an error.
    pub fn number(key: &'static str, title: &'static str, better: Better) -> Self {
        Self { is_share: false, ..Self::share(key, title) }.better(better)
    }

    /// A figure between 0 and 1 that is no mean of scores: macro-F1, the share of the surest 80 %. It must not depend
    /// on the items' order.
    pub fn of(
        key: &'static str,
        title: &'static str,
        aggregate: impl Fn(&[&Item]) -> Option<f64> + Send + Sync + 'static,
    ) -> Self {
        let aggregate = Arc::new(aggregate);
        Self { key, title, better: Better::Higher, is_share: true, chance: None, aggregate }
    }

    /// Which way it should go.
    #[must_use]
    pub fn better(mut self, better: Better) -> Self {
        self.better = better;
        self
    }

    /// Not between 0 and 1: a percentage of the M4 kind, a number of steps.
    #[must_use]
    pub fn any_size(mut self) -> Self {
        self.is_share = false;
        self
    }

    /// What it would be without looking at the question ([`chance`](super::chance)). Every share should have one.
    #[must_use]
    pub fn chance(mut self, floor: f64) -> Self {
        self.chance = Some(floor);
        self
    }

    /// Sums up these items.
    pub fn value(&self, items: &[&Item]) -> Option<f64> {
        (self.aggregate)(items).filter(|value| value.is_finite())
    }
}

impl fmt::Debug for Measure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Measure")
            .field("key", &self.key)
            .field("chance", &self.chance)
            .finish_non_exhaustive()
    }
}
