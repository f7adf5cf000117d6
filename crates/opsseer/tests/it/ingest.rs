//! The way of alerts into the store when the store or the memory is short, or something breaks.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use opsseer::ingest::IngestError;
use opsseer_connect::prometheus::FakeMetrics;
use opsseer_core::{Alert, AlertSource, Clock, Fingerprint, Identity, Labels, SystemClock};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use crate::test_server::{PATIENCE, TestServer, alert, envelope};

async fn readiness(server: &TestServer) -> u16 {
    server.http.get(format!("{}/readyz", server.url)).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_store_that_hangs_is_answered_503_and_the_server_says_by_itself_when_it_is_well_again() {
    let server = TestServer::start_with("[store]\ntimeout = \"1s\"", FakeMetrics::default()).await;
    let blocking = server.patient_store().await;
    // As long as this transaction is open, nobody else can write.
    let hanging = blocking.begin().await.unwrap();
    let body = envelope(&json!([alert("Slow", "toyprod", "firing")])).to_string();
    let (status, problem) = server.post("/webhook/alertmanager", body).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("store_unavailable")), "{problem}");
    assert_eq!(readiness(&server).await, 503);
    drop(hanging);
    // Nobody sends anything meanwhile.
    let well = async {
        while readiness(&server).await != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, well).await.expect("the server must recover by itself");
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "firing")])).await, [1]);
    server.stop().await;
}

#[tokio::test]
async fn webhooks_that_together_would_fill_the_memory_are_answered_503_and_taken_later() {
    let server = TestServer::start_with("[ingest]\nqueue_bytes = 100000", FakeMetrics::default()).await;
    let blocking = server.app.store.begin().await.unwrap();
    let body = |service: &str| {
        let mut large = alert("Slow", service, "firing");
        large["annotations"]["description"] = json!("x".repeat(15_000));
        envelope(&json!(vec![large; 5])).to_string()
    };
    let send = |service: &str| {
        server.http.post(format!("{}/webhook/alertmanager", server.url)).body(body(service)).send()
    };
    // Whichever comes second does not fit any more and is answered at once; the other one waits for the writer.
    let either = futures::future::select(Box::pin(send("a")), Box::pin(send("b"))).await;
    let (refused, waiting) = either.factor_first();
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap()["code"], "queue_full");
    drop(blocking);
    assert_eq!(waiting.await.unwrap().status(), 202);
    for service in ["a", "b"] {
        assert_eq!(send(service).await.unwrap().status(), 202);
    }
    assert_eq!(server.incidents().await.len(), 2);
    server.stop().await;
}

fn body_of(length: usize) -> String {
    let mut large = alert("Slow", "toyprod", "firing");
    large["annotations"]["description"] = json!("x".repeat(length));
    envelope(&json!([large])).to_string()
}

/// A sender that promises so many bytes and stalls after the first.
async fn stalling(server: &TestServer, length: usize) -> TcpStream {
    let mut connection = TcpStream::connect(server.app.config.http.bind).await.unwrap();
    let request =
        format!("POST /webhook/alertmanager HTTP/1.1\r\nHost: opsseer\r\nContent-Length: {length}\r\n\r\n{{");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

#[tokio::test]
async fn a_body_takes_its_share_of_the_memory_before_it_is_read() {
    // A body takes six times its length until it is understood: there is room for one of 100,000 bytes, not for two.
    let server = TestServer::start_with("[ingest]\nqueue_bytes = 1000000", FakeMetrics::default()).await;
    let stalling = stalling(&server, 100_000).await;
    let refused = async {
        loop {
            // Taken as long as the server has not seen the other one.
            let (status, answer) = server.post("/webhook/alertmanager", body_of(100_000)).await;
            if status != 202 {
                return (status, answer["code"].as_str().unwrap().to_owned());
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.expect("the share of the first must be taken");
    assert_eq!(refused, (503, "queue_full".to_owned()));
    // Small ones still fit beside it.
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "firing")])).await, [1]);
    drop(stalling);
    let free = async { while server.post("/webhook/alertmanager", body_of(100_000)).await.0 != 202 {} };
    timeout(PATIENCE, free).await.expect("a sender that leaves gives back its share");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_takes_its_share_as_it_goes_on() {
    let overrides = "[ingest]\nqueue_bytes = 500000\n[http]\nmax_body_bytes = 200000";
    let server = TestServer::start_with(overrides, FakeMetrics::default()).await;
    let chunked = |length: usize| {
        let pieces: Vec<_> =
            body_of(length).into_bytes().chunks(10_000).map(<[u8]>::to_vec).map(Ok::<_, String>).collect();
        server.post("/webhook/alertmanager", reqwest::Body::wrap_stream(futures::stream::iter(pieces)))
    };
    assert_eq!(chunked(150_000).await.0, 202);
    let (status, problem) = chunked(250_000).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("body_too_large")));
    // While something else is there, 150,000 bytes are too many.
    let stalling = stalling(&server, 10_000).await;
    let refused = async {
        loop {
            let (status, problem) = chunked(150_000).await;
            if status != 202 {
                return (status, problem["code"].as_str().unwrap().to_owned());
            }
        }
    };
    let refused = timeout(PATIENCE, refused).await.expect("the share of the first must be taken");
    assert_eq!(refused, (503, "queue_full".to_owned()));
    drop(stalling);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_the_store_refuses_makes_neither_the_server_unwell_nor_others_wait() {
    let server = TestServer::start().await;
    server.poison_store().await;
    let poison = |service: &str| {
        let mut poison = alert("Poison", service, "firing");
        poison["fingerprint"] = json!("poison");
        envelope(&json!([poison])).to_string()
    };
    let (status, problem) = server.post("/webhook/alertmanager", poison("a")).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("store_unavailable")));
    assert_eq!(readiness(&server).await, 200);
    // Together in one batch, however many there are.
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "firing")])).await, [1]);
    let good = fired(&server).await;
    let poison = |i: usize| {
        let labels = Labels::from([("instance".to_owned(), i.to_string())]);
        let identity = Identity::of(&labels);
        let fingerprint = Fingerprint::given_or_computed(Some("poison"), &identity);
        Alert { fingerprint, identity, labels, ..good.clone() }
    };
    let alerts = (0..8).map(poison).chain([good.clone()]);
    let taken = futures::future::join_all(alerts.map(|alert| server.app.ingest.submit(vec![alert]))).await;
    let refused: Vec<bool> = taken.iter().map(Result::is_err).collect();
    assert_eq!(refused, [true, true, true, true, true, true, true, true, false]);
    assert_eq!(readiness(&server).await, 200);
    server.stop().await;
}

/// The alert that fires.
async fn fired(server: &TestServer) -> Alert {
    server.app.store.list_firing_alerts(AlertSource::Alertmanager).await.unwrap().remove(0).alert
}

/// Breaks whoever asks it, once it is told to.
#[derive(Default)]
struct BrokenClock(AtomicBool);

impl Clock for BrokenClock {
    fn now(&self) -> DateTime<Utc> {
        assert!(!self.0.load(Ordering::Relaxed), "on purpose");
        SystemClock.now()
    }
}

#[tokio::test]
async fn a_server_whose_writer_breaks_off_ends_with_an_error_rather_than_refuse_for_ever() {
    let clock = Arc::new(BrokenClock::default());
    let server = TestServer::start_with_clock("", clock.clone()).await;
    assert_eq!(server.alert(json!([alert("Slow", "toyprod", "firing")])).await, [1]);
    let alert = fired(&server).await;
    clock.0.store(true, Ordering::Relaxed);
    let refused = server.app.ingest.submit(vec![alert]).await.expect_err("nobody writes");
    assert!(matches!(refused, IngestError::Broken), "{refused}");
    let error = server.ended().await.expect_err("it must not end well").to_string();
    assert!(error.contains("broke off"), "{error}");
}
