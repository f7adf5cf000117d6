//! What people say about which alerts belong together: merge, split, undo; and "I'm on it".

use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

async fn act(server: &TestServer, incident: i64, action: &str, mut body: Value) -> (u16, Value) {
    body["by"] = json!("ada");
    server.post(&format!("/api/v1/incidents/{incident}/{action}"), body.to_string()).await
}

async fn incident(server: &TestServer, number: i64) -> Value {
    server.get(&format!("/api/v1/incidents/{number}")).await
}

async fn event_id(server: &TestServer, number: i64, kind: &str) -> i64 {
    server.event(number, kind).await["id"].as_i64().unwrap()
}

fn standing(incident: &Value) -> (&str, i64, i64) {
    (
        incident["status"].as_str().unwrap(),
        incident["alerts_firing"].as_i64().unwrap(),
        incident["alerts_total"].as_i64().unwrap(),
    )
}

#[tokio::test]
async fn a_merged_incident_goes_on_in_the_other_until_the_merge_is_undone() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let web = server.alert(json!([alert("Errors", "web", "firing")])).await[0];

    let (status, stays) =
        act(&server, db, "merge", json!({"from": web.to_string(), "reason": "one cause"})).await;
    assert_eq!((status, standing(&stays)), (200, ("open", 2, 2)));
    let ended = incident(&server, web).await;
    assert_eq!((ended["status"].as_str(), &ended["merged_into"]), (Some("resolved"), &stays["id"]));
    // What comes for the other service joins as well, and so does the end of its alert.
    assert_eq!(server.alert(json!([alert("Queue", "web", "firing")])).await, [db]);
    assert_eq!(server.alert(json!([alert("Errors", "web", "resolved")])).await, [db]);
    assert_eq!(standing(&incident(&server, db).await), ("open", 2, 3));

    let merged = event_id(&server, db, "merged").await;
    let (status, left) = act(&server, db, "undo", json!({"event": merged})).await;
    assert_eq!((status, standing(&left)), (200, ("open", 1, 1)));
    assert_eq!(standing(&incident(&server, web).await), ("open", 1, 2));
    assert_eq!(server.alert(json!([alert("Queue", "web", "resolved")])).await, [web]);
    assert_eq!(incident(&server, web).await["status"], "resolved");
    let (status, problem) = act(&server, db, "undo", json!({"event": merged})).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("conflict")), "{problem}");
    server.stop().await;
}

#[tokio::test]
async fn a_merge_can_be_undone_from_the_incident_that_ended_too() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let web = server.alert(json!([alert("Errors", "web", "firing")])).await[0];
    act(&server, db, "merge", json!({"from": web.to_string()})).await;
    let event = event_id(&server, web, "merged_into").await;
    let (status, restored) = act(&server, web, "undo", json!({"event": event})).await;
    assert_eq!((status, standing(&restored)), (200, ("open", 1, 1)));
    assert_eq!(standing(&incident(&server, db).await), ("open", 1, 1));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_in_words_and_nothing_changes() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let web = server.alert(json!([alert("Errors", "web", "firing")])).await[0];
    for (body, status, word) in [
        (json!({"from": db.to_string()}), 409, "itself"),
        (json!({"from": "99"}), 404, "no such incident"),
        (json!({"from": "everything"}), 400, "an incident's number"),
        (json!({}), 422, "from"),
    ] {
        let (given, problem) = act(&server, db, "merge", body).await;
        assert_eq!(given, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    act(&server, web, "resolve", json!({})).await;
    let (status, problem) = act(&server, web, "merge", json!({"from": db.to_string()})).await;
    assert_eq!((status, problem["detail"].as_str()), (409, Some("INC-2 is resolved; reopen it first")));
    let regrouped = ["merged", "merged_into", "split"];
    for number in [db, web] {
        let kinds = server.kinds(number).await;
        assert!(!kinds.iter().any(|kind| regrouped.contains(&kind.as_str())), "{kinds:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn alerts_are_split_off_into_an_incident_of_their_own_and_follow_it() {
    let server = TestServer::start().await;
    let alerts = json!([alert("Slow", "db", "firing"), alert("Errors", "db", "firing")]);
    let db = server.alert(alerts).await[0];
    let shown = incident(&server, db).await;
    let errors = shown["alerts"].as_array().unwrap().iter().find(|alert| alert["name"] == "Errors").unwrap();

    let (status, new) =
        act(&server, db, "split", json!({"alerts": [errors["id"]], "reason": "another cause"})).await;
    assert_eq!((status, standing(&new)), (200, ("open", 1, 1)));
    assert_eq!(standing(&incident(&server, db).await), ("open", 1, 1));
    let number = new["number"].as_i64().unwrap();
    // What is new of the service stays with the service; what was split off ends where it went.
    assert_eq!(server.alert(json!([alert("Queue", "db", "firing")])).await, [db]);
    assert_eq!(server.alert(json!([alert("Errors", "db", "resolved")])).await, [number]);
    assert_eq!(incident(&server, number).await["status"], "resolved");

    let split = event_id(&server, db, "split").await;
    let (status, whole) = act(&server, db, "undo", json!({"event": split})).await;
    assert_eq!((status, standing(&whole)), (200, ("open", 2, 3)));
    server.stop().await;
}

#[tokio::test]
async fn a_split_of_alerts_that_are_not_there_or_of_all_is_refused() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let all = incident(&server, db).await["alerts"][0]["id"].clone();
    for (alerts, status, word) in [
        (json!([all]), 409, "one must stay"),
        (json!([]), 409, "no alert"),
        (json!(["00000000-0000-0000-0000-000000000001"]), 400, "not in INC-1"),
    ] {
        let (given, problem) = act(&server, db, "split", json!({"alerts": alerts})).await;
        assert_eq!(given, status, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
    assert_eq!(server.incidents().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_on_it_mutes_one_incident_for_a_time_and_ends_that_again() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let (status, muted) = act(&server, db, "mute", json!({"for": "1h"})).await;
    assert_eq!((status, muted["muted_by"].as_str()), (200, Some("ada")));
    assert!(muted["muted_until"].is_string(), "{muted}");
    // What comes meanwhile is taken as ever.
    server.alert(json!([alert("Errors", "db", "firing")])).await;
    assert_eq!(incident(&server, db).await["muted_by"], "ada");
    let (status, problem) = act(&server, db, "mute", json!({"for": "8d"})).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("invalid_value")));
    let (_, ended) = act(&server, db, "unmute", json!({})).await;
    assert_eq!((&ended["muted_until"], &ended["muted_by"]), (&Value::Null, &Value::Null));
    server.stop().await;
}

#[tokio::test]
async fn an_incident_is_not_reopened_beside_another_about_the_same() {
    let server = TestServer::start().await;
    let first = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    act(&server, first, "resolve", json!({})).await;
    let second = server.alert(json!([alert("Errors", "db", "firing")])).await[0];
    assert_ne!(first, second);
    let (status, problem) = act(&server, first, "reopen", json!({})).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("merge the two instead"), "{problem}");
    server.stop().await;
}

async fn split_off(server: &TestServer, incident_number: i64, name: &str) -> i64 {
    let shown = incident(server, incident_number).await;
    let alert = shown["alerts"].as_array().unwrap().iter().find(|alert| alert["name"] == name).unwrap();
    let (status, new) = act(server, incident_number, "split", json!({"alerts": [alert["id"]]})).await;
    assert_eq!(status, 200, "{new}");
    new["number"].as_i64().unwrap()
}

#[tokio::test]
async fn undoing_a_split_reopens_what_ended_because_nothing_that_it_kept_fires() {
    let server = TestServer::start().await;
    let alerts = json!([alert("Slow", "db", "firing"), alert("Errors", "db", "firing")]);
    let db = server.alert(alerts).await[0];
    server.alert(json!([alert("Slow", "db", "resolved")])).await;
    let new = split_off(&server, db, "Errors").await;
    assert_eq!(standing(&incident(&server, db).await), ("resolved", 0, 1));

    let split = event_id(&server, db, "split").await;
    let (status, whole) = act(&server, db, "undo", json!({"event": split})).await;
    assert_eq!((status, standing(&whole)), (200, ("open", 1, 2)), "{whole}");
    assert_eq!(incident(&server, new).await["merged_into"], whole["id"]);
    let mut kinds = server.kinds(db).await;
    kinds.retain(|kind| ["resolved", "reopened", "merged"].contains(&kind.as_str()));
    assert_eq!(kinds, ["resolved", "reopened", "merged"]);
    server.stop().await;
}

#[tokio::test]
async fn undoing_a_split_of_what_is_all_over_leaves_it_over() {
    let server = TestServer::start().await;
    let alerts = json!([alert("Slow", "db", "firing"), alert("Errors", "db", "firing")]);
    let db = server.alert(alerts).await[0];
    split_off(&server, db, "Errors").await;
    let ended = json!([alert("Slow", "db", "resolved"), alert("Errors", "db", "resolved")]);
    server.alert(ended).await;
    let split = event_id(&server, db, "split").await;
    let (status, whole) = act(&server, db, "undo", json!({"event": split})).await;
    assert_eq!((status, standing(&whole)), (200, ("resolved", 0, 2)), "{whole}");
    server.stop().await;
}

#[tokio::test]
async fn undoing_a_split_does_not_reopen_an_incident_beside_its_successor() {
    let server = TestServer::start().await;
    let alerts = json!([alert("Slow", "db", "firing"), alert("Errors", "db", "firing")]);
    let db = server.alert(alerts).await[0];
    split_off(&server, db, "Errors").await;
    act(&server, db, "resolve", json!({})).await;
    let next = server.alert(json!([alert("Queue", "db", "firing")])).await[0];
    assert_ne!(db, next);
    let split = event_id(&server, db, "split").await;
    let (status, problem) = act(&server, db, "undo", json!({"event": split})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("merge the two instead"), "{problem}");
    assert_eq!(incident(&server, db).await["status"], "resolved");
    server.stop().await;
}

#[tokio::test]
async fn all_alerts_of_an_incident_are_listed_page_by_page_and_found_by_words() {
    let server = TestServer::start().await;
    let of_db: Vec<Value> = (0..5).map(|n| alert(&format!("A{n}"), "db", "firing")).collect();
    let db = server.alert(json!(of_db)).await[0];
    server.alert(json!([alert("A1", "web", "firing")])).await;

    let listed = |query: String| {
        let server = &server;
        async move {
            let page = server.get(&format!("/api/v1/incidents/{db}/alerts?{query}")).await;
            let names: Vec<String> = page["alerts"]
                .as_array()
                .unwrap_or_else(|| panic!("{page}"))
                .iter()
                .map(|alert| alert["name"].as_str().unwrap().to_owned())
                .collect();
            (names, page["next_cursor"].as_str().map(str::to_owned))
        }
    };
    let (mut names, next) = listed("limit=3".into()).await;
    let (rest, end) = listed(format!("limit=3&cursor={}", next.expect("two more"))).await;
    assert_eq!((names.len(), rest.len(), end), (3, 2, None));
    names.extend(rest);
    names.sort();
    assert_eq!(names, ["A0", "A1", "A2", "A3", "A4"]);
    assert_eq!(listed("q=a1".into()).await.0, ["A1"]);
    assert_eq!(listed("q=web".into()).await.0, Vec::<String>::new());
    let unknown = server.get("/api/v1/incidents/99/alerts").await;
    assert_eq!(unknown["code"], "not_found");
    server.stop().await;
}

#[tokio::test]
async fn too_many_alerts_for_one_split_are_refused_with_their_number() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let many: Vec<_> = (0..501).map(|_| uuid::Uuid::now_v7()).collect();
    let (status, problem) = act(&server, db, "split", json!({"alerts": many})).await;
    let words = "501 alerts were named; at most 500 are split off at once";
    assert_eq!((status, problem["detail"].as_str()), (400, Some(words)));
    server.stop().await;
}

#[tokio::test]
async fn an_old_merge_is_not_undone_in_place_of_the_newer_one_of_the_same_two() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let web = server.alert(json!([alert("Errors", "web", "firing")])).await[0];
    act(&server, db, "merge", json!({"from": web.to_string()})).await;
    let (old, old_of_ended) =
        (event_id(&server, db, "merged").await, event_id(&server, web, "merged_into").await);
    act(&server, db, "undo", json!({"event": old})).await;
    act(&server, db, "merge", json!({"from": web.to_string()})).await;

    for (number, event) in [(db, old), (web, old_of_ended)] {
        let (status, problem) = act(&server, number, "undo", json!({"event": event})).await;
        assert_eq!(status, 409, "{problem}");
        assert_eq!(problem["detail"], "this merge of INC-2 was undone already");
    }
    assert_eq!(standing(&incident(&server, db).await), ("open", 2, 2));
    // The newer one is still there, and can be undone.
    assert_eq!(server.alert(json!([alert("Queue", "web", "firing")])).await, [db]);
    let newer = server.events(db).await.into_iter().rfind(|event| event["kind"] == "merged").unwrap();
    let (status, left) = act(&server, db, "undo", json!({"event": newer["id"]})).await;
    assert_eq!((status, standing(&left)), (200, ("open", 1, 1)));
    assert_eq!(standing(&incident(&server, web).await), ("open", 2, 2));
    server.stop().await;
}

#[tokio::test]
async fn undoing_a_merge_leaves_over_what_was_resolved_before_it_was_merged_in() {
    let server = TestServer::start().await;
    let db = server.alert(json!([alert("Slow", "db", "firing")])).await[0];
    let web = server.alert(json!([alert("Errors", "web", "firing")])).await[0];
    act(&server, web, "resolve", json!({})).await;
    let resolved_at = incident(&server, web).await["resolved_at"].clone();
    act(&server, db, "merge", json!({"from": web.to_string()})).await;
    let merged = event_id(&server, db, "merged").await;
    let (status, _) = act(&server, db, "undo", json!({"event": merged})).await;
    let restored = incident(&server, web).await;
    assert_eq!((status, standing(&restored)), (200, ("resolved", 1, 1)));
    assert_eq!(restored["resolved_at"], resolved_at);

    // What begins to fire after the merge is no reason to be quiet.
    act(&server, db, "merge", json!({"from": web.to_string()})).await;
    server.alert(json!([alert("Queue", "web", "firing")])).await;
    let merged = server.events(db).await.into_iter().rfind(|event| event["kind"] == "merged").unwrap();
    act(&server, db, "undo", json!({"event": merged["id"]})).await;
    assert_eq!(standing(&incident(&server, web).await), ("open", 2, 2));
    server.stop().await;
}

#[tokio::test]
async fn an_alert_that_is_named_twice_is_split_off_once() {
    let server = TestServer::start().await;
    let alerts = json!([alert("Slow", "db", "firing"), alert("Errors", "db", "firing")]);
    let db = server.alert(alerts).await[0];
    let shown = incident(&server, db).await;
    let errors = shown["alerts"].as_array().unwrap().iter().find(|alert| alert["name"] == "Errors").unwrap();
    let twice = json!({"alerts": [errors["id"], errors["id"]]});
    let (status, new) = act(&server, db, "split", twice).await;
    assert_eq!(status, 200, "{new}");
    assert_eq!(standing(&new), ("open", 1, 1));
    assert_eq!(standing(&incident(&server, db).await), ("open", 1, 1));
    server.stop().await;
}
