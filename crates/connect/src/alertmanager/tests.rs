use std::error::Error as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use wiremock::matchers::{any, body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const ID: &str = "c14f603f-c0f6-40de-b947-4577a8461a70";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn answer(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json")
}

async fn client(mock: Mock) -> (MockServer, AlertmanagerClient) {
    client_with(mock, Limits::default()).await
}

async fn client_with(mock: Mock, limits: Limits) -> (MockServer, AlertmanagerClient) {
    let server = MockServer::start().await;
    mock.mount(&server).await;
    let base = server.uri().parse().expect("an address");
    (server, AlertmanagerClient::new(base, limits).expect("a client"))
}

/// Asks for the alerts of a server that answers everything so.
async fn failure(response: ResponseTemplate) -> AlertmanagerError {
    let limits = Limits { max_body_bytes: 10_000, ..Limits::default() };
    let (_server, client) = client_with(Mock::given(any()).respond_with(response), limits).await;
    client.alerts().await.expect_err("the answer is bad")
}

#[tokio::test]
async fn tells_alerts_that_are_told_from_those_that_are_not() {
    // As 0.25 answered.
    let body = r#"[{"annotations":{},"endsAt":"2026-11-22T18:10:03.678Z","fingerprint":"47a1e5153bac3cae",
        "receivers":[{"name":"opsseer"},{"name":"chat"}],"startsAt":"2026-11-22T18:05:03.678Z",
        "status":{"inhibitedBy":["8770e5311edb2ab1"],"silencedBy":["c14f603f-c0f6-40de-b947-4577a8461a70"],"state":"suppressed"},
        "updatedAt":"2026-11-22T18:06:03.678Z","generatorURL":"http://p/g","labels":{"alertname":"B","service":"s"}},
        {"annotations":{"summary":"x"},"endsAt":"2026-11-22T18:10:03.678Z","fingerprint":"8770e5311edb2ab1",
        "receivers":[{"name":"chat"}],"startsAt":"2026-11-22T18:05:03.678Z",
        "status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-11-22T18:05:03.678Z",
        "labels":{"alertname":"A","service":"s"}}]"#;
    let mock = Mock::given(method("GET")).and(path("/api/v2/alerts")).respond_with(answer(200, body));
    let (_server, client) = client(mock).await;
    let alerts = client.alerts().await.expect("alerts");
    let [muted, told] = &alerts[..] else { panic!("{alerts:?}") };
    assert_eq!(muted.status.state, HeldState::Suppressed);
    assert_eq!((&muted.status.silenced_by[..], muted.status.inhibited_by.len()), (&[ID.to_owned()][..], 1));
    assert!(muted.is_routed_to("opsseer") && !told.is_routed_to("opsseer"));
    assert_eq!(
        (muted.starts_at, muted.updated_at),
        (time("2026-11-22T18:05:03.678Z"), time("2026-11-22T18:06:03.678Z"))
    );
    assert_eq!((told.status.state, told.generator_url.as_deref()), (HeldState::Active, None));
    assert_eq!(told.annotations["summary"], "x");
}

#[tokio::test]
async fn tells_which_groups_a_time_interval_mutes() {
    let alert = |status: &str| {
        format!(
            r#"{{"annotations":{{}},"endsAt":"2026-11-22T18:10:03.678Z","fingerprint":"47a1e5153bac3cae",
            "receivers":[{{"name":"opsseer"}}],"startsAt":"2026-11-22T18:05:03.678Z","status":{status},
            "updatedAt":"2026-11-22T18:06:03.678Z","labels":{{"alertname":"B"}}}}"#
        )
    };
    // As 0.28 answers; then without the list, as 0.25 does; then with none, as Go writes an empty one.
    let muted = alert(r#"{"inhibitedBy":[],"silencedBy":[],"mutedBy":["night"],"state":"active"}"#);
    let old = alert(r#"{"inhibitedBy":[],"silencedBy":[],"state":"active"}"#);
    let none = alert(r#"{"inhibitedBy":[],"silencedBy":[],"mutedBy":null,"state":"active"}"#);
    let body =
        format!(r#"[{{"labels":{{}},"receiver":{{"name":"opsseer"}},"alerts":[{muted},{old},{none}]}}]"#);
    let mock = Mock::given(method("GET")).and(path("/api/v2/alerts/groups")).respond_with(answer(200, &body));
    let (_server, client) = client(mock).await;
    let groups = client.groups().await.expect("groups");
    assert_eq!((groups.len(), groups[0].receiver.name.as_str()), (1, "opsseer"));
    let muted_by: Vec<_> = groups[0].alerts.iter().map(|alert| &alert.status.muted_by[..]).collect();
    assert_eq!(muted_by, [&["night".to_owned()][..], &[], &[]]);
}

#[tokio::test]
async fn lists_silences_with_their_state() {
    let body = r#"[{"id":"c14f603f-c0f6-40de-b947-4577a8461a70","status":{"state":"active"},
        "updatedAt":"2026-11-22T18:05:03.709Z","comment":"c","createdBy":"me","endsAt":"2040-01-01T00:00:00.000Z",
        "matchers":[{"isEqual":true,"isRegex":false,"name":"alertname","value":"B"}],"startsAt":"2026-11-22T18:05:03.709Z"},
        {"id":"069c9294-1d1f-4704-9f6d-ac1988864078","status":{"state":"expired"},"updatedAt":"2026-11-22T18:05:03.752Z",
        "comment":"","createdBy":"","endsAt":"2026-11-22T18:05:05.045Z",
        "matchers":[{"isRegex":true,"name":"a","value":"b|c"}],"startsAt":"2026-11-22T18:05:05.045Z"}]"#;
    let mock = Mock::given(method("GET")).and(path("/api/v2/silences")).respond_with(answer(200, body));
    let (_server, client) = client(mock).await;
    let silences = client.silences().await.expect("silences");
    assert_eq!((silences[0].id.as_str(), silences[0].state), (ID, SilenceState::Active));
    assert_eq!((silences[0].created_by.as_str(), silences[0].ends_at), ("me", time("2040-01-01T00:00:00Z")));
    assert_eq!(
        (silences[1].state, silences[1].matchers[0].to_string().as_str()),
        (SilenceState::Expired, r#"a=~"b|c""#)
    );
}

#[tokio::test]
async fn a_silence_is_made_and_its_id_given() {
    let silence = NewSilence {
        matchers: vec![Matcher::equal("service", "toyprod")],
        starts_at: time("2026-01-02T03:04:05Z"),
        ends_at: time("2026-01-02T04:04:05Z"),
        created_by: "ada".into(),
        comment: "INC-7".into(),
    };
    let sent = json!({"matchers": [{"name": "service", "value": "toyprod", "isRegex": false, "isEqual": true}],
        "startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T04:04:05Z", "createdBy": "ada", "comment": "INC-7"});
    let mock = Mock::given(method("POST"))
        .and(path("/api/v2/silences"))
        .and(body_json(sent))
        .respond_with(answer(200, r#"{"silenceID":"c14f603f-c0f6-40de-b947-4577a8461a70"}"#));
    let (_server, client) = client(mock).await;
    assert_eq!(client.create_silence(&silence).await.expect("made"), ID);
}

#[tokio::test]
async fn an_alert_is_sent_without_what_it_does_not_say() {
    let alert = NewAlert { labels: [("alertname".into(), "A".into())].into(), ..NewAlert::default() };
    let mock = Mock::given(method("POST"))
        .and(path("/api/v2/alerts"))
        .and(body_json(json!([{"labels": {"alertname": "A"}, "annotations": {}}])))
        .respond_with(ResponseTemplate::new(200));
    let (_server, client) = client(mock).await;
    client.post_alerts(&[alert]).await.expect("taken");
}

#[tokio::test]
async fn says_how_long_it_has_run_and_with_whom() {
    let body = r#"{"cluster":{"name":"01H","peers":[{"address":"10.0.0.1:9094","name":"01H"}],"status":"ready"},
        "config":{"original":"route: {}"},"uptime":"2026-11-22T18:05:01.649Z","versionInfo":{"branch":"b","buildDate":"d",
        "buildUser":"u","goVersion":"go1.19.8","revision":"r","version":"0.25.0"}}"#;
    let mock = Mock::given(method("GET")).and(path("/api/v2/status")).respond_with(answer(200, body));
    let (_server, client) = client(mock).await;
    let status = client.status().await.expect("an answer");
    assert_eq!(status.started_at, time("2026-11-22T18:05:01.649Z"));
    assert_eq!((status.build.version.as_str(), status.cluster.status), ("0.25.0", ClusterState::Ready));
    assert_eq!(status.cluster.peers[0].address, "10.0.0.1:9094");
}

#[tokio::test]
async fn a_silence_that_is_not_there_is_told_from_a_server_in_trouble() {
    // Up to 0.25, then later ones.
    for (status, body) in [(500, "\"silence not found\"\n"), (404, "")] {
        let mock = Mock::given(method("DELETE")).and(path(format!("/api/v2/silence/{ID}")));
        let (_server, client) = client(mock.respond_with(answer(status, body))).await;
        let error = client.expire_silence(ID).await.expect_err("there is none");
        assert!(matches!(error, AlertmanagerError::SilenceNotFound { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("Alertmanager knows no silence {ID}"));
        assert!(!error.is_transient());
    }
    let mock = Mock::given(method("DELETE")).respond_with(answer(500, "\"disk full\""));
    let (_server, client) = client(mock).await;
    let error = client.expire_silence(ID).await.expect_err("it is in trouble");
    assert!(error.is_transient() && error.to_string().ends_with(": disk full"), "{error}");
}

#[tokio::test]
async fn what_is_no_id_does_not_reach_another_address() {
    let (server, client) = client(Mock::given(any()).respond_with(ResponseTemplate::new(200))).await;
    for id in ["../../../-/reload", "", "*", "c14f603f-c0f6-40de-b947-4577a8461a7/"] {
        let error = client.expire_silence(id).await;
        assert!(matches!(error, Err(AlertmanagerError::SilenceNotFound { .. })), "{id}");
    }
    assert_eq!(server.received_requests().await.expect("recorded").len(), 0);
}

#[tokio::test]
async fn refusals_keep_the_words_of_alertmanager() {
    let error =
        failure(answer(400, "\"silence invalid: at least one matcher must not match the empty string\"\n"))
            .await;
    assert!(
        error
            .to_string()
            .ends_with(": silence invalid: at least one matcher must not match the empty string"),
        "{error}"
    );
    assert!(!error.is_transient());
    let error =
        failure(answer(422, r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#))
            .await;
    assert!(error.to_string().ends_with(": matchers in body should have at least 1 items"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_failing_server_is_worth_a_retry() {
    let error = failure(ResponseTemplate::new(502).set_body_string("<html> <h1>Bad\nGateway</h1>")).await;
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().ends_with("<html> <h1>Bad Gateway</h1>"), "{error}");
    assert!(failure(ResponseTemplate::new(500)).await.is_transient());
}

#[tokio::test]
async fn a_part_of_a_list_is_no_list() {
    // A list that ends early, or whose alerts lack what we need, must never look like "nothing fires".
    let page = failure(ResponseTemplate::new(200).set_body_string("<html>login</html>")).await;
    assert!(page.to_string().contains("does not speak the API of Alertmanager"), "{page}");
    for body in ["", "null", "{}", r#"[{"labels":{}}]"#, "[{"] {
        let error = failure(answer(200, body)).await;
        assert!(
            matches!(error, AlertmanagerError::Request(RequestError::NotUnderstood { .. })),
            "{body}: {error:?}"
        );
        assert!(error.source().is_some() && !error.is_transient());
    }
    let error = failure(answer(200, &format!("[{}]", " ".repeat(20_000)))).await;
    assert!(
        matches!(error, AlertmanagerError::Request(RequestError::TooLarge { limit_bytes: 10_000, .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn gives_up_on_a_server_that_does_not_answer() {
    let late = answer(200, "[]").set_delay(Duration::from_mins(1));
    let limits = Limits { timeout: Duration::from_millis(50), ..Limits::default() };
    let (_server, client) = client_with(Mock::given(any()).respond_with(late), limits).await;
    let error = client.silences().await.expect_err("it is late");
    assert!(error.is_transient() && error.to_string().ends_with("did not answer within 0.05 s"), "{error}");
}
