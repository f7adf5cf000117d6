//! Silences, made and ended from an incident.

use std::{sync::Arc, time::Duration};

use opsseer_connect::alertmanager::{Alertmanager, SilenceState};
use serde_json::{Value, json};

use super::{
    slow::SlowAlertmanager,
    world::{FAST, World, incident, until},
};
use crate::test_server::{TestServer, alert};

async fn delete(server: &TestServer, path: &str) -> (u16, Value) {
    let request = server.http.delete(format!("{}{path}", server.url)).json(&json!({"by": "ada"}));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn silence(server: &TestServer, incident: &Value, body: &Value) -> (u16, Value) {
    let path = format!("/api/v1/incidents/{}/silence", incident["number"]);
    server.post(&path, body.to_string()).await
}

#[tokio::test]
async fn an_incident_is_silenced_in_alertmanager_and_can_be_heard_again() {
    let world = World::new();
    let server = world.start("").await;
    server.alert(json!([alert("Slow", "web", "firing"), alert("Down", "web", "firing")])).await;
    server.alert(json!([alert("Slow", "db", "firing")])).await;
    let web = incident(&server, "web", "open").await;
    let body = json!({"by": "ada", "for": "30m", "comment": "I roll it back"});
    let (status, answer) = silence(&server, &web, &body).await;
    assert_eq!(status, 200, "{answer}");
    let matchers = r#"alertname=~"Down|Slow", service="web", severity="page""#;
    assert_eq!(answer["silences"][0]["matchers"], matchers);
    let id = answer["silences"][0]["id"].as_str().unwrap();

    // Alertmanager has it, and it can be traced back to the incident and the person.
    let held = &world.fake.silences().await.unwrap()[0];
    assert_eq!((held.id.as_str(), held.state, held.created_by.as_str()), (id, SilenceState::Active, "ada"));
    let page = web["url"].as_str().unwrap();
    assert_eq!(held.comment, format!("INC-{}: I roll it back ({page})", web["number"]));
    assert_eq!((held.ends_at - held.starts_at).num_minutes(), 30);

    let number = web["number"].as_i64().unwrap();
    let event = server.event(number, "silenced").await;
    assert_eq!((&event["silence_id"], &event["matchers"]), (&json!(id), &json!(matchers)));
    assert_eq!((&event["comment"], &event["actor"]["name"]), (&json!("I roll it back"), &json!("ada")));
    let list = server.get("/api/v1/silences").await;
    assert_eq!(
        (&list["silences"][0]["incident"], &list["silences"][0]["state"]),
        (&web["number"], &json!("active"))
    );

    let (status, answer) = delete(&server, &format!("/api/v1/silences/{id}")).await;
    assert_eq!((status, &answer["incident"]["number"]), (200, &web["number"]));
    assert_eq!(server.event(number, "silence_ended").await["silence_id"], id);
    assert_eq!(world.fake.silences().await.unwrap()[0].state, SilenceState::Expired);
    // Ended twice, it is told once.
    let (status, answer) = delete(&server, &format!("/api/v1/silences/{id}")).await;
    assert_eq!((status, &answer["incident"]), (200, &Value::Null));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_silenced_is_refused_in_words() {
    let world = World::new();
    let server = world.start("").await;
    server.alert(json!([alert("Slow", "web", "firing")])).await;
    let web = incident(&server, "web", "open").await;
    for (body, words) in [
        (json!({"by": "ada", "for": "soon"}), "for is \"soon\"; it must be a time such as 1h"),
        (json!({"by": "ada", "for": "1s"}), "a silence lasts from 1m to 30days"),
        (json!({"by": " ", "for": "1h"}), "by must be a name"),
        (json!({"by": "ada", "for": "1h", "comment": "\u{0}"}), "the comment holds a NUL character"),
    ] {
        let (status, answer) = silence(&server, &web, &body).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{answer}");
    }
    let good = json!({"by": "ada", "for": "1h"});
    let (status, _) = silence(&server, &json!({"number": 99}), &good).await;
    assert_eq!(status, 404);
    let unknown = "/api/v1/silences/c14f603f-c0f6-40de-b947-4577a8461a70";
    assert_eq!(delete(&server, unknown).await.0, 404);

    world.fake.set_down(true);
    for (status, answer) in [silence(&server, &web, &good).await, delete(&server, unknown).await] {
        assert_eq!((status, &answer["code"]), (502, &json!("alertmanager_failed")), "{answer}");
    }
    assert_eq!(server.get("/api/v1/silences").await["status"], 502);
    world.fake.set_down(false);
    assert!(!server.kinds(1).await.contains(&"silenced".to_owned()), "nothing was silenced");

    server.alert(json!([alert("Slow", "web", "resolved")])).await;
    let (status, answer) = silence(&server, &web, &good).await;
    assert_eq!((status, &answer["code"]), (409, &json!("conflict")), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn without_an_alertmanager_there_are_no_silences_and_it_says_so() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "web", "firing")])).await;
    let web = incident(&server, "web", "open").await;
    let answer = server.get("/api/v1/silences").await;
    assert_eq!((&answer["status"], &answer["code"]), (&json!(409), &json!("alertmanager_not_configured")));
    let (status, answer) = silence(&server, &web, &json!({"by": "ada", "for": "1h"})).await;
    assert_eq!((status, &answer["code"]), (409, &json!("alertmanager_not_configured")));
    server.stop().await;
}

#[tokio::test]
async fn a_silence_never_reaches_beyond_its_incident() {
    let world = World::new();
    let server = world.start("").await;
    let of_cluster = |cluster: Option<&str>| {
        let mut alert = alert("Slow", "web", "firing");
        if let Some(cluster) = cluster {
            alert["labels"]["cluster"] = json!(cluster);
        }
        alert
    };
    let here = server.alert(json!([of_cluster(None)])).await[0];
    server.alert(json!([of_cluster(Some("eu"))])).await;
    assert_eq!(server.incidents().await.len(), 2);
    let (status, answer) =
        silence(&server, &json!({"number": here}), &json!({"by": "ada", "for": "1h"})).await;
    assert_eq!(status, 200, "{answer}");
    let made = &world.fake.silences().await.unwrap()[0];
    let eu = [("alertname", "Slow"), ("service", "web"), ("severity", "page"), ("cluster", "eu")];
    let eu = eu.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert!(!made.matchers.iter().all(|matcher| matcher.matches(&eu)), "{answer}");
    server.stop().await;
}

async fn states(world: &World) -> Vec<SilenceState> {
    world.fake.silences().await.unwrap().iter().map(|silence| silence.state).collect()
}

/// An incident of two services, which takes two silences.
async fn merged(server: &TestServer) -> Value {
    let web = server.alert(json!([alert("Slow", "web", "firing")])).await[0];
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let body = json!({"by": "ada", "from": db.to_string()});
    let (status, answer) = server.post(&format!("/api/v1/incidents/{web}/merge"), body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    incident(server, "web", "open").await
}

#[tokio::test]
async fn a_silence_whose_request_is_given_up_is_made_to_its_end() {
    let world = World::new();
    let slow = Arc::new(SlowAlertmanager::new(world.fake.clone()));
    // With one connection at a time, the next request is answered once the server has left the one before.
    let server = world.with(slow.clone()).start("[http]\nmax_connections = 1\n").await;
    let web = merged(&server).await;
    let number = web["number"].as_i64().unwrap();
    slow.let_through(1);
    let path = format!("{}/api/v1/incidents/{number}/silence", server.url);
    let request = server.http.post(path).json(&json!({"by": "ada", "for": "1h"}));
    let request = tokio::spawn(request.timeout(Duration::from_mins(1)).send());
    until("one of two is made", || async { states(&world).await.len() == 1 && slow.holds_up() }).await;
    // The browser goes away.
    request.abort();
    assert_eq!(server.get(&format!("/api/v1/incidents/{number}")).await["status"], "open");
    slow.let_through(1);
    server.event(number, "silenced").await;
    assert_eq!(states(&world).await, [SilenceState::Active; 2]);
    let told = server.kinds(number).await.iter().filter(|kind| *kind == "silenced").count();
    assert_eq!(told, 2);
    server.stop().await;
}

#[tokio::test]
async fn an_alertmanager_that_does_not_answer_in_time_leaves_no_silence_that_nobody_knows_of() {
    let world = World::new();
    let slow = Arc::new(SlowAlertmanager::new(world.fake.clone()));
    let server = world.with(slow.clone()).start("[http]\nrequest_timeout = \"2s\"\n").await;
    let web = merged(&server).await;
    slow.let_through(1);
    let (status, answer) = silence(&server, &web, &json!({"by": "ada", "for": "1h"})).await;
    assert_eq!((status, &answer["code"]), (502, &json!("alertmanager_failed")), "{answer}");
    assert_eq!(answer["detail"], "Alertmanager did not answer within 1s");
    assert_eq!(states(&world).await, [SilenceState::Expired], "the first of two is taken back");
    assert!(!server.kinds(web["number"].as_i64().unwrap()).await.contains(&"silenced".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_silence_that_was_made_although_its_request_failed_is_taken_back() {
    let world = World::new();
    let server = world.start("").await;
    server.alert(json!([alert("Slow", "web", "firing")])).await;
    let web = incident(&server, "web", "open").await;
    let body = json!({"by": "ada", "for": "1h", "comment": "on it"});
    // One of an earlier wish with the same words stays.
    let (status, answer) = silence(&server, &web, &body).await;
    assert_eq!(status, 200, "{answer}");
    world.clock.advance(1);
    world.fake.lose_answer();
    let (status, answer) = silence(&server, &web, &body).await;
    assert_eq!((status, &answer["code"]), (502, &json!("alertmanager_failed")), "{answer}");
    assert_eq!(states(&world).await, [SilenceState::Active, SilenceState::Expired]);
    server.stop().await;
}

#[tokio::test]
async fn a_silence_that_is_ended_in_alertmanager_itself_is_told_on_its_incident() {
    let world = World::new();
    let server = world.start(FAST).await;
    server.alert(json!([alert("Slow", "web", "firing")])).await;
    let web = incident(&server, "web", "open").await;
    let number = web["number"].as_i64().unwrap();
    let (status, answer) = silence(&server, &web, &json!({"by": "ada", "for": "1h"})).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["silences"][0]["id"].as_str().unwrap();
    world.compared_after(1, &server).await;
    assert!(!server.kinds(number).await.contains(&"silence_ended".to_owned()), "it is in force");
    world.fake.expire_silence(id).await.unwrap();
    world.compared_after(1, &server).await;
    let event = server.event(number, "silence_ended").await;
    assert_eq!((&event["silence_id"], &event["actor"]["type"]), (&json!(id), &json!("component")));
    assert_eq!(server.get(&format!("/api/v1/incidents/{number}")).await["silenced_until"], Value::Null);
    world.compared_after(1, &server).await;
    let told = server.kinds(number).await.iter().filter(|kind| *kind == "silence_ended").count();
    assert_eq!(told, 1);
    server.stop().await;
}

#[tokio::test]
async fn the_end_of_a_silence_is_told_to_every_incident_that_it_covers() {
    let world = World::new();
    let server = world.start("").await;
    server.alert(json!([alert("Slow", "web", "firing")])).await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let (status, answer) = silence(&server, &json!({"number": db}), &json!({"by": "ada", "for": "1h"})).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["silences"][0]["id"].as_str().unwrap().to_owned();
    // Its alerts and with them its silence go to the other incident.
    let web = incident(&server, "web", "open").await;
    let path = format!("/api/v1/incidents/{}/merge", web["number"]);
    let (status, answer) = server.post(&path, json!({"by": "ada", "from": db.to_string()}).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["silenced_until"].is_string(), "{answer}");
    assert_eq!(delete(&server, &format!("/api/v1/silences/{id}")).await.0, 200);
    assert_eq!(server.event(web["number"].as_i64().unwrap(), "silence_ended").await["silence_id"], id);
    assert_eq!(server.event(db, "silence_ended").await["silence_id"], id);
    assert_eq!(incident(&server, "web", "open").await["silenced_until"], Value::Null);
    server.stop().await;
}
