//! When the heartbeat stays away, there is an incident about that.

use serde_json::json;

use super::world::{World, incident};
use crate::test_server::TestServer;

/// With so short an age, the server looks every second.
const WATCHFUL: &str = "[correlation]\nheartbeat_max_age = \"6s\"\n";

async fn beat(server: &TestServer) {
    let heartbeat = json!([{"status": "firing", "labels": {"alertname": "Watchdog", "severity": "none"},
        "startsAt": "2026-01-02T03:04:05Z"}]);
    assert_eq!(server.alert(heartbeat).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_heartbeat_that_stays_away_is_an_incident_until_it_is_back() {
    let world = World::new();
    let server = world.start(WATCHFUL).await;
    beat(&server).await;
    world.clock.advance(60);
    let silent = incident(&server, "alerting-pipeline", "open").await;
    assert_eq!(silent["severity"], "page");
    let number = silent["number"].as_i64().unwrap();
    let event = server.event(number, "alert_fired").await;
    assert_eq!(event["actor"]["type"], "opsseer");
    assert_eq!(event["alert"]["name"], "AlertingPipelineSilent");
    assert_eq!(event["alert"]["annotations"]["runbook_url"], "runbooks/alerting-pipeline-silent.md");

    // A restart in the middle does not make a second one.
    server.stop().await;
    let server = world.start(WATCHFUL).await;
    world.clock.advance(60);
    beat(&server).await;
    incident(&server, "alerting-pipeline", "resolved").await;
    assert_eq!(server.incidents().await.len(), 1);
    server.stop().await;
}

#[test]
fn its_runbook_ships() {
    let runbook = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runbooks/alerting-pipeline-silent.md");
    assert!(std::fs::read_to_string(runbook).unwrap().contains("Alert: `AlertingPipelineSilent`"));
}
