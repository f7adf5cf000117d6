//! Has this happened before?

use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

/// What the newest answer of an incident says.
async fn found(server: &TestServer, number: i64) -> Value {
    server.event(number, "similar_found").await
}

#[tokio::test]
async fn an_incident_names_the_earlier_one_that_is_like_it_with_how_it_ended() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ReplicaLags", "orders-db", "firing")])).await;
    let first = found(&server, 1).await;
    assert_eq!((&first["incidents"], &first["looked_through"]), (&json!([]), &json!(0)));
    let resolve = json!({"by": "ada", "reason": "Restarted the replica."}).to_string();
    assert_eq!(server.post("/api/v1/incidents/1/resolve", resolve).await.0, 200);
    server.alert(json!([alert("CertificateExpires", "gateway", "firing")])).await;
    assert_eq!(found(&server, 2).await["incidents"], json!([]), "a certificate is no replica");
    server.alert(json!([alert("ReplicaLags", "users-db", "firing")])).await;
    let third = found(&server, 3).await;
    assert_eq!(third["looked_through"], 2);
    let like = third["incidents"].as_array().unwrap();
    assert_eq!(like.len(), 1, "{third}");
    assert_eq!((&like[0]["number"], &like[0]["ended"]), (&json!(1), &json!("Restarted the replica.")));
    assert!(like[0]["reason"].as_str().unwrap().contains("same alert"), "{third}");
    assert!(like[0]["seconds"].as_i64().is_some(), "{third}");
    server.stop().await;
}

#[tokio::test]
async fn what_happened_is_known_after_a_restart_and_on_another_server() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ReplicaLags", "orders-db", "firing")])).await;
    found(&server, 1).await;
    let server = match server.replica().await {
        Some(replica) => {
            server.stop().await;
            replica
        }
        None => server.restarted().await,
    };
    server.alert(json!([alert("ReplicaLags", "users-db", "firing")])).await;
    let second = found(&server, 2).await;
    assert_eq!(second["incidents"][0]["number"], 1, "{second}");
    assert_eq!(second["incidents"][0]["ended"], Value::Null, "it goes on");
    server.stop().await;
}
