//! Which metrics moved: on incidents, and asked for by a program.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use opsseer_connect::prometheus::{FakeMetrics, Series};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

/// Three hours of a value every 15 s that wobbles around `usual`, and has been at `lately` for four minutes.
fn series(service: &str, usual: f64, lately: f64) -> Series {
    let now = SystemClock.now();
    let start = now - TimeDelta::hours(3);
    let points = (0..=720_i32).map(|i| {
        let wobble = 1.0 + f64::from(i % 7) / 100.0;
        let value = if i > 704 { lately } else { usual };
        (start + TimeDelta::seconds(15 * i64::from(i)), value * wobble)
    });
    Series { labels: BTreeMap::from([("job".to_owned(), service.to_owned())]), points: points.collect() }
}

fn metrics(toyprod_lately: f64) -> FakeMetrics {
    let metrics = FakeMetrics::default();
    metrics.set_metric_names(&["http_request_duration_seconds_bucket", "process_resident_memory_bytes"]);
    metrics.answer_range("count(up)", vec![series("", 3.0, 3.0)]);
    metrics.answer_range(
        "http_request_duration_seconds_bucket",
        vec![series("toyprod", 0.04, toyprod_lately), series("mail", 0.02, 0.02)],
    );
    metrics.answer_range("process_resident_memory_bytes", vec![series("toyprod", 2e7, 2e7)]);
    metrics
}

fn slow() -> Value {
    let mut slow = alert("ToyprodSlow", "toyprod", "firing");
    slow["startsAt"] = json!((SystemClock.now() - TimeDelta::minutes(2)).to_rfc3339());
    slow["labels"]["job"] = json!("toyprod");
    slow
}

#[tokio::test]
async fn an_incident_names_the_service_and_the_metric_that_moved() {
    let server = TestServer::start_with("", metrics(0.6)).await;
    server.alert(json!([slow()])).await;
    let ranked = server.event(1, "suspects_ranked").await;
    let first = &ranked["services"][0];
    assert_eq!(first["service"], "toyprod", "{ranked}");
    let metric = &first["metrics"][0];
    assert_eq!(metric["metric"], "p95 of http_request_duration_seconds");
    assert!(metric["sentence"].as_str().unwrap().contains("rose from 41.2 ms to 62"), "{metric}");
    assert!(metric["points"].as_array().unwrap().len() > 30, "it has a small picture: {metric}");
    assert!(
        ranked["sentence"].as_str().unwrap().starts_with("What moved first is toyprod: p95 of"),
        "{ranked}"
    );
    server.stop().await;
}

#[tokio::test]
async fn where_nothing_moved_nobody_is_accused() {
    let server = TestServer::start_with("", metrics(0.04)).await;
    server.alert(json!([slow()])).await;
    let ranked = server.event(1, "suspects_ranked").await;
    assert_eq!(ranked["services"], json!([]), "{ranked}");
    assert!(ranked["nothing"].is_string() && ranked["series"].as_u64() == Some(3), "{ranked}");
    server.stop().await;
}

#[tokio::test]
async fn a_program_gives_series_and_gets_suspects() {
    let server = TestServer::start().await;
    let values = |lately: f64| -> Vec<f64> {
        (0..120).map(|i| if i >= 110 { lately } else { 1.0 } * (1.0 + f64::from(i % 5) / 50.0)).collect()
    };
    let body = json!({"step_seconds": 60, "start": "2026-01-02T03:00:00Z", "noticed_at": "2026-01-02T04:53:00Z",
        "series": [
            {"service": "db", "metric": "latency_seconds", "values": values(9.0)},
            {"service": "mail", "metric": "latency_seconds", "values": values(1.0)}]});
    let (status, answer) = server.post("/api/v1/suspects", body.to_string()).await;
    assert_eq!((status, &answer["services"][0]["service"]), (200, &json!("db")), "{answer}");
    let (status, answer) = server.post("/api/v1/suspects", json!({}).to_string()).await;
    assert!(
        status == 400 && answer["detail"].as_str().unwrap().contains("give services, or series"),
        "{answer}"
    );
    server.stop().await;
}
