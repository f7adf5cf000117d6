//! What is old enough goes, on a schedule.

use chrono::TimeDelta;
use opsseer_connect::prometheus::FakeMetrics;
use serde_json::json;

use crate::test_server::{TestServer, alert};

#[tokio::test]
async fn a_resolved_incident_goes_when_its_time_has_come_and_one_that_goes_on_never_does() {
    // A nanosecond: everything that is resolved is old enough at once.
    let overrides = "[retention]\nresolved = \"1ns\"\nevery = \"1h\"";
    let server = TestServer::start_with(overrides, FakeMetrics::default()).await;
    let gone = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let stays = server.alert(json!([alert("Slow", "web", "firing")])).await[0];
    server.alert(json!([alert("Slow", "db", "resolved")])).await;
    while server.app.clock.now() - resolved_at(&server, gone).await < TimeDelta::microseconds(2) {
        tokio::task::yield_now().await;
    }
    let deleted = opsseer::retention::delete(&server.app).await.unwrap();
    assert_eq!(deleted.incidents, 1);
    let left: Vec<i64> =
        server.incidents().await.iter().map(|incident| incident["number"].as_i64().unwrap()).collect();
    assert_eq!(left, [stays]);
    // Its alert is gone as well: when it fires again, that is a new incident.
    assert_eq!(server.alert(json!([alert("Slow", "db", "firing")])).await, [stays + 1]);
    server.stop().await;
}

#[tokio::test]
async fn a_time_longer_than_the_calendar_keeps_everything() {
    let server = TestServer::start_with("[retention]\nresolved = \"300000y\"", FakeMetrics::default()).await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    server.alert(json!([alert("Slow", "db", "resolved")])).await;
    assert_eq!(opsseer::retention::delete(&server.app).await.unwrap(), opsseer_store::Deleted::default());
    server.stop().await;
}

async fn resolved_at(server: &TestServer, incident: i64) -> chrono::DateTime<chrono::Utc> {
    let incident = server.get(&format!("/api/v1/incidents/{incident}")).await;
    incident["resolved_at"].as_str().unwrap().parse().unwrap()
}
