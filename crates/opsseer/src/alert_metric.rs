//! The metric behind an alert: its expression, its limit, and which series of an answer it is about.

use opsseer_connect::{
    RequestError,
    prometheus::{Metrics, Series},
    promql::{self, Threshold},
};
use opsseer_core::AlertSnapshot;

/// What an alert looks at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlertMetric {
    /// PromQL that gives the value at any time. The comparison itself gives nothing while it does not hold, so this is
    /// its left side.
    pub(crate) expr: String,
    /// The limit, if the expression has one.
    pub(crate) limit: Option<Threshold>,
}

/// Why the metric behind an alert cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MetricError {
    /// Prometheus did not answer, or said no.
    #[error(transparent)]
    Prometheus(#[from] RequestError),
    /// Nobody knows what it looks at.
    #[error("the alert names no expression, and Prometheus has no rule called {0}")]
    NoExpression(String),
}

impl MetricError {
    /// Whether asking again may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Prometheus(error) => error.is_transient(),
            Self::NoExpression(_) => false,
        }
    }
}

impl AlertMetric {
    /// The expression as the alert's link to Prometheus tells it; else its rule's, as Prometheus has it.
    pub(crate) async fn find(metrics: &dyn Metrics, alert: &AlertSnapshot) -> Result<Self, MetricError> {
        if let Some(expr) = alert.generator_url.as_deref().and_then(promql::expr_of_generator_url) {
            return Ok(Self::of(&expr));
        }
        let rules = metrics.alerting_rules().await?;
        let rule = rules.into_iter().find(|rule| rule.name == alert.name);
        rule.map(|rule| Self::of(&rule.query)).ok_or_else(|| MetricError::NoExpression(alert.name.clone()))
    }

    /// What an alerting rule's expression looks at.
    pub(crate) fn of(expr: &str) -> Self {
        let limit = promql::threshold(expr);
        Self { expr: limit.as_ref().map_or(expr, |limit| &limit.left).to_owned(), limit }
    }
}

/// Of several series, those that the alert is about: none of their labels contradicts the alert's.
pub(crate) fn about(alert: &AlertSnapshot, series: Vec<Series>) -> Vec<Series> {
    let fits = |one: &Series| {
        one.labels.iter().all(|(name, value)| alert.labels.get(name).is_none_or(|given| given == value))
    };
    if series.iter().any(fits) { series.into_iter().filter(fits).collect() } else { series }
}

/// A series' name for a legend: the labels that tell it apart.
pub(crate) fn name_of(series: &Series) -> String {
    let told = |name: &str| !matches!(name, "__name__" | "job");
    let labels: Vec<String> = series
        .labels
        .iter()
        .filter(|(name, _)| told(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match labels.as_slice() {
        [] => series.labels.get("__name__").cloned().unwrap_or_default(),
        labels => labels.join(", "),
    }
}
