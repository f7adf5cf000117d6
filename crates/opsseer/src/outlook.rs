//! Where a value is heading: whether and when it passes its limit, or comes back.
//!
//! Two forecasts are made. The near one looks at the last two hours finely and half an hour ahead: it sees what has just
//! begun. The far one looks at a week in steps of five minutes and six hours ahead: it knows the time of day. The near one
//! is told unless only the far one expects the limit to be passed.

mod range;
mod sentence;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_ai::forecast::{Basis, Bounds, Crossing, Direction, Forecast, Forecaster, History, Verdict};
use opsseer_connect::{
    prometheus::{Metrics, Series},
    promql::{Comparison, Threshold},
};
use opsseer_core::{AlertSnapshot, Outlook};

pub(crate) use self::range::{FAR, NEAR, Range};
pub(crate) use self::sentence::{about as about_time, sentence};
use crate::{
    alert_metric::{MetricError, about},
    chart::{Chart, ChartSeries, ForecastBand, Mark, MarkKind, Unit},
};

/// What is less probable is not called expected.
const PROBABLE: f64 = 0.5;

/// Members of a combination that are named.
const NAMED: usize = 3;

/// What is asked: does this value pass its limit?
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// What the value is called.
    pub(crate) subject: String,
    /// The value and its limit.
    pub(crate) limit: Threshold,
    /// The alert that it is about: of several series, its own count.
    pub(crate) alert: Option<AlertSnapshot>,
}

/// What is to be expected of one series.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// What the timeline keeps.
    pub(crate) forecast: opsseer_core::Forecast,
    /// What the page shows. Its marks are the asker's to set.
    pub(crate) chart: Chart,
}

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutlookError {
    /// The value cannot be had.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A limit that is met exactly or not at all has no side to come from.
    #[error("a comparison with {0} has no side that the value could come from")]
    NoSide(&'static str),
    /// Prometheus has no values.
    #[error("Prometheus has no values of {0}")]
    NoValues(String),
}

impl OutlookError {
    /// Whether asking again may help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Metric(error) if error.is_transient())
    }
}

/// Asks for the history and forecasts it. Of several series, the one that is nearest to passing its limit is told.
pub(crate) async fn look(
    metrics: &dyn Metrics,
    forecaster: &Arc<dyn Forecaster>,
    question: &Question,
    finest: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Answer, OutlookError> {
    let comparison = question.limit.comparison;
    if matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
        return Err(OutlookError::NoSide(comparison.symbol()));
    }
    let near = look_within(metrics, forecaster, question, &NEAR, finest, now).await?;
    if near.as_ref().is_some_and(|answer| is_expected(answer) || answer.forecast.beyond) {
        return near.ok_or_else(|| OutlookError::NoValues(question.limit.left.clone()));
    }
    let far = look_within(metrics, forecaster, question, &FAR, finest, now).await?;
    let told = match (near, far) {
        (Some(_), Some(far)) if is_expected(&far) => Some(far),
        (near, far) => near.or(far),
    };
    told.ok_or_else(|| OutlookError::NoValues(question.limit.left.clone()))
}

fn is_expected(answer: &Answer) -> bool {
    matches!(answer.forecast.outlook, Outlook::Expected { .. })
}

async fn look_within(
    metrics: &dyn Metrics,
    forecaster: &Arc<dyn Forecaster>,
    question: &Question,
    range: &Range,
    finest: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Answer>, OutlookError> {
    let limit = &question.limit;
    let about = question.alert.as_ref();
    let telling = |series| telling(series, limit.comparison);
    let asked = Asked { expr: &limit.left, alert: about, range, finest, now };
    let Some(foreseen) = foresee(metrics, forecaster, &asked, telling).await? else { return Ok(None) };
    let beyond = limit.comparison.holds(foreseen.current, limit.value);
    let crossing = foreseen.forecast.crossing(limit.value, direction(limit.comparison, beyond));
    Ok(Some(answer(question, &foreseen, beyond, &crossing)))
}

/// What is asked of Prometheus.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) expr: &'a str,
    pub(crate) alert: Option<&'a AlertSnapshot>,
    pub(crate) range: &'a Range,
    pub(crate) finest: TimeDelta,
    pub(crate) now: DateTime<Utc>,
}

/// A series and what comes after it.
#[derive(Debug, Clone)]
pub(crate) struct Foreseen {
    pub(crate) series: Series,
    pub(crate) unit: Unit,
    /// The newest value that there is.
    pub(crate) current: f64,
    pub(crate) forecast: Forecast,
}

/// Forecasts the series that `choose` takes of all that the expression has. `None` if there are no values.
pub(crate) async fn foresee(
    metrics: &dyn Metrics,
    forecaster: &Arc<dyn Forecaster>,
    asked: &Asked<'_>,
    choose: impl FnOnce(Vec<Series>) -> Option<Series>,
) -> Result<Option<Foreseen>, OutlookError> {
    let Asked { expr, alert, range, finest, now } = *asked;
    let mut grid = range.grid(now, now - range.history, finest);
    let ask = |grid: range::Grid| async move {
        let found =
            metrics.query_range(expr, grid.from, now, grid.step()).await.map_err(MetricError::from)?;
        Ok::<_, OutlookError>(match alert {
            Some(alert) => about(alert, found),
            None => found,
        })
    };
    let mut series = ask(grid).await?;
    let Some(first) = first_value(&series) else { return Ok(None) };
    let finer = range.grid(now, first, finest);
    if finer.step_ms < grid.step_ms {
        grid = finer;
        series = ask(grid).await?;
    }
    let Some(series) = choose(series) else { return Ok(None) };
    let points: Vec<(i64, f64)> =
        series.points.iter().map(|(at, value)| (at.timestamp_millis(), *value)).collect();
    let unit = Unit::guess(expr);
    let history = History::from_points(&points, grid.step_ms, bounds(&points, unit));
    let Some(current) = history.values.iter().rev().copied().find(|value| value.is_finite()) else {
        return Ok(None);
    };
    let forecaster = forecaster.clone();
    let forecast = tokio::task::spawn_blocking(move || forecaster.forecast(&history, grid.steps_ahead))
        .await
        .expect("a forecast does not panic");
    Ok(Some(Foreseen { series, unit, current, forecast }))
}

fn answer(question: &Question, foreseen: &Foreseen, beyond: bool, crossing: &Crossing) -> Answer {
    let (series, forecast) = (&foreseen.series, &foreseen.forecast);
    let at = |step: usize| moment(forecast, step);
    let last = forecast.point.len().saturating_sub(1);
    let outlook = outlook_of(forecast, crossing);
    let threshold = opsseer_core::Threshold {
        comparison: question.limit.comparison.symbol().to_owned(),
        value: question.limit.value,
    };
    let began = series.points.last().map_or_else(|| at(0), |(at, _)| *at);
    let mut told = opsseer_core::Forecast {
        subject: question.subject.clone(),
        sentence: String::new(),
        expr: question.limit.left.clone(),
        threshold,
        now: foreseen.current,
        beyond,
        outlook,
        until: at(last),
        step_seconds: u32::try_from(forecast.step_ms / 1000).unwrap_or(u32::MAX).max(1),
        method: method(forecast),
    };
    told.sentence = sentence(&told, began);
    let mut chart = chart(question, foreseen);
    if let Outlook::Expected { at, .. } = told.outlook {
        let label = if beyond { "back" } else { "expected" };
        chart.marks.push(Mark { at, label: label.to_owned(), kind: MarkKind::Expected });
    }
    Answer { chart, forecast: told }
}

/// When the limit is passed, in times instead of steps.
pub(crate) fn outlook_of(forecast: &Forecast, crossing: &Crossing) -> Outlook {
    let at = |step: usize| moment(forecast, step);
    match (forecast.basis, crossing.verdict) {
        (Basis::TooLittle { have, need }, _) => Outlook::TooLittle { have, need },
        // The forecaster warns earlier than this: a missed breach costs more than a warning. Words must not.
        (_, Verdict::Expected { probability, .. }) if probability < PROBABLE => {
            Outlook::Unsure { probability }
        }
        (_, Verdict::Expected { step, earliest, latest, probability }) => {
            Outlook::Expected { at: at(step), earliest: at(earliest), latest: latest.map(at), probability }
        }
        (_, Verdict::NotWithin { probability }) => Outlook::NotWithin { probability },
        (_, Verdict::Unsure { probability }) => Outlook::Unsure { probability },
    }
}

pub(crate) fn moment(forecast: &Forecast, step: usize) -> DateTime<Utc> {
    let ahead = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(forecast.step_ms);
    DateTime::from_timestamp_millis(forecast.start.saturating_add(ahead)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The weightiest methods by name, with the season that they found.
pub(crate) fn method(forecast: &Forecast) -> String {
    let names: Vec<&str> = forecast.members.iter().take(NAMED).map(|member| member.name).collect();
    let season = forecast.season.map(|steps| {
        let seconds = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(forecast.step_ms) / 1000;
        format!("; repeats every {}", crate::event_words::took(seconds))
    });
    format!("{}{}", names.join(", "), season.unwrap_or_default())
}

/// The history, about twice as long as what is forecast, and the band after it.
fn chart(question: &Question, foreseen: &Foreseen) -> Chart {
    let Foreseen { series, unit, forecast, .. } = foreseen;
    let times: Vec<DateTime<Utc>> = (0..forecast.point.len()).map(|step| moment(forecast, step)).collect();
    let now = series.points.last().map_or(DateTime::<Utc>::UNIX_EPOCH, |(at, _)| *at);
    let until = times.last().copied().unwrap_or(now);
    let from = series.points.first().map_or(now, |(at, _)| *at).max(now - (until - now) * 2);
    let points = series.points.iter().copied().filter(|(at, _)| *at >= from).collect();
    Chart {
        title: question.subject.clone(),
        unit: *unit,
        from,
        to: now,
        series: vec![ChartSeries { name: String::new(), points }],
        threshold: Some((question.limit.value, question.limit.comparison)),
        marks: Vec::<Mark>::new(),
        forecast: (!times.is_empty()).then(|| ForecastBand {
            name: String::new(),
            points: times.iter().copied().zip(forecast.point.iter().copied()).collect(),
            low80: forecast.low80.clone(),
            high80: forecast.high80.clone(),
            low95: forecast.low95.clone(),
            high95: forecast.high95.clone(),
        }),
    }
}

pub(crate) fn direction(comparison: Comparison, beyond: bool) -> Direction {
    match (comparison, beyond) {
        (Comparison::Above | Comparison::AtLeast, false) | (Comparison::Below | Comparison::AtMost, true) => {
            Direction::Above
        }
        _ => Direction::Below,
    }
}

fn first_value(series: &[Series]) -> Option<DateTime<Utc>> {
    let values = series.iter().flat_map(|one| &one.points).filter(|(_, value)| value.is_finite());
    values.map(|(at, _)| *at).min()
}

/// The series whose last value lies farthest towards the side of the limit that raises the alert.
fn telling(series: Vec<Series>, comparison: Comparison) -> Option<Series> {
    let last =
        |one: &Series| one.points.iter().rev().map(|(_, value)| *value).find(|value| value.is_finite());
    let towards = |value: f64| match comparison {
        Comparison::Below | Comparison::AtMost => -value,
        _ => value,
    };
    let with_last = series.into_iter().filter_map(|one| last(&one).map(|value| (towards(value), one)));
    with_last.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, one)| one)
}

/// What never was negative is taken to be unable to be so, and a ratio that never passed 1 likewise.
fn bounds(points: &[(i64, f64)], unit: Unit) -> Bounds {
    let finite = || points.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let lowest = finite().all(|value| value >= 0.0).then_some(0.0);
    let highest = (unit == Unit::Ratio && finite().all(|value| value <= 1.0)).then_some(1.0);
    Bounds { lowest, highest }
}
