//! The JSON that Prometheus sends. Nothing here leaves the client.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::{AlertState, AlertingRule, PrometheusAlert, Sample, Series};

/// The envelope of every answer with status 2xx. Warnings are left alone: the data is whole in spite of them.
#[derive(Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: T,
}

#[derive(Deserialize)]
pub(super) struct Matrix {
    pub(super) result: Vec<MatrixRow>,
}

#[derive(Deserialize)]
pub(super) struct MatrixRow {
    metric: BTreeMap<String, String>,
    /// Absent when the series holds native histograms only.
    #[serde(default)]
    values: Vec<Point>,
}

impl From<MatrixRow> for Series {
    fn from(row: MatrixRow) -> Self {
        Self {
            labels: row.metric,
            points: row.values.into_iter().map(|point| (point.at, point.value)).collect(),
        }
    }
}

/// The answer to an instant query. A scalar or a matrix is another question's.
#[derive(Deserialize)]
#[serde(tag = "resultType", rename_all = "lowercase")]
pub(super) enum Vector {
    Vector { result: Vec<VectorRow> },
}

#[derive(Deserialize)]
pub(super) struct VectorRow {
    metric: BTreeMap<String, String>,
    /// Absent when the value is a native histogram.
    value: Option<Point>,
}

impl From<Vector> for Vec<Sample> {
    fn from(vector: Vector) -> Self {
        let Vector::Vector { result } = vector;
        let sample = |row: VectorRow| {
            let Point { at, value } = row.value?;
            Some(Sample { labels: row.metric, at, value })
        };
        result.into_iter().filter_map(sample).collect()
    }
}

/// `[seconds, "value"]`.
#[derive(Deserialize)]
#[serde(try_from = "(f64, String)")]
struct Point {
    at: DateTime<Utc>,
    value: f64,
}

impl TryFrom<(f64, String)> for Point {
    type Error = String;

    fn try_from((seconds, value): (f64, String)) -> Result<Self, String> {
        // Prometheus keeps milliseconds; more digits are noise of the floating point.
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and the result is checked")]
        let at = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64)
            .ok_or_else(|| format!("{seconds} is not a time"))?;
        Ok(Self { at, value: number(&value)? })
    }
}

#[derive(Deserialize)]
pub(super) struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Rule {
    Alerting {
        name: String,
        query: String,
        /// Seconds.
        #[serde(default)]
        duration: f64,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        annotations: BTreeMap<String, String>,
    },
    #[serde(other)]
    Other,
}

impl From<Rules> for Vec<AlertingRule> {
    fn from(rules: Rules) -> Self {
        let alerting = |rule| match rule {
            Rule::Alerting { name, query, duration, labels, annotations } => {
                let for_duration = Duration::try_from_secs_f64(duration).unwrap_or_default();
                Some(AlertingRule { name, query, for_duration, labels, annotations })
            }
            Rule::Other => None,
        };
        rules.groups.into_iter().flat_map(|group| group.rules).filter_map(alerting).collect()
    }
}

#[derive(Deserialize)]
pub(super) struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    state: State,
    active_at: DateTime<Utc>,
    #[serde(deserialize_with = "number_text")]
    value: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Pending,
    Firing,
    /// Inactive, and whatever a later version adds.
    #[serde(other)]
    Other,
}

impl From<Alerts> for Vec<PrometheusAlert> {
    fn from(alerts: Alerts) -> Self {
        let active = |alert: Alert| {
            let state = match alert.state {
                State::Pending => AlertState::Pending,
                State::Firing => AlertState::Firing,
                State::Other => return None,
            };
            let Alert { labels, annotations, active_at, value, .. } = alert;
            Some(PrometheusAlert { labels, annotations, state, active_at, value })
        };
        alerts.alerts.into_iter().filter_map(active).collect()
    }
}

fn number_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Prometheus writes numbers as text, because JSON has neither `NaN` nor `+Inf`. Rust reads the same spellings.
fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}
