//! Asking the runbooks, and the services in OpenAI's shape.

use serde_json::{Value, json};

use crate::test_server::{TestServer, alert};

const QUESTION: &str = "Toyprod is slow, how do I switch the chaos off?";
const NONSENSE: &str = "Which yeast makes the best sourdough bread?";

async fn ask(server: &TestServer, body: Value) -> (u16, Value) {
    server.post("/api/v1/ask", body.to_string()).await
}

#[tokio::test]
async fn an_answer_is_a_quote_with_its_place_and_how_sure_it_is() {
    let server = TestServer::start().await;
    let (status, answer) = ask(&server, json!({"question": QUESTION})).await;
    assert_eq!(status, 200, "{answer}");
    let quote = &answer["answer"];
    assert_eq!(quote["quote"], "1. Switch the chaos off:", "{answer}");
    assert_eq!(quote["commands"], json!(["curl toyprod/chaos?mode=none"]));
    assert_eq!((&quote["file"], &quote["heading"]), (&json!("toyprod-slow.md"), &json!("Do this first")));
    assert_eq!((&quote["line_start"], &quote["line_end"]), (&json!(5), &json!(9)));
    let confidence = quote["confidence"].as_f64().unwrap();
    assert!(confidence > 0.0 && confidence <= 1.0, "{answer}");
    assert_eq!(answer["embeddings"], server.app.embedder.is_some());
    assert!(answer["took_ms"].as_f64().unwrap() > 0.0);
    server.stop().await;
}

#[tokio::test]
async fn what_no_runbook_answers_is_refused() {
    let server = TestServer::start().await;
    let (status, answer) = ask(&server, json!({"question": NONSENSE})).await;
    assert_eq!((status, &answer["answer"]), (200, &Value::Null), "{answer}");
    assert!(answer["nearest"].as_array().unwrap().len() <= 3);
    server.stop().await;
}

#[tokio::test]
async fn what_is_asked_within_an_incident_stands_on_its_timeline() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    let id = server.get("/api/v1/incidents/1").await["id"].clone();
    for incident in [json!(1), json!("1"), json!("INC-1"), id] {
        let (status, answer) =
            ask(&server, json!({"question": QUESTION, "incident": incident, "by": "ada"})).await;
        assert_eq!(status, 200, "{answer}");
    }
    ask(&server, json!({"question": NONSENSE, "incident": 1})).await;
    let events = server.events(1).await;
    let asked: Vec<&Value> = events.iter().filter(|event| event["kind"] == "asked").collect();
    assert_eq!(asked.len(), 5);
    assert_eq!((&asked[0]["question"], &asked[0]["actor"]["name"]), (&json!(QUESTION), &json!("ada")));
    assert_eq!(asked[0]["answer"]["file"], "toyprod-slow.md");
    assert_eq!((&asked[4]["answer"], &asked[4]["actor"]["name"]), (&Value::Null, &json!("on-call")));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_reason_and_leaves_nothing_behind() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    for (body, status, words) in [
        (json!({"question": " "}), 400, "the question is empty"),
        (json!({"question": "é".repeat(1001), "incident": 1}), 400, "at most 1000"),
        (json!({"question": "how?", "incident": 7}), 404, "no such incident"),
        (json!({"question": "how?", "incident": "x"}), 400, "x"),
        (json!({"question": "how?", "incident": 1, "by": ""}), 400, "by must be a name"),
        (json!({"question": "how?", "incidents": 1}), 422, "unknown field"),
        (json!({}), 422, "question"),
    ] {
        let (got, answer) = ask(&server, body.clone()).await;
        assert_eq!(got, status, "{body}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(words), "{body}: {answer}");
    }
    assert!(!server.kinds(1).await.contains(&"asked".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn without_javascript_one_asks_on_a_page_and_within_an_incident() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    let page = async |path: &str| {
        let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
        answer.text().await.unwrap()
    };
    assert!(page("/").await.contains(r#"action="/ask""#));
    assert!(page("/ask").await.contains("The answer is a quote from your runbooks"));
    let answered = page("/ask?question=Toyprod+is+slow%2C+how+do+I+switch+the+chaos+off%3F").await;
    for part in
        ["Switch the chaos off:", "curl toyprod/chaos?mode=none", "toyprod-slow.md", "% sure", "lines 5 to 9"]
    {
        assert!(answered.contains(part), "{part} is missing: {answered}");
    }
    let refused = page("/ask?question=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(refused.contains("No runbook answers this") && !refused.contains("<script>alert"), "{refused}");
    if server.app.embedder.is_none() {
        assert!(answered.contains("opsseer models pull embeddings"), "{answered}");
    }

    let form = server
        .http
        .post(format!("{}/incidents/1/ask", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("question=Toyprod+is+slow%2C+how+do+I+switch+the+chaos+off%3F");
    let answer = form.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.url().path()), (200, "/incidents/1"));
    let html = answer.text().await.unwrap();
    for part in ["On-call asked", "Switch the chaos off:", "asked the runbooks: Toyprod is slow"] {
        assert!(html.contains(part), "{part} is missing: {html}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_incident_is_told_in_sentences_that_name_their_events() {
    let server = TestServer::start().await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    let ids: Vec<i64> = server.events(1).await.iter().map(|event| event["id"].as_i64().unwrap()).collect();
    let told = server.get("/api/v1/incidents/1/summary").await;
    assert!(told["headline"].as_str().unwrap().ends_with(": firing"), "{told}");
    assert!(
        told["text"].as_str().unwrap().starts_with("1 alert of toyprod fired, from 03:04:05 UTC"),
        "{told}"
    );
    let first = told["sentences"][0]["events"].as_array().unwrap();
    assert!(first.iter().any(|id| ids.contains(&id.as_i64().unwrap())), "{told}");
    let missing = server.get("/api/v1/incidents/9/summary").await;
    assert_eq!(missing["code"], "not_found");
    server.stop().await;
}

#[tokio::test]
async fn a_missing_model_is_said_in_openais_shape_with_the_command_that_installs_it() {
    let server = TestServer::start().await;
    let post = |path: &str, body: &'static str| {
        let request =
            server.http.post(format!("{}{path}", server.url)).header("content-type", "application/json");
        request.body(body).send()
    };
    let answer = post("/v1/embeddings", r#"{"input": "a text", "model": "any"}"#).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "60"));
    let error = answer.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!((&error["type"], &error["code"]), (&json!("server_error"), &json!("model_not_installed")));
    assert!(error["message"].as_str().unwrap().contains("opsseer models pull embeddings"), "{error}");
    for (body, status, param) in [
        (r#"{"input": []}"#, 400, json!("input")),
        (r#"{"input": ["a", ""]}"#, 400, json!("input")),
        (r#"{"input": [1, 2]}"#, 422, Value::Null),
        ("{", 400, Value::Null),
    ] {
        let answer = post("/v1/embeddings", body).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{body}");
        let error = answer.json::<Value>().await.unwrap()["error"].clone();
        assert_eq!((&error["type"], &error["param"]), (&json!("invalid_request_error"), &param), "{body}");
    }
    let answer = post("/v1/audio/transcriptions", "").await.unwrap();
    assert_eq!(answer.status().as_u16(), 501);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "not_implemented");
    server.stop().await;
}
