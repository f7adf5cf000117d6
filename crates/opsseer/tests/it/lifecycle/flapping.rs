//! What comes and goes.

use chrono::TimeDelta;
use serde_json::json;

use super::{MovedClock, act, incident, reason_of, story, timed, with_clock};
use crate::test_server::TestServer;

/// The alert comes and goes this often, once in two minutes.
async fn flap(server: &TestServer, clock: &MovedClock, times: usize) {
    for _ in 0..times {
        clock.advance(TimeDelta::minutes(1));
        let start = server.app.clock.now();
        assert_eq!(server.alert(json!([timed("Slow", "toyprod", start, None)])).await, [1]);
        clock.advance(TimeDelta::minutes(1));
        let end = server.app.clock.now();
        assert_eq!(server.alert(json!([timed("Slow", "toyprod", start, Some(end))])).await, [1]);
    }
}

#[tokio::test]
async fn an_incident_that_comes_and_goes_is_held_open_and_ends_when_it_has_been_quiet() {
    let (server, clock) = with_clock().await;
    flap(&server, &clock, 6).await;
    let held = server.event(1, "flapping_held").await;
    assert_eq!((held["flaps"].as_i64(), held["quiet_seconds"].as_i64()), (Some(3), Some(600)));
    let open = incident(&server, 1).await;
    assert_eq!((open["status"].as_str(), open["alerts_firing"].as_i64()), (Some("open"), Some(0)));
    let told = |kinds: &[String], kind: &str| kinds.iter().filter(|one| *one == kind).count();
    let kinds = story(&server, 1).await;
    // It ended and came back three times; then it was held.
    assert_eq!((told(&kinds, "resolved"), told(&kinds, "reopened"), told(&kinds, "alert_fired")), (3, 3, 6));

    clock.advance(TimeDelta::minutes(9));
    opsseer::sweep::sweep(&server.app).await.unwrap();
    assert_eq!(incident(&server, 1).await["status"], "open");
    clock.advance(TimeDelta::minutes(2));
    opsseer::sweep::sweep(&server.app).await.unwrap();
    assert_eq!(incident(&server, 1).await["status"], "resolved");
    assert_eq!(
        reason_of(&server, 1, "resolved").await,
        "It came back 5 times, and has been quiet for 10 min."
    );
    server.stop().await;
}

#[tokio::test]
async fn what_flaps_leaves_its_owner_alone_and_a_person_may_end_it() {
    let (server, clock) = with_clock().await;
    flap(&server, &clock, 2).await;
    // It is over now; whoever takes it on does so when it is back.
    clock.advance(TimeDelta::minutes(1));
    let start = server.app.clock.now();
    server.alert(json!([timed("Slow", "toyprod", start, None)])).await;
    act(&server, 1, "ack", json!({"by": "ada"})).await;
    server.alert(json!([timed("Slow", "toyprod", start, Some(server.app.clock.now()))])).await;
    flap(&server, &clock, 3).await;
    let held = incident(&server, 1).await;
    assert_eq!((held["status"].as_str(), held["owner"].as_str()), (Some("acknowledged"), Some("ada")));
    assert_eq!(act(&server, 1, "resolve", json!({"by": "ada"})).await["status"], "resolved");
    server.stop().await;
}
