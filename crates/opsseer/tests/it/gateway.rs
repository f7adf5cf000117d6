//! The AI services as a server of their own, and an OpsSeer that has its models there (`ai.url`).

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opsseer::{ai::AiServer, server};
use opsseer_connect::prometheus::FakeMetrics;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{sleep, timeout},
};
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{method, path},
};

use crate::test_server::{PATIENCE, TestServer, alert};

const QUESTION: &str = "Toyprod is slow, how do I switch the chaos off?";

/// A server in the role `ai`.
struct Alone {
    url: String,
    http: reqwest::Client,
    server: Arc<AiServer>,
    serving: JoinHandle<()>,
    folder: TempDir,
}

impl Alone {
    async fn start(overrides: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (config, listener) = TestServer::configured("127.0.0.1:0", &folder, overrides).await;
        let url = config.public_url();
        let server = AiServer::start(config).await.unwrap();
        let serving = tokio::spawn(server::serve_ai(server.clone(), listener));
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { url, http: reqwest::Client::new(), server, serving, folder }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.post(format!("{}{path}", self.url)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn stop(self) {
        self.server.ending.cancel();
        timeout(PATIENCE, self.serving).await.expect("the server must end").unwrap();
    }
}

/// An OpsSeer whose models are to be at `address`.
async fn using(address: &str) -> TestServer {
    let ai = format!("[ai]\nurl = \"{address}\"\ntimeout = \"1s\"");
    TestServer::start_with(&ai, FakeMetrics::default()).await
}

async fn ask(server: &TestServer, question: &str) -> Value {
    let (status, answer) = server.post("/api/v1/ask", json!({"question": question}).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn page(server: &TestServer, path: &str) -> String {
    let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn alone_it_answers_by_words_and_keeps_no_incidents() {
    let alone = Alone::start("").await;
    assert_eq!(alone.get("/healthz").await, (200, "ok\n".to_owned()));
    let ready: Value = serde_json::from_str(&alone.get("/readyz").await.1).unwrap();
    assert_eq!(
        (&ready["ready"], &ready["role"], &ready["runbooks"]),
        (&json!(true), &json!("ai"), &json!(1))
    );
    assert!(
        ready["ai"].as_str().unwrap().ends_with("`opsseer models pull embeddings` installs it"),
        "{ready}"
    );

    let (status, answer) = alone.post("/api/v1/ask", json!({"question": QUESTION})).await;
    assert_eq!((status, &answer["answer"]["file"]), (200, &json!("toyprod-slow.md")), "{answer}");
    assert_eq!(answer["embeddings"], false);
    let (status, refused) = alone.post("/api/v1/ask", json!({"question": QUESTION, "incident": 1})).await;
    assert_eq!((status, &refused["code"]), (400, &json!("no_incidents")), "{refused}");
    assert_eq!(alone.post("/api/v1/ask", json!({"question": " "})).await.0, 400);

    let (status, class) = alone.post("/api/v1/classify", json!({"name": "RedisDown"})).await;
    assert_eq!((status, &class["category"], &class["learned_from"]), (200, &json!("Databases"), &json!(0)));
    let (status, refused) = alone.post("/v1/embeddings", json!({"input": "a text"})).await;
    assert_eq!((status, &refused["error"]["code"]), (503, &json!("model_not_installed")), "{refused}");
    assert!(alone.get("/metrics").await.1.contains("opsseer_ai_seconds_count{service=\"ask\"}"));
    assert!(!alone.folder.path().join("data/opsseer.db").exists(), "it has no store");
    alone.stop().await;
}

#[tokio::test]
async fn alone_it_says_that_pages_webhooks_and_incidents_are_elsewhere() {
    let alone = Alone::start("[http]\nmax_body_bytes = 1000").await;
    for path in ["/", "/ask", "/api/v1/incidents", "/incidents/1"] {
        let (status, body) = alone.get(path).await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("--role ai"), "{problem}");
    }
    assert_eq!(alone.post("/webhook/alertmanager", json!({"alerts": []})).await.0, 404);
    let described: Value = serde_json::from_str(&alone.get("/openapi.json").await.1).unwrap();
    let paths: Vec<&String> = described["paths"].as_object().unwrap().keys().collect();
    for path in [
        "/api/v1/ask",
        "/api/v1/classify",
        "/api/v1/forecast",
        "/api/v1/suspects",
        "/v1/embeddings",
        "/v1/audio/transcriptions",
        "/readyz",
    ] {
        assert!(paths.iter().any(|known| *known == path), "{path} is missing: {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.contains("incidents")), "{paths:?}");
    // The limits are those of a whole server.
    assert_eq!(alone.post("/api/v1/ask", json!({"question": "x".repeat(2000)})).await.0, 413);
    alone.stop().await;
}

#[tokio::test]
async fn a_server_that_runs_the_models_names_no_other_one() {
    let folder = TempDir::new().unwrap();
    let (config, _) = TestServer::configured("127.0.0.1:0", &folder, "[ai]\nurl = \"http://gpu:8888\"").await;
    let error = AiServer::start(config).await.err().expect("refused").to_string();
    assert!(error.starts_with("ai.url is set"), "{error}");
}

/// Everything still works, by words, and `reason` is told wherever somebody may look.
async fn goes_by_words(server: &TestServer, reason: &str) {
    let answer = ask(server, QUESTION).await;
    assert_eq!(
        (&answer["answer"]["file"], &answer["embeddings"]),
        (&json!("toyprod-slow.md"), &json!(false)),
        "{answer}"
    );
    server.alert(json!([alert("ToyprodSlow", "toyprod", "firing")])).await;
    for kind in ["runbook_answered", "classified", "similar_found"] {
        server.event(1, kind).await;
    }
    let ready = server.get("/readyz").await;
    assert_eq!(ready["ready"], true);
    assert!(ready["ai"].as_str().unwrap().contains(reason), "{ready} lacks {reason}");
    for path in ["/ask?question=how+do+I+switch+the+chaos+off", "/incidents/1"] {
        let html = page(server, path).await;
        assert!(html.contains("by words alone: the AI server at http://127.0.0.1:"), "{html}");
        assert!(html.contains(&reason.replace('"', "&#34;")), "{path} lacks {reason}: {html}");
        assert!(!html.contains("opsseer models pull embeddings</code>"), "nothing is to be installed here");
    }
}

#[tokio::test]
async fn an_ai_server_that_refuses_or_fails_leaves_the_words_and_is_named() {
    let openai = |code: &str| json!({"error": {"message": "it is not installed here", "type": "server_error", "code": code}});
    let other_model = json!({"model": "another", "data": [{"index": 0, "embedding": [1.0]}]});
    for (response, reason) in [
        (ResponseTemplate::new(503).set_body_json(openai("overloaded")), "is busy"),
        (
            ResponseTemplate::new(503).set_body_json(openai("model_not_installed")),
            "answered 503 Service Unavailable: it is not installed here",
        ),
        (ResponseTemplate::new(500), "answered 500 Internal Server Error"),
        (ResponseTemplate::new(200).set_body_string("<html>"), "gave an answer that is not understood"),
        (ResponseTemplate::new(200).set_body_json(other_model), "has the model another"),
    ] {
        let remote = MockServer::start().await;
        Mock::given(method("POST")).and(path("/v1/embeddings")).respond_with(response).mount(&remote).await;
        let server = using(&remote.uri()).await;
        goes_by_words(&server, reason).await;
        server.stop().await;
    }
}

#[tokio::test]
async fn an_ai_server_that_hangs_is_given_up_in_time_and_then_left_alone() {
    let remote = MockServer::start().await;
    let hangs = ResponseTemplate::new(200).set_delay(Duration::from_mins(10));
    Mock::given(method("POST")).respond_with(hangs).mount(&remote).await;
    let server = using(&remote.uri()).await;
    goes_by_words(&server, "did not answer within 1 s").await;
    // Ten questions in a row cost ten time-outs, were it asked each time.
    timeout(PATIENCE / 2, async {
        for _ in 0..10 {
            assert_eq!(ask(&server, QUESTION).await["answer"]["file"], "toyprod-slow.md");
        }
    })
    .await
    .expect("nobody waits for a server that hangs");
    server.stop().await;
}

#[tokio::test]
async fn an_ai_server_that_is_not_there_is_said_to_be_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let server = using(&address).await;
    goes_by_words(&server, "cannot be reached").await;
    server.stop().await;
}

/// Refuses while it is told to, then gives vectors of the model that it is asked for.
struct Moody {
    refuses: Arc<AtomicBool>,
}

impl Respond for Moody {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if self.refuses.load(Ordering::Relaxed) {
            return ResponseTemplate::new(503);
        }
        let asked: Value = request.body_json().unwrap();
        let texts = asked["input"].as_array().expect("a list of texts");
        let datum =
            |index: usize| json!({"object": "embedding", "index": index, "embedding": vec![0.05; 384]});
        // The order is not promised.
        let data: Vec<Value> = (0..texts.len()).rev().map(datum).collect();
        ResponseTemplate::new(200)
            .set_body_json(json!({"object": "list", "model": asked["model"], "data": data}))
    }
}

#[tokio::test]
async fn once_the_ai_server_answers_again_its_vectors_count_again() {
    let refuses = Arc::new(AtomicBool::new(true));
    let remote = MockServer::start().await;
    let moody = Moody { refuses: refuses.clone() };
    Mock::given(method("POST")).and(path("/v1/embeddings")).respond_with(moody).mount(&remote).await;
    let server = using(&remote.uri()).await;
    goes_by_words(&server, "is busy").await;
    refuses.store(false, Ordering::Relaxed);
    assert_eq!(ask(&server, QUESTION).await["embeddings"], true);
    assert_eq!(server.get("/readyz").await["ai"], "ok");
    assert!(!page(&server, "/ask?question=chaos").await.contains("by words alone"));
    server.stop().await;
}

/// The folder of the models; `./task test` fetches them and names it.
#[expect(clippy::disallowed_methods, reason = "the tests' environment")]
fn models() -> Option<PathBuf> {
    let folder = std::env::var("OPSSEER_TEST_MODELS").ok().filter(|folder| !folder.is_empty());
    if folder.is_none() {
        println!(
            "skipped: OPSSEER_TEST_MODELS does not name a folder of models (./task models fetches them)"
        );
    }
    folder.map(PathBuf::from)
}

#[tokio::test]
async fn with_the_models_elsewhere_the_answer_is_that_of_models_here() {
    let Some(models) = models() else { return };
    let overrides = format!("[ai]\nmodels_dir = {:?}", models.display().to_string());
    let here = TestServer::start_with(&overrides, FakeMetrics::default()).await;
    let alone = Alone::start(&overrides).await;
    let ready: Value = serde_json::from_str(&alone.get("/readyz").await.1).unwrap();
    assert_eq!(ready["ai"], "ok");
    let ai = format!("[ai]\nurl = \"{}\"", alone.url);
    let elsewhere = TestServer::start_with(&ai, FakeMetrics::default()).await;
    let question = "How can I stop the disturbance in the toy production?";
    // The runbooks' vectors come a moment after the start.
    let agree = async {
        loop {
            let (ours, theirs) = (ask(&here, question).await, ask(&elsewhere, question).await);
            let apart = ours["confidence"].as_f64().unwrap() - theirs["confidence"].as_f64().unwrap();
            if theirs["embeddings"] == true && ours["answer"] == theirs["answer"] && apart.abs() < 0.01 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, agree).await.expect("the same answer, wherever the model runs");
    assert_eq!(elsewhere.get("/readyz").await["ai"], "ok");
    alone.stop().await;
    // From now on it goes by words, without an error.
    assert!(ask(&elsewhere, question).await["nearest"].is_array());
    assert!(elsewhere.get("/readyz").await["ai"].as_str().unwrap().ends_with("cannot be reached"));
    elsewhere.stop().await;
    here.stop().await;
}
