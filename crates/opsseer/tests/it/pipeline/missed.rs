//! What Alertmanager's webhooks missed is found by asking it.

use std::sync::Arc;

use opsseer_connect::alertmanager::{
    Alertmanager, FakeAlertmanager, HeldState, Matcher, NewAlert, NewSilence,
};
use opsseer_core::{Alert, AlertSource, AlertStatus, Clock};
use serde_json::{Value, json};

use super::world::{FAST, World, incident, metric, until};
use crate::{
    real_alertmanager::{RealAlertmanager, TELLS_NOBODY},
    test_server::TestServer,
};

const FOUND: &str = "Its webhook did not arrive; found by asking Alertmanager.";

/// The webhook that would have told of an alert.
fn webhook(world: &World, name: &str, service: &str, status: &str) -> Value {
    json!([{"status": status, "labels": {"alertname": name, "service": service},
        "startsAt": world.minutes_ago(20), "endsAt": "0001-01-01T00:00:00Z"}])
}

fn fire(world: &World, name: &str, service: &str) -> String {
    world.fake.fire(&[("alertname", name), ("service", service)], world.minutes_ago(20)).fingerprint
}

async fn count(server: &TestServer, incident: &Value, kind: &str) -> usize {
    let kinds = server.kinds(incident["number"].as_i64().unwrap()).await;
    kinds.iter().filter(|one| *one == kind).count()
}

#[tokio::test]
async fn alerts_that_fired_or_ended_while_the_server_was_down_are_mended_once() {
    let world = World::new();
    let slow = fire(&world, "Slow", "web");
    let server = world.start(FAST).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    server.stop().await;
    world.fake.forget(&slow);
    fire(&world, "Down", "db");
    world.clock.advance(600);
    fire(&world, "Down", "db");

    let server = world.start(FAST).await;
    let down = incident(&server, "db", "open").await;
    let event = server.event(down["number"].as_i64().unwrap(), "alert_fired").await;
    assert!(event["reason"].as_str().unwrap().starts_with(FOUND), "{event}");
    assert_eq!(event["actor"]["type"], "alertmanager");
    let slow = incident(&server, "web", "resolved").await;
    let event = server.event(slow["number"].as_i64().unwrap(), "alert_resolved").await;
    assert_eq!(event["reason"], "Alertmanager no longer has it; its webhook was missed.");

    // Neither further comparisons nor the webhooks that come after all change anything.
    world.compared_after(1, &server).await;
    server.alert(webhook(&world, "Down", "db", "firing")).await;
    server.alert(webhook(&world, "Slow", "web", "resolved")).await;
    world.compared_after(1, &server).await;
    assert_eq!(server.incidents().await.len(), 2);
    assert_eq!(count(&server, &down, "alert_fired").await, 1);
    assert_eq!(count(&server, &slow, "alert_resolved").await, 1);
    assert_eq!(incident(&server, "db", "open").await["alerts_firing"], 1);
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_is_silenced_is_not_raised() {
    let world = World::new();
    fire(&world, "Slow", "web");
    let silence = NewSilence {
        matchers: vec![Matcher::equal("service", "web")],
        starts_at: world.clock.now(),
        ends_at: world.clock.now() + chrono::TimeDelta::hours(1),
        created_by: "ada".into(),
        comment: "planned".into(),
    };
    let silence = world.fake.create_silence(&silence).await.unwrap();
    let server = world.start(FAST).await;
    world.compared_after(1, &server).await;
    assert_eq!(server.incidents().await, Vec::<Value>::new());
    // Once it is told again, and its webhook had time to come, it is.
    world.fake.expire_silence(&silence).await.unwrap();
    world.compared_after(1, &server).await;
    world.compared_after(125, &server).await;
    incident(&server, "web", "open").await;
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_ends_while_it_is_silenced_is_resolved_though_nobody_tells() {
    let world = World::new();
    let slow = fire(&world, "Slow", "web");
    let server = world.start(FAST).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    let number = incident(&server, "web", "open").await["number"].as_i64().unwrap();
    let body = r#"{"by": "ada", "for": "1h"}"#;
    let (status, answer) = server.post(&format!("/api/v1/incidents/{number}/silence"), body).await;
    assert_eq!(status, 200, "{answer}");
    world.fake.forget(&slow);
    world.compared_after(1, &server).await;
    assert_eq!(incident(&server, "web", "open").await["alerts_firing"], 1, "its webhook may still come");
    world.compared_after(130, &server).await;
    let event = server.event(number, "alert_resolved").await;
    assert_eq!(event["reason"], "It ended while it was silenced; Alertmanager does not tell of that.");
    incident(&server, "web", "resolved").await;
    server.stop().await;
}

#[tokio::test]
async fn an_alertmanager_that_is_down_or_has_just_started_ends_no_incident() {
    let world = World::new();
    fire(&world, "Slow", "web");
    let server = world.start(FAST).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    incident(&server, "web", "open").await;
    world.fake.set_down(true);
    world.clock.advance(600);
    // A new one, which nobody has sent anything yet.
    world.fake.restart();
    world.compared_after(1, &server).await;
    world.compared_after(280, &server).await;
    assert_eq!(incident(&server, "web", "open").await["alerts_firing"], 1);
    // When it has run for long enough to be believed, the alert is over.
    world.compared_after(60, &server).await;
    incident(&server, "web", "resolved").await;
    server.stop().await;
}

#[tokio::test]
async fn an_alertmanager_whose_prometheus_is_down_ends_no_incident_after_its_restart() {
    let world = World::new();
    let server = world.start(FAST).await;
    let heartbeat = json!([{"status": "firing", "labels": {"alertname": "Watchdog"},
        "startsAt": world.minutes_ago(20), "endsAt": "0001-01-01T00:00:00Z"}]);
    server.alert(heartbeat.clone()).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    world.fake.restart();
    world.compared_after(1, &server).await;
    world.compared_after(3600, &server).await;
    assert_eq!(incident(&server, "web", "open").await["alerts_firing"], 1);
    // Prometheus sends again, but this alert no longer fires.
    world.fake.fire(&[("alertname", "Watchdog")], world.minutes_ago(6));
    world.compared_after(1, &server).await;
    assert_eq!(incident(&server, "web", "open").await["alerts_firing"], 1, "the heartbeat is not here yet");
    server.alert(heartbeat).await;
    world.compared_after(1, &server).await;
    incident(&server, "web", "resolved").await;
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_a_time_interval_mutes_is_not_raised() {
    let world = World::new();
    let mut muted = world.fake.fire(&[("alertname", "Slow"), ("service", "web")], world.minutes_ago(20));
    muted.ends_at += chrono::TimeDelta::hours(1);
    muted.status.muted_by = vec!["night".into()];
    world.fake.hold(muted.clone());
    let server = world.start(FAST).await;
    world.compared_after(1, &server).await;
    world.compared_after(200, &server).await;
    assert_eq!(server.incidents().await, Vec::<Value>::new());
    // It is told again, and no webhook comes.
    muted.status.muted_by.clear();
    world.fake.hold(muted);
    world.compared_after(1, &server).await;
    assert_eq!(server.incidents().await, Vec::<Value>::new(), "its webhook has its time to come");
    world.compared_after(121, &server).await;
    world.compared_after(121, &server).await;
    incident(&server, "web", "open").await;
    server.stop().await;
}

#[tokio::test]
async fn where_alertmanager_cannot_say_what_is_muted_only_ends_are_mended() {
    let world = World::new();
    let server = world.start(&format!("{FAST}raise_missed = false\n")).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    let down = fire(&world, "Down", "db");
    world.compared_after(1, &server).await;
    world.compared_after(130, &server).await;
    world.compared_after(130, &server).await;
    incident(&server, "web", "resolved").await;
    assert!(world.fake.alerts().await.unwrap().iter().any(|alert| alert.fingerprint == down), "it fires");
    assert_eq!(server.incidents().await.len(), 1, "and is not raised");
    server.stop().await;
}

#[tokio::test]
async fn what_alertmanager_holds_never_counts_as_forgotten() {
    let world = World::new();
    // Its webhook is never repeated within the time, as with a long repeat_interval.
    let server = world.start(&format!("{FAST}[correlation]\nstale_after = \"1h\"\n")).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    server.alert(webhook(&world, "Slow", "gone", "firing")).await;
    let mut slow = world.fake.fire(&[("alertname", "Slow"), ("service", "web")], world.minutes_ago(20));
    slow.ends_at += chrono::TimeDelta::hours(9);
    slow.status.inhibited_by = vec!["another".into()];
    world.fake.hold(slow);
    // It cannot end what is gone: it may not have been sent all that fires.
    world.fake.restart_keeping_alerts();
    world.compared_after(1, &server).await;
    for _ in 0..2 {
        world.clock.advance(3590);
        world.fake.restart_keeping_alerts();
        world.compared_after(1, &server).await;
        opsseer::sweep::sweep(&server.app).await.unwrap();
    }
    assert_eq!(incident(&server, "web", "open").await["alerts_firing"], 1);
    incident(&server, "gone", "resolved").await;
    server.stop().await;
}

#[tokio::test]
async fn an_end_that_alertmanager_has_not_heard_of_is_not_taken_back_and_counted_again_and_again() {
    let world = World::new();
    let server = world.start(&format!("{FAST}[correlation]\nlate_window = \"1h\"\n")).await;
    // Named apart: all servers of this process share the counter, so other tests must not add to this difference.
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    let mut slow = world.fake.fire(&[("alertname", "Slow"), ("service", "web")], world.minutes_ago(20));
    slow.ends_at += chrono::TimeDelta::hours(9);
    world.fake.hold(slow);
    server.alert(webhook(&world, "Slow", "web", "resolved")).await;
    incident(&server, "web", "resolved").await;
    let ignored = "opsseer_alert_decisions_total{decision=\"ended_already\"}";
    let before = metric(&server, ignored).await;
    for _ in 0..3 {
        world.compared_after(130, &server).await;
    }
    assert!(metric(&server, ignored).await - before < 2.0, "it is not even tried");
    assert_eq!(count(&server, &incident(&server, "web", "resolved").await, "reopened").await, 0);
    // After that time its sender means it.
    world.compared_after(3600, &server).await;
    until("it is taken", || async { server.incidents().await.iter().any(|one| one["status"] == "open") })
        .await;
    server.stop().await;
}

#[tokio::test]
async fn only_what_was_news_counts_as_missed() {
    let world = World::new();
    let server = world.start("").await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    let known = server.app.store.list_firing_alerts(AlertSource::Alertmanager).await.unwrap();
    let firing = known[0].alert.clone();
    let over = Alert { status: AlertStatus::Resolved, ends_at: Some(world.clock.now()), ..firing.clone() };
    for (alerts, changes) in [(vec![firing], 0), (vec![over.clone(), over.clone()], 1), (vec![over], 0)] {
        assert_eq!(server.app.ingest.submit_counted(alerts).await.unwrap().changes, changes);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_ends_while_another_inhibits_it_is_no_lost_webhook() {
    let world = World::new();
    let mut slow = world.fake.fire(&[("alertname", "Slow"), ("service", "web")], world.minutes_ago(20));
    slow.status.inhibited_by = vec!["another".into()];
    slow.status.state = HeldState::Suppressed;
    world.fake.hold(slow.clone());
    let server = world.start(FAST).await;
    server.alert(webhook(&world, "Slow", "web", "firing")).await;
    let number = incident(&server, "web", "open").await["number"].as_i64().unwrap();
    world.compared_after(1, &server).await;
    world.fake.forget(&slow.fingerprint);
    world.compared_after(1, &server).await;
    world.compared_after(130, &server).await;
    let event = server.event(number, "alert_resolved").await;
    assert_eq!(
        event["reason"],
        "It ended while another alert inhibited it; Alertmanager does not tell of that."
    );
    server.stop().await;
}

#[tokio::test]
async fn a_replica_that_cannot_reach_alertmanager_leaves_the_comparison_to_another() {
    let world = World::new();
    let one = world.start(FAST).await;
    if !one.app.store.is_shared() {
        return one.stop().await;
    }
    world.compared_after(1, &one).await;
    let near = Arc::new(FakeAlertmanager::new({
        let clock = world.clock.clone();
        move || clock.now()
    }));
    let other = world.with(near).start(FAST).await;
    until("it compares at its start", || async { other.app.pipeline.compared_at().is_some() }).await;
    world.fake.set_down(true);
    // The time that the first one holds the duty for is not over: it must let go of it.
    world.compared_after(1, &other).await;
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn where_no_webhook_ever_arrives_the_real_alertmanager_is_still_followed() {
    let real = RealAlertmanager::start(TELLS_NOBODY);
    let world = World::beside(&real.url);
    // Far enough ahead that this Alertmanager counts as one that has run for long.
    world.clock.advance(3600);
    let alertmanager = opsseer_connect::alertmanager::AlertmanagerClient::new(
        real.url.clone(),
        opsseer_connect::Limits::default(),
    )
    .unwrap();
    let alert = |service: &str, is_over: bool| NewAlert {
        labels: [("alertname", "Slow"), ("service", service)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        annotations: [("summary".to_owned(), format!("{service} is slow"))].into(),
        ends_at: is_over.then(|| world.minutes_ago(61)),
        starts_at: is_over.then(|| world.minutes_ago(70)),
        ..NewAlert::default()
    };
    alertmanager.post_alerts(&[alert("web", false)]).await.unwrap();
    let server = world.start(FAST).await;
    let web = incident(&server, "web", "open").await;
    assert_eq!(web["title"], "web is slow");
    server.stop().await;

    // While the server is down, one alert ends and another fires.
    alertmanager.post_alerts(&[alert("web", true), alert("db", false)]).await.unwrap();
    world.clock.advance(600);
    let server = world.start(FAST).await;
    incident(&server, "web", "resolved").await;
    let db = incident(&server, "db", "open").await;
    world.compared_after(1, &server).await;
    world.compared_after(1, &server).await;
    assert_eq!(server.incidents().await.len(), 2);
    assert_eq!(count(&server, &db, "alert_fired").await, 1);
    until("its own metric tells how old the comparison is", || async {
        super::world::metric(&server, "opsseer_comparisons_total{result=\"ok\"}").await >= 3.0
    })
    .await;
    server.stop().await;
}
