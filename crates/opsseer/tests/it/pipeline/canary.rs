//! An alert that OpsSeer sends through Alertmanager to itself.

use std::path::Path;

use serde_json::{Value, json};

use super::world::{World, metric, until};
use crate::{
    real_alertmanager::RealAlertmanager,
    test_server::{TestServer, envelope},
};

const EVERY_SECOND: &str = "[alertmanager]\ncanary_every = \"1s\"\n";
const ARRIVED: &str = "opsseer_canaries_total{result=\"arrived\"}";
const LOST: &str = "opsseer_canaries_total{result=\"lost\"}";

#[tokio::test]
async fn a_canary_is_counted_when_it_comes_back_or_stays_away_and_opens_no_incident() {
    let world = World::new();
    let server = world.start(EVERY_SECOND).await;
    until("a canary is sent", || async { !world.fake.posted().is_empty() }).await;
    let canary = &world.fake.posted()[0];
    assert_eq!(canary.labels["alertname"], "OpsSeerCanary");
    let arrived = metric(&server, ARRIVED).await;
    let webhook =
        envelope(&json!([{"status": "firing", "labels": canary.labels, "startsAt": "2026-01-02T03:04:05Z"}]));
    for _ in 0..2 {
        let (status, answer) = server.post("/webhook/alertmanager", webhook.to_string()).await;
        assert_eq!((status, &answer["incidents"]), (202, &json!([])));
    }
    assert!(metric(&server, ARRIVED).await > arrived);

    let lost = metric(&server, LOST).await;
    let sent = world.fake.posted().len();
    until("it goes on", || async { world.fake.posted().len() > sent }).await;
    world.clock.advance(60);
    until("those that did not come back are missed", || async { metric(&server, LOST).await > lost }).await;
    assert_eq!(server.incidents().await, Vec::<Value>::new());
    assert_eq!(server.get("/api/v1/alerts").await["alerts"], json!([]));
    server.stop().await;
}

/// The configuration that ships, which says where canaries go.
fn shipped_config(server: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/alertmanager/alertmanager-fast.yml");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains("http://127.0.0.1:8888/"), "{text}");
    text.replace("http://127.0.0.1:8888", server)
}

#[tokio::test]
async fn canaries_travel_through_the_real_alertmanager_with_the_configuration_that_ships() {
    // Alertmanager must know the server's address before the server knows Alertmanager's.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = listener.local_addr().unwrap().to_string();
    let real = RealAlertmanager::start(&shipped_config(&format!("http://{bind}")));
    drop(listener);
    let world = World::beside(&real.url);
    let server: TestServer = world.start_at(&bind, EVERY_SECOND).await;
    // Another test of this process adds one at most.
    let before = metric(&server, ARRIVED).await;
    until("three canaries are back", || async { metric(&server, ARRIVED).await >= before + 4.0 }).await;
    assert_eq!(server.incidents().await, Vec::<Value>::new());
    server.stop().await;
}
