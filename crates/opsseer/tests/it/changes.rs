//! What was changed: told over HTTP, found in the metrics, and shown with the incidents that it may have caused.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{FakeMetrics, Sample, Series},
};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::test_server::{PATIENCE, TestServer, alert};

/// An alert that fires now.
fn fresh(name: &str, service: &str) -> Value {
    let mut alert = alert(name, service, "firing");
    alert["startsAt"] = json!(SystemClock.now().to_rfc3339());
    alert
}

fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    SystemClock.now() - TimeDelta::minutes(minutes)
}

fn deploy(version: &str, service: &str, minutes: i64) -> Value {
    json!({"kind": "deploy", "title": format!("{service} {version} deployed"), "service": service,
        "version": version, "at": minutes_ago(minutes), "link": "https://ci.example/runs/7", "source": "ci"})
}

async fn tell(server: &TestServer, change: &Value) -> Value {
    let (status, answer) = server.post("/api/v1/changes", change.to_string()).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

/// Titles of the changes on an incident's timeline, as they were told.
async fn titles(server: &TestServer, incident: i64) -> Vec<String> {
    let events = server.events(incident).await;
    let changes = events.iter().filter(|event| event["kind"] == "change_seen");
    changes.map(|event| event["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_change_is_kept_once_listed_and_refused_with_the_reason_if_it_makes_no_sense() {
    let server = TestServer::start().await;
    let mut first = deploy("1.42", "db", 60);
    first["id"] = json!("7");
    let told = tell(&server, &first).await;
    assert_eq!(
        (told["kind"].as_str(), told["incidents"].as_array().map(Vec::len)),
        (Some("deploy"), Some(0))
    );
    first["title"] = json!("another title");
    let (status, again) = server.post("/api/v1/changes", first.to_string()).await;
    assert_eq!((status, &again["id"], &again["title"]), (200, &told["id"], &json!("db 1.42 deployed")));
    tell(&server, &deploy("2.0", "web", 30)).await;
    tell(&server, &json!({"kind": "flag", "title": "checkout v2 on"})).await;

    let all = server.get("/api/v1/changes").await;
    let listed: Vec<&str> =
        all["changes"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(listed, ["checkout v2 on", "web 2.0 deployed", "db 1.42 deployed"]);
    let since = minutes_ago(45).format("%Y-%m-%dT%H:%M:%SZ");
    let some = server.get(&format!("/api/v1/changes?service=db&since={since}")).await;
    assert_eq!(some["changes"], json!([]));
    let first = server.get("/api/v1/changes?limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/api/v1/changes?limit=1&cursor={cursor}")).await;
    assert_eq!(next["changes"][0]["title"], "web 2.0 deployed");

    for (wrong, reason) in [
        (json!({"kind": "upload", "title": "t"}), "allowed: deploy"),
        (json!({"kind": "deploy", "title": " "}), "title is empty"),
        (json!({"kind": "deploy", "title": "t", "at": "2999-01-01T00:00:00Z"}), "in the future"),
        (json!({"kind": "deploy", "title": "t", "link": "javascript:alert(1)"}), "link must be"),
        (json!({"kind": "deploy", "title": "t", "sevice": "db"}), "sevice"),
        (json!({"kind": "deploy"}), "title"),
    ] {
        let (status, answer) = server.post("/api/v1/changes", wrong.to_string()).await;
        let detail = answer["detail"].as_str().unwrap();
        assert!((400..500).contains(&status) && detail.contains(reason), "{status} {detail} for {wrong}");
    }
    assert_eq!(server.get("/api/v1/changes").await["changes"].as_array().unwrap().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn what_was_told_before_an_incident_is_on_its_timeline_and_marked_in_its_picture() {
    let metrics = FakeMetrics::default();
    let points = (0..60).map(|minute| (minutes_ago(60 - minute), 0.5)).collect();
    metrics.answer_range("latency", vec![Series { labels: BTreeMap::new(), points }]);
    let server = TestServer::start_with("", metrics).await;
    tell(&server, &deploy("1.42", "db", 20)).await;
    tell(&server, &deploy("2.0", "web", 20)).await;
    tell(&server, &deploy("1.40", "db", 400)).await;
    tell(&server, &json!({"kind": "flag", "title": "everywhere", "at": minutes_ago(5)})).await;
    server.alert(json!([fresh("Slow", "db")])).await;
    let looked = server.event(1, "changes_looked").await;
    assert_eq!((looked["service"].as_str(), looked["found"].as_u64()), (Some("db"), Some(2)));
    assert_eq!(titles(&server, 1).await, ["db 1.42 deployed", "everywhere"]);
    let change = server.event(1, "change_seen").await;
    assert_eq!(
        (change["source"].as_str(), change["link"].as_str()),
        (Some("ci"), Some("https://ci.example/runs/7"))
    );
    let charted = server.event(1, "charted").await;
    let picture = format!("{}/assets/{}", server.url, charted["assets"][0]["sha256"].as_str().unwrap());
    let svg = server.http.get(picture).send().await.unwrap().text().await.unwrap();
    assert!(svg.contains("deploy 1.42") && !svg.contains("deploy 2.0"), "{svg}");
    server.stop().await;
}

#[tokio::test]
async fn a_change_during_an_incident_is_on_its_timeline_at_once_and_once() {
    let server = TestServer::start().await;
    let mut first = fresh("Slow", "db");
    server.alert(json!([first])).await;
    server.alert(json!([fresh("Slow", "web")])).await;
    for incident in [1, 2] {
        assert_eq!(server.event(incident, "changes_looked").await["found"], 0);
    }
    let told = tell(&server, &deploy("1.43", "db", 0)).await;
    assert_eq!(told["incidents"], json!([1]));
    assert_eq!(titles(&server, 1).await, ["db 1.43 deployed"], "before its teller was answered");
    let (status, again) = server
        .post("/api/v1/changes", {
            let mut change = deploy("1.43", "db", 0);
            change["at"] = told["at"].clone();
            change.to_string()
        })
        .await;
    assert_eq!((status, &again["incidents"]), (200, &json!([])));
    let told = tell(&server, &json!({"kind": "other", "title": "the network was changed"})).await;
    assert_eq!(told["incidents"], json!([2, 1]), "it may concern any of them");
    let old = tell(&server, &deploy("1.0", "db", 600)).await;
    assert_eq!(old["incidents"], json!([]), "too long before the incident");
    // It comes back: what is known already is not told again.
    let ended = SystemClock.now().to_rfc3339();
    for (name, value) in [("status", "resolved"), ("endsAt", &ended)] {
        first[name] = json!(value);
    }
    server.alert(json!([first])).await;
    server.alert(json!([fresh("Slow", "db")])).await;
    let looked_twice = async {
        while server.kinds(1).await.iter().filter(|kind| *kind == "changes_looked").count() < 2 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, looked_twice).await.expect("it is looked for changes again");
    assert_eq!(titles(&server, 1).await, ["db 1.43 deployed", "the network was changed"]);
    assert_eq!(titles(&server, 2).await, ["the network was changed"]);
    server.stop().await;
}

#[tokio::test]
async fn what_the_metrics_show_is_on_the_timeline_with_its_own_time() {
    let metrics = FakeMetrics::default();
    let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let started = minutes_ago(40);
    let seconds = f64::from(i32::try_from(started.timestamp()).unwrap());
    let instance = labels(&[("__name__", "process_start_time_seconds"), ("instance", "db-1:80")]);
    metrics
        .answer_query("process_start_time", vec![Sample { labels: instance, at: started, value: seconds }]);
    let build = |version: &str, minutes: std::ops::Range<i64>| Series {
        labels: labels(&[("__name__", "db_build_info"), ("version", version)]),
        points: minutes.rev().map(|minute| (minutes_ago(minute), 1.0)).collect(),
    };
    metrics.answer_range("_build_info", vec![build("1.41", 20..180), build("1.42", 0..20)]);
    let server = TestServer::start_with("", metrics).await;
    server.alert(json!([fresh("Slow", "db")])).await;
    let looked = server.event(1, "changes_looked").await;
    assert_eq!(looked["found"], 2, "{looked}");
    assert_eq!(titles(&server, 1).await, ["db started (db-1:80)", "db 1.42 was deployed (before: 1.41)"]);
    let restart = server.event(1, "change_seen").await;
    assert_eq!(
        (restart["change"].as_str(), restart["source"].as_str()),
        (Some("restart"), Some("prometheus"))
    );
    assert_eq!(
        restart["at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp(),
        started.timestamp()
    );
    server.stop().await;
}

#[tokio::test]
async fn a_prometheus_that_does_not_answer_keeps_nobody_from_what_was_told() {
    let metrics = FakeMetrics::default();
    let builds = |asked: &opsseer_connect::prometheus::AskedRange| asked.expr.contains("_build_info");
    let server = TestServer::start_with("", metrics).await;
    server.alert(json!([fresh("Slow", "other")])).await;
    server.event(1, "changes_looked").await;
    let question = server.metrics.asked().into_iter().find(builds).unwrap().expr.replace("other", "db");
    let timed_out = RequestError::TimedOut {
        system: "Prometheus",
        url: "http://prometheus/".into(),
        timeout: std::time::Duration::from_secs(10),
    };
    server.metrics.push_range(&question, Err(timed_out));
    tell(&server, &deploy("1.42", "db", 20)).await;
    server.alert(json!([fresh("Slow", "db")])).await;
    let seen = server.event(2, "change_seen").await;
    assert_eq!(seen["actor"]["name"], "tell_changes");
    let failed = server.event(2, "step_failed").await;
    assert_eq!(failed["step"], "see_changes");
    // It is tried again, and then says how much there is.
    assert_eq!(server.event(2, "changes_looked").await["found"], 1);
    assert_eq!(titles(&server, 2).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn old_changes_go_and_incidents_keep_theirs() {
    let overrides = "[retention]\nchanges = \"1h\"";
    let server = TestServer::start_with(overrides, FakeMetrics::default()).await;
    server.alert(json!([fresh("Slow", "db")])).await;
    tell(&server, &deploy("1.42", "db", 90)).await;
    tell(&server, &deploy("1.43", "db", 30)).await;
    // The server's own round, at its start, may have come before the changes or after.
    opsseer::retention::delete(&server.app).await.unwrap();
    let left = server.get("/api/v1/changes").await;
    assert_eq!(left["changes"][0]["version"], "1.43");
    assert_eq!(left["changes"].as_array().unwrap().len(), 1);
    assert_eq!(titles(&server, 1).await, ["db 1.42 deployed", "db 1.43 deployed"]);
    server.stop().await;
}
