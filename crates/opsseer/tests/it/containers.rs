//! How the containers of an incident's service do.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use opsseer_connect::prometheus::{FakeMetrics, Series};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::{
    jobs::until,
    test_server::{TestServer, alert},
};

const MIB: f64 = 1024.0 * 1024.0;

/// What the rules recorded every 10 s for 20 minutes; `value` is asked with the number of seconds before now.
fn recorded(name: &str, value: impl Fn(i32) -> f64) -> Series {
    let now = SystemClock.now();
    let points = (0..=120).rev().map(|n| (now - TimeDelta::seconds(10 * i64::from(n)), value(10 * n)));
    let labels = [("__name__", name), ("svc", "shop")];
    Series {
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        points: points.collect(),
    }
}

/// Of one container with a limit of 128 MiB, which was killed and started again so many times a minute ago.
fn one_container(ended: f64) -> Vec<Series> {
    let count = move |seconds: i32| if seconds <= 60 { 1.0 + ended } else { 1.0 };
    vec![
        recorded("svc:mem_usage_bytes", |_| 64.0 * MIB),
        recorded("svc:mem_limit_bytes", |_| 128.0 * MIB),
        recorded("svc:mem_usage_max:percent", |_| 50.0),
        recorded("svc:cpu_usage:cores", |_| 0.25),
        recorded("svc:replicas:count", |_| 1.0),
        recorded("svc:oom_kills:total", count),
        recorded("svc:restarts:total", count),
    ]
}

fn firing() -> Value {
    let mut firing = alert("ShopFails", "shop", "firing");
    firing["startsAt"] = json!((SystemClock.now() - TimeDelta::minutes(1)).to_rfc3339());
    firing
}

async fn page(server: &TestServer) -> String {
    server.http.get(format!("{}/incidents/1", server.url)).send().await.unwrap().text().await.unwrap()
}

fn contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[tokio::test]
async fn an_incident_tells_of_its_containers_and_of_what_happens_to_them_later() {
    let metrics = FakeMetrics::default();
    metrics.answer_range(r#"svc:.+",svc="shop""#, one_container(0.0));
    let server = TestServer::start_with("[forecast]\nevery = \"1s\"", metrics).await;
    server.alert(json!([firing()])).await;
    let seen = server.event(1, "containers_seen").await;
    assert_eq!((seen["restarts"].as_u64(), seen["oom_kills"].as_u64()), (Some(0), Some(0)), "{seen}");
    assert_eq!(seen["memory_limit_bytes"].as_f64(), Some(128.0 * MIB));
    contains_all(
        seen["sentence"].as_str().unwrap(),
        &["shop: memory 64 MiB of 128 MiB (50 %)", "CPU 0.25 cores"],
    );
    contains_all(&page(&server).await, &["shop: no restart, no kill for want of memory", "1 container runs"]);

    server.metrics.answer_range(r#"svc:.+",svc="shop""#, one_container(1.0));
    until("the kill is told", async || {
        page(&server).await.contains(
            "the kernel killed a process of it once for want of memory, and it was started again once",
        )
    })
    .await;
    let kinds = server.kinds(1).await;
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "containers_seen").count(),
        2,
        "the same again is no news: {kinds:?}"
    );
    server.stop().await;
}

#[tokio::test]
async fn memory_that_grows_towards_its_limit_is_forecast_whatever_the_alert_is_about() {
    let metrics = FakeMetrics::default();
    metrics.answer_range(r#"svc:.+",svc="shop""#, one_container(0.0));
    // 12 % a minute for five minutes: three minutes are left.
    let grown = |seconds: i32| if seconds < 300 { 64.0 - f64::from(seconds) * 0.2 } else { 4.0 };
    let share = recorded("svc:mem_usage_max:percent", grown);
    metrics.answer_range(
        r#"svc:mem_usage_max:percent{svc="shop"}"#,
        vec![Series { labels: BTreeMap::new(), ..share }],
    );
    let server = TestServer::start_with("", metrics).await;
    server.alert(json!([firing()])).await;
    let forecast = server.event(1, "forecast").await;
    assert_eq!(forecast["subject"], "memory of shop");
    assert_eq!(forecast["outlook"]["outlook"], "expected", "{forecast}");
    assert_eq!(forecast["threshold"]["value"], 100.0);
    server.stop().await;
}

#[tokio::test]
async fn without_an_exporter_the_page_says_how_to_get_one_and_no_step_failed() {
    let server = TestServer::start().await;
    server.alert(json!([firing()])).await;
    server.enriched(1).await;
    let kinds = server.kinds(1).await;
    assert!(!kinds.iter().any(|kind| kind == "containers_seen" || kind == "step_failed"), "{kinds:?}");
    contains_all(&page(&server).await, &["No container of this service is known", "container-exporter"]);
    server.stop().await;
}
