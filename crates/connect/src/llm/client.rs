//! Asks the endpoint and reads its answer as it comes.

mod answer;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{LanguageModel, LanguageModelError, Prompt, Secret, Writing, refusal};
use answer::Answer;

/// Where a chat endpoint stands below the base address, as OpenAI's own clients have it.
const PATH: &str = "chat/completions";

/// The first bytes of a refusal hold its words.
const LARGEST_REFUSAL: usize = 1 << 16;

/// Which model is asked, and what it may spend on an answer.
#[derive(Debug, Clone)]
pub struct LanguageModelSettings {
    /// The base address: `http://127.0.0.1:11434` or `https://models.example/v1`. One without a path gets `/v1`; one that
    /// ends with `/chat/completions` is taken as it is.
    pub url: Url,
    /// The model's name, as the server knows it.
    pub model: String,
    /// Sent as a bearer token. Empty: none is sent.
    pub key: Secret,
    /// How long the first word may take, the connection included.
    pub first_word: Duration,
    /// How long the whole answer may take.
    pub total: Duration,
    /// The largest answer that is read, in bytes of its text.
    pub max_answer_bytes: usize,
}

/// A client of one model.
#[derive(Debug)]
pub struct LanguageModelClient {
    http: reqwest::Client,
    endpoint: Url,
    /// The endpoint for people, without credentials.
    address: String,
    settings: LanguageModelSettings,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl LanguageModelClient {
    /// Asks nothing yet.
    pub fn new(settings: LanguageModelSettings) -> Result<Self, LanguageModelError> {
        let address = readable(&settings.url);
        if !matches!(settings.url.scheme(), "http" | "https") || !settings.url.has_host() {
            return Err(LanguageModelError::BadAddress { address });
        }
        let endpoint = endpoint(settings.url.clone());
        // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            // What is sent is meant for this address and no other.
            .redirect(Policy::none())
            .default_headers(headers(&settings.key)?)
            .user_agent(concat!("opsseer/", env!("CARGO_PKG_VERSION")));
        // A proxy for the internet would only hide a server in the house, and those have no TLS.
        let client = if endpoint.scheme() == "http" { client.no_proxy() } else { client };
        let http = client.build().map_err(LanguageModelError::Setup)?;
        Ok(Self { http, address: readable(&endpoint), endpoint, settings })
    }

    async fn send(&self, prompt: &Prompt) -> Result<reqwest::Response, LanguageModelError> {
        let messages = [
            Message { role: "system", content: &prompt.system },
            Message { role: "user", content: &prompt.user },
        ];
        let request = Request { model: &self.settings.model, messages, stream: true };
        let sent = self.http.post(self.endpoint.clone()).json(&request).send().await;
        let mut response = sent.map_err(|source| LanguageModelError::Unreachable {
            url: self.address.clone(),
            source: source.without_url(),
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut body = Vec::new();
        // What cannot be read of it is not missed: the status is the news.
        while let Ok(Some(bytes)) = response.chunk().await {
            body.extend_from_slice(&bytes);
            if body.len() >= LARGEST_REFUSAL {
                body.truncate(LARGEST_REFUSAL);
                break;
            }
        }
        let refusal = refusal::Refusal {
            url: &self.address,
            model: &self.settings.model,
            status: status.as_u16(),
            retry_after: refusal::retry_after(response.headers()),
            message: refusal::message(&body, &self.settings.key),
        };
        Err(refusal.into_error())
    }
}

#[async_trait]
impl LanguageModel for LanguageModelClient {
    async fn write(&self, prompt: &Prompt) -> Result<Box<dyn Writing>, LanguageModelError> {
        let begun = Instant::now();
        let first_word = self.settings.first_word.min(self.settings.total);
        let sent = timeout_at(begun + first_word, self.send(prompt)).await;
        let response =
            sent.map_err(|_| LanguageModelError::Silent { url: self.address.clone(), timeout: first_word })??;
        Ok(Box::new(Answer::new(response, &self.address, &self.settings, begun)))
    }

    fn model(&self) -> &str {
        &self.settings.model
    }

    fn address(&self) -> &str {
        &self.address
    }
}

fn endpoint(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    if path.is_empty() {
        url.set_path(&format!("v1/{PATH}"));
    } else if !path.ends_with(PATH) {
        url.set_path(&format!("{path}/{PATH}"));
    }
    url
}

fn headers(key: &Secret) -> Result<HeaderMap, LanguageModelError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !key.is_empty() {
        let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()));
        let mut bearer = bearer.map_err(|_| LanguageModelError::BadKey)?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// The address without credentials, query and fragment, fit for a page or a log line.
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
    use super::*;

    #[test]
    fn the_endpoint_is_found_from_what_people_write() {
        for (given, asked) in [
            ("http://m:11434", "http://m:11434/v1/chat/completions"),
            ("http://m:11434/", "http://m:11434/v1/chat/completions"),
            ("https://m/v1/", "https://m/v1/chat/completions"),
            ("https://m/openai/chat/completions", "https://m/openai/chat/completions"),
            ("https://m/deploy?api-version=1", "https://m/deploy/chat/completions?api-version=1"),
        ] {
            assert_eq!(endpoint(given.parse().expect("an address")).as_str(), asked);
        }
    }
}
