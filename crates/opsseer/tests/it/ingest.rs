//! The way of alerts into the store when the store or the memory is short.

use opsseer_connect::prometheus::FakeMetrics;
use serde_json::json;
use tokio::time::timeout;

use crate::test_server::{PATIENCE, TestServer, alert, envelope};

async fn readiness(server: &TestServer) -> u16 {
    server.http.get(format!("{}/readyz", server.url)).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_store_that_hangs_is_answered_503_and_the_server_says_by_itself_when_it_is_well_again() {
    let server = TestServer::start_with("[store]\ntimeout = \"1s\"", FakeMetrics::default()).await;
    // As long as this transaction is open, nobody else can write.
    let hanging = server.app.store.begin().await.unwrap();
    let body = envelope(&json!([alert("Slow", "toyprod", "firing")])).to_string();
    let (status, problem) = server.post("/webhook/alertmanager", body).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("store_unavailable")), "{problem}");
    assert_eq!(readiness(&server).await, 503);
    drop(hanging);
    // Nobody sends anything meanwhile.
    let well = async {
        while readiness(&server).await != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, well).await.expect("the server must recover by itself");
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "firing")])).await, [1]);
    server.stop().await;
}

#[tokio::test]
async fn webhooks_that_together_would_fill_the_memory_are_answered_503_and_taken_later() {
    let server = TestServer::start_with("[ingest]\nqueue_bytes = 100000", FakeMetrics::default()).await;
    let blocking = server.app.store.begin().await.unwrap();
    let body = |service: &str| {
        let mut large = alert("Slow", service, "firing");
        large["annotations"]["description"] = json!("x".repeat(15_000));
        envelope(&json!(vec![large; 5])).to_string()
    };
    let send = |service: &str| {
        server.http.post(format!("{}/webhook/alertmanager", server.url)).body(body(service)).send()
    };
    // Whichever comes second does not fit any more and is answered at once; the other one waits for the writer.
    let either = futures::future::select(Box::pin(send("a")), Box::pin(send("b"))).await;
    let (refused, waiting) = either.factor_first();
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap()["code"], "queue_full");
    drop(blocking);
    assert_eq!(waiting.await.unwrap().status(), 202);
    for service in ["a", "b"] {
        assert_eq!(send(service).await.unwrap().status(), 202);
    }
    assert_eq!(server.incidents().await.len(), 2);
    server.stop().await;
}
