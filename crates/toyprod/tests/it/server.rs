//! A toyprod of its own for each test, on a free port.

use std::{
    net::SocketAddr,
    sync::Once,
    time::{Duration, SystemTime},
};

use reqwest::{Client, Response};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

/// Starts a server that lives as long as the test's runtime.
pub(crate) async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = toyprod::App::new(SystemTime::UNIX_EPOCH);
    tokio::spawn(toyprod::serve(listener, app, std::future::pending()));
    Server { address, client: client() }
}

pub(crate) fn client() -> Client {
    // reqwest asks for a provider of TLS even where only plain HTTP is spoken.
    static TLS: Once = Once::new();
    TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
    Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// The JSON of an answer that must be 200.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The detail of an answer that must be this error, told as problem details.
    pub(crate) async fn refused(&self, path: &str, status: u16) -> String {
        detail_of(self.get(path).await, status).await
    }

    /// Waits until the exposition holds `line`.
    pub(crate) async fn until_metric(&self, line: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.get("/metrics").await.text().await.unwrap();
            if text.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < deadline, "no line `{line}` in:\n{text}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(crate) async fn detail_of(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(problem["status"], status);
    problem["detail"].as_str().unwrap().to_owned()
}
