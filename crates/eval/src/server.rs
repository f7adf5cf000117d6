//! A server under test, seen over HTTP alone.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect::Policy};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::EvalError;

/// The longest that a suite waits for one answer.
const TIME_OUT: Duration = Duration::from_secs(30);

/// How many alerts a page asks for. The server may give fewer.
const PAGE: u32 = 500;

/// How much of an unexpected answer is shown, in characters.
const SHOWN: usize = 200;

/// The server's address and a client for it.
pub(crate) struct Server {
    http: Client,
    base: Url,
}

/// What became of a body.
#[derive(Debug)]
pub(crate) enum Answer {
    /// 2xx.
    Accepted,
    /// 4xx.
    Refused {
        status: u16,
        /// Why, in the server's words; `None` where it said nothing that a person could act on.
        reason: Option<String>,
    },
    /// 5xx, an answer that makes no sense here, or none.
    Failed {
        /// `None`: there was no answer.
        status: Option<u16>,
        reason: String,
        /// Whether that is the server's reason, in words that a person could act on.
        explained: bool,
    },
}

/// One alert as the server shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) status: String,
    pub(crate) labels: serde_json::Map<String, Value>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) alerts: Vec<Row>,
    #[serde(default, deserialize_with = "cursor")]
    pub(crate) next_cursor: Option<String>,
}

impl Server {
    pub(crate) fn new(base: &Url) -> Result<Self, EvalError> {
        Self::with_time_out(base, TIME_OUT)
    }

    /// A server that must answer each question within `time_out`.
    pub(crate) fn with_time_out(base: &Url, time_out: Duration) -> Result<Self, EvalError> {
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(time_out)
            // A server under test stands beside us; a proxy meant for the internet would only hide it.
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .map_err(|source| EvalError::Client { source })?;
        Ok(Self { http, base })
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }

    /// Sends `body` as it is. Every outcome is an answer: that a server gives up on a body is what a suite looks for.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Answer {
        let request = self.http.post(self.url(path)).header("content-type", "application/json").body(body);
        let (status, text) = match read(request).await {
            Ok(answer) => answer,
            Err(error) => return Answer::Failed { status: None, reason: chain(&error), explained: false },
        };
        if status.is_success() {
            Answer::Accepted
        } else if status.is_client_error() {
            Answer::Refused { status: status.as_u16(), reason: reason_in_words(status, &text) }
        } else {
            let words = reason_in_words(status, &text);
            let explained = words.is_some();
            let reason = words.unwrap_or_else(|| beginning(&text));
            Answer::Failed { status: Some(status.as_u16()), reason, explained }
        }
    }

    /// A page of the alerts that the server keeps.
    pub(crate) async fn alerts(&self, cursor: Option<&str>) -> Result<Page, EvalError> {
        let limit = PAGE.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.get("api/v1/alerts", &query).await
    }

    /// Asks for something that is answered with 200 and JSON of this form.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, EvalError> {
        let (url, text) = self.get_text(path, query).await?;
        serde_json::from_str(&text).map_err(|_| EvalError::Answer {
            url,
            status: StatusCode::OK.as_u16(),
            text: beginning(&text),
        })
    }

    /// Asks for something that is answered with 200. Gives the address that was asked, and the answer.
    pub(crate) async fn get_text(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(String, String), EvalError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let ask = |source| EvalError::Ask { url: url.to_string(), source };
        let (status, text) = read(self.http.get(url.clone())).await.map_err(ask)?;
        if status == StatusCode::OK {
            return Ok((url.into(), text));
        }
        Err(EvalError::Answer { url: url.into(), status: status.as_u16(), text: beginning(&text) })
    }

    /// Goes through all alerts that the server keeps, page by page, until `enough` says so.
    pub(crate) async fn walk(&self, mut enough: impl FnMut(Vec<Row>) -> bool) -> Result<(), EvalError> {
        let mut cursor: Option<String> = None;
        loop {
            let page = self.alerts(cursor.as_deref()).await?;
            if enough(page.alerts) || page.next_cursor.is_none() {
                return Ok(());
            }
            if page.next_cursor == cursor {
                let url = self.url("api/v1/alerts").to_string();
                return Err(EvalError::EndlessPages { url, cursor: cursor.unwrap_or_default() });
            }
            cursor = page.next_cursor;
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Result<(StatusCode, String), reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    Ok((status, response.text().await?))
}

/// The `detail` of a problem+json answer (RFC 9457), if it says more than the status does.
fn reason_in_words(status: StatusCode, text: &str) -> Option<String> {
    let problem: Value = serde_json::from_str(text).ok()?;
    let detail = problem.get("detail")?.as_str()?.trim();
    let only_the_status = status.canonical_reason().is_some_and(|words| words.eq_ignore_ascii_case(detail));
    let words = detail.split_whitespace().count();
    (words >= 2 && !only_the_status).then(|| detail.to_owned())
}

fn beginning(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}

/// An error with its causes: the outermost of a failed connection says only that sending failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A cursor is opaque: text or a number.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_more_than_the_status() {
        let reason = |detail: &str| {
            let text = serde_json::json!({"detail": detail}).to_string();
            reason_in_words(StatusCode::BAD_REQUEST, &text)
        };
        assert_eq!(reason("`alerts` is not a list").as_deref(), Some("`alerts` is not a list"));
        assert_eq!(reason("Bad Request"), None);
        assert_eq!(reason("oops"), None);
        assert_eq!(reason(" "), None);
        assert_eq!(reason_in_words(StatusCode::BAD_REQUEST, "<html>no</html>"), None);
    }

    #[test]
    fn a_cursor_may_be_a_number() {
        let page: Page = serde_json::from_str(r#"{"alerts": [], "next_cursor": 17}"#).expect("readable");
        assert_eq!(page.next_cursor.as_deref(), Some("17"));
        let page: Page = serde_json::from_str(r#"{"alerts": []}"#).expect("readable");
        assert_eq!(page.next_cursor, None);
    }
}
