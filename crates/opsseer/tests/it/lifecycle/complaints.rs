//! What on-call people complain of most in tools of this kind.

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::{Value, json};

use super::{act, incident, story, timed, with_clock};
use crate::test_server::{TestServer, alert};

#[tokio::test]
async fn retries_of_one_message_make_no_duplicates_even_at_once_and_across_a_restart() {
    let server = TestServer::start().await;
    let message = json!([alert("Slow", "toyprod", "firing"), alert("Errors", "toyprod", "firing")]);
    let answers = join_all((0..10).map(|_| server.alert(message.clone()))).await;
    assert!(answers.iter().all(|answer| *answer == [1]), "{answers:?}");
    let server = server.restarted().await;
    assert_eq!(server.alert(message).await, [1]);
    assert_eq!(story(&server, 1).await, ["opened", "alert_fired", "alert_fired"]);
    assert_eq!(server.incidents().await.len(), 1);
    assert_eq!(server.get("/api/v1/alerts").await["alerts"].as_array().unwrap().len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn an_end_closes_its_own_incident_and_the_next_firing_brings_back_that_one_and_no_other() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    for service in ["shop", "mail"] {
        server.alert(json!([timed("Slow", service, start, None)])).await;
    }
    clock.advance(TimeDelta::minutes(1));
    server.alert(json!([timed("Slow", "shop", start, Some(server.app.clock.now()))])).await;
    let status = async |number| incident(&server, number).await["status"].as_str().unwrap().to_owned();
    assert_eq!((status(1).await.as_str(), status(2).await.as_str()), ("resolved", "open"));
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(server.alert(json!([timed("Slow", "shop", server.app.clock.now(), None)])).await, [1]);
    assert_eq!((status(1).await.as_str(), status(2).await.as_str()), ("open", "open"));
    assert_eq!(incident(&server, 2).await["reopened_count"], 0);
    // Much later it is another trouble.
    clock.advance(TimeDelta::minutes(1));
    server.alert(json!([timed("Slow", "mail", start, Some(server.app.clock.now()))])).await;
    clock.advance(TimeDelta::hours(2));
    assert_eq!(server.alert(json!([timed("Slow", "mail", server.app.clock.now(), None)])).await, [3]);
    server.stop().await;
}

#[tokio::test]
async fn no_alert_overwrites_what_people_said() {
    let (server, clock) = with_clock().await;
    let start = server.app.clock.now();
    server.alert(json!([timed("Slow", "toyprod", start, None)])).await;
    act(&server, 1, "ack", json!({"by": "ada"})).await;
    act(&server, 1, "assign", json!({"by": "ada", "owner": "bob"})).await;
    act(&server, 1, "severity", json!({"by": "ada", "severity": "info"})).await;
    act(&server, 1, "notes", json!({"by": "ada", "text": "it is the cache"})).await;
    clock.advance(TimeDelta::minutes(1));
    let now = server.app.clock.now();
    // A repeat, another alert, the end of both, and both again.
    server.alert(json!([timed("Slow", "toyprod", start, None), timed("Down", "toyprod", now, None)])).await;
    clock.advance(TimeDelta::minutes(1));
    let end = server.app.clock.now();
    server
        .alert(json!([timed("Slow", "toyprod", start, Some(end)), timed("Down", "toyprod", now, Some(end))]))
        .await;
    clock.advance(TimeDelta::minutes(1));
    let again = server.app.clock.now();
    server.alert(json!([timed("Slow", "toyprod", again, None), timed("Down", "toyprod", again, None)])).await;
    let incident = incident(&server, 1).await;
    assert_eq!(
        (incident["status"].as_str(), incident["owner"].as_str(), incident["severity"].as_str()),
        (Some("acknowledged"), Some("bob"), Some("info"))
    );
    assert_eq!(incident["acknowledged"]["by"], "ada");
    assert_eq!(server.event(1, "note").await["text"], "it is the cache");
    assert!(!story(&server, 1).await.iter().any(|kind| kind == "escalated"));
    server.stop().await;
}

#[tokio::test]
async fn a_more_urgent_alert_makes_its_incident_more_urgent_and_says_so() {
    let server = TestServer::start().await;
    let mut slow = alert("Slow", "toyprod", "firing");
    slow["labels"]["severity"] = json!("warning");
    server.alert(json!([slow])).await;
    act(&server, 1, "ack", json!({"by": "ada"})).await;
    let mut down = alert("Down", "toyprod", "firing");
    down["annotations"]["summary"] = json!("nothing answers");
    server.alert(json!([down])).await;
    let escalated = server.event(1, "escalated").await;
    assert_eq!((escalated["from"].as_str(), escalated["to"].as_str()), (Some("ticket"), Some("page")));
    assert_eq!(escalated["reason"], "Down is of severity page; the incident was of severity ticket.");
    let incident = incident(&server, 1).await;
    assert_eq!(
        (incident["severity"].as_str(), incident["title"].as_str(), incident["owner"].as_str()),
        (Some("page"), Some("toyprod: nothing answers"), Some("ada"))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_is_repeated_twenty_thousand_times_is_one_alert_and_adds_no_event() {
    let server = TestServer::start().await;
    let one = alert("Slow", "toyprod", "firing");
    server.alert(json!([one])).await;
    server.enriched(1).await;
    let before = server.events(1).await;
    let many = Value::Array(vec![one; 2_000]);
    for _ in 0..10 {
        assert_eq!(server.alert(many.clone()).await, [1]);
    }
    assert_eq!(server.events(1).await, before);
    let incident = incident(&server, 1).await;
    assert_eq!((incident["alerts_firing"].as_i64(), incident["alerts_total"].as_i64()), (Some(1), Some(1)));
    server.stop().await;
}

#[tokio::test]
async fn an_incident_takes_in_no_alert_of_another_service_whatever_group_it_comes_in() {
    let server = TestServer::start().await;
    // One group, one rule, one moment: all that the sender knows says that they belong together.
    let group: Vec<Value> = (0..50).map(|i| alert("Slow", &format!("s{}", i % 25), "firing")).collect();
    server.alert(Value::Array(group)).await;
    let incidents = server.incidents().await;
    assert_eq!(incidents.len(), 25);
    for incident in &incidents {
        let service = incident["service"].as_str().unwrap();
        let events = server.events(incident["number"].as_i64().unwrap()).await;
        let fired = events.iter().filter(|event| event["kind"] == "alert_fired");
        assert!(fired.into_iter().all(|event| event["alert"]["labels"]["service"] == service), "{service}");
    }
    server.stop().await;
}

#[tokio::test]
async fn acting_on_one_of_ten_thousand_open_alerts_changes_its_incident_and_the_list() {
    let server = TestServer::start().await;
    for body in 0..10 {
        let alerts = (0..1_000).map(|i| {
            let mut one = alert("Slow", &format!("s{}", i % 40), "firing");
            one["labels"]["instance"] = json!(format!("{body}-{i}"));
            one
        });
        server.alert(alerts.collect()).await;
    }
    assert_eq!(server.incidents().await.len(), 40);
    assert_eq!(incident(&server, 17).await["alerts_firing"], 250);
    assert_eq!(act(&server, 17, "ack", json!({"by": "ada"})).await["status"], "acknowledged");
    let listed = server.get("/api/v1/incidents?status=acknowledged").await;
    assert_eq!(listed["incidents"].as_array().unwrap().len(), 1);
    assert_eq!(listed["incidents"][0]["number"], 17);
    act(&server, 17, "resolve", json!({"by": "ada"})).await;
    let listed = server.get("/api/v1/incidents?status=unresolved&limit=200").await;
    let numbers: Vec<_> =
        listed["incidents"].as_array().unwrap().iter().map(|one| one["number"].as_i64().unwrap()).collect();
    assert_eq!((numbers.len(), numbers.contains(&17)), (39, false));
    // Its alerts go on and repeat; that does not bring it back.
    let mut repeat = alert("Slow", "s16", "firing");
    repeat["labels"]["instance"] = json!("0-16");
    assert_eq!(server.alert(json!([repeat])).await, [17]);
    assert_eq!(incident(&server, 17).await["status"], "resolved");
    server.stop().await;
}
