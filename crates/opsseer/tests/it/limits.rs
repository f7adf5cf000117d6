//! Requests that ask for too much or for what is not there.

use opsseer_connect::prometheus::FakeMetrics;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use serde_json::json;

use crate::test_server::{PATIENCE, TestServer, alert, envelope};

#[tokio::test]
async fn a_question_that_is_not_understood_says_what_is_allowed() {
    let server = TestServer::start().await;
    let cases = [
        ("/api/v1/incidents?limit=0", 400, "allowed: 1 to 200"),
        ("/api/v1/incidents?status=lost", 400, "allowed: unresolved, open, acknowledged, resolved"),
        ("/api/v1/incidents?severity=high", 400, "allowed: page, ticket, info"),
        ("/api/v1/incidents?colour=red", 400, "unknown field `colour`"),
        ("/api/v1/incidents?cursor=x", 400, "next_cursor"),
        ("/api/v1/incidents/xyz", 400, "an incident's number (42) or id (a uuid)"),
        ("/api/v1/incidents/7", 404, "there is no incident 7"),
        ("/assets/0000", 404, "there is no such asset"),
        ("/api/v1/nothing", 404, "nothing is at /api/v1/nothing"),
    ];
    for (path, status, reason) in cases {
        let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(reason), "{path}: {problem}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_server_tells_of_itself() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/readyz").await["ready"], true);
    let metrics =
        server.http.get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("opsseer_incidents_unresolved 0"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_told_to_come_again() {
    let server = TestServer::start_with("[http]\nrequest_timeout = \"1s\"", FakeMetrics::default()).await;
    let mut connection = TcpStream::connect(server.app.config.http.bind).await.unwrap();
    // The body that it promises never comes.
    let request = "POST /webhook/alertmanager HTTP/1.1\r\nHost: opsseer\r\nContent-Type: application/json\r\n\
        Content-Length: 10\r\nConnection: close\r\n\r\n{";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    for part in [
        "retry-after: 1\r\n",
        "content-type: application/problem+json\r\n",
        "timed_out",
        "http.request_timeout",
    ] {
        assert!(answer.contains(part), "{part} is missing: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_write_says_so_and_refuses_what_comes() {
    let server = TestServer::start().await;
    server.app.store.close().await;
    let body = envelope(&json!([alert("Slow", "toyprod", "firing")])).to_string();
    let (status, problem) = server.post("/webhook/alertmanager", body).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("store_unavailable")));
    let ready = server.http.get(format!("{}/readyz", server.url)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let told: serde_json::Value = ready.json().await.unwrap();
    assert_eq!(
        (told["writer"].as_str(), told["workers"].as_str()),
        (Some("the last alerts could not be written"), Some("ok"))
    );
    server.stop().await;
}

#[tokio::test]
async fn a_sender_that_stalls_within_the_head_of_its_request_loses_the_connection() {
    let server = TestServer::start_with("[http]\nheader_timeout = \"1s\"", FakeMetrics::default()).await;
    let mut connection = TcpStream::connect(server.app.config.http.bind).await.unwrap();
    connection.write_all(b"POST /webhook/alertmanager HTTP/1.1\r\nHost: ops").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer)).await.expect("it must be closed").unwrap();
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    // Others are served meanwhile and afterwards.
    assert_eq!(server.get("/readyz").await["ready"], true);
    server.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_free_one() {
    let server = TestServer::start_with("[http]\nmax_connections = 2", FakeMetrics::default()).await;
    let bind = server.app.config.http.bind;
    let idle = [TcpStream::connect(bind).await.unwrap(), TcpStream::connect(bind).await.unwrap()];
    let waiting = tokio::spawn({
        let (http, url) = (reqwest::Client::new(), format!("{}/healthz", server.url));
        async move { http.get(url).send().await.unwrap().status() }
    });
    drop(idle);
    assert_eq!(timeout(PATIENCE, waiting).await.expect("is served in the end").unwrap(), 200);
    server.stop().await;
}
