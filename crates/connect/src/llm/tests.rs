//! The client against servers that behave and servers that do not.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

const PATIENT: Duration = Duration::from_secs(20);
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn settings(address: &str) -> LanguageModelSettings {
    LanguageModelSettings {
        url: address.parse().expect("an address"),
        model: "small".into(),
        key: Secret::new("sk-secret"),
        first_word: PATIENT,
        total: PATIENT,
        max_answer_bytes: 1000,
    }
}

fn prompt() -> Prompt {
    Prompt { system: "be brief".into(), user: "what?".into() }
}

async fn ask(settings: LanguageModelSettings) -> Result<String, LanguageModelError> {
    let client = LanguageModelClient::new(settings).expect("a client");
    let mut writing = client.write(&prompt()).await?;
    let mut text = String::new();
    while let Some(words) = writing.next().await? {
        text.push_str(&words);
    }
    Ok(text)
}

/// A server that reads one request and sends these pieces, each in a packet of its own. It closes the connection after the
/// last, or, if told to stay, when what it gives back is dropped.
async fn raw(pieces: Vec<Vec<u8>>, stay: bool) -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let (release, released) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        connection.set_nodelay(true).expect("no delay");
        read_request(&mut connection).await;
        for piece in pieces {
            connection.write_all(&piece).await.expect("sent");
            connection.flush().await.expect("sent");
            tokio::task::yield_now().await;
        }
        if stay {
            // Dropped or used, it is the end of the test.
            drop(released.await);
        }
    });
    (address, release)
}

async fn read_request(connection: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"\"stream\":true}") {
        let mut buffer = [0; 1024];
        let count = connection.read(&mut buffer).await.expect("a request");
        assert!(count > 0, "the request ended early: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
}

fn says(words: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices": [{"index": 0, "delta": {"content": words}, "finish_reason": null}]})
    )
}

fn stream(body: &str) -> Vec<Vec<u8>> {
    vec![format!("{HEAD}{body}").into_bytes()]
}

async fn refusal(status: u16, response: ResponseTemplate) -> LanguageModelError {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).expect(1).mount(&server).await;
    let error = ask(settings(&server.uri())).await.expect_err("refused");
    assert!(!error.to_string().contains("sk-secret"), "{status}: {error}");
    error
}

#[tokio::test]
async fn a_question_is_sent_as_the_api_has_it_and_the_answer_read_to_its_end() {
    let server = MockServer::start().await;
    let asked = json!({"model": "small", "stream": true, "messages": [
        {"role": "system", "content": "be brief"}, {"role": "user", "content": "what?"}]});
    let usage = r#"data: {"choices":[],"usage":{"total_tokens":3}}"#;
    let body = format!("{}{}{usage}\n\ndata: [DONE]\n\n", says("It is "), says("slow."));
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer sk-secret"))
        .and(body_json(asked))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "text/event-stream; charset=utf-8"))
        .mount(&server)
        .await;
    assert_eq!(ask(settings(&server.uri())).await.expect("an answer"), "It is slow.");
}

#[tokio::test]
async fn an_answer_is_whole_wherever_the_network_cut_it() {
    let text = "Zürich 🦀 schläft: 41 %.";
    let body = format!("{HEAD}{}{}data: [DONE]\n\n", says(&text[..8]), says(&text[8..]));
    // Cuts through the head, through lines, and through characters of several bytes.
    for size in [1, 3, 7, 64] {
        let pieces = body.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let (address, _release) = raw(pieces, false).await;
        assert_eq!(ask(settings(&address)).await.expect("an answer"), text, "pieces of {size} bytes");
    }
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_too() {
    let server = MockServer::start().await;
    let whole = json!({"choices": [{"message": {"role": "assistant", "content": "All of it."}, "finish_reason": "stop"}]});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_json(whole))
        .mount(&server)
        .await;
    assert_eq!(ask(settings(&server.uri())).await.expect("an answer"), "All of it.");
}

#[tokio::test]
async fn each_refusal_is_told_in_words_and_never_with_the_key() {
    let said = |message: &str| json!({"error": {"message": message}});
    let error = refusal(401, ResponseTemplate::new(401).set_body_json(said("wrong key: sk-secret"))).await;
    assert!(error.to_string().ends_with("refused the key (401): wrong key: …"), "{error}");
    let error = refusal(404, ResponseTemplate::new(404).set_body_json(said("model 'small' not found"))).await;
    assert!(error.to_string().starts_with("there is no model \"small\" at http://127.0.0.1:"), "{error}");
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7").set_body_json(said("slow down"));
    let error = refusal(429, busy).await;
    assert!(matches!(error, LanguageModelError::Busy { retry_after: Some(wait), .. } if wait.as_secs() == 7));
    assert!(error.to_string().ends_with("takes no more requests; try again in 7 s: slow down"), "{error}");
    let error = refusal(503, ResponseTemplate::new(503).set_body_string("<html>upstream</html>")).await;
    assert!(error.to_string().ends_with("failed (503): <html>upstream</html>"), "{error}");
    let elsewhere = ResponseTemplate::new(307).insert_header("location", "http://127.0.0.1:1/");
    let error = refusal(307, elsewhere).await;
    assert!(
        matches!(error, LanguageModelError::Refused { status: 307, .. }),
        "what is sent goes nowhere else: {error}"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_answer() {
    let half = says("It is slow.");
    let cut = &half[..half.len() / 2];
    for body in [half.clone(), format!("{half}{cut}"), String::new()] {
        let (address, _release) = raw(stream(&body), false).await;
        let error = ask(settings(&address)).await.expect_err("it broke off");
        assert!(matches!(error, LanguageModelError::BrokeOff { .. }), "{body:?}: {error}");
    }
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nff\r\ndata";
    let (address, _release) = raw(vec![chunked.as_bytes().to_vec()], false).await;
    let error = ask(settings(&address)).await.expect_err("it broke off");
    assert!(matches!(error, LanguageModelError::BrokeOff { source: Some(_), .. }), "{error}");
}

#[tokio::test]
async fn an_error_or_a_stop_in_the_middle_is_told() {
    let (address, _release) =
        raw(stream("data: {\"error\":{\"message\":\"out of memory\"}}\n\n"), false).await;
    let error = ask(settings(&address)).await.expect_err("it gave up");
    assert!(error.to_string().ends_with("gave up in the middle of its answer: out of memory"), "{error}");
    let cut = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
    let (address, _release) = raw(stream(&format!("{}{cut}", says("It is"))), false).await;
    let error = ask(settings(&address)).await.expect_err("it was cut");
    assert!(error.to_string().ends_with("stopped before it was done (length)"), "{error}");
    let (address, _release) = raw(stream("data: hello\n\n"), false).await;
    assert!(matches!(ask(settings(&address)).await, Err(LanguageModelError::NotUnderstood { .. })));
}

#[tokio::test]
async fn a_model_that_says_nothing_is_not_waited_for_even_if_its_connection_lives() {
    let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    for pieces in [Vec::new(), stream(": keep-alive\n\n"), stream(role)] {
        let (address, _release) = raw(pieces, true).await;
        let hasty = LanguageModelSettings { first_word: Duration::from_millis(100), ..settings(&address) };
        let error = ask(hasty).await.expect_err("it hangs");
        assert!(error.to_string().ends_with("said nothing within 0.1 s"), "{error}");
    }
}

#[tokio::test]
async fn a_model_that_stops_in_the_middle_is_given_up_at_the_end_of_its_time() {
    let thought = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
    for body in [says("It"), thought.to_owned()] {
        let (address, _release) = raw(stream(&body), true).await;
        let first_word = Duration::from_millis(100);
        let hasty =
            LanguageModelSettings { first_word, total: Duration::from_millis(300), ..settings(&address) };
        let error = ask(hasty).await.expect_err("it hangs");
        assert!(error.to_string().ends_with("was not done within 0.3 s"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_limit() {
    let long = says(&"word ".repeat(100)).repeat(3);
    let line = format!("data: {}", "x".repeat(200_000));
    for body in [long, line] {
        let (address, _release) = raw(stream(&body), true).await;
        let error = ask(settings(&address)).await.expect_err("too long");
        assert!(matches!(error, LanguageModelError::TooLarge { limit_bytes: 1000, .. }), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_and_what_cannot_be_asked_are_told_without_the_key() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let error = ask(settings(&format!("http://me:pw@{free}"))).await.expect_err("nobody listens");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot reach the language model at http://{free}/v1/chat/completions: is it running, and is the address right?"
        )
    );
    let broken = LanguageModelSettings { key: Secret::new("a\nb"), ..settings("http://m") };
    assert!(matches!(LanguageModelClient::new(broken), Err(LanguageModelError::BadKey)));
    let strange = LanguageModelClient::new(settings("ftp://m")).expect_err("no HTTP");
    assert!(strange.to_string().ends_with("not ftp://m/"), "{strange}");
    assert!(!format!("{:?}", settings("http://m")).contains("sk-secret"));
}

#[tokio::test]
async fn the_fake_answers_in_pieces_and_remembers() {
    let fake = FakeLanguageModel::default();
    fake.push_text("It is slow [E1].");
    let mut writing = fake.write(&prompt()).await.expect("an answer");
    let mut text = String::new();
    while let Some(words) = writing.next().await.expect("no error") {
        text.push_str(&words);
    }
    assert_eq!((text.as_str(), fake.asked()), ("It is slow [E1].", vec![prompt()]));
}
