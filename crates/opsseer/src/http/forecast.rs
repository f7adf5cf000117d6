//! Where a value is heading: of numbers that the caller gives, or of an expression that this server's Prometheus knows.

use std::time::Instant;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use opsseer_ai::forecast::{Basis, Bounds, Direction, Forecast, History};
use opsseer_connect::promql::{self, Threshold};
use opsseer_core::Outlook;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ai::Gateway,
    forecasting,
    http::error::{ApiError, Problem},
    outlook::{self, OutlookError, Question},
    pipeline::in_words,
};

/// Values that a caller may give, and steps that may be asked for.
const MOST_VALUES: usize = 20_000;
const MOST_STEPS: usize = 2_000;

/// What is forecast: `expr`, or `values` with `step_seconds` and `horizon`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForecastBody {
    /// PromQL that compares a value with a number, such as `queue_length > 100`.
    #[serde(default)]
    pub expr: Option<String>,
    /// The history, oldest first; null where a value is missing.
    #[serde(default)]
    pub values: Option<Vec<Option<f64>>>,
    /// The time between values, in seconds.
    #[serde(default)]
    pub step_seconds: Option<u32>,
    /// How many steps are to be foretold.
    #[serde(default)]
    pub horizon: Option<usize>,
    /// A limit for `values`.
    #[serde(default)]
    pub limit: Option<f64>,
    /// `above` or `below`: the side of the limit that is trouble.
    #[serde(default)]
    pub direction: Option<Side>,
    /// The least that the value can be, such as 0.
    #[serde(default)]
    pub lowest: Option<f64>,
    /// The most that the value can be, such as 1.
    #[serde(default)]
    pub highest: Option<f64>,
}

/// A side of a limit.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Greater than the limit.
    #[default]
    Above,
    /// Less than the limit.
    Below,
}

/// What comes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastResponse {
    /// What is to be expected of the limit, in a sentence. Null without a limit.
    pub sentence: Option<String>,
    /// The same for machines. Times of given `values` are counted as if the last of them was now.
    pub outlook: Option<OutlookResponse>,
    /// The numbers. Null for an expression, whose picture and sentence are told by incidents.
    pub forecast: Option<NumbersResponse>,
    /// Names the methods that had a say.
    pub method: String,
    /// How long it took, Prometheus included, in milliseconds.
    pub took_ms: f64,
}

/// Whether and when a limit is passed.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutlookResponse {
    /// `expected`, `not_within`, `unsure` or `too_little`.
    pub outlook: &'static str,
    /// How probable it is that the limit is passed within the forecast, 0 to 1.
    pub probability: Option<f64>,
    /// Seconds until it is passed, as likely sooner as later.
    pub in_seconds: Option<i64>,
    /// With 80 % probability not before this, in seconds.
    pub earliest_seconds: Option<i64>,
    /// With 80 % probability not after this, in seconds. Null if that lies beyond the forecast.
    pub latest_seconds: Option<i64>,
}

/// A forecast, one number a step.
#[derive(Debug, Serialize, ToSchema)]
pub struct NumbersResponse {
    /// The time between steps, in seconds.
    pub step_seconds: i64,
    /// As likely too high as too low.
    pub point: Vec<f64>,
    /// Lower end of the band that holds 80 %.
    pub low80: Vec<f64>,
    /// Its upper end.
    pub high80: Vec<f64>,
    /// Lower end of the band that holds 95 %.
    pub low95: Vec<f64>,
    /// Its upper end.
    pub high95: Vec<f64>,
    /// After how many steps the value repeats itself, if it does.
    pub season_steps: Option<usize>,
    /// How many values there are, and how many it takes, where there are too few.
    pub too_little: Option<(usize, usize)>,
}

/// Says where a value is heading.
#[utoipa::path(post, path = "/api/v1/forecast", request_body = ForecastBody,
    responses((status = 200, description = "what comes", body = ForecastResponse), (status = 400, description = "not understood", body = Problem),
        (status = 502, description = "Prometheus gives no values", body = Problem)))]
pub async fn forecast(
    State(gateway): State<Gateway>,
    body: Result<Json<ForecastBody>, JsonRejection>,
) -> Result<Json<ForecastResponse>, ApiError> {
    let Json(body) = body?;
    let started = Instant::now();
    let mut response = match (&body.expr, &body.values) {
        (Some(expr), None) => of_expression(&gateway, expr).await?,
        (None, Some(_)) => of_values(&gateway, body).await?,
        _ => return Err(ApiError::bad_request("invalid_value", "give either expr or values")),
    };
    let took = started.elapsed().as_secs_f64();
    metrics::histogram!("opsseer_ai_seconds", "service" => "forecast").record(took);
    response.took_ms = took * 1000.0;
    Ok(Json(response))
}

async fn of_expression(gateway: &Gateway, expr: &str) -> Result<ForecastResponse, ApiError> {
    let Some(app) = &gateway.server else {
        return Err(ApiError::bad_request(
            "no_prometheus",
            "this server has no Prometheus: give values instead of expr",
        ));
    };
    let limit = promql::threshold(expr).ok_or_else(|| {
        ApiError::bad_request(
            "no_limit",
            "expr must compare something with a number, as in `queue_length > 100`",
        )
    })?;
    let question = Question { subject: limit.left.clone(), limit, alert: None };
    let answer = forecasting::look(app, &question).await.map_err(|error| match error {
        OutlookError::NoSide(_) => ApiError::bad_request("no_limit", error.to_string()),
        OutlookError::NoValues(_) | OutlookError::Metric(_) => no_values(&error),
    })?;
    let now = app.clock.now();
    Ok(ForecastResponse {
        sentence: Some(answer.forecast.sentence.clone()),
        outlook: Some(OutlookResponse::new(&answer.forecast.outlook, now)),
        forecast: None,
        method: answer.forecast.method,
        took_ms: 0.0,
    })
}

fn no_values(error: &OutlookError) -> ApiError {
    ApiError::new(StatusCode::BAD_GATEWAY, "no_values", in_words(error))
}

async fn of_values(gateway: &Gateway, body: ForecastBody) -> Result<ForecastResponse, ApiError> {
    let values = body.values.unwrap_or_default();
    let step = i64::from(body.step_seconds.filter(|step| *step > 0).unwrap_or(0));
    let horizon = body.horizon.unwrap_or(0);
    if step == 0 || !(1..=MOST_STEPS).contains(&horizon) || values.is_empty() || values.len() > MOST_VALUES {
        return Err(ApiError::bad_request(
            "invalid_value",
            format!(
                "values (1 to {MOST_VALUES}), step_seconds (1 or more) and horizon (1 to {MOST_STEPS} steps) are needed"
            ),
        ));
    }
    let history = History {
        start: 0,
        step_ms: step * 1000,
        values: values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        bounds: Bounds { lowest: body.lowest, highest: body.highest },
    };
    let current = history.values.iter().rev().copied().find(|value| value.is_finite()).unwrap_or(f64::NAN);
    let forecaster = gateway.forecaster.clone();
    let forecast = tokio::task::spawn_blocking(move || forecaster.forecast(&history, horizon))
        .await
        .expect("a forecast does not panic");
    let limit = body.limit.map(|value| {
        let comparison = match body.direction.unwrap_or_default() {
            Side::Above => promql::Comparison::Above,
            Side::Below => promql::Comparison::Below,
        };
        Threshold { left: "value".to_owned(), comparison, value }
    });
    let told = limit.map(|limit| tell(&limit, current, &forecast));
    Ok(ForecastResponse {
        sentence: told.as_ref().map(|(sentence, _)| sentence.clone()),
        outlook: told.map(|(_, outlook)| outlook),
        method: outlook::method(&forecast),
        forecast: Some(forecast.into()),
        took_ms: 0.0,
    })
}

fn tell(limit: &Threshold, current: f64, forecast: &Forecast) -> (String, OutlookResponse) {
    let beyond = limit.comparison.holds(current, limit.value);
    let direction: Direction = outlook::direction(limit.comparison, beyond);
    let outlook = outlook::outlook_of(forecast, &forecast.crossing(limit.value, direction));
    let from = outlook::moment(forecast, 0) - chrono::TimeDelta::milliseconds(forecast.step_ms);
    let until = outlook::moment(forecast, forecast.point.len().saturating_sub(1));
    let told = opsseer_core::Forecast {
        subject: String::new(),
        sentence: String::new(),
        expr: limit.left.clone(),
        threshold: opsseer_core::Threshold {
            comparison: limit.comparison.symbol().to_owned(),
            value: limit.value,
        },
        now: current,
        beyond,
        outlook,
        until,
        step_seconds: u32::try_from(forecast.step_ms / 1000).unwrap_or(u32::MAX),
        method: String::new(),
    };
    (outlook::sentence(&told, from), OutlookResponse::new(&told.outlook, from))
}

impl OutlookResponse {
    fn new(outlook: &Outlook, now: chrono::DateTime<chrono::Utc>) -> Self {
        let seconds = |at: chrono::DateTime<chrono::Utc>| (at - now).num_seconds().max(0);
        let plain = |outlook, probability| Self {
            outlook,
            probability,
            in_seconds: None,
            earliest_seconds: None,
            latest_seconds: None,
        };
        match outlook {
            Outlook::Expected { at, earliest, latest, probability } => Self {
                in_seconds: Some(seconds(*at)),
                earliest_seconds: Some(seconds(*earliest)),
                latest_seconds: latest.map(seconds),
                ..plain("expected", Some(*probability))
            },
            // Of passing, as in the others.
            Outlook::NotWithin { probability } => plain("not_within", Some(1.0 - probability)),
            Outlook::Unsure { probability } => plain("unsure", Some(*probability)),
            Outlook::TooLittle { .. } => plain("too_little", None),
        }
    }
}

impl From<Forecast> for NumbersResponse {
    fn from(forecast: Forecast) -> Self {
        Self {
            step_seconds: forecast.step_ms / 1000,
            too_little: match forecast.basis {
                Basis::TooLittle { have, need } => Some((have, need)),
                Basis::Fitted { .. } => None,
            },
            season_steps: forecast.season,
            point: forecast.point,
            low80: forecast.low80,
            high80: forecast.high80,
            low95: forecast.low95,
            high95: forecast.high95,
        }
    }
}
