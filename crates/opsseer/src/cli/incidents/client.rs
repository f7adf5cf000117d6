//! The parts of the HTTP API that the command line needs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

/// The longest that a person waits for an answer.
const TIME_OUT: Duration = Duration::from_secs(15);

/// Events asked for at once.
const TIMELINE_PAGE: &str = "1000";

/// Why there is no answer to print.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ClientError {
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    #[error(
        "no OpsSeer answers at {server}; start one with `opsseer serve`, or name another with --server or OPSSEER_URL"
    )]
    Unreachable { server: Url, source: reqwest::Error },
    #[error("{0}; `opsseer incidents list` shows those that there are")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("{url} answered {status} with something that OpsSeer does not say; is --server right?")]
    NotOpsSeer { url: Url, status: StatusCode },
}

/// What to list, as the API's query.
#[derive(Debug, Serialize)]
pub(super) struct ListQuery {
    pub(super) status: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) q: Option<String>,
    pub(super) limit: u32,
}

/// An answer as it came, for scripts, and as far as it is shown to people.
pub(in crate::cli) struct Answer<T> {
    pub(in crate::cli) raw: Value,
    pub(in crate::cli) view: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct IncidentList {
    pub(super) incidents: Vec<IncidentView>,
    pub(super) next_cursor: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(Default))]
pub(super) struct IncidentView {
    pub(super) number: i64,
    pub(super) url: String,
    pub(super) status: String,
    pub(super) severity: String,
    pub(super) title: String,
    pub(super) service: Option<String>,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) owner: Option<String>,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) reopened_count: i64,
    pub(super) alerts_firing: i64,
    pub(super) alerts_total: i64,
    // An older server does not send these.
    #[serde(default)]
    pub(super) flapping: bool,
    #[serde(default)]
    pub(super) flaps: i64,
    #[serde(default)]
    pub(super) quiet_since: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) merged_into: Option<String>,
    #[serde(default)]
    pub(super) muted_until: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) muted_by: Option<String>,
    #[serde(default)]
    pub(super) silenced_until: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct TimelinePage {
    events: Vec<Value>,
    next_after: Option<i64>,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// A server and a client for it.
pub(in crate::cli) struct Client {
    http: reqwest::Client,
    server: Url,
}

impl Client {
    pub(in crate::cli) fn new(mut server: Url) -> Result<Self, ClientError> {
        if !server.path().ends_with('/') {
            server.set_path(&format!("{}/", server.path()));
        }
        // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder().timeout(TIME_OUT);
        if matches!(server.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            // A proxy cannot reach what listens on this machine only.
            http = http.no_proxy();
        }
        Ok(Self { http: http.build().map_err(ClientError::Setup)?, server })
    }

    pub(super) async fn list(&self, query: &ListQuery) -> Result<Answer<IncidentList>, ClientError> {
        self.ask(self.http.get(self.url("api/v1/incidents")).query(query)).await
    }

    pub(super) async fn show(&self, id: &str) -> Result<Answer<IncidentView>, ClientError> {
        self.ask(self.http.get(self.url(&format!("api/v1/incidents/{id}")))).await
    }

    /// All events, the oldest first. As JSON, because a newer server may tell of events that this program cannot read.
    pub(super) async fn timeline(&self, id: &str) -> Result<Vec<Value>, ClientError> {
        let url = self.url(&format!("api/v1/incidents/{id}/timeline"));
        let mut events = Vec::new();
        let mut after = Some(0);
        while let Some(from) = after {
            let request = self.http.get(url.clone());
            let request = request.query(&[("limit", TIMELINE_PAGE), ("after", &from.to_string())]);
            let page: TimelinePage = self.ask(request).await?.view;
            events.extend(page.events);
            // Ids only grow; a server that says otherwise must not keep this running.
            after = page.next_after.filter(|next| *next > from);
        }
        Ok(events)
    }

    pub(super) async fn act(
        &self,
        id: &str,
        action: &str,
        body: &Value,
    ) -> Result<Answer<IncidentView>, ClientError> {
        self.ask(self.http.post(self.url(&format!("api/v1/incidents/{id}/{action}"))).json(body)).await
    }

    /// Asks for what is at `path` (without a leading slash).
    pub(in crate::cli) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Answer<T>, ClientError> {
        self.ask(self.http.get(self.url(path))).await
    }

    /// Asks for what is at `path` and fits.
    pub(in crate::cli) async fn get_where<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<Answer<T>, ClientError> {
        self.ask(self.http.get(self.url(path)).query(query)).await
    }

    /// Sends JSON to `path`.
    pub(in crate::cli) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Answer<T>, ClientError> {
        self.ask(self.http.request(method, self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.server.clone();
        url.set_path(&format!("{}{path}", self.server.path()));
        url
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Answer<T>, ClientError> {
        let unreachable = |source: reqwest::Error| {
            let source = source.without_url();
            ClientError::Unreachable { server: self.server.clone(), source }
        };
        let response = request.send().await.map_err(unreachable)?;
        let (url, status) = (response.url().clone(), response.status());
        let text = response.text().await.map_err(unreachable)?;
        let other = || ClientError::NotOpsSeer { url: url.clone(), status };
        if !status.is_success() {
            let Problem { detail } = serde_json::from_str(&text).map_err(|_| other())?;
            return Err(match status {
                StatusCode::NOT_FOUND => ClientError::NotFound(detail),
                _ => ClientError::Refused(detail),
            });
        }
        let raw: Value = serde_json::from_str(&text).map_err(|_| other())?;
        let view = T::deserialize(&raw).map_err(|_| other())?;
        Ok(Answer { raw, view })
    }
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;

    async fn list_error(server: Url) -> String {
        let query = ListQuery { status: None, severity: None, q: None, limit: 1 };
        let answer = Client::new(server).expect("a client").list(&query).await;
        answer.err().expect("must fail").to_string()
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_with_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let error = list_error(server.parse().expect("an address")).await;
        assert!(error.starts_with(&format!("no OpsSeer answers at {server}/; start one with")), "{error}");
    }

    #[tokio::test]
    async fn a_refusal_is_repeated_in_the_servers_words() {
        let server = MockServer::start().await;
        let problem = r#"{"detail": "\"opne\" is not a status; allowed: open"}"#;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(400).set_body_string(problem))
            .mount(&server)
            .await;
        let error = list_error(server.uri().parse().expect("an address")).await;
        assert_eq!(error, "\"opne\" is not a status; allowed: open");
    }

    #[tokio::test]
    async fn another_program_on_the_port_is_recognised() {
        let server = MockServer::start().await;
        let page = ResponseTemplate::new(200).set_body_string("<html>");
        Mock::given(any()).respond_with(page).mount(&server).await;
        let error = list_error(server.uri().parse().expect("an address")).await;
        assert!(error.contains("answered 200 OK with something that OpsSeer does not say"), "{error}");
    }
}
