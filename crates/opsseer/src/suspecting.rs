//! Which services and metrics moved when an incident began.
//!
//! Prometheus is asked for the metrics of the involved services, and for the same metrics of all others: what moved
//! everywhere is nobody's fault. Recording rules and `svc:*` come first; the rest as far as time and number allow.

mod gather;
mod plan;
mod words;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_ai::suspects::{MetricSuspect, Onset, Scene, Suspector, SuspectsVerdict};
use opsseer_connect::{RequestError, prometheus::Metrics};
use opsseer_core::{SuspectMetric, SuspectService, SuspectsRanked};

pub(crate) use self::plan::SERVICE_LABELS;

/// How far back is looked for how things usually are.
const USUAL: TimeDelta = TimeDelta::hours(3);

/// Values of a series, about.
const POINTS: i64 = 720;

/// Services that are told, and metrics of each.
const SERVICES: usize = 5;
const METRICS: usize = 4;

/// Values of a small picture.
const PICTURE_POINTS: usize = 60;

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The services that the incident is about.
    pub(crate) services: Vec<String>,
    /// Metrics that are looked at in any case: those of the alert's own expression.
    pub(crate) metrics: Vec<String>,
    /// When the trouble was noticed.
    pub(crate) noticed: DateTime<Utc>,
    /// When to stop looking.
    pub(crate) now: DateTime<Utc>,
    /// How often Prometheus scrapes.
    pub(crate) scrape_interval: Duration,
}

/// Asks Prometheus, and ranks what moved.
pub(crate) async fn rank(
    metrics: &dyn Metrics,
    suspector: &Arc<dyn Suspector>,
    scope: &Scope,
) -> Result<SuspectsRanked, RequestError> {
    let grid = grid(metrics, scope).await?;
    let gathered = gather::gather(metrics, scope, &grid).await?;
    let scene = Scene {
        start_ms: grid.from.timestamp_millis(),
        step_ms: grid.step_ms,
        series: gathered.series.iter().map(|one| one.metric.clone()).collect(),
        onset: Onset::Noticed(scope.noticed.timestamp_millis()),
        calls: Vec::new(),
        symptom: scope.services.first().cloned(),
    };
    let (asked, method) = (suspector.clone(), suspector.name());
    let found =
        tokio::task::spawn_blocking(move || asked.rank(&scene)).await.expect("ranking does not panic");
    let services: Vec<SuspectService> = found
        .services
        .into_iter()
        .take(SERVICES)
        .map(|service| SuspectService {
            score: service.score,
            because: words::because(&service.because, first_of(&service.metrics, &gathered)),
            metrics: service
                .metrics
                .into_iter()
                .take(METRICS)
                .filter_map(|metric| {
                    let series = gathered.series.get(metric.id)?;
                    let onset = metric.onset_ms.and_then(DateTime::from_timestamp_millis);
                    Some(SuspectMetric {
                        sentence: words::moved(&metric, &series.expr, onset),
                        metric: metric.metric,
                        expr: series.expr.clone(),
                        before: metric.before,
                        during: metric.during,
                        shift: metric.shift,
                        onset,
                        follows: metric.follows,
                        points: thinned(&series.metric.values),
                    })
                })
                .collect(),
            service: service.service,
        })
        .collect();
    let nothing = match found.verdict {
        SuspectsVerdict::StandsOut => None,
        SuspectsVerdict::NothingStandsOut { reason } => Some(reason),
    };
    let services = if nothing.is_some() { Vec::new() } else { services };
    Ok(SuspectsRanked {
        sentence: words::sentence(&services, nothing.as_deref(), found.series_looked_at),
        services,
        nothing,
        from: grid.from,
        to: scope.now,
        step_seconds: u32::try_from(grid.step_ms / 1000).unwrap_or(u32::MAX).max(1),
        series: found.series_looked_at,
        left_out: gathered.left_out,
        method,
    })
}

fn first_of<'a>(
    metrics: &'a [MetricSuspect],
    gathered: &'a gather::Gathered,
) -> Option<(&'a MetricSuspect, &'a str)> {
    let first = metrics.first()?;
    gathered.series.get(first.id).map(|series| (first, series.expr.as_str()))
}

/// When values are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    step_ms: i64,
}

impl Grid {
    fn step(self) -> Duration {
        Duration::from_millis(self.step_ms.unsigned_abs())
    }

    /// How many values a series has.
    fn points(self) -> usize {
        usize::try_from((self.to - self.from).num_milliseconds() / self.step_ms + 1).unwrap_or(0)
    }

    /// The place of a moment.
    fn place(self, at: DateTime<Utc>) -> Option<usize> {
        let ms = (at - self.from).num_milliseconds() + self.step_ms / 2;
        usize::try_from(ms.div_euclid(self.step_ms)).ok().filter(|place| *place < self.points())
    }
}

/// Hours in steps of seconds; a Prometheus that is younger deserves finer ones.
async fn grid(metrics: &dyn Metrics, scope: &Scope) -> Result<Grid, RequestError> {
    let earliest = scope.noticed.min(scope.now) - USUAL;
    let up = metrics.query_range("count(up)", earliest, scope.now, Duration::from_mins(1)).await?;
    let first = up.iter().flat_map(|one| &one.points).map(|(at, _)| *at).min();
    // `up` is there a minute before its first value on this grid, at most.
    let from = first.map_or(earliest, |first| (first - TimeDelta::minutes(1)).max(earliest));
    let finest = i64::try_from(scope.scrape_interval.as_millis()).unwrap_or(15_000).max(1_000);
    let wanted = (scope.now - from).num_milliseconds() / POINTS;
    let step_ms = wanted.max(finest).div_euclid(1_000).max(1) * 1_000;
    Ok(Grid { from, to: scope.now, step_ms })
}

/// As many values as a small picture needs: means of neighbours.
fn thinned(values: &[f64]) -> Vec<Option<f64>> {
    let size = values.len().div_ceil(PICTURE_POINTS).max(1);
    values
        .chunks(size)
        .map(|chunk| {
            let finite: Vec<f64> = chunk.iter().copied().filter(|value| value.is_finite()).collect();
            let count = u32::try_from(finite.len()).ok().filter(|count| *count > 0)?;
            let mean = finite.iter().sum::<f64>() / f64::from(count);
            // Five digits draw the same picture as seventeen.
            format!("{mean:.4e}").parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_picture_keeps_the_course_and_the_gaps() {
        let mut values: Vec<f64> = (0..120).map(f64::from).collect();
        values[10..14].fill(f64::NAN);
        let points = thinned(&values);
        assert_eq!(points.len(), 60);
        assert_eq!((points[0], points[5], points[6], points[59]), (Some(0.5), None, None, Some(118.5)));
        assert_eq!(thinned(&[1.0 / 3.0]), [Some(0.33333)]);
    }
}
