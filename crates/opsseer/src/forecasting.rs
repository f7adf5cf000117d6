//! Forecasts of what incidents are about, and their pictures.

mod refresh;
pub(crate) mod watch;

use chrono::TimeDelta;
use opsseer_connect::promql::Comparison;
use opsseer_core::{AlertSnapshot, AssetRef, Forecast, Incident, Outlook};
use opsseer_store::StoreError;

use crate::{
    alert_metric::{AlertMetric, MetricError},
    app::{App, SharedApp},
    changes,
    chart::{Mark, MarkKind},
    containers, kept_chart,
    outlook::{self, Answer, OutlookError, Question},
};

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForecastError {
    /// The value cannot be had, or has no side to come from.
    #[error(transparent)]
    Outlook(#[from] OutlookError),
    /// The picture cannot be kept.
    #[error("the forecast's picture could not be kept")]
    Store(#[from] StoreError),
}

/// Starts what runs beside the server until it ends.
pub(crate) fn start(app: &SharedApp) {
    if !app.config.forecast.watch.is_empty() {
        spawn(app, watch::run(app.clone()));
    }
    spawn(app, refresh::run(app.clone()));
    spawn(app, containers::refresh(app.clone()));
}

/// None of the work needs to finish: it is either committed or begun anew later.
fn spawn(app: &SharedApp, work: impl Future<Output = ()> + Send + 'static) {
    let ending = app.ending.clone();
    app.tasks.spawn(async move {
        ending.run_until_cancelled(work).await;
    });
}

/// The forecast of an alert's own expression against its limit, and its picture. `None` if the expression has no limit
/// that the value could come nearer to.
pub(crate) async fn of_alert(
    app: &App,
    incident: &Incident,
    alert: &AlertSnapshot,
) -> Result<Option<(Forecast, Vec<AssetRef>)>, ForecastError> {
    let metric = match AlertMetric::find(app.metrics.as_ref(), alert).await {
        // The picture says so already.
        Err(MetricError::NoExpression(_)) => return Ok(None),
        metric => metric.map_err(OutlookError::from)?,
    };
    let Some(limit) = metric.limit else { return Ok(None) };
    if matches!(limit.comparison, Comparison::Equal | Comparison::NotEqual) {
        return Ok(None);
    }
    let question = Question { subject: subject(alert).to_owned(), limit, alert: Some(alert.clone()) };
    let mut answer = match look(app, &question).await {
        Err(OutlookError::NoValues(_)) => return Ok(None),
        answer => answer?,
    };
    answer.chart.marks.push(Mark { at: alert.starts_at, label: "fired".to_owned(), kind: MarkKind::Fired });
    keep(app, incident, answer).await.map(Some)
}

/// The forecast of what a service's fullest container uses of its memory limit, and its picture, if `is_told` wants it.
/// `None` also without a limit.
pub(crate) async fn of_memory(
    app: &App,
    incident: &Incident,
    service: &str,
    is_told: impl Fn(&Outlook) -> bool,
) -> Result<Option<(Forecast, Vec<AssetRef>)>, ForecastError> {
    match look(app, &containers::memory_question(service)).await {
        Ok(answer) if is_told(&answer.forecast.outlook) => keep(app, incident, answer).await.map(Some),
        Ok(_) | Err(OutlookError::NoValues(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps the picture, with what was changed in its time.
async fn keep(
    app: &App,
    incident: &Incident,
    answer: Answer,
) -> Result<(Forecast, Vec<AssetRef>), ForecastError> {
    let Answer { forecast, mut chart } = answer;
    let span = (chart.from, app.clock.now());
    chart.marks.extend(changes::marks::between(&app.store, incident, span).await?);
    let alt = format!("{}: {}", forecast.subject, forecast.sentence);
    let assets = kept_chart::write(&app.store, &chart, &alt).await?;
    Ok((forecast, assets))
}

/// What a forecast of an alert is called. What OpsSeer itself expects is named after what it is about.
fn subject(alert: &AlertSnapshot) -> &str {
    alert.labels.get(watch::WATCH_LABEL).unwrap_or(&alert.name)
}

/// What is to be expected of a value, by this server's Prometheus and forecaster.
pub(crate) async fn look(app: &App, question: &Question) -> Result<Answer, OutlookError> {
    outlook::look(app.metrics.as_ref(), &app.forecaster, question, finest(app), app.clock.now()).await
}

/// Between two scrapes nothing is known.
pub(crate) fn finest(app: &App) -> TimeDelta {
    TimeDelta::from_std(app.config.prometheus.scrape_interval).unwrap_or(TimeDelta::seconds(15))
}
