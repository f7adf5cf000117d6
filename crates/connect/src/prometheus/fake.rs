//! A metrics store for tests of the code that asks one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{AlertingRule, Metrics, PrometheusAlert, PrometheusError, Sample, Series};

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

/// To which expression, and what.
type RangeAnswer = (String, Result<Vec<Series>, PrometheusError>);

/// Answers from lists and remembers what it was asked. It is always ready.
#[derive(Debug, Default)]
pub struct FakeMetrics {
    rules: Vec<AlertingRule>,
    alerts: Vec<PrometheusAlert>,
    ranges: Mutex<VecDeque<RangeAnswer>>,
    standing_ranges: Mutex<Vec<(String, Vec<Series>)>>,
    instants: Mutex<Vec<(String, Vec<Sample>)>>,
    asked: Mutex<Vec<AskedRange>>,
    names: Mutex<Vec<String>>,
}

impl FakeMetrics {
    /// One with these alerting rules and alerts, and no answers to range queries yet.
    pub fn new(rules: Vec<AlertingRule>, alerts: Vec<PrometheusAlert>) -> Self {
        Self { rules, alerts, ..Self::default() }
    }

    /// The next range query for exactly this expression that has no answer yet gets this one. Queries beyond the list
    /// get a standing answer, else find no series.
    pub fn push_range(&self, expr: &str, answer: Result<Vec<Series>, PrometheusError>) {
        locked(&self.ranges).push_back((expr.to_owned(), answer));
    }

    /// From now on every range query whose expression holds `part` gets this answer, unless one was pushed for it.
    pub fn answer_range(&self, part: &str, answer: Vec<Series>) {
        let mut standing = locked(&self.standing_ranges);
        standing.retain(|(known, _)| known != part);
        standing.push((part.to_owned(), answer));
    }

    /// Every instant query whose expression holds `part` gets this answer. Others find nothing.
    pub fn answer_query(&self, part: &str, answer: Vec<Sample>) {
        locked(&self.instants).push((part.to_owned(), answer));
    }

    /// From now on it has metrics of these names.
    pub fn set_metric_names(&self, names: &[&str]) {
        *locked(&self.names) = names.iter().map(|&name| name.to_owned()).collect();
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
        let mut ranges = locked(&self.ranges);
        let next = ranges.iter().position(|(of, _)| of == expr).and_then(|index| ranges.remove(index));
        match next {
            Some((_, answer)) => answer,
            None => Ok(standing(&self.standing_ranges, expr)),
        }
    }

    async fn query(&self, expr: &str, _at: DateTime<Utc>) -> Result<Vec<Sample>, PrometheusError> {
        Ok(standing(&self.instants, expr))
    }

    async fn metric_names(
        &self,
        _selectors: &[String],
        _from: DateTime<Utc>,
        _to: DateTime<Utc>,
    ) -> Result<Vec<String>, PrometheusError> {
        Ok(locked(&self.names).clone())
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

/// The answer to what this expression holds a part of.
fn standing<T: Clone>(answers: &Mutex<Vec<(String, Vec<T>)>>, expr: &str) -> Vec<T> {
    let answers = locked(answers);
    answers.iter().find(|(part, _)| expr.contains(part)).map_or_else(Vec::new, |(_, answer)| answer.clone())
}

/// A test that panicked while it held the lock has failed already; the others go on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
