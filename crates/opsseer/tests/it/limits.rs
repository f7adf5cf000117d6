//! Requests that ask for too much or for what is not there.

use crate::test_server::TestServer;

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
