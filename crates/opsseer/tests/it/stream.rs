//! The JSON stream of an incident's timeline.

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::test_server::{PATIENCE, TestServer, alert};

/// Reads server-sent events until `count` have come. Gives their ids and data.
pub(crate) async fn read(answer: reqwest::Response, count: usize) -> Vec<(i64, Value)> {
    let mut bytes = answer.bytes_stream();
    let mut text = String::new();
    let reading = async {
        loop {
            let events: Vec<(i64, Value)> = text
                .split("\n\n")
                .filter(|block| block.contains("data:"))
                .filter(|block| text.contains(&format!("{block}\n\n")))
                .map(parse)
                .collect();
            if events.len() >= count {
                return events;
            }
            text.push_str(
                std::str::from_utf8(&bytes.next().await.expect("the stream goes on").unwrap()).unwrap(),
            );
        }
    };
    timeout(PATIENCE, reading).await.expect("the events must come")
}

fn parse(block: &str) -> (i64, Value) {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    (field("id:").parse().unwrap(), serde_json::from_str(field("data:")).unwrap())
}

#[tokio::test]
async fn a_reader_gets_what_was_and_what_comes_each_once_and_can_go_on_where_it_stopped() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    server.enriched(1).await;
    let address = format!("{}/api/v1/incidents/1/stream", server.url);
    let live = server.http.get(&address).send().await.unwrap();
    assert_eq!(live.headers()["content-type"], "text/event-stream");
    server.post("/api/v1/incidents/1/notes", json!({"by": "ada", "text": "one"}).to_string()).await;
    let all = server.events(1).await.len();
    let read_first = read(live, all).await;
    let ids: Vec<i64> = read_first.iter().map(|(id, _)| *id).collect();
    let note = i64::try_from(all).unwrap();
    assert_eq!(ids, (1..=note).collect::<Vec<_>>());
    assert_eq!(read_first[all - 1].1["text"], "one");
    server.post("/api/v1/incidents/1/notes", json!({"by": "ada", "text": "two"}).to_string()).await;
    let again = server.http.get(&address).header("last-event-id", note - 1).send().await.unwrap();
    let texts: Vec<Value> =
        read(again, 2).await.into_iter().map(|(_, event)| event["text"].clone()).collect();
    assert_eq!(texts, ["one", "two"]);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_a_wrong_place_is_refused() {
    let server = TestServer::start().await;
    server.alert(json!([alert("Slow", "toyprod", "firing")])).await;
    let address = format!("{}/api/v1/incidents/1/stream", server.url);
    let wrong = server.http.get(&address).header("last-event-id", "soon").send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    let live = server.http.get(&address).send().await.unwrap();
    server.stop().await;
    timeout(PATIENCE, live.bytes()).await.expect("the stream must end").unwrap();
}
