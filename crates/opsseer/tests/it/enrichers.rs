//! What OpsSeer adds to an incident by itself.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{AskedRange, FakeMetrics, Series},
};
use opsseer_core::{Clock, EventId, EventKind, SystemClock};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::test_server::{PATIENCE, TestServer, alert, alert_without_limit};

/// An alert that fires now.
fn fresh(name: &str) -> Value {
    let mut alert = alert(name, "toyprod", "firing");
    alert["startsAt"] = json!(SystemClock.now().to_rfc3339());
    alert
}

fn series(values: &[f64]) -> Series {
    let start: DateTime<Utc> = SystemClock.now() - TimeDelta::minutes(3);
    let points =
        values.iter().zip(0..).map(|(value, i)| (start + TimeDelta::seconds(15 * i), *value)).collect();
    Series { labels: BTreeMap::from([("service".to_owned(), "toyprod".to_owned())]), points }
}

async fn picture(server: &TestServer, charted: &serde_json::Value) -> String {
    let address = format!("{}/assets/{}", server.url, charted["assets"][0]["sha256"].as_str().unwrap());
    let answer = server.http.get(address).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/svg+xml");
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    answer.text().await.unwrap()
}

#[tokio::test]
async fn the_runbooks_step_and_the_metrics_picture_are_on_the_timeline() {
    let metrics = FakeMetrics::default();
    metrics.answer_range("latency", vec![series(&[0.1, 0.2, 0.5, 0.6])]);
    let server = TestServer::start_with("", metrics).await;
    server.alert(json!([fresh("ToyprodSlow")])).await;
    let runbook = server.event(1, "runbook_answered").await;
    assert_eq!(
        (runbook["file"].as_str(), runbook["heading"].as_str(), runbook["line_start"].as_u64()),
        (Some("toyprod-slow.md"), Some("Do this first"), Some(5))
    );
    assert_eq!(runbook["commands"], json!(["curl toyprod/chaos?mode=none"]));
    let charted = server.event(1, "charted").await;
    assert_eq!((charted["expr"].as_str(), charted["series"].as_u64()), (Some("latency"), Some(1)));
    assert_eq!(charted["threshold"], json!({"comparison": ">", "value": 0.3}));
    assert!(picture(&server, &charted).await.contains("<svg"));
    // Asked twice: for the hour, and, because there are only minutes, for those with a finer step.
    let asked = server.metrics.asked();
    let spans = |range: &&AskedRange, from, to| {
        range.expr == "latency" && (from..to).contains(&(range.to - range.from))
    };
    let hour = asked.iter().find(|range| spans(range, TimeDelta::minutes(60), TimeDelta::minutes(62)));
    let finest = asked.iter().map(|range| range.step).min();
    let minutes = asked.iter().find(|range| spans(range, TimeDelta::zero(), TimeDelta::minutes(4)));
    assert!(hour.is_some_and(|hour| Some(hour.step) > finest) && minutes.is_some(), "{asked:?}");
    server.stop().await;
}

#[tokio::test]
async fn nan_and_infinity_in_the_history_are_drawn_as_gaps() {
    let metrics = FakeMetrics::default();
    metrics.answer_range(
        "latency",
        vec![series(&[f64::NAN, 0.2, f64::NAN, f64::INFINITY, 0.6]), series(&[f64::NAN; 4])],
    );
    let server = TestServer::start_with("", metrics).await;
    server.alert(json!([fresh("Slow")])).await;
    let charted = server.event(1, "charted").await;
    let svg = picture(&server, &charted).await;
    assert!(svg.contains("<polyline") || svg.contains("<circle"), "what is finite is drawn: {svg}");
    for broken in ["NaN", "\"inf", ",inf", " inf,"] {
        assert!(!svg.contains(broken), "{broken} in {svg}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_silent_prometheus_is_told_and_asked_again() {
    let metrics = FakeMetrics::default();
    let timed_out = RequestError::TimedOut {
        system: "Prometheus",
        url: "http://prometheus/".into(),
        timeout: Duration::from_secs(10),
    };
    metrics.push_range("latency", Err(timed_out));
    metrics.push_range("latency", Ok(vec![series(&[0.5])]));
    let server = TestServer::start_with("[jobs]\nretry_after = [\"10ms\"]", metrics).await;
    server.alert(json!([alert_without_limit("Slow", "toyprod")])).await;
    let failed = server.event(1, "step_failed").await;
    assert_eq!(
        (failed["step"].as_str(), failed["error"].as_str()),
        (Some("chart_metric"), Some("Prometheus at http://prometheus/ did not answer within 10 s"))
    );
    assert!(failed["retry_at"].is_string());
    server.event(1, "charted").await;
    server.stop().await;
}

#[tokio::test]
async fn an_alert_without_an_expression_says_so_and_is_not_asked_for_again() {
    let server = TestServer::start().await;
    let mut plain = alert("Slow", "toyprod", "firing");
    plain["generatorURL"] = json!("");
    server.alert(json!([plain])).await;
    let failed = server.event(1, "step_failed").await;
    assert_eq!(failed["error"], "the alert names no expression, and Prometheus has no rule called Slow");
    assert!(failed["retry_at"].is_null());
    server.stop().await;
}

#[tokio::test]
async fn no_runbook_fits_is_an_answer() {
    let server = TestServer::start().await;
    let mut strange = alert("CertificateExpiry", "mail", "firing");
    strange["annotations"]["summary"] = json!("certificate expires tomorrow");
    server.alert(json!([strange])).await;
    let missing = server.event(1, "runbook_missing").await;
    assert_eq!(
        (missing["alert"].as_str(), missing["documents"].as_u64()),
        (Some("CertificateExpiry"), Some(1))
    );
    server.stop().await;
}

#[tokio::test]
async fn the_end_is_drawn_too() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    let first = server.event(1, "charted").await;
    server.alert(json!([alert("Slow", "toyprod", "resolved")])).await;
    let mut heard = server.app.store.subscribe();
    while server.kinds(1).await.iter().filter(|kind| *kind == "charted").count() < 2 {
        heard.recv().await.unwrap();
    }
    let last = server.events(1).await.into_iter().rfind(|event| event["kind"] == "charted").unwrap();
    assert_ne!(first["id"], last["id"]);
    assert!(picture(&server, &last).await.contains("resolved"));
    server.stop().await;
}

/// Waits until so many pictures of the first incident are drawn; one that fails is not waited for. Gives what each shows.
async fn drawn(server: &TestServer, pictures: usize) -> Vec<String> {
    let mut heard = server.app.store.subscribe();
    let incident = server.app.store.find_incident("1".parse().unwrap()).await.unwrap().unwrap().id;
    let newest = EventId(i64::MAX);
    let waiting = async {
        loop {
            let events = server.app.store.list_events_before(incident, newest, 2000).await.unwrap();
            let mut shown = Vec::new();
            for event in events.into_iter().rev() {
                match event.kind {
                    EventKind::Charted(charted) => shown.push(charted.expr),
                    EventKind::StepFailed { error, .. } => panic!("{error}"),
                    _ => {}
                }
            }
            if shown.len() >= pictures {
                return shown;
            }
            // Lagging only means that there is news.
            drop(heard.recv().await);
        }
    };
    timeout(PATIENCE, waiting).await.expect("pictures in time")
}

#[tokio::test]
async fn the_end_of_very_many_alerts_is_drawn_too() {
    let server = TestServer::start().await;
    let many = |status| (0..250).map(|n| alert(&format!("A{n}"), "toyprod", status)).collect::<Vec<_>>();
    server.alert(json!(many("firing"))).await;
    server.alert(json!(many("resolved"))).await;
    // The first five, and the end.
    assert_eq!(drawn(&server, 6).await.len(), 6);
    server.stop().await;
}

#[tokio::test]
async fn what_brings_an_incident_back_is_what_is_drawn() {
    let server = TestServer::start().await;
    let errors = |status| {
        let mut errors = alert("Errors", "toyprod", status);
        errors["generatorURL"] = json!("http://prometheus/graph?g0.expr=errors+%3E+1");
        errors
    };
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    server.alert(json!([errors("firing")])).await;
    server.alert(json!([alert("Slow", "toyprod", "resolved"), errors("resolved")])).await;
    assert_eq!(drawn(&server, 3).await.len(), 3);
    let mut again = alert("Slow", "toyprod", "firing");
    again["startsAt"] = json!("2026-01-02T05:00:00Z");
    server.alert(json!([again])).await;
    assert_eq!(server.kinds(1).await.iter().filter(|kind| *kind == "reopened").count(), 1);
    assert_eq!(drawn(&server, 4).await.last().map(String::as_str), Some("latency"));
    server.stop().await;
}
