//! What comes in is kept, once, and belongs to the right incident.

use futures::StreamExt;
use opsseer_connect::prometheus::FakeMetrics;
use serde_json::{Value, json};

use crate::test_server::{TestServer, alert, envelope};

#[tokio::test]
async fn the_same_alert_twice_is_one_incident_and_adds_nothing() {
    let server = TestServer::start().await;
    let first = server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    server.enriched(1).await;
    let before = server.events(1).await;
    let second = server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    assert_eq!((first, second), (vec![1], vec![1]));
    assert_eq!(server.events(1).await, before);
    assert_eq!(server.incidents().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn all_three_alerts_of_a_payload_are_kept() {
    let server = TestServer::start().await;
    let three = json!([
        alert("Slow", "toyprod", "firing"),
        alert("Errors", "toyprod", "firing"),
        alert("Slow", "payments", "firing"),
    ]);
    assert_eq!(server.alert(three).await, [1, 2]);
    let kept = server.get("/api/v1/alerts").await;
    let names: Vec<(&str, i64)> = kept["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["incident"].as_i64().unwrap()))
        .collect();
    assert_eq!(names, [("Slow", 1), ("Errors", 1), ("Slow", 2)]);
    let joined = server.events(1).await.into_iter().rfind(|event| event["kind"] == "alert_fired").unwrap();
    assert_eq!(joined["reason"], "It joined this incident because it has the same service, toyprod.");
    server.stop().await;
}

#[tokio::test]
async fn a_resolved_alert_closes_its_own_incident_and_firing_again_reopens_it() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "resolved")])).await, [1]);
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!(
        (incident["status"].as_str(), incident["alerts_firing"].as_i64()),
        (Some("resolved"), Some(0))
    );
    let mut again = alert("Slow", "toyprod", "firing");
    again["startsAt"] = json!("2026-01-02T05:00:00Z");
    assert_eq!(server.alert(json!([again])).await, [1]);
    let incident = server.get("/api/v1/incidents/INC-1").await;
    assert_eq!((incident["status"].as_str(), incident["reopened_count"].as_i64()), (Some("open"), Some(1)));
    assert_eq!(server.incidents().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn what_was_answered_is_still_there_after_a_restart() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    let server = server.restarted().await;
    assert_eq!(server.incidents().await.len(), 1);
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "resolved")])).await, [1]);
    server.stop().await;
}

#[tokio::test]
async fn grafanas_webhook_is_taken_too() {
    let server = TestServer::start().await;
    let body = json!({"receiver": "opsseer", "status": "firing", "state": "alerting", "title": "t", "alerts": [
        {"status": "firing", "labels": {"alertname": "Slow", "service": "shop"}, "annotations": {},
         "startsAt": "2026-01-02T03:04:05Z", "endsAt": "0001-01-01T00:00:00Z", "valueString": "[ value=3 ]"}]});
    let (status, answer) = server.post("/webhook/grafana", body.to_string()).await;
    assert_eq!(
        (status, answer["incidents"][0]["url"].as_str()),
        (202, Some(format!("{}/incidents/1", server.url).as_str()))
    );
    let fired = server.event(1, "alert_fired").await;
    assert_eq!(
        (fired["actor"]["type"].as_str(), fired["alert"]["annotations"]["value"].as_str()),
        (Some("grafana"), Some("[ value=3 ]"))
    );
    server.stop().await;
}

#[tokio::test]
async fn the_heartbeat_is_noted_and_opens_nothing() {
    let server = TestServer::start().await;
    assert_eq!(server.alert(json!([alert("Watchdog", "pipeline", "firing")])).await, Vec::<i64>::new());
    assert!(server.incidents().await.is_empty());
    assert!(server.app.store.last_heartbeat().await.unwrap().is_some());
    let kept = server.get("/api/v1/alerts").await;
    assert_eq!(
        (kept["alerts"][0]["name"].as_str(), kept["alerts"][0]["incident"].is_null()),
        (Some("Watchdog"), true)
    );
    server.stop().await;
}

async fn refused(server: &TestServer, body: impl Into<reqwest::Body>) -> (u16, String) {
    let (status, problem) = server.post("/webhook/alertmanager", body).await;
    assert_eq!(problem["status"], status);
    assert!(problem["code"].is_string());
    (status, problem["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_body_that_cannot_be_taken_is_refused_with_a_reason_and_nothing_of_it_is_kept() {
    let server = TestServer::start().await;
    let good = alert("Slow", "toyprod", "firing");
    let nul = envelope(&json!([good, {"labels": {"alertname": "x\u{0}"}}])).to_string();
    let huge = envelope(
        &json!([{"labels": {"alertname": "Big"}, "annotations": {"summary": "x".repeat(20_000_000)}}]),
    );
    let common = json!({"commonAnnotations": {"a": "x".repeat(16_000)}, "alerts": vec![json!({}); 5_000]});
    let cases: Vec<(String, u16, &str)> = vec![
        ("{\"alerts\": [".into(), 400, "the body is not JSON"),
        ("[]".into(), 400, "the body must be a JSON object"),
        ("{\"alerts\": null}".into(), 400, "alerts must be a list; it is null"),
        (String::new(), 400, "the body is not JSON"),
        (nul, 400, "alerts[1].labels.alertname holds a NUL character"),
        (huge.to_string(), 413, "larger than http.max_body_bytes"),
        (
            envelope(&json!(vec![json!({}); 10_001])).to_string(),
            413,
            "at most 10000 are taken at once (ingest.max_alerts)",
        ),
        (common.to_string(), 413, "commonAnnotations, counted once for each alert"),
    ];
    for (body, status, reason) in cases {
        let (got, detail) = refused(&server, body).await;
        assert_eq!(got, status, "{detail}");
        assert!(detail.contains(reason), "{detail}");
    }
    assert!(server.incidents().await.is_empty());
    assert_eq!(server.get("/api/v1/alerts").await["alerts"], Value::Array(vec![]));
    server.stop().await;
}

#[tokio::test]
async fn alerts_that_the_sender_left_out_are_counted() {
    let server = TestServer::start().await;
    let mut body = envelope(&json!([alert("Slow", "toyprod", "firing")]));
    body["truncatedAlerts"] = json!(7);
    let (status, _) = server.post("/webhook/grafana", body.to_string()).await;
    assert_eq!(status, 202);
    let metrics =
        server.http.get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("opsseer_alerts_truncated_total{source=\"grafana\"} 7\n"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn a_full_queue_answers_503_with_retry_after_and_a_later_try_is_taken() {
    let server = TestServer::start_with("[ingest]\nqueue = 1\nbatch = 1", FakeMetrics::default()).await;
    // While this transaction is open, the writer waits, and the queue fills.
    let blocking = server.app.store.begin().await.unwrap();
    let send = |i: usize| {
        let body = envelope(&json!([alert("Slow", &format!("s{i}"), "firing")])).to_string();
        server.http.post(format!("{}/webhook/alertmanager", server.url)).body(body).send()
    };
    let mut waiting = futures::stream::FuturesUnordered::new();
    for i in 0..8 {
        waiting.push(send(i));
    }
    // Those that do not fit are answered at once; those that fit wait for the writer.
    let first = waiting.next().await.unwrap().unwrap();
    assert_eq!(first.status(), 503);
    assert_eq!(first.headers()["retry-after"], "1");
    drop(blocking);
    let mut taken = 0;
    while let Some(answer) = waiting.next().await {
        taken += usize::from(answer.unwrap().status() == 202);
    }
    assert!(taken >= 1, "{taken}");
    assert_eq!(server.incidents().await.len(), taken);
    assert_eq!(send(99).await.unwrap().status(), 202);
    server.stop().await;
}

#[tokio::test]
async fn many_senders_at_once_lose_nothing_and_share_one_incident_a_service() {
    let server = TestServer::start().await;
    let sends = (0..200).map(|i| {
        let mut one = alert("Slow", &format!("s{}", i % 5), "firing");
        one["labels"]["instance"] = json!(i.to_string());
        let server = &server;
        async move { server.alert(json!([one])).await }
    });
    futures::future::join_all(sends).await;
    let incidents = server.incidents().await;
    assert_eq!(incidents.len(), 5);
    assert!(incidents.iter().all(|incident| incident["alerts_firing"] == 40), "{incidents:?}");
    server.stop().await;
}

/// An alert of `toyprod` with its times, as hours and minutes of one day.
fn timed(status: &str, start: &str, end: Option<&str>) -> Value {
    let mut one = alert("Slow", "toyprod", status);
    one["startsAt"] = json!(format!("2026-01-02T{start}:00Z"));
    one["endsAt"] =
        json!(end.map_or("0001-01-01T00:00:00Z".to_owned(), |end| format!("2026-01-02T{end}:00Z")));
    one
}

#[tokio::test]
async fn a_late_message_about_an_earlier_firing_changes_neither_the_alert_nor_the_count() {
    let server = TestServer::start().await;
    server.alert(json!([timed("firing", "10:00", None)])).await;
    server.alert(json!([timed("firing", "10:10", None)])).await;
    server.alert(json!([timed("resolved", "10:00", Some("10:05"))])).await;
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!(
        (incident["alerts"][0]["status"].as_str(), incident["alerts_firing"].as_i64()),
        (Some("firing"), Some(1))
    );
    server.alert(json!([timed("firing", "10:10", None)])).await;
    server.alert(json!([timed("resolved", "10:10", Some("10:20"))])).await;
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!(
        (incident["status"].as_str(), incident["alerts_firing"].as_i64()),
        (Some("resolved"), Some(0))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_sender_that_gives_no_times_may_repeat_itself_and_undoes_nothing() {
    let server = TestServer::start().await;
    let timeless = json!([{"labels": {"alertname": "Slow", "service": "toyprod"}}]);
    server.alert(timeless.clone()).await;
    let began = server.get("/api/v1/alerts").await["alerts"][0]["starts_at"].clone();
    server.post("/api/v1/incidents/1/resolve", json!({"by": "ada"}).to_string()).await;
    server.alert(timeless).await;
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!(
        (incident["status"].as_str(), incident["reopened_count"].as_i64()),
        (Some("resolved"), Some(0))
    );
    assert_eq!(incident["alerts"][0]["starts_at"], began);
    server.stop().await;
}

#[tokio::test]
async fn thousands_of_services_in_one_body_are_taken_in_one_answer() {
    // So many that it is no storm yet.
    let overrides = "[correlation]\nstorm_incidents = 10000";
    let server = TestServer::start_with(overrides, FakeMetrics::default()).await;
    let alerts: Vec<Value> = (0..3_000).map(|i| alert("Slow", &format!("s{i}"), "firing")).collect();
    assert_eq!(server.alert(Value::Array(alerts)).await.len(), 3_000);
    server.stop().await;
}

#[tokio::test]
async fn labels_that_no_index_could_hold_are_taken_and_still_tell_services_apart() {
    let server = TestServer::start().await;
    // Random letters: a database that compresses must not make them fit.
    let mut letter = 1_u64;
    let long: String = std::iter::repeat_with(|| {
        letter = letter.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + u8::try_from((letter >> 33) % 26).unwrap())
    })
    .take(2000)
    .collect();
    let long_region: String = long.chars().rev().collect();
    let mut one = alert("Slow", &long, "firing");
    let mut same = alert("Errors", &long, "firing");
    let mut other = alert("Slow", &long, "firing");
    for (alert, region) in
        [(&mut one, &long_region), (&mut same, &long_region), (&mut other, &"eu".to_owned())]
    {
        alert["labels"]["region"] = json!(region);
    }
    assert_eq!(server.alert(json!([one, other])).await, [1, 2]);
    assert_eq!(server.alert(json!([same])).await, [1]);
    server.stop().await;
}
