//! What a panel asks of Prometheus, and what comes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::{Metrics, PrometheusError, step_for};
use thiserror::Error;

use super::model::{Panel, Target};
use super::names::series_name;
use super::time::parse_span;
use super::variables::{Spans, VariableError, Variables};
use crate::chart::Theme;

/// What is asked for beside the dashboard itself.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The left edge of the time.
    pub from: DateTime<Utc>,
    /// The right edge.
    pub to: DateTime<Utc>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The background.
    pub theme: Theme,
    /// How often Prometheus scrapes: the shortest step, and what `$__rate_interval` stands on.
    pub scrape: Duration,
}

/// One series of one query.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The query's letter.
    pub(super) query: String,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) points: Vec<(DateTime<Utc>, f64)>,
}

/// Why a panel has no data.
#[derive(Debug, Error)]
pub(super) enum QueryError {
    #[error(transparent)]
    Variable(#[from] VariableError),
    #[error("query {query} was not answered: {source}")]
    Prometheus { query: String, source: PrometheusError },
}

/// The series of all queries that are not hidden, in the queries' order.
pub(super) async fn lines(
    panel: &Panel,
    variables: &Variables,
    metrics: &dyn Metrics,
    asked: &Asked,
) -> Result<Vec<Line>, QueryError> {
    let mut lines = Vec::new();
    for target in targets(panel) {
        let spans = spans(panel, target, asked);
        let expr = variables.fill(&target.expr, &spans)?;
        let from = if target.instant { asked.to } else { asked.from };
        let step = spans.step.to_std().unwrap_or(asked.scrape);
        let answer = metrics.query_range(&expr, from, asked.to, step).await;
        let series =
            answer.map_err(|source| QueryError::Prometheus { query: target.ref_id.clone(), source })?;
        let format = variables.fill(&target.legend_format, &spans)?;
        lines.extend(series.into_iter().map(|one| Line {
            query: target.ref_id.clone(),
            name: series_name(&format, &one.labels),
            labels: one.labels,
            points: one.points,
        }));
    }
    Ok(lines)
}

/// The queries that are asked.
pub(super) fn targets(panel: &Panel) -> impl Iterator<Item = &Target> {
    panel.targets.iter().filter(|target| !target.hide && !target.expr.trim().is_empty())
}

pub(super) fn spans(panel: &Panel, target: &Target, asked: &Asked) -> Spans {
    let scrape = TimeDelta::from_std(asked.scrape).unwrap_or(TimeDelta::seconds(15));
    let usual = TimeDelta::from_std(step_for(asked.from, asked.to)).unwrap_or(scrape);
    let wished = [Some(target.interval.as_str()), panel.interval.as_deref()];
    let shortest = wished.into_iter().flatten().find_map(|text| parse_span(text.trim_start_matches('>')));
    Spans { from: asked.from, to: asked.to, step: usual.max(shortest.unwrap_or(scrape)), scrape }
}
