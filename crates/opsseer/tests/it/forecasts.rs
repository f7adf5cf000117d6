//! Where values are heading: on incidents, before them, and asked for by a program.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use opsseer_connect::prometheus::{AlertingRule, FakeMetrics, Series};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::{
    jobs::until,
    test_server::{TestServer, alert, alert_without_limit},
};

/// A value every 15 s, the last of them now.
fn history(values: &[f64]) -> Vec<Series> {
    let now = SystemClock.now();
    let points = values.iter().rev().zip(0..).map(|(value, i)| (now - TimeDelta::seconds(15 * i), *value));
    let mut points: Vec<_> = points.collect();
    points.reverse();
    vec![Series { labels: BTreeMap::from([("service".to_owned(), "toyprod".to_owned())]), points }]
}

/// An hour of quiet, then ten minutes of steady growth that has come to 0.28 and passes 0.3 in a minute or two.
fn growing() -> Vec<Series> {
    let mut values = vec![0.1; 200];
    values.extend((1..=36).map(|step| 0.1 + 0.005 * f64::from(step)));
    history(&values)
}

fn slow() -> Value {
    let mut slow = alert("ToyprodSlow", "toyprod", "firing");
    slow["startsAt"] = json!(SystemClock.now().to_rfc3339());
    slow
}

/// Prometheus with the rule of `slow`.
fn with_rule() -> FakeMetrics {
    let rule = AlertingRule {
        name: "ToyprodSlow".into(),
        query: "latency > 0.3".into(),
        for_duration: std::time::Duration::from_mins(2),
        labels: BTreeMap::from([("service".to_owned(), "toyprod".to_owned())]),
        annotations: BTreeMap::new(),
    };
    FakeMetrics::new(vec![rule], Vec::new())
}

#[tokio::test]
async fn an_incident_says_where_its_metric_is_heading_with_a_picture_and_its_numbers() {
    let metrics = FakeMetrics::default();
    metrics.answer_range("latency", growing());
    let server = TestServer::start_with("", metrics).await;
    let at = SystemClock.now() - TimeDelta::minutes(12);
    let deploy = json!({"kind": "deploy", "title": "toyprod 1.42 deployed", "service": "toyprod", "version": "1.42",
        "at": at, "source": "ci"});
    assert_eq!(server.post("/api/v1/changes", deploy.to_string()).await.0, 201);
    server.alert(json!([slow()])).await;
    let forecast = server.event(1, "forecast").await;
    assert_eq!(
        (forecast["subject"].as_str(), forecast["expr"].as_str()),
        (Some("ToyprodSlow"), Some("latency"))
    );
    assert_eq!(forecast["outlook"]["outlook"], "expected", "{forecast}");
    assert!(forecast["sentence"].as_str().unwrap().starts_with("passes 0.3 in about "), "{forecast}");
    let types: Vec<&str> = forecast["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["media_type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["image/svg+xml", "application/json"]);
    let picture = format!("{}/assets/{}", server.url, forecast["assets"][0]["sha256"].as_str().unwrap());
    let picture = server.http.get(picture).send().await.unwrap().text().await.unwrap();
    assert!(picture.contains("deploy 1.42"), "what was changed is marked: {picture}");
    server.stop().await;
}

#[tokio::test]
async fn a_metric_without_values_or_without_a_limit_has_no_forecast_and_no_failure() {
    let server = TestServer::start().await;
    server.alert(json!([slow()])).await;
    server.alert(json!([alert_without_limit("Other", "mail")])).await;
    for incident in [1, 2] {
        server.enriched(incident).await;
        let kinds = server.kinds(incident).await;
        assert!(!kinds.iter().any(|kind| kind == "forecast" || kind == "step_failed"), "{kinds:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_watched_opens_one_incident_early_that_the_alert_joins_and_ends_when_it_is_over() {
    let metrics = with_rule();
    metrics.answer_range("latency", growing());
    let watch = "[forecast]\nevery = \"1s\"\nwatch = [{ alert = \"ToyprodSlow\" }]";
    let server = TestServer::start_with(watch, metrics).await;
    until("the incident before the alert", async || !incidents(&server).await.is_empty()).await;
    let early = &incidents(&server).await[0];
    assert!(early["title"].as_str().unwrap().contains("ToyprodSlow is expected in about "), "{early}");
    assert_eq!(early["severity"], "info", "it wakes nobody");
    server.alert(json!([slow()])).await;
    let joined = incidents(&server).await;
    assert_eq!((joined.len(), joined[0]["alerts_firing"].as_i64()), (1, Some(2)), "{joined:?}");
    assert_eq!(
        (&joined[0]["severity"], &joined[0]["title"]),
        (&json!("page"), &json!("toyprod: it is slow"))
    );
    server.metrics.answer_range("latency", history(&[0.1; 240]));
    server.event(1, "alert_resolved").await;
    let left = incidents(&server).await;
    assert_eq!(
        (left.len(), left[0]["alerts_firing"].as_i64()),
        (1, Some(1)),
        "the real alert goes on: {left:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn quiet_opens_nothing() {
    let metrics = with_rule();
    metrics.answer_range("latency", history(&[0.1; 240]));
    let watch = "[forecast]\nevery = \"1s\"\nwatch = [{ alert = \"ToyprodSlow\" }, { alert = \"Gone\" }]";
    let server = TestServer::start_with(watch, metrics).await;
    // Each round asks for two ranges; four rounds are twice as many as it takes to open one.
    until("four rounds", async || server.metrics.asked().len() >= 8).await;
    assert!(incidents(&server).await.is_empty());
    server.stop().await;
}

async fn incidents(server: &TestServer) -> Vec<Value> {
    server.get("/api/v1/incidents").await["incidents"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_program_gives_numbers_and_gets_numbers() {
    let server = TestServer::start().await;
    let values: Vec<f64> = (0..120).map(|step| 10.0 + f64::from(step)).collect();
    let body = json!({"values": values, "step_seconds": 60, "horizon": 30, "limit": 139.0, "lowest": 0.0});
    let (status, answer) = server.post("/api/v1/forecast", body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let point = answer["forecast"]["point"].as_array().unwrap();
    assert!(point.len() == 30 && (point[29].as_f64().unwrap() - 159.0).abs() < 8.0, "{point:?}");
    assert_eq!(answer["outlook"]["outlook"], "expected", "{answer}");
    let seconds = answer["outlook"]["in_seconds"].as_i64().unwrap();
    assert!((420..=900).contains(&seconds), "ten minutes, about: {seconds}");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_forecast_is_refused_with_the_reason() {
    let server = TestServer::start().await;
    for (body, reason) in [
        (json!({}), "give either expr or values"),
        (json!({"expr": "absent(up)"}), "compare something with a number"),
        (json!({"expr": "up == 1"}), "no side"),
        (json!({"values": [1.0], "horizon": 3}), "step_seconds"),
        (json!({"values": [1.0], "step_seconds": 60, "horizon": 1_000_000}), "horizon"),
    ] {
        let (status, answer) = server.post("/api/v1/forecast", body.to_string()).await;
        assert!(status == 400 && answer["detail"].as_str().unwrap().contains(reason), "{body} {answer}");
    }
    let (status, answer) =
        server.post("/api/v1/forecast", json!({"expr": "latency > 0.3"}).to_string()).await;
    assert!(status == 502 && answer["detail"].as_str().unwrap().contains("no values"), "{answer}");
    server.stop().await;
}
