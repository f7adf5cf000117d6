//! The parts of the HTTP API that the command line needs.

mod error;

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

pub(in crate::cli) use self::error::ClientError;

/// The longest that a person waits for an answer: longer than the server's own limit (`http.request_timeout`, 20 s), so
/// that it is the server who says what became of a slow request.
const TIME_OUT: Duration = Duration::from_secs(25);

/// The longest that a server takes to be reached.
const CONNECT_TIME_OUT: Duration = Duration::from_secs(5);

/// Events asked for at once.
const TIMELINE_PAGE: &str = "1000";

/// A list of the API that comes page by page.
pub(in crate::cli) struct List<'a> {
    /// Where it is, without a leading slash.
    pub(in crate::cli) path: &'a str,
    /// Under which name an answer holds its items.
    pub(in crate::cli) items: &'a str,
    /// The largest page that the API gives.
    pub(in crate::cli) page: usize,
}

/// Which incidents to list, as the API's query.
#[derive(Debug, Serialize)]
pub(super) struct ListQuery {
    pub(super) status: Option<String>,
    pub(super) severity: Option<String>,
    pub(super) q: Option<String>,
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
    limit: Duration,
}

impl Client {
    pub(in crate::cli) fn new(server: Url) -> Result<Self, ClientError> {
        Self::with_limit(server, TIME_OUT)
    }

    fn with_limit(mut server: Url, limit: Duration) -> Result<Self, ClientError> {
        if !server.path().ends_with('/') {
            server.set_path(&format!("{}/", server.path()));
        }
        // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder().timeout(limit).connect_timeout(CONNECT_TIME_OUT);
        if matches!(server.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            // A proxy cannot reach what listens on this machine only.
            http = http.no_proxy();
        }
        Ok(Self { http: http.build().map_err(ClientError::Setup)?, server, limit })
    }

    /// The first `most` of what is in a list and fits, as if the API had given them in one answer.
    pub(in crate::cli) async fn list<T: DeserializeOwned>(
        &self,
        list: &List<'_>,
        query: &impl Serialize,
        most: usize,
    ) -> Result<Answer<T>, ClientError> {
        let url = self.url(list.path);
        let other = || ClientError::NotOpsSeer { url: url.clone(), status: StatusCode::OK };
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut request = self.http.get(url.clone()).query(query);
            request = request.query(&[("limit", list.page.min(most - items.len()))]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let Answer { raw, .. } = self.ask::<Value>(request).await?;
            items.extend(raw.get(list.items).and_then(Value::as_array).ok_or_else(other)?.iter().cloned());
            let next = raw.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            // A server that does not get on must not keep this running.
            let goes_on = next.is_some() && next != cursor;
            cursor = next;
            if !goes_on || items.len() >= most {
                break;
            }
        }
        let raw = json!({list.items: items, "next_cursor": cursor});
        let view = T::deserialize(&raw).map_err(|_| other())?;
        Ok(Answer { raw, view })
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
        let request = request.build().map_err(ClientError::Setup)?;
        let changes = !request.method().is_safe();
        let unanswered = |source: reqwest::Error| {
            let (server, source) = (self.server.clone(), source.without_url());
            // Whoever was not reached has done nothing.
            if source.is_timeout() && !source.is_connect() {
                return ClientError::TimedOut { server, limit: self.limit, changes, source };
            }
            ClientError::Unreachable { server, source }
        };
        let response = self.http.execute(request).await.map_err(unanswered)?;
        let (url, status) = (response.url().clone(), response.status());
        let text = response.text().await.map_err(unanswered)?;
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
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{any, query_param, query_param_is_missing},
    };

    use super::*;

    async fn list_error(server: Url) -> String {
        let answer = Client::new(server).expect("a client").show("1").await;
        answer.err().expect("must fail").to_string()
    }

    #[tokio::test]
    async fn a_server_that_is_slow_is_not_called_absent_and_a_change_may_have_been_done() {
        // Connections are taken by the system, and nobody ever answers.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server: Url =
            format!("http://{}", listener.local_addr().expect("bound")).parse().expect("an address");
        let client = Client::with_limit(server.clone(), Duration::from_millis(50)).expect("a client");
        let asked = client.show("1").await.err().expect("no answer").to_string();
        assert_eq!(asked, format!("OpsSeer at {server} did not answer within 0.05 s"));
        let told = client.act("1", "ack", &json!({"by": "ada"})).await.err().expect("no answer").to_string();
        assert_eq!(told, format!("{asked}; it may have been done, so look before you do it again"));
    }

    #[tokio::test]
    async fn more_than_a_page_is_asked_for_page_by_page_up_to_the_limit() {
        let server = MockServer::start().await;
        let page = |items: &[i64], next: Option<&str>| {
            ResponseTemplate::new(200).set_body_json(json!({"things": items, "next_cursor": next}))
        };
        let get = |limit: &str| Mock::given(query_param("limit", limit)).and(query_param("q", "x"));
        get("2")
            .and(query_param_is_missing("cursor"))
            .respond_with(page(&[1, 2], Some("a")))
            .mount(&server)
            .await;
        get("2").and(query_param("cursor", "a")).respond_with(page(&[3, 4], Some("b"))).mount(&server).await;
        get("1").and(query_param("cursor", "b")).respond_with(page(&[5], Some("c"))).mount(&server).await;
        get("2").and(query_param("cursor", "b")).respond_with(page(&[5, 6], None)).mount(&server).await;
        let client = Client::new(server.uri().parse().expect("an address")).expect("a client");
        let things = List { path: "things", items: "things", page: 2 };
        let listed =
            async |most| client.list::<Value>(&things, &[("q", "x")], most).await.expect("listed").raw;
        assert_eq!(listed(5).await, json!({"things": [1, 2, 3, 4, 5], "next_cursor": "c"}));
        assert_eq!(listed(100).await, json!({"things": [1, 2, 3, 4, 5, 6], "next_cursor": null}));
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
