//! Messages that come late, twice, out of order, or with odd times.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{incident, reason_of, story, timed, with_clock};
use crate::test_server::{TestServer, alert};

#[tokio::test]
async fn resolved_that_overtakes_its_firing_leaves_no_incident_behind() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    let firing = timed("Slow", "toyprod", start, None);
    clock.advance(TimeDelta::seconds(30));
    let ended = timed("Slow", "toyprod", start, Some(server.app.clock.now()));
    assert_eq!(server.alert(json!([ended])).await, Vec::<i64>::new());
    assert_eq!(server.alert(json!([firing])).await, Vec::<i64>::new());
    assert!(server.incidents().await.is_empty());
    assert_eq!(server.get("/api/v1/alerts").await["alerts"][0]["status"], "resolved");
    server.stop().await;
}

#[tokio::test]
async fn two_alertmanager_peers_tell_the_same_group_and_the_incident_opens_and_ends_once() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    let group = |end| {
        json!([
            timed("Slow", "toyprod", start, end),
            timed("Errors", "toyprod", start, end),
            timed("Slow", "payments", start, end),
        ])
    };
    for _peer in 0..2 {
        assert_eq!(server.alert(group(None)).await, [1, 2]);
    }
    clock.advance(TimeDelta::seconds(90));
    let end = server.app.clock.now();
    server.alert(group(Some(end))).await;
    // The slower peer: first what it had to say before, then the end.
    assert_eq!(server.alert(group(None)).await, [1, 2]);
    server.alert(group(Some(end))).await;
    assert_eq!(
        story(&server, 1).await,
        ["opened", "alert_fired", "alert_fired", "alert_resolved", "alert_resolved", "resolved"]
    );
    assert_eq!(story(&server, 2).await, ["opened", "alert_fired", "alert_resolved", "resolved"]);
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_alertmanager_had_given_up_comes_back_with_its_old_start() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    server.alert(json!([timed("Slow", "toyprod", start, None)])).await;
    clock.advance(TimeDelta::minutes(5));
    server.alert(json!([timed("Slow", "toyprod", start, Some(server.app.clock.now()))])).await;
    clock.advance(TimeDelta::minutes(6));
    assert_eq!(server.alert(json!([timed("Slow", "toyprod", start, None)])).await, [1]);
    let incident = incident(&server, 1).await;
    assert_eq!((incident["status"].as_str(), incident["reopened_count"].as_i64()), (Some("open"), Some(1)));
    server.stop().await;
}

#[tokio::test]
async fn an_end_of_year_one_is_no_end() {
    let server = TestServer::start().await;
    let firing = alert("Slow", "toyprod", "firing");
    assert_eq!(firing["endsAt"], "0001-01-01T00:00:00Z");
    server.alert(json!([firing])).await;
    assert_eq!(incident(&server, 1).await["status"], "open");
    let before = server.app.clock.now();
    let mut over = alert("Slow", "toyprod", "resolved");
    over["endsAt"] = json!("0001-01-01T00:00:00Z");
    server.alert(json!([over])).await;
    let ended = incident(&server, 1).await["resolved_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(ended >= before, "{ended}");
    let told =
        server.event(1, "alert_resolved").await["at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!(told >= before, "{told}");
    server.stop().await;
}

#[tokio::test]
async fn a_sender_an_hour_ahead_or_behind_has_its_incident_in_order() {
    for (i, skew) in [TimeDelta::hours(1), -TimeDelta::hours(1)].into_iter().enumerate() {
        let (server, clock) = with_clock().await;
        let service = format!("s{i}");
        let start = server.app.clock.now() + skew;
        server.alert(json!([timed("Slow", &service, start, None)])).await;
        clock.advance(TimeDelta::minutes(2));
        server.alert(json!([timed("Slow", &service, start, Some(server.app.clock.now() + skew))])).await;
        let now = server.app.clock.now();
        let incident = incident(&server, 1).await;
        let time = |value: &serde_json::Value| value.as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        let (opened, ended) = (time(&incident["opened_at"]), time(&incident["resolved_at"]));
        assert!(opened <= ended && ended <= now, "{skew}: {opened} {ended} {now}");
        let alert_events = server.events(1).await;
        let times: Vec<_> = alert_events
            .iter()
            .filter(|event| {
                ["opened", "alert_fired", "alert_resolved", "resolved"]
                    .contains(&event["kind"].as_str().unwrap())
            })
            .map(|event| time(&event["at"]))
            .collect();
        assert!(
            times.len() == 4 && times.is_sorted() && times.iter().all(|at| *at <= now),
            "{skew}: {times:?}"
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn an_alert_that_nobody_repeats_for_a_day_is_resolved_with_the_reason() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    server.alert(json!([timed("Slow", "silent", start, None), timed("Slow", "repeated", start, None)])).await;
    clock.advance(TimeDelta::hours(23));
    server.alert(json!([timed("Slow", "repeated", start, None)])).await;
    clock.advance(TimeDelta::hours(2));
    opsseer::sweep::sweep(&server.app).await.unwrap();
    assert_eq!(
        reason_of(&server, 1, "resolved").await,
        "Its alert counts as resolved. Not heard of for 24 h; its sender repeats what fires far more often."
    );
    assert_eq!(incident(&server, 2).await["status"], "open");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_was_down_for_a_day_does_not_take_its_own_deafness_for_the_end_of_alerts() {
    let (server, clock) = with_clock().await;
    server.alert(json!([timed("Slow", "toyprod", server.app.clock.now(), None)])).await;
    clock.advance(TimeDelta::hours(25));
    let server = server.restarted().await;
    opsseer::sweep::sweep(&server.app).await.unwrap();
    assert_eq!(incident(&server, 1).await["status"], "open");
    clock.advance(TimeDelta::hours(25));
    opsseer::sweep::sweep(&server.app).await.unwrap();
    assert_eq!(incident(&server, 1).await["status"], "resolved");
    server.stop().await;
}
