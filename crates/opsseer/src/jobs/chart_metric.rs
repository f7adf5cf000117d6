//! The picture of the metric behind an alert.

use anyhow::anyhow;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{Series, step_for},
    promql,
};
use opsseer_core::{Actor, AlertSnapshot, Charted, EventKind, NewEvent, Threshold};

use super::{Job, JobError, Task};
use crate::{
    app::App,
    chart::{Chart, ChartSeries, Mark, MarkKind, Unit},
};

pub(super) const KIND: &str = "chart_metric";

/// How far the picture looks back from the moment of firing.
const LOOK_BACK: TimeDelta = TimeDelta::hours(1);

/// The longest time that a picture shows, however long the alert has fired.
const WIDEST: TimeDelta = TimeDelta::hours(24);

/// If there is less to see than an hour, the picture is narrowed to it, but not below this.
const NARROWEST: TimeDelta = TimeDelta::minutes(1);

/// Draws the alert's expression with its limit and the moment of firing.
pub(super) struct ChartMetric;

#[async_trait]
impl Job for ChartMetric {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let alert = &task.alert;
        let expr = expression(app, alert).await?;
        let limit = promql::threshold(&expr);
        // The comparison itself gives nothing while it does not hold; its left side shows the way there.
        let asked = limit.as_ref().map_or(expr.as_str(), |limit| &limit.left).to_owned();
        let to = app.clock.now();
        let earliest = (alert.starts_at.min(to) - LOOK_BACK).max(to - WIDEST);
        let mut step = step_for(earliest, to);
        let mut found = app.metrics.query_range(&asked, earliest, to, step).await.map_err(asking)?;
        let from = narrowed(earliest, to, &about(alert, found.clone()));
        if step_for(from, to) < step {
            // A young service: the short time that there is deserves the finer step.
            step = step_for(from, to);
            found = app.metrics.query_range(&asked, from, to, step).await.map_err(asking)?;
        }
        let series = about(alert, found);
        let unit = Unit::guess(&asked);
        let chart = Chart {
            title: alert.summary.clone().unwrap_or_else(|| alert.name.clone()),
            unit,
            from,
            to,
            series: series
                .into_iter()
                .map(|one| ChartSeries { name: name_of(&one), points: one.points })
                .collect(),
            threshold: limit.as_ref().map(|limit| (limit.value, limit.comparison)),
            marks: marks(task),
        };
        let sentence = chart.sentence();
        let asset = app
            .store
            .write_asset(chart.svg().as_bytes(), "image/svg+xml", &sentence)
            .await
            .map_err(|error| JobError::Retry(error.into()))?;
        let charted = Charted {
            sentence,
            expr: asked,
            from,
            to,
            step_seconds: u32::try_from(step.as_secs()).unwrap_or(u32::MAX),
            series: chart.series.len(),
            threshold: limit.map(|limit| Threshold {
                comparison: limit.comparison.symbol().to_owned(),
                value: limit.value,
            }),
        };
        let actor = Actor::Component { name: KIND.to_owned() };
        Ok(vec![NewEvent { at: to, actor, kind: EventKind::Charted(charted), assets: vec![asset] }])
    }
}

/// The alert's own expression, as its link to Prometheus tells it; else its rule's, as Prometheus has it.
async fn expression(app: &App, alert: &AlertSnapshot) -> Result<String, JobError> {
    if let Some(expr) = alert.generator_url.as_deref().and_then(promql::expr_of_generator_url) {
        return Ok(expr);
    }
    let rules = app.metrics.alerting_rules().await.map_err(asking)?;
    let rule = rules.into_iter().find(|rule| rule.name == alert.name);
    rule.map(|rule| rule.query).ok_or_else(|| {
        JobError::Fail(anyhow!(
            "the alert names no expression, and Prometheus has no rule called {}",
            alert.name
        ))
    })
}

fn asking(error: RequestError) -> JobError {
    if error.is_transient() { JobError::Retry(error.into()) } else { JobError::Fail(error.into()) }
}

/// Of several series, those that the alert is about: none of their labels contradicts the alert's.
fn about(alert: &AlertSnapshot, series: Vec<Series>) -> Vec<Series> {
    let fits = |one: &Series| {
        one.labels.iter().all(|(name, value)| alert.labels.get(name).is_none_or(|given| given == value))
    };
    if series.iter().any(fits) { series.into_iter().filter(fits).collect() } else { series }
}

/// Where the picture begins: what is before the first value is left out.
fn narrowed(from: DateTime<Utc>, to: DateTime<Utc>, series: &[Series]) -> DateTime<Utc> {
    let first = series
        .iter()
        .flat_map(|one| &one.points)
        .filter(|(_, value)| value.is_finite())
        .map(|(at, _)| *at)
        .min();
    first.map_or(from, |first| first.min(to - NARROWEST).max(from))
}

/// A series' name for the legend: the labels that tell it apart.
fn name_of(series: &Series) -> String {
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

fn marks(task: &Task) -> Vec<Mark> {
    let mut marks = vec![Mark { at: task.alert.starts_at, label: "fired".to_owned(), kind: MarkKind::Fired }];
    if let EventKind::Resolved { .. } = task.cause.kind {
        marks.push(Mark { at: task.cause.at, label: "resolved".to_owned(), kind: MarkKind::Resolved });
    }
    marks
}
