//! Which metrics moved: of series that the caller gives, or of services that this server's Prometheus knows.

use std::time::Instant;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use opsseer_ai::suspects::{MetricKind, MetricSeries, Onset, Scene, SuspectsVerdict};
use opsseer_core::{SuspectMetric, SuspectService, SuspectsRanked};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ai::Gateway,
    http::error::{ApiError, Problem},
    pipeline::in_words,
    suspecting::{self, Scope},
};

/// Values that a caller may give in all.
const MOST_VALUES: usize = 5_000_000;

/// What is looked at: `services` as this server's Prometheus knows them, or `series` with `step_seconds`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspectsBody {
    /// The services that are in trouble.
    #[serde(default)]
    pub services: Vec<String>,
    /// When the trouble was noticed. Absent: now, or for given series at a time that is not known.
    #[serde(default)]
    pub noticed_at: Option<DateTime<Utc>>,
    /// The series themselves, all with the same times.
    #[serde(default)]
    pub series: Vec<SeriesBody>,
    /// When the first value of each series is from.
    #[serde(default)]
    pub start: Option<DateTime<Utc>>,
    /// The time between values, in seconds.
    #[serde(default)]
    pub step_seconds: Option<u32>,
}

/// One series.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesBody {
    /// The service that it is about.
    pub service: String,
    /// What it measures, by its name.
    pub metric: String,
    /// Its values, oldest first; null where one is missing.
    pub values: Vec<Option<f64>>,
}

/// What moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectsResponse {
    /// What was found, in a sentence.
    pub sentence: String,
    /// Why nothing stands out, if nothing does.
    pub nothing: Option<String>,
    /// The services, the most suspicious first.
    pub services: Vec<SuspectServiceResponse>,
    /// How many series were looked at.
    pub series: usize,
    /// How many were left out, for want of room or time.
    pub left_out: usize,
    /// Names the method.
    pub method: String,
    /// How long it took, Prometheus included, in milliseconds.
    pub took_ms: f64,
}

/// A service, and what of it moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectServiceResponse {
    /// Its name.
    pub service: String,
    /// Its share of the evidence, 0 to 1.
    pub score: f64,
    /// Why, in a sentence.
    pub because: String,
    /// What moved, the most telling first.
    pub metrics: Vec<SuspectMetricResponse>,
}

/// A series that moved.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuspectMetricResponse {
    /// What it is.
    pub metric: String,
    /// The PromQL that gives it. Absent for given series.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expr: String,
    /// Its median before.
    pub before: f64,
    /// Its level since.
    pub during: f64,
    /// How far it moved, in robust standard deviations; negative if it fell.
    pub shift: f64,
    /// When it began to move.
    pub onset: Option<DateTime<Utc>>,
    /// Whether it merely follows from another.
    pub follows: bool,
    /// What it did, in a sentence.
    pub sentence: String,
}

/// Ranks the services whose metrics moved.
#[utoipa::path(post, path = "/api/v1/suspects", request_body = SuspectsBody,
    responses((status = 200, description = "what moved", body = SuspectsResponse), (status = 400, description = "not understood", body = Problem),
        (status = 502, description = "Prometheus does not answer", body = Problem)))]
pub async fn rank_suspects(
    State(gateway): State<Gateway>,
    body: Result<Json<SuspectsBody>, JsonRejection>,
) -> Result<Json<SuspectsResponse>, ApiError> {
    let Json(body) = body?;
    let started = Instant::now();
    let mut response = match (body.services.is_empty(), body.series.is_empty()) {
        (false, true) => of_services(&gateway, body).await?,
        (_, false) => of_series(&gateway, body).await?,
        (true, true) => {
            return Err(ApiError::bad_request("invalid_value", "give services, or series with step_seconds"));
        }
    };
    let took = started.elapsed().as_secs_f64();
    metrics::histogram!("opsseer_ai_seconds", "service" => "suspects").record(took);
    response.took_ms = took * 1000.0;
    Ok(Json(response))
}

async fn of_services(gateway: &Gateway, body: SuspectsBody) -> Result<SuspectsResponse, ApiError> {
    let Some(app) = &gateway.server else {
        let detail = "this server has no Prometheus: give series instead of services";
        return Err(ApiError::bad_request("no_prometheus", detail));
    };
    let now = app.clock.now();
    let scope = Scope {
        services: body.services,
        metrics: Vec::new(),
        noticed: body.noticed_at.unwrap_or(now).min(now),
        now,
        scrape_interval: app.config.prometheus.scrape_interval,
    };
    let ranked =
        suspecting::rank(app.metrics.as_ref(), &gateway.suspector, &scope).await.map_err(|error| {
            ApiError::new(StatusCode::BAD_GATEWAY, "prometheus_unavailable", in_words(&error))
        })?;
    Ok(ranked.into())
}

async fn of_series(gateway: &Gateway, body: SuspectsBody) -> Result<SuspectsResponse, ApiError> {
    let step = i64::from(body.step_seconds.unwrap_or(0));
    let length = body.series[0].values.len();
    if step == 0 || body.series.iter().any(|series| series.values.len() != length) {
        let detail = "series need step_seconds (1 or more) and the same number of values each";
        return Err(ApiError::bad_request("invalid_value", detail));
    }
    if length.saturating_mul(body.series.len()) > MOST_VALUES {
        let detail = format!("at most {MOST_VALUES} values in all can be looked at");
        return Err(ApiError::bad_request("too_much", detail));
    }
    let start_ms = body.start.map_or(0, |start| start.timestamp_millis());
    let series = body.series.into_iter().enumerate().map(|(id, one)| MetricSeries {
        id,
        kind: MetricKind::of_name(&one.metric),
        service: one.service,
        metric: one.metric,
        peers: None,
        values: one.values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
    });
    let scene = Scene {
        start_ms,
        step_ms: step * 1000,
        series: series.collect(),
        onset: body.noticed_at.map_or(Onset::Unknown, |at| Onset::Noticed(at.timestamp_millis())),
        calls: Vec::new(),
        symptom: body.services.into_iter().next(),
    };
    let (suspector, method) = (gateway.suspector.clone(), gateway.suspector.name());
    let found =
        tokio::task::spawn_blocking(move || suspector.rank(&scene)).await.expect("ranking does not panic");
    let nothing = match found.verdict {
        SuspectsVerdict::StandsOut => None,
        SuspectsVerdict::NothingStandsOut { reason } => Some(reason),
    };
    let services = found.services.into_iter().map(|service| SuspectServiceResponse {
        service: service.service,
        score: service.score,
        because: service.because,
        metrics: service
            .metrics
            .into_iter()
            .map(|metric| SuspectMetricResponse {
                metric: metric.metric,
                expr: String::new(),
                before: metric.before,
                during: metric.during,
                shift: metric.shift,
                onset: metric.onset_ms.and_then(DateTime::from_timestamp_millis),
                follows: metric.follows,
                sentence: metric.sentence,
            })
            .collect(),
    });
    let services: Vec<SuspectServiceResponse> = services.collect();
    let sentence = match (&nothing, services.first()) {
        (None, Some(first)) => first.because.clone(),
        (reason, _) => {
            format!("Nothing stands out. {}", reason.as_deref().unwrap_or_default()).trim_end().to_owned()
        }
    };
    Ok(SuspectsResponse {
        sentence,
        nothing,
        services,
        series: found.series_looked_at,
        left_out: 0,
        method,
        took_ms: 0.0,
    })
}

impl From<SuspectsRanked> for SuspectsResponse {
    fn from(ranked: SuspectsRanked) -> Self {
        Self {
            sentence: ranked.sentence,
            nothing: ranked.nothing,
            services: ranked.services.into_iter().map(Into::into).collect(),
            series: ranked.series,
            left_out: ranked.left_out,
            method: ranked.method,
            took_ms: 0.0,
        }
    }
}

impl From<SuspectService> for SuspectServiceResponse {
    fn from(service: SuspectService) -> Self {
        Self {
            service: service.service,
            score: service.score,
            because: service.because,
            metrics: service.metrics.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<SuspectMetric> for SuspectMetricResponse {
    fn from(metric: SuspectMetric) -> Self {
        Self {
            metric: metric.metric,
            expr: metric.expr,
            before: metric.before,
            during: metric.during,
            shift: metric.shift,
            onset: metric.onset,
            follows: metric.follows,
            sentence: metric.sentence,
        }
    }
}
