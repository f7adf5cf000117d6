//! The pages as they are sent, without a browser.

use futures::StreamExt;
use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

/// A server with INC-1, whose first answers are there.
async fn server_with_an_incident() -> TestServer {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    for kind in ["runbook_answered", "charted", "classified", "similar_found"] {
        server.event(1, kind).await;
    }
    server
}

/// The first message of a stream with this name: its id and its data.
async fn first_message(server: &TestServer, path: &str, last_event_id: i64, name: &str) -> (String, Value) {
    let request = server.http.get(format!("{}{path}", server.url)).header("last-event-id", last_event_id);
    let mut body = request.send().await.unwrap().bytes_stream();
    let mut text = String::new();
    let reading = async {
        loop {
            text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
            for message in text.split_inclusive("\n\n").filter(|message| message.ends_with("\n\n")) {
                let field =
                    |field: &str| message.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
                if field("event:") == Some(name) {
                    let data = serde_json::from_str(field("data:").unwrap()).unwrap();
                    return (field("id:").unwrap_or_default().to_owned(), data);
                }
            }
        }
    };
    tokio::time::timeout(crate::test_server::PATIENCE, reading).await.expect("a message")
}

#[tokio::test]
async fn a_page_that_comes_back_is_told_what_it_missed_and_no_more() {
    let server = server_with_an_incident().await;
    for text in ["one", "two", "three"] {
        server.post("/api/v1/incidents/1/notes", json!({"by": "bob", "text": text}).to_string()).await;
    }
    let ids: Vec<i64> = server.events(1).await.iter().map(|event| event["id"].as_i64().unwrap()).collect();
    let seen = ids[ids.len() - 3];
    // The header, which the browser sends by itself, wins over the page's own address.
    let (id, change) = first_message(&server, "/incidents/1/live?after=0", seen, "change").await;
    assert_eq!(id, ids.last().unwrap().to_string());
    let items: Vec<&str> =
        change["items"].as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect();
    assert!(items.len() == 2 && items[0].contains(">three<") && items[1].contains(">two<"), "{items:?}");
    let (_, pulse) = first_message(&server, "/incidents/1/live", seen, "pulse").await;
    assert!(pulse["health"].as_str().unwrap().contains("Waiting for the first heartbeat"), "{pulse}");
    server.stop().await;
}

#[tokio::test]
async fn a_long_incident_keeps_its_first_answers_and_its_page_small() {
    let server = server_with_an_incident().await;
    let mut tx = server.app.store.begin().await.unwrap();
    let incident = tx.find_incident("1".parse().unwrap()).await.unwrap().unwrap();
    let note = |n: i32| {
        let by = opsseer_core::Actor::Person { name: "bob".into() };
        opsseer_core::NewEvent::new(tx.now(), by, opsseer_core::EventKind::Note { text: format!("note {n}") })
    };
    let notes = (0..2000).map(note).collect();
    tx.append(incident, notes);
    tx.commit().await.unwrap();
    let html =
        server.http.get(format!("{}/incidents/1", server.url)).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("curl toyprod/chaos?mode=none") && html.contains("note 1999"), "{html}");
    assert!(html.len() < 40_000, "{} bytes", html.len());
    server.stop().await;
}

/// Puts what is worked out from metrics on the timeline of INC-1.
pub(crate) async fn work_out(server: &TestServer) {
    let now = server.app.clock.now();
    let in_minutes = |minutes| (now + chrono::TimeDelta::minutes(minutes)).to_rfc3339();
    let metric = |follows: bool| {
        let points: Vec<f64> =
            (0..60).map(|n| if n < 50 { 0.04 } else { 0.32 + f64::from(n) / 1e6 }).collect();
        json!({"metric": "p95 latency", "expr": "toyprod:p95_latency_seconds:5m", "before": 0.04, "during": 0.32,
            "shift": 18.0, "onset": in_minutes(-9), "follows": follows, "sentence": "", "points": points})
    };
    let service = |name: &str, score: f64| {
        let metrics = [false, true, true, true].map(metric);
        json!({"service": name, "score": score, "because": "its latency rose first", "metrics": metrics})
    };
    let services: Vec<Value> =
        (1..=12).map(|n| service(&format!("service-{n}"), 1.0 / f64::from(n + 1))).collect();
    let kinds = [
        json!({"kind": "forecast", "subject": "ToyprodSlow", "sentence": "s", "expr": "toyprod:p95_latency_seconds:5m",
            "threshold": {"comparison": ">", "value": 0.3}, "now": 0.24, "beyond": false, "until": in_minutes(30),
            "outlook": {"outlook": "expected", "at": in_minutes(6), "earliest": in_minutes(4), "latest": null,
                "probability": 0.82}, "step_seconds": 15, "method": "theta"}),
        json!({"kind": "suspects_ranked", "sentence": "service-1 moved first", "services": services,
            "from": in_minutes(-60), "to": in_minutes(0), "step_seconds": 15, "series": 312, "method": "robust"}),
        json!({"kind": "change_seen", "change": "deploy", "title": "toyprod 1.42 deployed", "source": "ci"}),
        json!({"kind": "budget_seen", "objective": "toyprod-latency", "target": 0.999, "window_seconds": 2_592_000,
            "sentence": "s", "left": 0.61, "burn": [{"over_seconds": 3600, "rate": 14.4}],
            "exhausted_at": in_minutes(130)}),
    ];
    let actor = || opsseer_core::Actor::Component { name: "test".into() };
    let event = |kind| opsseer_core::NewEvent::new(now, actor(), serde_json::from_value(kind).unwrap());
    let mut tx = server.app.store.begin().await.unwrap();
    let incident = tx.find_incident("1".parse().unwrap()).await.unwrap().unwrap();
    tx.append(incident, kinds.map(event).into());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_worked_out_from_metrics_stands_in_the_order_of_the_questions_and_comes_by_the_stream() {
    let server = server_with_an_incident().await;
    server.enriched(1).await;
    let seen = server.events(1).await.last().unwrap()["id"].as_i64().unwrap();
    work_out(&server).await;
    let (_, change) = first_message(&server, "/incidents/1/live", seen, "change").await;
    let parts: Vec<&str> =
        change["parts"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
    let html = page(&server, "/incidents/1").await;
    for (card, words) in [
        ("outlook", "Expected to pass 300 ms"),
        ("suspects", "service-1 moved first"),
        ("changes", "toyprod 1.42 deployed"),
        ("budget", "61 % left"),
    ] {
        let part = parts.iter().find(|part| part.contains(&format!(r#"id="{card}""#)));
        assert!(part.is_some_and(|part| part.contains(words)), "{card} without {words}: {part:?}");
        assert!(html.contains(words), "{words} is missing: {html}");
    }
    let places = ["do-this", "outlook", "suspects", "timeline"].map(|id| html.find(&format!(r#"id="{id}""#)));
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    assert!(!html.contains(" style=") && !html.contains("<style"), "{html}");
    assert!(html.len() < 60_000, "{} bytes", html.len());
    server.stop().await;
}

#[tokio::test]
async fn without_javascript_everything_can_be_read_and_done() {
    let server = server_with_an_incident().await;
    let fetch = async |path: &str| server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
    let page = fetch("/incidents/1").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().await.unwrap();
    for part in
        ["it is slow", "INC-1", "curl toyprod/chaos?mode=none", "toyprod-slow.md", "Incident opened", "<img"]
    {
        assert!(html.contains(part), "{part} is missing: {html}");
    }
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("<script>"), "{html}");
    let post = async |path: &str, body: &'static str| {
        let request =
            server.http.post(format!("{}{path}", server.url)).header("cookie", "opsseer_name=Ada+L");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.url().path().to_owned(), answer.text().await.unwrap())
    };
    // The browser is sent back to the page, which shows what was done.
    let (status, path, html) = post("/incidents/1/notes", "text=looking%0D%0Anow").await;
    assert_eq!((status, path.as_str()), (200, "/incidents/1"));
    assert!(html.contains("You wrote") && html.contains("looking\nnow"), "{html}");
    assert!(post("/incidents/1/ack", "").await.2.contains("Firing, acknowledged"));
    assert!(post("/incidents/1/resolve", "").await.2.contains("Resolved by hand"));
    assert!(post("/incidents/1/reopen", "").await.2.contains("Firing, acknowledged"));
    let (status, _, refused) = post("/incidents/1/notes", "text=").await;
    assert!(status == 400 && refused.contains("the note is empty"), "{refused}");
    let (status, _, missing) = post("/incidents/7/ack", "").await;
    assert!(status == 404 && missing.contains("there is no such incident"), "{missing}");
    server.stop().await;
}

#[tokio::test]
async fn another_sites_page_cannot_change_anything() {
    let server = server_with_an_incident().await;
    for path in ["/incidents/1/resolve", "/api/v1/incidents/1/resolve"] {
        let request =
            server.http.post(format!("{}{path}", server.url)).header("origin", "https://evil.example");
        let answer =
            request.header("content-type", "application/json").body(r#"{"by":"eve"}"#).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{path}");
    }
    assert_eq!(server.get("/api/v1/incidents/1").await["status"], "open");
    server.stop().await;
}

#[tokio::test]
async fn a_site_that_points_its_name_at_this_server_reads_nothing() {
    let server = server_with_an_incident().await;
    let ask = async |path: &str, host: &str| {
        server.http.get(format!("{}{path}", server.url)).header("host", host).send().await.unwrap()
    };
    for path in ["/", "/incidents/1", "/api/v1/incidents", "/incidents/1/live", "/nothing"] {
        let refused = ask(path, "evil.example:8888").await;
        assert_eq!(refused.status().as_u16(), 421, "{path}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json", "{path}");
        assert!(refused.text().await.unwrap().contains("http.allowed_hosts"), "{path}");
    }
    let note =
        server.http.post(format!("{}/api/v1/incidents/1/notes", server.url)).header("host", "evil.example");
    assert_eq!(note.body("{}").send().await.unwrap().status().as_u16(), 421);
    assert_eq!(ask("/", "localhost:8888").await.status().as_u16(), 200);
    // Senders and probes use whatever name their network has.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(path, "opsseer.monitoring.svc").await.status().as_u16(), 200, "{path}");
    }
    let webhook = server.http.post(format!("{}/webhook/alertmanager", server.url)).header("host", "opsseer");
    assert_eq!(webhook.body("{}").send().await.unwrap().status().as_u16(), 400);
    server.stop().await;
}

/// A page as it comes, and how long it is.
async fn page(server: &TestServer, path: &str) -> String {
    let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn an_incident_of_ten_thousand_alerts_has_small_pages_and_a_filter() {
    let server = TestServer::start().await;
    for thousand in 0..10 {
        let alerts = (0..1000).map(|n| {
            let mut one = alert("HostDown", "fleet", "firing");
            one["labels"]["instance"] = json!(format!("host-{thousand}{n:03}"));
            one["annotations"]["description"] = json!("x".repeat(300));
            one
        });
        server.alert(alerts.collect()).await;
    }
    let html = page(&server, "/incidents/1").await;
    assert!(html.len() < 60_000, "{} bytes", html.len());
    for part in
        ["all 10000 alerts firing", "All 10000 alerts", "alerts fired", "It has the same service, fleet."]
    {
        assert!(html.contains(part), "{part} is missing");
    }
    let all = page(&server, "/incidents/1/alerts").await;
    assert!(all.len() < 150_000, "{} bytes", all.len());
    assert!(all.contains("10000 alerts, 1 to 100 shown") && all.contains("?from=100"), "no way on");
    let found = page(&server, "/incidents/1/alerts?q=HOSTDOWN+host-4007").await;
    assert!(found.contains("1 alert of 10000 with") && found.contains("instance=host-4007"), "not found");
    // The log has an end, and one gets there.
    let (mut earlier, mut steps) = (html, 0);
    while !earlier.contains("Incident opened") {
        let (_, rest) = earlier.split_once("?before=").expect("a way on");
        let before = rest.split_once('"').unwrap().0.to_owned();
        earlier = page(&server, &format!("/incidents/1?before={before}")).await;
        assert!(earlier.len() < 60_000, "{} bytes", earlier.len());
        steps += 1;
    }
    assert!(steps <= 3, "{steps} pages");
    server.stop().await;
}

#[tokio::test]
async fn thousands_of_open_incidents_are_fifty_rows_and_a_search_finds_the_rest() {
    let server = TestServer::start().await;
    let mut tx = server.app.store.begin().await.unwrap();
    for n in 0..2000 {
        let kind = opsseer_core::EventKind::Opened {
            title: format!("service-{n}: slow"),
            severity: opsseer_core::Severity::Ticket,
            service: Some(format!("service-{n}")),
            correlation_key: format!("service:service-{n}"),
            reason: "r".into(),
        };
        let by = opsseer_core::Actor::correlation();
        tx.open_incident(vec![opsseer_core::NewEvent::new(tx.now(), by, kind)]);
    }
    tx.commit().await.unwrap();
    let list = page(&server, "/").await;
    assert_eq!(list.matches("<tr id=\"incident-").count(), 50);
    assert!(list.contains("The newest 50 of 2000 open incidents"), "{list}");
    assert!(page(&server, "/?q=service-17%3A").await.contains("incident-18"));
    // So does the choice of an incident to merge with.
    let incident = page(&server, "/incidents/1").await;
    assert_eq!(incident.matches("<option value=").count() - 1 - 3, 50);
    assert!(incident.contains("1949 more are open: type the number"), "{incident}");
    server.stop().await;
}

#[tokio::test]
async fn without_javascript_incidents_are_merged_split_muted_and_all_of_it_is_undone() {
    let server = server_with_an_incident().await;
    server.alert(json!([alert("Deep", "queue", "firing"), alert("Full", "queue", "firing")])).await;
    let post = async |path: &str, body: String| {
        let request = server.http.post(format!("{}{path}", server.url)).header("cookie", "opsseer_name=ada");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.url().path().to_owned(), answer.text().await.unwrap())
    };
    let event = async |incident: i64, kind: &str| server.event(incident, kind).await["id"].as_i64().unwrap();

    let (status, path, html) = post("/incidents/1/on-it", "minutes=30".into()).await;
    assert_eq!((status, path.as_str()), (200, "/incidents/1"));
    assert!(html.contains("Muted until") && html.contains("by you") && html.contains("Firing, acknowledged"));
    assert!(!post("/incidents/1/unmute", String::new()).await.2.contains("Muted until"));

    let (_, path, html) =
        post("/incidents/1/merge", "other=&number=%232&reason=one+disk&way=here".into()).await;
    assert_eq!(path, "/incidents/1");
    assert!(html.contains("You merged INC-2 into this") && html.contains("all 3 alerts firing"), "{html}");
    let ended = page(&server, "/incidents/2").await;
    assert!(ended.contains(r#"Merged into <a href="/incidents/1">INC-1</a>"#), "{ended}");
    assert!(!ended.contains("/incidents/2/reopen"), "{ended}");
    let list = page(&server, "/").await;
    assert!(list.contains("incident-1") && !list.contains("incident-2"), "what was merged is not open");
    assert!(page(&server, "/?status=all").await.contains(r#"into <a href="/incidents/1">INC-1</a>"#));
    let undo = format!("event={}", event(1, "merged").await);
    assert!(post("/incidents/1/undo", undo).await.2.contains("You undid the merge of INC-2"));

    let full = server.get("/api/v1/incidents/2").await["alerts"].as_array().unwrap()[0]["id"].clone();
    let (status, path, _) = post("/incidents/2/split", format!("alert={}", full.as_str().unwrap())).await;
    assert_eq!((status, path.as_str()), (200, "/incidents/3"));
    let undo = format!("event={}", event(2, "split").await);
    assert!(post("/incidents/2/undo", undo).await.2.contains("all 2 alerts firing"));
    for (form, words) in [("", "tick the alerts that go"), ("alert=x", "that is not an alert")] {
        let (status, _, html) = post("/incidents/2/split", form.into()).await;
        assert!(status == 400 && html.contains(words), "{html}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_an_alertmanager_the_pages_say_how_to_get_one() {
    let server = server_with_an_incident().await;
    assert!(page(&server, "/silences").await.contains("No Alertmanager is configured"));
    assert!(page(&server, "/incidents/1").await.contains("Not possible: no Alertmanager is configured"));
    let request =
        server.http.post(format!("{}/incidents/1/silence", server.url)).header("accept", "text/plain");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body("minutes=60&comment=known").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 409);
    assert!(answer.text().await.unwrap().contains("no Alertmanager is configured"));
    server.stop().await;
}
