//! Asks Prometheus for the series, within bounds.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream};
use opsseer_ai::suspects::MetricSeries;
use opsseer_connect::{
    RequestError,
    prometheus::{Metrics, Series},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Grid, Scope,
    plan::{Asked, SERVICE_LABELS, questions},
};

/// Questions that are asked at most, and how many at once.
const QUESTIONS: usize = 120;
const AT_ONCE: usize = 4;

/// Series of one answer that are looked at, and of all.
const SERIES_OF_ONE: usize = 100;
const SERIES: usize = 3_000;

/// What has not been answered by then is left out.
const LONGEST: Duration = Duration::from_secs(15);

/// A series and where it is from.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) metric: MetricSeries,
    pub(super) expr: String,
}

/// What Prometheus told.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// In the order of their ids.
    pub(super) series: Vec<Found>,
    /// Questions and series that there was no room or no time for.
    pub(super) left_out: usize,
}

/// Asks what can be asked in time. Fails only if nothing at all was answered.
pub(super) async fn gather(
    metrics: &dyn Metrics,
    scope: &Scope,
    grid: &Grid,
) -> Result<Gathered, RequestError> {
    let until = Instant::now() + LONGEST;
    let names = metrics.metric_names(&selectors(scope), grid.from, grid.to).await?;
    let mut asked = questions(&names, &scope.metrics, &window(scope, grid));
    let mut gathered = Gathered { left_out: asked.len().saturating_sub(QUESTIONS), ..Gathered::default() };
    asked.truncate(QUESTIONS);
    let answers = stream::iter(asked.into_iter().map(|asked| async move {
        let answer =
            timeout_at(until, metrics.query_range(&asked.expr, grid.from, grid.to, grid.step())).await;
        (asked, answer)
    }));
    let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
    let mut refused = None;
    for (asked, answer) in answers {
        match answer {
            Ok(Ok(found)) => take(&mut gathered, &asked, found, grid),
            Ok(Err(error)) => {
                tracing::debug!(expr = asked.expr, error = %error, "a metric is left out");
                gathered.left_out += 1;
                refused = Some(error);
            }
            Err(_) => gathered.left_out += 1,
        }
    }
    match refused {
        Some(error) if gathered.series.is_empty() => Err(error),
        _ => Ok(gathered),
    }
}

/// The involved services by every label that may name them, and all rules that people wrote.
fn selectors(scope: &Scope) -> Vec<String> {
    let mut selectors = vec![r#"{__name__=~".+:.+"}"#.to_owned()];
    for service in &scope.services {
        let quoted = service.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n");
        selectors.extend(SERVICE_LABELS.iter().map(|label| format!(r#"{{{label}="{quoted}"}}"#)));
    }
    selectors
}

/// A rate needs two scrapes; four bear a lost one.
fn window(scope: &Scope, grid: &Grid) -> String {
    let scrapes = scope.scrape_interval.saturating_mul(4).max(grid.step());
    format!("{}s", scrapes.as_secs().max(1))
}

fn take(gathered: &mut Gathered, asked: &Asked, found: Vec<Series>, grid: &Grid) {
    let room = SERIES_OF_ONE.min(SERIES.saturating_sub(gathered.series.len()));
    gathered.left_out += found.len().saturating_sub(room);
    let mut instances: BTreeMap<String, usize> = BTreeMap::new();
    let first = gathered.series.len();
    for series in found.into_iter().take(room) {
        let Some(service) = service_of(&series.labels) else { continue };
        *instances.entry(service.clone()).or_default() += 1;
        let values = on_grid(&series, grid);
        if values.iter().all(|value| value.is_nan()) {
            continue;
        }
        let instance = series.labels.get("instance").map(|instance| format!(" on {instance}"));
        gathered.series.push(Found {
            metric: MetricSeries {
                id: gathered.series.len(),
                service,
                metric: format!("{}{}", asked.name, instance.unwrap_or_default()),
                kind: asked.kind,
                peers: None,
                values,
            },
            expr: asked.expr.clone(),
        });
    }
    // Where there is one instance, its name tells nobody anything, and it has no peers.
    for found in &mut gathered.series[first..] {
        let metric = &mut found.metric;
        if instances.get(&metric.service).is_some_and(|count| *count > 1) {
            metric.peers = Some(format!("{}/{}", metric.service, asked.name));
        } else {
            metric.metric.clone_from(&asked.name);
        }
    }
}

fn service_of(labels: &BTreeMap<String, String>) -> Option<String> {
    SERVICE_LABELS.iter().find_map(|label| labels.get(*label)).filter(|name| !name.is_empty()).cloned()
}

fn on_grid(series: &Series, grid: &Grid) -> Vec<f64> {
    let mut values = vec![f64::NAN; grid.points()];
    for (at, value) in &series.points {
        if let Some(place) = grid.place(*at)
            && value.is_finite()
        {
            values[place] = *value;
        }
    }
    values
}
