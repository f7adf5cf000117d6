//! Prometheus's HTTP API: series over a range, values at an instant, alerting rules, alerts.
//!
//! The shapes are those of <https://prometheus.io/docs/prometheus/latest/querying/api/>.

mod fake;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use url::Url;

use crate::request::{Api, Limits, RequestError};

pub use fake::{AskedRange, FakeMetrics};

/// How many points a range is asked for: about two pixels each in a picture of usual width.
const POINTS_PER_RANGE: u64 = 240;

/// Why Prometheus gave no usable answer.
pub type PrometheusError = RequestError;

/// One labelled line of a range query.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The labels, `__name__` among them where the expression keeps it.
    pub labels: BTreeMap<String, String>,
    /// Time and value, in order of time. A value may be `NaN` or infinite.
    pub points: Vec<(DateTime<Utc>, f64)>,
}

/// One labelled value of an instant query.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The labels, `__name__` among them where the expression keeps it.
    pub labels: BTreeMap<String, String>,
    /// The instant that was asked about.
    pub at: DateTime<Utc>,
    /// It may be `NaN` or infinite.
    pub value: f64,
}

/// A rule that raises alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertingRule {
    /// The `alertname` of its alerts.
    pub name: String,
    /// The expression whose every result is an alert.
    pub query: String,
    /// How long the expression must hold before the alert fires (`for:`).
    pub for_duration: Duration,
    /// The labels that the rule adds.
    pub labels: BTreeMap<String, String>,
    /// What the rule's author says about its alerts. Templates are not filled in.
    pub annotations: BTreeMap<String, String>,
}

/// Where an alert stands between its rule and its firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// The expression holds, but not yet for as long as the rule asks.
    Pending,
    /// It was, or is being, sent.
    Firing,
}

/// An alert as Prometheus itself sees it now.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusAlert {
    /// `alertname` and the rest.
    pub labels: BTreeMap<String, String>,
    /// What the rule's author says about it, with values filled in.
    pub annotations: BTreeMap<String, String>,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when the expression has held.
    pub active_at: DateTime<Utc>,
    /// The expression's value at the last evaluation.
    pub value: f64,
}

/// What OpsSeer asks of a metrics store.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// The values of `expr` between `from` and `to`, every `step`.
    async fn query_range(
        &self,
        expr: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
    ) -> Result<Vec<Series>, PrometheusError>;

    /// What `expr`, which gives a vector, is at this instant.
    async fn query(&self, expr: &str, at: DateTime<Utc>) -> Result<Vec<Sample>, PrometheusError>;

    /// The names of the metrics that have a series between `from` and `to` which any of `selectors` selects.
    async fn metric_names(
        &self,
        selectors: &[String],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<String>, PrometheusError>;

    /// All alerting rules that are loaded.
    async fn alerting_rules(&self) -> Result<Vec<AlertingRule>, PrometheusError>;

    /// All alerts that are pending or firing.
    async fn alerts(&self) -> Result<Vec<PrometheusAlert>, PrometheusError>;

    /// `Ok` once the store answers queries.
    async fn ready(&self) -> Result<(), PrometheusError>;
}

/// The step that gives a range about 240 points: whole seconds, at least one.
pub fn step_for(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    let range_ms = u64::try_from((to - from).num_milliseconds()).unwrap_or_default();
    Duration::from_secs(range_ms.div_ceil(POINTS_PER_RANGE * 1000).max(1))
}

/// A client of one Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    api: Api,
}

impl PrometheusClient {
    /// `base` is its address, with a path prefix if it has one (`--web.external-url`).
    pub fn new(base: Url, limits: Limits) -> Result<Self, PrometheusError> {
        Ok(Self { api: Api::new("Prometheus", base, limits)? })
    }
}

#[async_trait]
impl Metrics for PrometheusClient {
    async fn query_range(
        &self,
        expr: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        step: Duration,
    ) -> Result<Vec<Series>, PrometheusError> {
        let form = [
            ("query", expr),
            ("start", &from.to_rfc3339_opts(SecondsFormat::Millis, true)),
            ("end", &to.to_rfc3339_opts(SecondsFormat::Millis, true)),
            ("step", &step.as_secs_f64().to_string()),
        ];
        let answer: wire::Answer<wire::Matrix> = self.api.post_form_json("api/v1/query_range", &form).await?;
        Ok(answer.data.result.into_iter().map(Into::into).collect())
    }

    async fn query(&self, expr: &str, at: DateTime<Utc>) -> Result<Vec<Sample>, PrometheusError> {
        let form = [("query", expr), ("time", &at.to_rfc3339_opts(SecondsFormat::Millis, true))];
        let answer: wire::Answer<wire::Vector> = self.api.post_form_json("api/v1/query", &form).await?;
        Ok(answer.data.into())
    }

    async fn metric_names(
        &self,
        selectors: &[String],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<String>, PrometheusError> {
        let (from, to) = (from.timestamp().to_string(), to.timestamp().to_string());
        let mut query = vec![("start", from.as_str()), ("end", to.as_str())];
        query.extend(selectors.iter().map(|selector| ("match[]", selector.as_str())));
        let answer: wire::Answer<Vec<String>> =
            self.api.get_json("api/v1/label/__name__/values", &query).await?;
        Ok(answer.data)
    }

    async fn alerting_rules(&self) -> Result<Vec<AlertingRule>, PrometheusError> {
        let answer: wire::Answer<wire::Rules> =
            self.api.get_json("api/v1/rules", &[("type", "alert")]).await?;
        Ok(answer.data.into())
    }

    async fn alerts(&self) -> Result<Vec<PrometheusAlert>, PrometheusError> {
        let answer: wire::Answer<wire::Alerts> = self.api.get_json("api/v1/alerts", &[]).await?;
        Ok(answer.data.into())
    }

    async fn ready(&self) -> Result<(), PrometheusError> {
        self.api.get_status("-/ready").await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use wiremock::matchers::{body_string_contains, method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn json(body: &str) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
    }

    async fn client(mock: Mock) -> (MockServer, PrometheusClient) {
        let server = MockServer::start().await;
        mock.mount(&server).await;
        let base = server.uri().parse().expect("an address");
        (server, PrometheusClient::new(base, Limits::default()).expect("a client"))
    }

    #[tokio::test]
    async fn reads_a_range_with_the_values_that_are_no_numbers() {
        let body = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"toyprod"},
             "values":[[1700000000,"1"],[1700000015.5,"NaN"],[1700000030,"+Inf"],[1700000045,"-1.5e-3"]]},
            {"metric":{},"histograms":[[1700000000,{"count":"1"}]]}]},"warnings":["slow"]}"#;
        let (_server, client) = client(
            Mock::given(method("POST"))
                .and(path("/api/v1/query_range"))
                .and(body_string_contains("query=a%2Bb+%3E+1"))
                .and(body_string_contains("start=2023-11-14T22%3A13%3A20.000Z"))
                .and(body_string_contains("step=15"))
                .respond_with(json(body)),
        )
        .await;
        let series =
            client.query_range("a+b > 1", at(0), at(60), Duration::from_secs(15)).await.expect("an answer");
        assert_eq!(series.len(), 2);
        assert_eq!(series[0].labels["job"], "toyprod");
        assert_eq!(series[0].points[0], (at(0), 1.0));
        assert_eq!(series[0].points[1].0, at(15) + TimeDelta::milliseconds(500));
        assert!(series[0].points[1].1.is_nan());
        assert!(series[0].points[2].1.is_infinite());
        assert!((series[0].points[3].1 + 0.0015).abs() < 1e-12);
        assert!(series[1].points.is_empty(), "a native histogram has no plain values");
    }

    #[tokio::test]
    async fn a_scalar_where_a_matrix_was_asked_is_an_error_not_an_empty_chart() {
        let body = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"1"]}}"#;
        let (_server, client) = client(Mock::given(method("POST")).respond_with(json(body))).await;
        let error = client.query_range("1", at(0), at(60), Duration::from_secs(1)).await;
        assert!(matches!(error, Err(PrometheusError::NotUnderstood { .. })), "{error:?}");
    }

    #[tokio::test]
    async fn reads_the_values_of_an_instant() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"process_start_time_seconds","job":"toyprod"},"value":[1700000060,"1.7e9"]},
            {"metric":{"job":"idle"},"value":[1700000060,"NaN"]},
            {"metric":{"job":"native"},"histogram":[1700000060,{"count":"1"}]}]}}"#;
        let (_server, client) = client(
            Mock::given(method("POST"))
                .and(path("/api/v1/query"))
                .and(body_string_contains("query=process_start_time_seconds"))
                .and(body_string_contains("time=2023-11-14T22%3A14%3A20.000Z"))
                .respond_with(json(body)),
        )
        .await;
        let samples = client.query("process_start_time_seconds", at(60)).await.expect("an answer");
        assert_eq!(samples.len(), 2, "a native histogram has no plain value");
        assert_eq!((samples[0].labels["job"].as_str(), samples[0].at), ("toyprod", at(60)));
        assert!((samples[0].value - 1.7e9).abs() < 1e-3);
        assert!(samples[1].value.is_nan());
    }

    #[tokio::test]
    async fn a_range_where_an_instant_was_asked_is_an_error_not_an_empty_answer() {
        for (kind, result) in [
            ("scalar", r#"[1700000000,"1"]"#),
            ("matrix", r#"[{"metric":{},"values":[[1700000000,"1"]]}]"#),
            ("matrix", "[]"),
        ] {
            let body =
                format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#);
            let (_server, client) = client(Mock::given(method("POST")).respond_with(json(&body))).await;
            let error = client.query("up[5m]", at(0)).await;
            assert!(matches!(error, Err(PrometheusError::NotUnderstood { .. })), "{kind}: {error:?}");
        }
    }

    #[tokio::test]
    async fn lists_alerting_rules_and_passes_over_the_others() {
        let body = r#"{"status":"success","data":{"groups":[{"name":"toyprod","file":"f","interval":5,"rules":[
            {"type":"recording","name":"toyprod:error_rate:ratio_5m","query":"1"},
            {"type":"alerting","name":"ToyProdHighErrorRate","query":"toyprod:error_rate:ratio_5m > 0.1",
             "duration":120,"labels":{"severity":"page"},"annotations":{},"alerts":[],"state":"inactive"}]}]}}"#;
        let (_server, client) = client(
            Mock::given(path("/api/v1/rules")).and(query_param("type", "alert")).respond_with(json(body)),
        )
        .await;
        let rules = client.alerting_rules().await.expect("an answer");
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].query, "toyprod:error_rate:ratio_5m > 0.1");
        assert_eq!(rules[0].for_duration, Duration::from_mins(2));
        assert_eq!(rules[0].labels["severity"], "page");
    }

    #[tokio::test]
    async fn lists_the_names_of_metrics_that_a_service_has() {
        let body = r#"{"status":"success","data":["toyprod_requests_total","up"]}"#;
        let (_server, client) = client(
            Mock::given(path("/api/v1/label/__name__/values"))
                .and(query_param("match[]", r#"{job="toyprod"}"#))
                .and(query_param("start", "1700000000"))
                .respond_with(json(body)),
        )
        .await;
        let selectors = [r#"{service="toyprod"}"#, r#"{job="toyprod"}"#].map(str::to_owned);
        let names = client.metric_names(&selectors, at(0), at(60)).await.expect("an answer");
        assert_eq!(names, ["toyprod_requests_total", "up"]);
    }

    #[tokio::test]
    async fn tells_pending_from_firing() {
        let body = r#"{"status":"success","data":{"alerts":[
            {"activeAt":"2026-07-04T20:27:12.60602144Z","annotations":{},"labels":{"alertname":"A"},
             "state":"pending","value":"4.1e-01"},
            {"activeAt":"2026-07-04T20:20:00Z","annotations":{"summary":"s"},"labels":{"alertname":"B"},
             "state":"firing","value":"NaN"}]}}"#;
        let (_server, client) = client(Mock::given(path("/api/v1/alerts")).respond_with(json(body))).await;
        let alerts = client.alerts().await.expect("an answer");
        assert_eq!((alerts[0].state, alerts[1].state), (AlertState::Pending, AlertState::Firing));
        assert!((alerts[0].value - 0.41).abs() < 1e-12);
        assert_eq!(alerts[0].active_at.to_rfc3339(), "2026-07-04T20:27:12.606021440+00:00");
    }

    #[test]
    fn a_range_has_about_240_points_and_a_step_of_whole_seconds() {
        assert_eq!(step_for(at(0), at(3600)), Duration::from_secs(15));
        assert_eq!(step_for(at(0), at(3601)), Duration::from_secs(16));
        assert_eq!(step_for(at(0), at(60)), Duration::from_secs(1));
        assert_eq!(step_for(at(60), at(0)), Duration::from_secs(1));
        assert_eq!(step_for(at(0), at(7 * 86_400)), Duration::from_mins(42));
    }
}
