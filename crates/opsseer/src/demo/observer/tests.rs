use chrono::TimeDelta;
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::profile::Profile;
use super::super::story::News;
use super::super::surroundings::http_client;
use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
}

/// One server plays both Prometheus and OpsSeer.
async fn look(
    story: &mut Story,
    observer: &mut Observer,
    server: &MockServer,
    alerts: &[(&str, &str)],
    incidents: &[i64],
) {
    server.reset().await;
    let alert = |(name, state): &(&str, &str)| json!({"labels": {"alertname": name}, "annotations": {}, "state": state, "activeAt": at(1), "value": "1"});
    let alerts: Vec<_> = alerts.iter().map(alert).collect();
    let firing = json!([{"metric": {}, "values": [[1_700_000_009, "1700000007.5"]]}]);
    // The newest first, as OpsSeer lists them.
    let row = |number: &i64| json!({"id": format!("id-{number}"), "number": number, "title": "t"});
    let incidents: Vec<_> = incidents.iter().rev().map(row).collect();
    for (verb, route, body) in [
        ("GET", "/api/v1/alerts", json!({"data": {"alerts": alerts}})),
        ("POST", "/api/v1/query_range", json!({"data": {"result": firing}})),
        ("GET", "/api/v1/incidents", json!({"incidents": incidents})),
        ("GET", "/api/v1/incidents/id-1/timeline", json!({"events": []})),
    ] {
        Mock::given(method(verb))
            .and(path(route))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(server)
            .await;
    }
    observer.look(story, at(9)).await.expect("both answer");
}

async fn began() -> (Story, Observer, MockServer) {
    let server = MockServer::start().await;
    let prometheus =
        PrometheusClient::new(server.uri().parse().expect("an address"), opsseer_connect::Limits::default());
    let observer = Observer::new(
        prometheus.expect("a client"),
        server.uri(),
        http_client().expect("a client"),
        server.uri(),
        Duration::from_millis(500),
    );
    let mut story = Story::new(Profile::Fast, "burst".to_owned(), at(0), vec![]);
    story.tell(Step::ChaosBegan, at(0), "", None);
    (story, observer, server)
}

fn words(story: &mut Story) -> String {
    let word = |news| match news {
        News::Told(told) => format!("{}: {}", told.step.name(), told.detail),
        News::Also { text, .. } => text,
    };
    story.take_news().into_iter().map(word).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn firing_has_the_time_that_prometheus_wrote_down() {
    let (mut story, mut observer, server) = began().await;
    look(&mut story, &mut observer, &server, &[("Watchdog", "firing"), ("Slow", "firing")], &[]).await;
    assert_eq!(story.at(Step::AlertPending), Some(at(1)));
    assert_eq!(story.at(Step::AlertFiring), Some(at(7) + TimeDelta::milliseconds(500)));
    let words = words(&mut story);
    assert!(
        words.contains("Slow: its condition has held for 6.5 s") && !words.contains("Watchdog"),
        "{words}"
    );
}

#[tokio::test]
async fn an_alert_that_never_fires_leaves_the_story_to_the_next() {
    let (mut story, mut observer, server) = began().await;
    look(&mut story, &mut observer, &server, &[("Slow", "pending")], &[]).await;
    assert!(story.has(Step::AlertPending));
    look(&mut story, &mut observer, &server, &[], &[]).await;
    assert!(!story.has(Step::AlertPending));
    look(&mut story, &mut observer, &server, &[("Failing", "pending")], &[]).await;
    let words = words(&mut story);
    assert!(words.contains("Slow is no longer pending"), "{words}");
    assert!(words.ends_with("alert pending: Failing: its condition holds"), "{words}");
}

#[tokio::test]
async fn the_alert_that_fires_first_leads_even_if_another_was_pending_before() {
    let (mut story, mut observer, server) = began().await;
    look(&mut story, &mut observer, &server, &[("Failing", "pending")], &[]).await;
    look(&mut story, &mut observer, &server, &[("Failing", "pending"), ("Slow", "firing")], &[]).await;
    let words = words(&mut story);
    assert!(words.contains("alert pending: Slow") && words.contains("alert firing: Slow"), "{words}");
}

#[tokio::test]
async fn the_first_incident_is_the_storys_and_a_second_is_a_problem() {
    let (mut story, mut observer, server) = began().await;
    look(&mut story, &mut observer, &server, &[], &[1]).await;
    look(&mut story, &mut observer, &server, &[], &[1, 2]).await;
    assert_eq!(story.incident().map(|incident| incident.number), Some(1));
    assert_eq!(story.problems(), ["a second incident was opened: INC-2 t"]);
}
