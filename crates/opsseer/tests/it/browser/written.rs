//! What a language model writes, as it comes.

use opsseer_connect::prometheus::FakeMetrics;
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string_contains, method},
};

use super::in_browser;
use crate::{
    browser::driver::Screen,
    test_server::{TestServer, alert},
};

async fn model_that_says(model: &MockServer, to: &str, words: &str) {
    let piece = json!({"choices": [{"delta": {"content": words}}]});
    let body = format!("data: {piece}\n\ndata: [DONE]\n\n");
    let answer = ResponseTemplate::new(200).set_body_raw(body, "text/event-stream");
    Mock::given(method("POST")).and(body_string_contains(to)).respond_with(answer).mount(model).await;
}

async fn server_with(model: &MockServer) -> TestServer {
    let llm = format!("[llm]\nurl = \"{}\"\nmodel = \"small\"", model.uri());
    let server = TestServer::start_with(&llm, FakeMetrics::default()).await;
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    server.event(1, "runbook_answered").await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_written_with_links_to_events_and_runbook_lines() {
    let model = MockServer::start().await;
    let words = "ToyprodSlow <b>fires</b> [E2]. Switch the chaos off [R1]. 73 % fail [E2]. All is lost.";
    model_that_says(&model, "Write the summary", words).await;
    let server = server_with(&model).await;
    in_browser(Screen::Desk, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("document.querySelector('#written button').hidden", false).await;
        page.click("#written summary").await;
        page.until_text("#written details p", "Nothing was sent yet. This would go to small at http://")
            .await;
        page.click("#written button").await;
        page.until_text("#written .words li:first-child", "ToyprodSlow <b>fires</b>.").await;
        page.until_text("#written .words li:last-child a", "toyprod-slow.md, lines 5 to 9").await;
        page.until_text(
            "#written .outcome",
            "1 that named no source, 1 with a number that stands in no source",
        )
        .await;
        assert_eq!(page.ask("document.querySelectorAll('#written .words li').length").await, 2);
        page.click("#written summary").await;
        page.until_text("#written details p", "to small at http://").await;
        page.until_text("#written details pre", "[R1] runbook toyprod-slow.md").await;
        // What is new on the timeline leaves it there.
        server.post("/api/v1/incidents/1/notes", json!({"by": "bob", "text": "news"}).to_string()).await;
        page.until_told("news").await;
        page.until_text("#written .words", "Switch the chaos off.").await;
        page.ask("document.querySelector('#written .words li:first-child a').click()").await;
        page.until("location.hash", "#event-2").await;
        page.ask("document.querySelector('#written .words li:last-child a').click()").await;
        page.until_text("#line-8.marked", "curl toyprod/chaos?mode=none").await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_replaced_by_the_reason() {
    let model = MockServer::start().await;
    model_that_says(&model, "Write the summary", "I am sorry, but I cannot help with that.").await;
    model_that_says(&model, "The question: ", "Switch the chaos off [R1].").await;
    let server = server_with(&model).await;
    in_browser(Screen::Phone, async |page| {
        page.go(&format!("{}/incidents/1", server.url)).await;
        page.until("document.querySelector('#written button').hidden", false).await;
        page.ask("document.querySelector('#written button').click()").await;
        page.until_text(
            "#written .outcome",
            "Nothing written: nothing that the language model wrote can be checked",
        )
        .await;
        page.until_text("#written .outcome", "The summary at the top stands").await;
        assert_eq!(page.ask("document.querySelectorAll('#written .words li').length").await, 0);
        page.fill("#question", "Toyprod is slow, how do I switch the chaos off?").await;
        page.ask("document.getElementById('ask-form').requestSubmit()").await;
        page.until("document.getElementById('write-answer')?.hidden", false).await;
        page.ask("document.getElementById('write-answer').click()").await;
        page.until_text("#written .about", "To the question: Toyprod is slow").await;
        page.until_text("#written .words", "Switch the chaos off.").await;
        page.until("document.documentElement.scrollWidth <= innerWidth", true).await;
        page.go(&format!("{}/ask?question=Toyprod+is+slow,+how+do+I+switch+the+chaos+off", server.url)).await;
        page.until("document.querySelector('#written button').hidden", false).await;
        page.ask("document.querySelector('#written button').click()").await;
        page.until_text("#written .words", "Switch the chaos off.").await;
        page.until("document.documentElement.scrollWidth <= innerWidth", true).await;
        assert_eq!(page.complaints().await, Vec::<String>::new());
    })
    .await;
    server.stop().await;
}
