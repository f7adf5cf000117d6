//! A chart, looked into: its page, its parts, its PNG, its numbers.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use opsseer_connect::prometheus::{FakeMetrics, Series};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

/// A server with INC-1, whose metric has been drawn from a point a minute of an hour.
pub(crate) async fn server_with_a_chart() -> TestServer {
    let metrics = FakeMetrics::default();
    let start = SystemClock.now() - TimeDelta::minutes(59);
    let value = |minute: i64| if minute < 45 { 0.1 } else { 0.6 };
    let points = (0..60).map(|minute| (start + TimeDelta::minutes(minute), value(minute))).collect();
    let labels = BTreeMap::from([("service".to_owned(), "toyprod".to_owned())]);
    metrics.answer_range("latency", vec![Series { labels, points }]);
    let server = TestServer::start_with("", metrics).await;
    let mut fresh = alert("ToyprodSlow", "toyprod", "firing");
    fresh["startsAt"] = json!((SystemClock.now() - TimeDelta::minutes(10)).to_rfc3339());
    server.alert(json!([fresh])).await;
    // Nothing draws it again while a test looks at it.
    server.enriched(1).await;
    server
}

/// Where the chart's numbers are.
async fn address(server: &TestServer) -> String {
    let charted = server.event(1, "charted").await;
    let assets = charted["assets"].as_array().unwrap();
    let numbers = assets.iter().find(|asset| asset["media_type"] == "application/json").unwrap();
    format!("/charts/{}", numbers["sha256"].as_str().unwrap())
}

async fn get(server: &TestServer, path: &str) -> (u16, String, Vec<u8>) {
    let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), policy, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_chart_has_a_page_with_its_numbers_and_can_be_had_as_png() {
    let server = server_with_a_chart().await;
    let address = address(&server).await;
    let (status, policy, page) = get(&server, &address).await;
    let page = String::from_utf8(page).unwrap();
    assert_eq!(status, 200);
    assert!(policy.contains("style-src 'self'"), "{policy}");
    assert!(page.contains("<td>0.6</td>") && page.contains("<td>0.1</td>"), "{page}");
    assert!(page.contains(&format!("data-chart=\"{address}\"")), "{page}");
    let (status, policy, png) =
        get(&server, &format!("{address}/picture.png?width=360&height=240&theme=dark")).await;
    assert_eq!(
        (status, &png[..8], &png[16..20]),
        (200, &b"\x89PNG\r\n\x1a\n"[..], &360_u32.to_be_bytes()[..])
    );
    assert!(policy.contains("sandbox"), "{policy}");
    server.stop().await;
}

#[tokio::test]
async fn a_part_of_a_chart_is_drawn_with_axes_of_its_own() {
    let server = server_with_a_chart().await;
    let address = address(&server).await;
    let numbers = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap();
    let whole = numbers(get(&server, &format!("{address}/numbers.json")).await.2);
    let from = whole["from"].as_i64().unwrap();
    let part = format!("?from={from}&to={}", from + 20 * 60_000);
    let inner = numbers(get(&server, &format!("{address}/numbers.json{part}")).await.2);
    let (high, points) =
        (|it: &Value| it["plot"]["high"].as_f64(), |it: &Value| it["series"][0]["points"].clone());
    assert!(high(&inner) < high(&whole), "{inner}");
    assert!(points(&inner).as_array().unwrap().len() < points(&whole).as_array().unwrap().len() / 2);
    let (status, policy, svg) = get(&server, &format!("{address}/picture.svg{part}")).await;
    assert!(status == 200 && policy.contains("style-src 'unsafe-inline'") && svg.starts_with(b"<svg"));
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_chart_and_what_cannot_be_drawn_is_said() {
    let server = server_with_a_chart().await;
    let address = address(&server).await;
    let picture = server.event(1, "charted").await["assets"][0]["sha256"].as_str().unwrap().to_owned();
    for (path, status) in [
        (format!("/charts/{}", "0".repeat(64)), 404),
        // A kept file, but no numbers.
        (format!("/charts/{picture}"), 404),
        (format!("{address}/picture.png?width=100000"), 400),
        (format!("{address}/picture.svg?from=yesterday"), 400),
        (format!("{address}/picture.png?theme=pink"), 400),
    ] {
        let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
    server.stop().await;
}
