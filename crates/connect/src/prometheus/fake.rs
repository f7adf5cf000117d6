//! A metrics store for tests of the code that asks one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{AlertingRule, Metrics, PrometheusAlert, PrometheusError, Series};

/// A range query that a [`FakeMetrics`] was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedRange {
    /// The expression.
    pub expr: String,
    /// The start of the range.
    pub from: DateTime<Utc>,
    /// The end of the range.
    pub to: DateTime<Utc>,
    /// The step between points.
    pub step: Duration,
}

/// Answers range queries from a list and remembers what it was asked. It is always ready.
#[derive(Debug, Default)]
pub struct FakeMetrics {
    rules: Vec<AlertingRule>,
    alerts: Vec<PrometheusAlert>,
    ranges: Mutex<VecDeque<Result<Vec<Series>, PrometheusError>>>,
    asked: Mutex<Vec<AskedRange>>,
}

impl FakeMetrics {
    /// One with these alerting rules and alerts, and no answers to range queries yet.
    pub fn new(rules: Vec<AlertingRule>, alerts: Vec<PrometheusAlert>) -> Self {
        Self { rules, alerts, ..Self::default() }
    }

    /// The next range query that has no answer yet gets this one. Queries beyond the list find no series.
    pub fn push_range(&self, answer: Result<Vec<Series>, PrometheusError>) {
        locked(&self.ranges).push_back(answer);
    }

    /// The range queries so far, oldest first.
    pub fn asked(&self) -> Vec<AskedRange> {
        locked(&self.asked).clone()
    }
}

#[async_trait]
impl Metrics for FakeMetrics {
    async fn query_range(
        &self,
        expr: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
    ) -> Result<Vec<Series>, PrometheusError> {
        locked(&self.asked).push(AskedRange { expr: expr.to_owned(), from, to, step });
        locked(&self.ranges).pop_front().unwrap_or(Ok(Vec::new()))
    }

    async fn alerting_rules(&self) -> Result<Vec<AlertingRule>, PrometheusError> {
        Ok(self.rules.clone())
    }

    async fn alerts(&self) -> Result<Vec<PrometheusAlert>, PrometheusError> {
        Ok(self.alerts.clone())
    }

    async fn ready(&self) -> Result<(), PrometheusError> {
        Ok(())
    }
}

/// A test that panicked while it held the lock has failed already; the others go on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
