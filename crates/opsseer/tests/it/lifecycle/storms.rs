//! Ten thousand alerts in a few seconds.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::incident;
use crate::test_server::{TestServer, alert};

/// Sends ten thousand alerts, five hundred a message, several messages at once.
async fn storm(server: &TestServer, status: &str, one: impl Fn(usize) -> (String, String)) {
    storm_of(server, |i| {
        let (name, service) = one(i);
        alert(&name, &service, status)
    })
    .await;
}

async fn storm_of(server: &TestServer, one: impl Fn(usize) -> Value) {
    for wave in 0..5 {
        let messages = (0..4).map(|message| {
            let first = (wave * 4 + message) * 500;
            let alerts = (first..first + 500).map(|i| {
                let mut alert = one(i);
                alert["labels"]["instance"] = json!(i.to_string());
                alert
            });
            server.alert(alerts.collect())
        });
        futures::future::join_all(messages).await;
    }
}

/// The incident of each alert in the store, page by page.
async fn homes(server: &TestServer) -> HashMap<i64, usize> {
    let mut homes = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/api/v1/alerts?limit=1000{cursor}")).await;
        for alert in page["alerts"].as_array().unwrap() {
            *homes.entry(alert["incident"].as_i64().unwrap()).or_default() += 1;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return homes,
        }
    }
}

/// Every page that a person opens in a storm answers.
async fn all_pages_answer(server: &TestServer, number: i64) {
    for path in ["/", "/api/v1/incidents?limit=200", "/readyz"]
        .into_iter()
        .map(str::to_owned)
        .chain([format!("/incidents/{number}"), format!("/api/v1/incidents/{number}/timeline")])
    {
        let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert!(!answer.text().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn ten_thousand_alerts_of_forty_services_are_forty_incidents_and_no_storm() {
    let server = TestServer::start().await;
    storm(&server, "firing", |i| (format!("R{}", i % 7), format!("s{}", i % 40))).await;
    let homes = homes(&server).await;
    assert_eq!(homes.len(), 40);
    assert!(homes.values().all(|alerts| *alerts == 250), "{homes:?}");
    let incidents = server.incidents().await;
    assert!(incidents.iter().all(|one| one["service"].is_string() && one["alerts_firing"] == 250));
    all_pages_answer(&server, 1).await;
    server.stop().await;
}

#[tokio::test]
async fn ten_thousand_services_with_the_same_trouble_are_a_bounded_number_of_incidents() {
    let server = TestServer::start().await;
    storm(&server, "firing", |i| ("Unreachable".to_owned(), format!("s{i}"))).await;
    let found = homes(&server).await;
    assert_eq!((found.len(), found.values().sum::<usize>()), (101, 10_000));
    let (&number, &alerts) = found.iter().max_by_key(|(_, alerts)| **alerts).unwrap();
    let storm_incident = incident(&server, number).await;
    assert_eq!((alerts, storm_incident["alerts_firing"].as_i64()), (9_900, Some(9_900)));
    assert_eq!(storm_incident["title"], "Storm: Unreachable on many services");
    let joined =
        server.events(number).await.into_iter().rfind(|event| event["kind"] == "alert_fired").unwrap();
    assert_eq!(
        joined["reason"],
        "100 incidents were opened within 1 min; until that passes, alerts of the same rule share one."
    );
    all_pages_answer(&server, number).await;
    // What is over is over for each.
    storm(&server, "resolved", |i| ("Unreachable".to_owned(), format!("s{i}"))).await;
    assert!(
        server.get("/api/v1/incidents?status=unresolved").await["incidents"].as_array().unwrap().is_empty()
    );
    server.stop().await;
}

#[tokio::test]
async fn ten_thousand_troubles_of_ten_thousand_services_are_a_bounded_number_of_incidents() {
    let server = TestServer::start().await;
    storm(&server, "firing", |i| (format!("R{i}"), format!("s{i}"))).await;
    let found = homes(&server).await;
    assert_eq!((found.len(), found.values().sum::<usize>()), (201, 10_000));
    let mut shared: Vec<Value> =
        server.get("/api/v1/incidents?q=storm&limit=200").await["incidents"].as_array().unwrap().clone();
    shared.retain(|one| one["title"] == "Storm: alerts of many rules and services");
    assert_eq!((shared.len(), shared[0]["alerts_firing"].as_i64()), (1, Some(9_800)));
    all_pages_answer(&server, shared[0]["number"].as_i64().unwrap()).await;
    server.stop().await;
}

#[tokio::test]
async fn ten_thousand_alerts_that_come_back_are_taken_as_they_were_the_first_time() {
    let server = TestServer::start().await;
    let one = |i: usize| ("Unreachable".to_owned(), format!("s{i}"));
    storm(&server, "firing", one).await;
    storm(&server, "resolved", one).await;
    // Each message is answered with 202, or this fails.
    storm_of(&server, |i| {
        let mut alert = alert("Unreachable", &format!("s{i}"), "firing");
        alert["startsAt"] = json!("2026-01-02T05:00:00Z");
        alert
    })
    .await;
    let open = server.get("/api/v1/incidents?status=unresolved&limit=200").await["incidents"].clone();
    let count = |field: &str| -> i64 {
        open.as_array().unwrap().iter().map(|incident| incident[field].as_i64().unwrap()).sum()
    };
    assert_eq!((count("alerts_firing"), count("alerts_total")), (10_000, 10_000));
    server.stop().await;
}
