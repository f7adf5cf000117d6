//! The life of an incident as its users see it: what opens, holds, ends and brings it back.

mod complaints;
mod flapping;
mod late;
mod storms;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

/// The machine's clock, moved by the test.
#[derive(Default)]
struct MovedClock {
    seconds: AtomicI64,
}

impl MovedClock {
    fn advance(&self, time: TimeDelta) {
        self.seconds.fetch_add(time.num_seconds(), Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.seconds.load(Ordering::Relaxed))
    }
}

/// A server whose time the test moves on.
async fn with_clock() -> (TestServer, Arc<MovedClock>) {
    let clock = Arc::new(MovedClock::default());
    (TestServer::start_with_clock("", clock.clone()).await, clock)
}

/// An alert that began at `start`, firing, or over since `end`.
fn timed(name: &str, service: &str, start: DateTime<Utc>, end: Option<DateTime<Utc>>) -> Value {
    let mut one = alert(name, service, if end.is_some() { "resolved" } else { "firing" });
    one["startsAt"] = json!(start);
    one["endsAt"] = end.map_or(json!("0001-01-01T00:00:00Z"), |end| json!(end));
    one
}

async fn incident(server: &TestServer, number: i64) -> Value {
    server.get(&format!("/api/v1/incidents/{number}")).await
}

async fn act(server: &TestServer, incident: i64, action: &str, body: Value) -> Value {
    let (status, answer) =
        server.post(&format!("/api/v1/incidents/{incident}/{action}"), body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The kinds of events that alerts and people caused: enrichers work at their own pace.
async fn story(server: &TestServer, incident: i64) -> Vec<String> {
    let is_enricher =
        |event: &Value| event["actor"]["type"] == "component" && event["actor"]["name"] != "correlation";
    let mut events = server.events(incident).await;
    events.retain(|event| !is_enricher(event));
    events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

async fn reason_of(server: &TestServer, incident: i64, kind: &str) -> String {
    let event = server.events(incident).await.into_iter().rfind(|event| event["kind"] == kind).unwrap();
    event["reason"].as_str().unwrap().to_owned()
}
