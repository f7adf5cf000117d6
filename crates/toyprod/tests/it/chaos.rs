//! `/chaos` and what it does to `/orders`.

use std::time::Duration;

use serde_json::json;

use crate::server::{detail_of, start};

#[tokio::test]
async fn only_orders_fail() {
    let server = start().await;
    let state = server.get_json("/chaos?fail_rate=1").await;
    assert_eq!((&state["fail_rate"], &state["mode"]), (&json!(1.0), &json!("none")));
    for _ in 0..20 {
        assert!(server.refused("/orders", 500).await.contains("on purpose"));
    }
    for path in ["/healthz", "/metrics", "/chaos"] {
        assert_eq!(server.get(path).await.status(), 200, "{path}");
    }
    server.get_json("/chaos?mode=none").await;
    server.get_json("/orders").await;
}

#[tokio::test]
async fn a_delayed_order_makes_nothing_else_wait_and_is_counted_when_its_client_leaves() {
    let server = start().await;
    let state = server.get_json("/chaos?delay_ms=60000").await;
    assert_eq!((&state["mode"], &state["effective_delay_ms"]), (&json!("constant"), &json!(60_000)));
    let impatient = server.client.get(server.url("/orders")).timeout(Duration::from_millis(200)).send().await;
    assert!(impatient.unwrap_err().is_timeout());
    server.until_metric(r#"toyprod_requests_total{route="/orders",method="GET",status="499"} 1"#).await;
    server.until_metric("toyprod_orders_in_flight 0").await;
    assert_eq!(server.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn a_bad_request_says_what_is_allowed_and_changes_nothing() {
    let server = start().await;
    let before = server.get_json("/chaos?mode=constant&delay_ms=7&fail_rate=0.25").await;
    let cases = [
        ("delay_ms=60001", "a whole number from 0 to 60000"),
        ("fail_rate=NaN", "a number from 0 to 1"),
        ("fail_rate=inf", "a number from 0 to 1"),
        ("mode=chaotic", "one of none, constant, sine, ramp, spike, leak, burn"),
        ("fail_rate=1&colour=red", "unknown parameter `colour`"),
        ("fail_rate=0&fail_rate=1", "more than once"),
        ("mode=none&delay_ms=5", "contradicts"),
    ];
    for (query, reason) in cases {
        let detail = server.refused(&format!("/chaos?{query}"), 400).await;
        assert!(detail.contains(reason), "{query}: {detail}");
    }
    assert_eq!(server.get_json("/chaos").await, before);
}

#[tokio::test]
async fn the_answer_shows_the_state_in_force_and_since_when() {
    let server = start().await;
    let state = server.get_json("/chaos?mode=ramp&delay_ms=500&period_s=3600&fail_rate=0.1").await;
    assert_eq!(state["mode"], "ramp");
    assert_eq!(state["delay_ms"], 500);
    assert_eq!(state["period_s"], 3_600);
    assert_eq!(state["leaked_bytes"], 0);
    assert!(state["effective_delay_ms"].as_u64().unwrap() < 500, "{state}");
    // The tests' clock starts in 1970.
    assert!(state["since"].as_str().unwrap().starts_with("1970-01-01T00:"), "{state}");
    let shown_again = server.get_json("/chaos").await;
    assert_eq!(shown_again["since"], state["since"], "looking is not changing");
}

#[tokio::test]
async fn a_post_takes_a_form_too() {
    let server = start().await;
    let post = |kind: &str, body: &str| {
        let request = server.client.post(server.url("/chaos?delay_ms=3"));
        request.header("content-type", kind).body(body.to_owned()).send()
    };
    let answer = post("application/x-www-form-urlencoded", "mode=spike&fail_rate=0.5").await.unwrap();
    assert_eq!(answer.status(), 200);
    let state = server.get_json("/chaos").await;
    assert_eq!(
        (&state["mode"], &state["fail_rate"], &state["delay_ms"]),
        (&json!("spike"), &json!(0.5), &json!(3))
    );

    let json_body = post("application/json", r#"{"mode":"none"}"#).await.unwrap();
    assert!(detail_of(json_body, 415).await.contains("form"));
    assert_eq!(server.get_json("/chaos").await["mode"], "spike");
    let no_body = server.client.post(server.url("/chaos?mode=none")).send().await.unwrap();
    assert_eq!(no_body.status(), 200);
}

#[tokio::test]
async fn a_leak_shows_in_the_metrics_and_none_ends_it() {
    let server = start().await;
    server.get_json("/chaos?mode=leak&leak_mib_per_s=256").await;
    server.until_metric(r#"toyprod_chaos_mode{mode="leak"} 1"#).await;
    let mut leaked = 0;
    while leaked < 8 * 1024 * 1024 {
        leaked = server.get_json("/chaos").await["leaked_bytes"].as_u64().unwrap();
    }
    assert_eq!(server.get_json("/chaos?mode=none").await["leaked_bytes"], 0);
}
