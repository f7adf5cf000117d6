//! Two servers on one PostgreSQL. On SQLite there is one (`store/tests/it/shared.rs` shows why).

use std::collections::HashSet;

use futures::future::join_all;
use serde_json::json;

use crate::{
    stream,
    test_server::{TestServer, alert, envelope},
};

#[tokio::test]
async fn a_page_on_one_server_shows_at_once_what_happens_on_the_other() {
    let here = TestServer::start().await;
    let Some(there) = here.replica().await else { return here.stop().await };
    here.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    here.enriched(1).await;
    let live = there.http.get(format!("{}/api/v1/incidents/1/stream", there.url)).send().await.unwrap();
    here.post("/api/v1/incidents/1/notes", json!({"by": "ada", "text": "from here"}).to_string()).await;
    let all = here.events(1).await.len();
    let told = stream::read(live, all).await;
    assert_eq!(told[all - 1].1["text"], "from here");
    // The picture that one server drew is served by the other.
    let charted = there.event(1, "charted").await;
    let picture = format!("{}/assets/{}", there.url, charted["assets"][0]["sha256"].as_str().unwrap());
    assert_eq!(there.http.get(picture).send().await.unwrap().status(), 200);
    there.stop().await;
    here.stop().await;
}

#[tokio::test]
async fn the_same_alerts_sent_to_both_servers_at_once_are_one_incident_a_service_and_their_work_is_done_once()
{
    let here = TestServer::start().await;
    let Some(there) = here.replica().await else { return here.stop().await };
    let bodies: Vec<String> = (0..10)
        .map(|service| envelope(&json!([alert("Slow", &format!("s{service}"), "firing")])).to_string())
        .collect();
    let sent = bodies
        .iter()
        .flat_map(|body| [&here, &there].map(|server| server.post("/webhook/alertmanager", body.clone())));
    for (status, answer) in join_all(sent).await {
        assert_eq!(status, 202, "{answer}");
    }
    let incidents = here.incidents().await;
    assert_eq!(incidents.len(), 10);
    for incident in incidents {
        let number = incident["number"].as_i64().unwrap();
        there.enriched(number).await;
        let kinds = there.kinds(number).await;
        let different: HashSet<&String> = kinds.iter().collect();
        assert_eq!(kinds.len(), different.len(), "nothing is there twice: {kinds:?}");
    }
    there.stop().await;
    here.stop().await;
}
