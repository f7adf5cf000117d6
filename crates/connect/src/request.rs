//! One way to ask another system over HTTP: a time-out, a largest answer, and errors that say what to do.

mod error;
mod refusal;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

pub use error::RequestError;

/// What a client may spend on one request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the start of the connection to the last byte of the answer.
    pub timeout: Duration,
    /// The largest answer that is read, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    /// Ten seconds and 16 MiB: an hour of several hundred series fits.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), max_body_bytes: 16 * 1024 * 1024 }
    }
}

/// An HTTP API at a base address, with its limits.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    system: &'static str,
    http: reqwest::Client,
    base: Url,
    limits: Limits,
}

impl Api {
    /// `base` may have a path prefix, with or without a slash at its end.
    pub(crate) fn new(system: &'static str, mut base: Url, limits: Limits) -> Result<Self, RequestError> {
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(RequestError::BadAddress { system, address: readable(&base) });
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(limits.timeout)
            // These systems stand beside us; a proxy meant for the internet would only hide them.
            .no_proxy()
            .user_agent(concat!("opsseer/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| RequestError::Setup { system, source })?;
        Ok(Self { system, http, base, limits })
    }

    /// GET `path` (without a leading slash) and read its JSON.
    pub(crate) async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, RequestError> {
        let url = self.url(path);
        let body = self.send(&url, self.http.request(Method::GET, url.clone()).query(query)).await?;
        self.parse(&url, &body)
    }

    /// POST a form to `path` and read the JSON of the answer. Long expressions fit in a form, not in an address.
    pub(crate) async fn post_form_json<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<T, RequestError> {
        let url = self.url(path);
        let body = self.send(&url, self.http.request(Method::POST, url.clone()).form(form)).await?;
        self.parse(&url, &body)
    }

    /// POST JSON to `path` and read the JSON of the answer.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        let url = self.url(path);
        let answer = self.send(&url, self.http.request(Method::POST, url.clone()).json(body)).await?;
        self.parse(&url, &answer)
    }

    /// POST JSON to `path` and only look at the status.
    pub(crate) async fn post_json_status(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(), RequestError> {
        let url = self.url(path);
        self.send(&url, self.http.request(Method::POST, url.clone()).json(body)).await.map(drop)
    }

    /// DELETE `path` and only look at the status.
    pub(crate) async fn delete_status(&self, path: &str) -> Result<(), RequestError> {
        let url = self.url(path);
        self.send(&url, self.http.request(Method::DELETE, url.clone())).await.map(drop)
    }

    /// GET `path` and only look at the status.
    pub(crate) async fn get_status(&self, path: &str) -> Result<(), RequestError> {
        let url = self.url(path);
        self.send(&url, self.http.request(Method::GET, url.clone())).await.map(drop)
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }

    async fn send(&self, url: &Url, request: RequestBuilder) -> Result<Vec<u8>, RequestError> {
        let mut response = request.send().await.map_err(|error| self.transport_error(url, error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport_error(url, error))? {
            if body.len() + chunk.len() > self.limits.max_body_bytes {
                let limit_bytes = self.limits.max_body_bytes;
                return Err(RequestError::TooLarge { system: self.system, url: readable(url), limit_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        if response.status().is_success() {
            Ok(body)
        } else {
            Err(self.refusal(url, response.status(), &body))
        }
    }

    fn parse<T: DeserializeOwned>(&self, url: &Url, body: &[u8]) -> Result<T, RequestError> {
        serde_json::from_slice(body).map_err(|source| RequestError::NotUnderstood {
            system: self.system,
            url: readable(url),
            source,
        })
    }

    fn transport_error(&self, url: &Url, error: reqwest::Error) -> RequestError {
        let (system, url) = (self.system, readable(url));
        if error.is_timeout() {
            RequestError::TimedOut { system, url, timeout: self.limits.timeout }
        } else {
            // The URL stands in our own text, and there without credentials.
            RequestError::Unreachable { system, url, source: error.without_url() }
        }
    }

    fn refusal(&self, url: &Url, status: StatusCode, body: &[u8]) -> RequestError {
        let (kind, message) = refusal::read(status, body);
        RequestError::Refused {
            system: self.system,
            url: readable(url),
            status: status.as_u16(),
            kind,
            message,
        }
    }
}

/// The address without credentials, query and fragment, fit for a log line.
fn readable(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot hold credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const LIMITS: Limits = Limits { timeout: Duration::from_secs(20), max_body_bytes: 10_000 };

    fn api(base: &str, limits: Limits) -> Api {
        Api::new("Prometheus", base.parse().expect("an address"), limits).expect("a client")
    }

    async fn answer(response: ResponseTemplate) -> (MockServer, Api) {
        let server = MockServer::start().await;
        Mock::given(method("GET")).and(path("/x")).respond_with(response).mount(&server).await;
        let api = api(&server.uri(), LIMITS);
        (server, api)
    }

    async fn failure(response: ResponseTemplate) -> RequestError {
        let (_server, api) = answer(response).await;
        api.get_json::<Vec<u8>>("x", &[]).await.expect_err("the answer is bad")
    }

    #[tokio::test]
    async fn keeps_a_path_prefix_with_or_without_a_slash() {
        let server = MockServer::start().await;
        Mock::given(path("/prom/-/ready")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        for base in [format!("{}/prom", server.uri()), format!("{}/prom/", server.uri())] {
            api(&base, LIMITS).get_status("-/ready").await.expect("the prefix is kept");
        }
    }

    #[tokio::test]
    async fn passes_on_the_words_of_prometheus() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"1:3: parse error: unexpected end"}"#;
        let error = failure(ResponseTemplate::new(400).set_body_raw(body, "application/json")).await;
        assert!(error.to_string().ends_with("/x: 1:3: parse error: unexpected end"), "{error}");
        assert!(
            matches!(&error, RequestError::Refused { status: 400, kind: Some(kind), .. } if kind == "bad_data")
        );
        assert!(!error.is_transient(), "the same query will be refused again");
    }

    #[tokio::test]
    async fn a_failing_server_is_worth_a_retry_and_its_page_is_shortened() {
        let page = "<html> <body>\n  Bad\tGateway </body> ".repeat(100);
        let error = failure(ResponseTemplate::new(502).set_body_string(page)).await;
        let RequestError::Refused { message, .. } = &error else { panic!("{error:?}") };
        assert!(message.starts_with("<html> <body> Bad Gateway"), "{message}");
        assert_eq!(message.chars().count(), refusal::TEXT_CHARS + 1);
        assert!(error.is_transient());
        assert!(failure(ResponseTemplate::new(429)).await.is_transient());
        assert!(failure(ResponseTemplate::new(503)).await.to_string().ends_with("Service Unavailable"));
    }

    #[tokio::test]
    async fn stops_reading_at_the_limit() {
        let error = failure(ResponseTemplate::new(200).set_body_bytes(vec![b'1'; 2_000_000])).await;
        assert!(matches!(error, RequestError::TooLarge { limit_bytes: 10_000, .. }), "{error:?}");
        assert!(!error.is_transient());
    }

    #[tokio::test]
    async fn says_when_something_else_answers() {
        let error = failure(ResponseTemplate::new(200).set_body_string("<html>hello</html>")).await;
        assert!(error.to_string().contains("does the address point to it?"), "{error}");
        assert!(error.source().is_some_and(|source| !error.to_string().contains(&source.to_string())));
        assert!(!error.is_transient());
    }

    #[tokio::test]
    async fn gives_up_at_the_timeout() {
        let server = MockServer::start().await;
        let late = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
        Mock::given(method("GET")).respond_with(late).mount(&server).await;
        let api = api(&server.uri(), Limits { timeout: Duration::from_millis(50), ..LIMITS });
        let error = api.get_status("x").await.expect_err("the answer is late");
        assert!(error.to_string().ends_with("did not answer within 0.05 s"), "{error}");
        assert!(error.is_transient());
    }

    #[tokio::test]
    async fn nobody_there_is_transient_and_hides_credentials() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .expect("a free port")
            .local_addr()
            .expect("its address");
        let error = api(&format!("http://me:secret@{free}"), LIMITS)
            .get_json::<Vec<u8>>("x", &[("token", "secret")])
            .await
            .expect_err("nobody listens");
        assert_eq!(
            error.to_string(),
            format!("cannot reach Prometheus at http://{free}/x: is it running, and is the address right?")
        );
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert!(error.is_transient());
    }

    #[test]
    fn refuses_an_address_that_is_not_http() {
        let error = Api::new("Prometheus", "mailto:x@y".parse().expect("an address"), LIMITS);
        assert!(matches!(error, Err(RequestError::BadAddress { .. })), "{error:?}");
    }
}
