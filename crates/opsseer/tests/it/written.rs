//! Summaries and answers in a language model's words: only what can be checked is shown, and what was found without a model
//! stands whenever the model fails.

mod answers;

use std::time::Duration;

use opsseer_connect::prometheus::FakeMetrics;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    time::{sleep, timeout},
};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{header, method, path},
};

use crate::test_server::{PATIENCE, TestServer, alert};

/// A server with an incident, and a model that answers everything so.
async fn with_model(response: ResponseTemplate, more: &str) -> (TestServer, MockServer) {
    let model = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer sk-hunter2"))
        .respond_with(response)
        .mount(&model)
        .await;
    (with_model_at(&model.uri(), more).await, model)
}

async fn with_model_at(address: &str, more: &str) -> TestServer {
    let llm = format!("[llm]\nurl = \"{address}\"\nmodel = \"small\"\napi_key = \"sk-hunter2\"\n{more}");
    let server = TestServer::start_with(&llm, FakeMetrics::default()).await;
    with_incident(&server).await;
    server
}

/// Opens an incident and waits until nothing more is being found out about it.
async fn with_incident(server: &TestServer) {
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    let at_rest = async {
        while server
            .app
            .store
            .count_jobs()
            .await
            .unwrap()
            .iter()
            .any(|(state, count)| state == "pending" && *count > 0)
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, at_rest).await.expect("the jobs must end");
}

/// An answer of these words, in two pieces.
fn says(words: &str) -> ResponseTemplate {
    let (first, second) = words.split_at(words.len() / 2);
    let piece = |words: &str| format!("data: {}\n\n", json!({"choices": [{"delta": {"content": words}}]}));
    let body = format!("{}{}data: [DONE]\n\n", piece(first), piece(second));
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

/// The events of the written summary: their names and data, until the server ends the stream.
async fn written(server: &TestServer) -> Vec<(String, Value)> {
    told(server.http.post(format!("{}/api/v1/incidents/1/summary/written", server.url))).await
}

async fn told(request: reqwest::RequestBuilder) -> Vec<(String, Value)> {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = timeout(PATIENCE, answer.text()).await.expect("the stream must end").unwrap();
    let field = |block: &str, name: &str| {
        Some(block.lines().find_map(|line| line.strip_prefix(name))?.trim().to_owned())
    };
    text.split("\n\n")
        .filter_map(|block| {
            Some((field(block, "event:")?, serde_json::from_str(&field(block, "data:")?).unwrap()))
        })
        .collect()
}

/// The reason, after which the summary made of events alone must stand and nothing else come.
async fn unavailable(server: &TestServer) -> String {
    let events = written(server).await;
    let [(name, data)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(name, "unavailable");
    assert_eq!(data["summary"], server.get("/api/v1/incidents/1/summary").await);
    assert!(data["summary"]["text"].as_str().unwrap().contains("ToyprodSlow"), "{data}");
    data["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_summary_comes_sentence_by_sentence_with_its_sources() {
    let (server, _model) =
        with_model(says("ToyprodSlow fires and it is slow [E2]. Switch the chaos off first [R1]."), "").await;
    let events = written(&server).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["sentence", "sentence", "done"]);
    assert_eq!(
        events[0].1,
        json!({"text": "ToyprodSlow fires and it is slow [E2].", "sources": [{"label": "E2", "event": 2}]})
    );
    let step = &events[1].1["sources"][0];
    assert_eq!((&step["label"], &step["runbook"]["file"]), (&json!("R1"), &json!("toyprod-slow.md")));
    assert_eq!((&events[2].1["model"], &events[2].1["shown"]), (&json!("small"), &json!(2)));
    server.stop().await;
}

#[tokio::test]
async fn a_sentence_that_cites_nothing_or_invents_a_number_is_not_shown() {
    let answer = "The database is down. 73 % of requests fail [E2]. It is slow [E2]. See also [E999]. Restart it [R7].";
    let (server, _model) = with_model(says(answer), "").await;
    let events = written(&server).await;
    let [(first, sentence), (last, done)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((first.as_str(), &sentence["text"]), ("sentence", &json!("It is slow [E2].")));
    assert_eq!(last, "done");
    assert_eq!((&done["left_out_without_source"], &done["left_out_for_a_number"]), (&json!(3), &json!(1)));
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_cites_nothing_is_not_shown_at_all() {
    let (server, _model) = with_model(says("I am sorry, but I cannot help with that."), "").await;
    let reason = unavailable(&server).await;
    assert!(reason.starts_with("nothing that the language model wrote can be checked"), "{reason}");
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_hangs_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    // Takes what it is sent and never answers.
    let hanging = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut taken = Vec::new();
        connection.read_to_end(&mut taken).await.unwrap();
    });
    let server = with_model_at(&address, "first_word_timeout = \"1s\"").await;
    let reason = unavailable(&server).await;
    assert!(reason.ends_with("said nothing within 1 s"), "{reason}");
    timeout(PATIENCE, hanging).await.expect("the connection must be closed").unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_reader_who_leaves_frees_the_place_for_the_next() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server =
        with_model_at(&address, "at_once = 1\nfirst_word_timeout = \"10m\"\ntimeout = \"10m\"").await;
    let asking = format!("{}/api/v1/incidents/1/summary/written", server.url);
    let reader = server.http.post(&asking).send().await.unwrap();
    let (mut connection, _) =
        timeout(PATIENCE, listener.accept()).await.expect("the model is asked").unwrap();
    assert!(unavailable(&server).await.contains("other summaries are being written"));
    drop(reader);
    let mut taken = Vec::new();
    timeout(PATIENCE, connection.read_to_end(&mut taken)).await.expect("the model must be let go").unwrap();
    let again = server.http.post(&asking).send().await.unwrap();
    timeout(PATIENCE, listener.accept()).await.expect("the next reader's question is asked").unwrap();
    drop(again);
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_refuses_or_fails_or_breaks_off_leaves_the_summary_made_of_events() {
    let words = |status: u16, message: &str| {
        ResponseTemplate::new(status).set_body_json(json!({"error": {"message": message}}))
    };
    let half = ResponseTemplate::new(200).set_body_raw("data: {\"choices\":[]}\n\n", "text/event-stream");
    for (response, reason) in [
        (words(401, "bad key sk-hunter2"), "refused the key (401): bad key …"),
        (words(404, "no such model"), "not that of a chat endpoint: no such model"),
        (words(429, "slow down").insert_header("retry-after", "9"), "try again in 9 s: slow down"),
        (words(500, "out of memory"), "failed (500): out of memory"),
        (half, "broke off"),
    ] {
        let (server, _model) = with_model(response, "").await;
        let said = unavailable(&server).await;
        assert!(said.ends_with(reason), "{said}");
        server.stop().await;
    }
}

#[tokio::test]
async fn without_a_model_nothing_is_sent_and_the_page_is_told_why() {
    let server = TestServer::start().await;
    with_incident(&server).await;
    assert!(unavailable(&server).await.starts_with("no language model is configured"));
    let sent = server.get("/api/v1/incidents/1/summary/sent").await;
    assert_eq!((&sent["on"], &sent["last_sent"]), (&json!(false), &Value::Null));
    server.stop().await;
}

#[tokio::test]
async fn secrets_do_not_leave_and_what_left_can_be_looked_at() {
    let (server, model) = with_model(says("It is slow [E2]."), "redact = [\"Falcon\"]").await;
    let note = "Falcon: ada@example.org saw postgres://ops:hunter3@db/x\n[E1] all is well";
    server.post("/api/v1/incidents/1/notes", json!({"by": "ada", "text": note}).to_string()).await;
    let before = server.get("/api/v1/incidents/1/summary/sent").await;
    assert_eq!(
        (&before["on"], &before["last_sent"], &before["redacted"]),
        (&json!(true), &Value::Null, &json!(3))
    );
    assert_eq!(written(&server).await.last().unwrap().0, "done");
    let asked: Vec<Request> = model.received_requests().await.unwrap();
    let body: Value = asked[0].body_json().unwrap();
    let told = body["messages"][1]["content"].as_str().unwrap();
    let line = told.lines().find(|line| line.contains("ada noted")).expect("the note is sent");
    assert!(line.ends_with("[redacted]: [redacted] saw [redacted]db/x (E1) all is well"), "{line}");
    assert!(told.contains("\n[R1] runbook toyprod-slow.md"), "{told}");
    let after = server.get("/api/v1/incidents/1/summary/sent").await;
    assert_eq!(after["last_sent"]["prompt"]["user"], told, "word for word");
    assert_eq!(after["last_sent"]["address"], format!("{}/v1/chat/completions", model.uri()));
    assert_eq!(after["would_send"], before["would_send"]);
    assert!(!after.to_string().contains("hunter"), "{after}");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_sent() {
    let (server, model) = with_model(says("It is slow [E2]."), "").await;
    let folder = server.app.config.data_dir.join("llm-sent.jsonl");
    std::fs::create_dir(folder).unwrap();
    assert!(unavailable(&server).await.contains("nothing was sent"));
    assert!(model.received_requests().await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_it_send_anything() {
    let (server, model) = with_model(says("It is slow [E2]."), "").await;
    let address = format!("{}/api/v1/incidents/1/summary/written", server.url);
    for header in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")] {
        let answer = server.http.post(&address).header(header.0, header.1).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{header:?}");
    }
    // A picture's address is asked for without either.
    assert_eq!(server.http.get(&address).send().await.unwrap().status(), 405);
    assert!(model.received_requests().await.unwrap().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_the_model() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = with_model_at(&address, "first_word_timeout = \"10m\"\ntimeout = \"10m\"").await;
    let reader =
        server.http.post(format!("{}/api/v1/incidents/1/summary/written", server.url)).send().await.unwrap();
    timeout(PATIENCE, listener.accept()).await.expect("the model is asked").unwrap();
    server.stop().await;
    timeout(Duration::from_secs(20), reader.text()).await.expect("the stream must end").unwrap();
}

#[tokio::test]
async fn the_pages_offer_it_only_where_a_model_is_configured() {
    let page = async |server: &TestServer, path: &str| {
        server.http.get(format!("{}{path}", server.url)).send().await.unwrap().text().await.unwrap()
    };
    let asking = "/ask?question=Toyprod+is+slow,+how+do+I+switch+the+chaos+off%3F";
    let refused = "/ask?question=Which+yeast+makes+bread%3F";
    let (server, model) = with_model(says("It is slow [E2]."), "").await;
    let incident = page(&server, "/incidents/1").await;
    assert!(incident.contains(r#"data-write="/api/v1/incidents/1/summary/written""#), "{incident}");
    assert!(page(&server, asking).await.contains(r#"data-write="/api/v1/ask/written""#));
    assert!(!page(&server, refused).await.contains("data-write"), "there is nothing to write from");
    assert!(
        model.received_requests().await.unwrap().is_empty(),
        "nothing is sent until somebody asks for it"
    );
    server.stop().await;

    let server = TestServer::start().await;
    with_incident(&server).await;
    for path in ["/incidents/1", asking] {
        let html = page(&server, path).await;
        assert!(!html.contains("data-write") && !html.contains("written.js"), "{path}: {html}");
    }
    server.stop().await;
}
