//! Answers to questions in other words.

use serde_json::{Value, json};

use super::{says, told, with_model};
use crate::test_server::TestServer;

const QUESTION: &str = "Toyprod is slow, how do I switch the chaos off?";

/// The events of a written answer.
async fn answered(server: &TestServer, question: Value) -> Vec<(String, Value)> {
    told(server.http.post(format!("{}/api/v1/ask/written", server.url)).json(&question)).await
}

#[tokio::test]
async fn an_answer_in_other_words_cites_the_runbooks_lines() {
    let (server, model) =
        with_model(says("Switch the chaos off [R1]. That takes 73 minutes [R1]."), "").await;
    let events = answered(&server, json!({"question": QUESTION})).await;
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["sentence", "done"], "{events:?}");
    let place = &events[0].1["sources"][0]["runbook"];
    assert_eq!(place["page"], "/runbooks/toyprod-slow.md?from=5&to=9#line-5");
    assert_eq!(events[1].1["left_out_for_a_number"], 1);
    let page = format!("{}{}", server.url, place["page"].as_str().unwrap());
    let page = server.http.get(page).send().await.unwrap().text().await.unwrap();
    let marked = page.matches(r#"class="marked""#).count();
    assert!(marked == 5 && page.contains(r#"<li id="line-8" class="marked">   curl toyprod"#), "{page}");

    let asked: Value = model.received_requests().await.unwrap()[0].body_json().unwrap();
    let user = asked["messages"][1]["content"].as_str().unwrap();
    assert!(
        user.ends_with(&format!("The question: {QUESTION}")) && user.contains("[R1] runbook toyprod-slow.md")
    );
    assert!(!user.contains("INC-1"), "nothing of an incident is sent for a question outside of one");
    let sent =
        server.get("/api/v1/ask/sent?question=Toyprod+is+slow,+how+do+I+switch+the+chaos+off%3F").await;
    assert_eq!(sent["last_sent"]["prompt"]["user"], user, "word for word");
    assert!(!server.kinds(1).await.contains(&"asked".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn within_an_incident_its_events_are_sources_too() {
    let (server, _model) = with_model(says("ToyprodSlow fires [E2]."), "").await;
    let events = answered(&server, json!({"question": "What fires?", "incident": "1"})).await;
    assert_eq!(
        events[0],
        (
            "sentence".to_owned(),
            json!({"text": "ToyprodSlow fires [E2].", "sources": [{"label": "E2", "event": 2}]})
        )
    );
    let sent = server.get("/api/v1/ask/sent?question=What+fires%3F&incident=1").await;
    assert!(
        sent["last_sent"]["prompt"]["user"].as_str().unwrap().starts_with("The incident INC-1"),
        "{sent}"
    );
    assert_eq!(server.get("/api/v1/incidents/1/summary/sent").await["last_sent"], Value::Null);
    server.stop().await;
}

#[tokio::test]
async fn a_question_leaves_without_secrets_and_only_if_there_is_an_answer() {
    let (server, model) = with_model(says("The sources do not say."), "").await;
    let secret = format!("{QUESTION} password=hunter3");
    let events = answered(&server, json!({"question": secret})).await;
    let (name, data) = &events[0];
    assert_eq!(name, "unavailable");
    assert_eq!(data["answer"]["answer"]["file"], "toyprod-slow.md", "the runbooks' quote stands: {data}");
    assert!(data["reason"].as_str().unwrap().starts_with("nothing that the language model wrote"), "{data}");
    let asked = String::from_utf8(model.received_requests().await.unwrap()[0].body.clone()).unwrap();
    assert!(asked.contains("[redacted]") && !asked.contains("hunter3"), "{asked}");

    let events = answered(&server, json!({"question": "Which yeast makes the best sourdough bread?"})).await;
    assert!(events[0].1["reason"].as_str().unwrap().starts_with("no runbook answers this"), "{events:?}");
    assert_eq!(model.received_requests().await.unwrap().len(), 1, "nothing was sent");
    for (body, status) in [
        (json!({"question": " "}), 400),
        (json!({"question": "how?", "incident": "7"}), 404),
        (json!({"questions": "how?"}), 422),
    ] {
        let address = format!("{}/api/v1/ask/written", server.url);
        assert_eq!(server.http.post(address).json(&body).send().await.unwrap().status(), status, "{body}");
    }
    server.stop().await;
}
