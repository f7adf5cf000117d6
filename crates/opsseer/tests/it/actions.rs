//! What people do to an incident over the API.

use serde_json::json;

use crate::test_server::{TestServer, alert};

async fn act(server: &TestServer, action: &str, body: serde_json::Value) -> (u16, serde_json::Value) {
    server.post(&format!("/api/v1/incidents/1/{action}"), body.to_string()).await
}

#[tokio::test]
async fn a_person_acknowledges_notes_assigns_and_resolves_and_each_is_on_the_timeline_once() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    for _ in 0..2 {
        let (status, incident) = act(&server, "ack", json!({"by": "ada"})).await;
        assert_eq!((status, incident["acknowledged"]["by"].as_str()), (200, Some("ada")));
    }
    act(&server, "notes", json!({"by": "ada", "text": " looking\n<b>now</b> "})).await;
    act(&server, "assign", json!({"by": "ada", "owner": "bob"})).await;
    act(&server, "severity", json!({"by": "bob", "severity": "info"})).await;
    let (_, incident) = act(&server, "resolve", json!({"by": "bob", "reason": "rolled back"})).await;
    assert_eq!(
        (incident["status"].as_str(), incident["owner"].as_str(), incident["severity"].as_str()),
        (Some("resolved"), Some("bob"), Some("info"))
    );
    let mine: Vec<_> =
        server.events(1).await.into_iter().filter(|event| event["actor"]["type"] == "person").collect();
    let kinds: Vec<_> = mine.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["acknowledged", "note", "assigned", "severity_set", "resolved"]);
    assert_eq!(mine[1]["text"], "looking\n<b>now</b>");
    assert_eq!(act(&server, "reopen", json!({"by": "bob"})).await.1["status"], "acknowledged");
    server.stop().await;
}

#[tokio::test]
async fn what_people_did_survives_the_next_alert() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    act(&server, "ack", json!({"by": "ada"})).await;
    act(&server, "severity", json!({"by": "ada", "severity": "ticket"})).await;
    act(&server, "notes", json!({"by": "ada", "text": "mine"})).await;
    server.alert(json!([alert("Slow", "toyprod", "firing"), alert("Errors", "toyprod", "firing")])).await;
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!((incident["owner"].as_str(), incident["severity"].as_str()), (Some("ada"), Some("ticket")));
    assert_eq!(server.event(1, "note").await["text"], "mine");
    server.stop().await;
}

#[tokio::test]
async fn an_action_that_cannot_be_taken_says_why_and_changes_nothing() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    server.enriched(1).await;
    let before = server.kinds(1).await;
    let cases = [
        ("notes", json!({"by": "ada", "text": "  "}), 400, "the note is empty"),
        (
            "notes",
            json!({"by": "ada", "text": "x".repeat(20_000)}),
            400,
            "the note is longer than 16384 bytes",
        ),
        ("notes", json!({"by": "", "text": "x"}), 400, "by must be a name"),
        ("notes", json!({"by": "ada"}), 422, "missing field `text`"),
        ("severity", json!({"by": "ada", "severity": "purple"}), 400, "allowed: page, ticket, info"),
    ];
    for (action, body, status, reason) in cases {
        let (got, problem) = act(&server, action, body).await;
        assert_eq!(got, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
    }
    let (status, _) = server.post("/api/v1/incidents/7/ack", json!({"by": "ada"}).to_string()).await;
    assert_eq!(status, 404);
    assert_eq!(server.kinds(1).await, before);
    server.stop().await;
}

#[tokio::test]
async fn a_resolved_incident_cannot_be_acknowledged() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    act(&server, "resolve", json!({"by": "ada"})).await;
    let (status, problem) = act(&server, "ack", json!({"by": "ada"})).await;
    assert_eq!((status, problem["detail"].as_str()), (409, Some("the incident is resolved")));
    server.stop().await;
}
