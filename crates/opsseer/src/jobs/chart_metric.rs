//! The picture of the metric behind an alert.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::{Series, step_for};
use opsseer_core::{Actor, Charted, EventKind, NewEvent, Threshold};

use super::{Job, JobError, Task};
use crate::{
    alert_metric::{AlertMetric, MetricError, about, name_of},
    app::App,
    changes,
    chart::{Chart, ChartSeries, Mark, MarkKind, Unit},
    kept_chart,
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
        let AlertMetric { expr: asked, limit } = AlertMetric::find(app.metrics.as_ref(), alert).await?;
        let to = app.clock.now();
        let earliest = (alert.starts_at.min(to) - LOOK_BACK).max(to - WIDEST);
        let mut step = step_for(earliest, to);
        let mut found =
            app.metrics.query_range(&asked, earliest, to, step).await.map_err(MetricError::from)?;
        let from = narrowed(earliest, to, &about(alert, found.clone()));
        if step_for(from, to) < step {
            // A young service: the short time that there is deserves the finer step.
            step = step_for(from, to);
            found = app.metrics.query_range(&asked, from, to, step).await.map_err(MetricError::from)?;
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
            marks: marks(app, task, (from, to)).await?,
            forecast: None,
        };
        let sentence = chart.sentence();
        let assets = kept_chart::write(&app.store, &chart, &sentence)
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
        Ok(vec![NewEvent { at: to, actor, kind: EventKind::Charted(charted), assets }])
    }
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

async fn marks(app: &App, task: &Task, span: (DateTime<Utc>, DateTime<Utc>)) -> Result<Vec<Mark>, JobError> {
    let incident = task.incident(app).await?;
    let changes = changes::marks::between(&app.store, &incident, span).await;
    let mut marks = changes.map_err(|error| JobError::Retry(error.into()))?;
    marks.push(Mark { at: task.alert.starts_at, label: "fired".to_owned(), kind: MarkKind::Fired });
    if let EventKind::Resolved { .. } = task.cause.kind {
        marks.push(Mark { at: task.cause.at, label: "resolved".to_owned(), kind: MarkKind::Resolved });
    }
    Ok(marks)
}
