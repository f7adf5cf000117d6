//! What Prometheus can see of the service.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::chaos::Live;

mod chaos;
mod process;

/// Upper bounds in seconds. Dense from 200 to 500 ms, because the latency alert asks whether the p95 is above
/// 300 ms: interpolation inside a bucket is then wrong by some 25 ms at most. The last bounds are for the longest
/// delay of a minute.
const LATENCY_BUCKETS: [f64; 18] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// How the exposition is written, in the word of the standard.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The matched route: a small closed set, so that a scan for pages that do not exist makes one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Orders,
    Chaos,
    Healthz,
    Metrics,
    /// Every path that no route answers.
    Unmatched,
}

impl Route {
    const ALL: [Self; 5] = [Self::Orders, Self::Chaos, Self::Healthz, Self::Metrics, Self::Unmatched];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Orders => "/orders",
            Self::Chaos => "/chaos",
            Self::Healthz => "/healthz",
            Self::Metrics => "/metrics",
            Self::Unmatched => "unmatched",
        }
    }

    /// The route whose pattern the router matched.
    pub(crate) fn matched(pattern: Option<&str>) -> Self {
        let found = pattern.and_then(|pattern| Self::ALL.into_iter().find(|route| route.as_str() == pattern));
        found.unwrap_or(Self::Unmatched)
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// The method, where it is one that the label may hold; a made-up method must not make a series.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Route,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Route,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// How a request for orders ended.
#[derive(Clone, Copy)]
pub(crate) enum OrdersResult {
    Ok,
    Failed,
    Rejected,
}

/// All metrics. Label sets are small plain values, so that counting allocates nothing.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<RouteLabels, Histogram>,
    /// Requests for orders by result, in the order of [`OrdersResult`].
    orders: [Counter; 3],
    /// Requests for orders that are being answered now.
    pub(crate) orders_in_flight: Gauge,
}

impl Metrics {
    pub(crate) fn new(started: SystemTime, live: Arc<Live>) -> Self {
        let mut registry = Registry::default();
        let requests = Family::<RequestLabels, Counter>::default();
        let new_histogram: fn() -> Histogram = || Histogram::new(LATENCY_BUCKETS);
        let latency = Family::new_with_constructor(new_histogram);
        let results = Family::<ResultLabels, Counter>::default();
        let orders =
            ["ok", "failed", "rejected"].map(|result| results.get_or_create_owned(&ResultLabels { result }));
        let orders_in_flight = Gauge::default();
        // A gauge and not the newer type "info", which readers of the older text format stumble over.
        let build = Family::<[(&str, &str); 1], Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);

        // `_total` and the unit are appended to the names by the encoder.
        registry.register("toyprod_requests", "HTTP requests by route, method and status", requests.clone());
        registry.register_with_unit(
            "toyprod_request_latency",
            "Time from the request's headers to its answer",
            Unit::Seconds,
            latency.clone(),
        );
        registry.register("toyprod_orders", "Requests for orders by how they ended", results);
        registry.register(
            "toyprod_orders_in_flight",
            "Requests for orders being answered now",
            orders_in_flight.clone(),
        );
        registry.register("toyprod_build_info", "1, with the version that runs as its label", build);
        registry.register_collector(Box::new(chaos::ChaosCollector::new(live)));
        registry.register_collector(Box::new(process::ProcessCollector::new(started)));

        let metrics = Self { registry, requests, latency, orders, orders_in_flight };
        metrics.touch();
        metrics
    }

    /// Makes the series that alerts rest on before the first request, at 0: `rate` cannot see the step from
    /// absent to one, so the first failures would be lost.
    fn touch(&self) {
        for status in [200, 400, 499, 500, 503] {
            let labels = RequestLabels { route: Route::Orders, method: "GET", status };
            drop(self.requests.get_or_create(&labels));
        }
        drop(self.latency.get_or_create(&RouteLabels { route: Route::Orders }));
    }

    /// Counts one answered request.
    pub(crate) fn request(&self, route: Route, method: &'static str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { route, method, status }).inc();
        self.latency.get_or_create(&RouteLabels { route }).observe(took.as_secs_f64());
    }

    /// Counts how a request for orders ended.
    pub(crate) fn orders(&self, result: OrdersResult) {
        self.orders[result as usize].inc();
    }

    /// The whole exposition, in the text form that [`CONTENT_TYPE`] names.
    pub(crate) fn expose(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn exposed(act: impl FnOnce(&Metrics)) -> String {
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let metrics = Metrics::new(started, Arc::new(Live::new(started, Instant::now())));
        act(&metrics);
        metrics.expose().unwrap()
    }

    fn assert_line(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in:\n{text}");
    }

    #[test]
    fn the_names_are_those_of_the_contract() {
        let text = exposed(|metrics| {
            metrics.request(Route::Orders, "GET", 500, Duration::from_millis(320));
            metrics.orders(OrdersResult::Failed);
        });
        assert_line(&text, r#"toyprod_requests_total{route="/orders",method="GET",status="500"} 1"#);
        assert_line(&text, r#"toyprod_request_latency_seconds_bucket{le="0.3",route="/orders"} 0"#);
        assert_line(&text, r#"toyprod_request_latency_seconds_bucket{le="0.35",route="/orders"} 1"#);
        assert_line(&text, r#"toyprod_request_latency_seconds_count{route="/orders"} 1"#);
        assert_line(&text, r#"toyprod_orders_total{result="failed"} 1"#);
        assert_line(&text, r#"toyprod_build_info{version="0.1.0"} 1"#);
        assert_line(&text, "process_start_time_seconds 1700000000.0");
    }

    #[test]
    fn what_alerts_rest_on_is_there_before_the_first_request() {
        let text = exposed(|_| {});
        assert_line(&text, r#"toyprod_requests_total{route="/orders",method="GET",status="500"} 0"#);
        assert_line(&text, r#"toyprod_request_latency_seconds_count{route="/orders"} 0"#);
        assert_line(&text, r#"toyprod_orders_total{result="ok"} 0"#);
    }

    #[test]
    fn the_chaos_in_force_is_exposed() {
        let text = exposed(|_| {});
        assert_line(&text, r#"toyprod_chaos_mode{mode="none"} 1"#);
        assert_line(&text, r#"toyprod_chaos_mode{mode="sine"} 0"#);
        assert_line(&text, "toyprod_chaos_delay_seconds 0.0");
        assert_line(&text, "toyprod_chaos_fail_ratio 0.0");
        assert_line(&text, "toyprod_chaos_leaked_bytes 0");
    }

    #[test]
    fn made_up_methods_share_one_label() {
        assert_eq!(method_label(&Method::from_bytes(b"BREW").unwrap()), "other");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_shows_its_memory_and_cpu() {
        let text = exposed(|_| {});
        let resident =
            text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes ")).unwrap();
        assert!(resident.parse::<u64>().unwrap() > 1024 * 1024, "{resident}");
        assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
    }
}
