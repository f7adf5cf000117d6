//! `/metrics`.

use crate::server::start;

#[tokio::test]
async fn the_exposition_is_open_metrics() {
    let server = start().await;
    let response = server.get("/metrics").await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));
}

#[tokio::test]
async fn every_request_is_counted_by_its_matched_route() {
    let server = start().await;
    server.get("/orders?count=3").await;
    server.get("/orders?count=none").await;
    server.get("/wp-login.php").await;
    server.get("/.env").await;
    server.until_metric(r#"toyprod_requests_total{route="/orders",method="GET",status="200"} 1"#).await;
    server.until_metric(r#"toyprod_requests_total{route="/orders",method="GET",status="400"} 1"#).await;
    server.until_metric(r#"toyprod_requests_total{route="unmatched",method="GET",status="404"} 2"#).await;
    server.until_metric(r#"toyprod_request_latency_seconds_count{route="/orders"} 2"#).await;
    let text = server.get("/metrics").await.text().await.unwrap();
    assert!(!text.contains("wp-login"), "{text}");
}
