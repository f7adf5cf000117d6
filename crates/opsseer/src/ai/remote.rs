//! The models of another OpsSeer, on a machine with more to compute with.

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use opsseer_ai::embed::{Embed, EmbedError, Vector};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// Texts of one request: the other server takes 256, and must not keep its other clients waiting for many.
const AT_ONCE: usize = 32;

/// Asks for vectors over HTTP, in the form of OpenAI's API. What fails is not tried again here: whoever asks has a way to
/// go on without.
pub(super) struct RemoteEmbedder {
    http: reqwest::Client,
    url: Url,
    /// The model that both sides must have: vectors of another one cannot be compared with those that are kept.
    model: String,
    /// Known with the first answer.
    dimensions: OnceLock<usize>,
}

#[derive(Deserialize)]
struct Answer {
    model: String,
    data: Vec<Datum>,
}

#[derive(Deserialize)]
struct Datum {
    index: usize,
    embedding: Vector,
}

impl RemoteEmbedder {
    /// `base`: the other server's address. `timeout`: for a whole request. `model`: as [`Embed::model`] names it.
    pub(super) fn new(base: &Url, timeout: Duration, model: String) -> anyhow::Result<Self> {
        // An error only means that one is in place already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(timeout).build()?;
        let mut url = base.clone();
        url.set_path(&format!("{}/v1/embeddings", base.path().trim_end_matches('/')));
        Ok(Self { http, url, model, dimensions: OnceLock::new() })
    }

    async fn ask(&self, texts: &[String]) -> Result<Vec<Vector>, EmbedError> {
        let body = json!({"model": self.model, "input": texts});
        let response =
            self.http.post(self.url.clone()).json(&body).send().await.map_err(|error| self.broke(error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => return Err(EmbedError::Busy),
            status => return Err(self.failed(&format!("it answers {status}"))),
        }
        let answer: Answer = response.json().await.map_err(|error| self.broke(error))?;
        if answer.model != self.model {
            let (theirs, ours) = (answer.model, &self.model);
            return Err(self.failed(&format!("it has the model {theirs}, and this server wants {ours}")));
        }
        let mut data = answer.data;
        data.sort_by_key(|datum| datum.index);
        let length = *self.dimensions.get_or_init(|| data.first().map_or(0, |datum| datum.embedding.len()));
        if data.len() != texts.len() || data.iter().any(|datum| datum.embedding.len() != length) {
            let (vectors, texts) = (data.len(), texts.len());
            return Err(self
                .failed(&format!("{texts} texts are answered with {vectors} vectors, or of other lengths")));
        }
        Ok(data.into_iter().map(|datum| datum.embedding).collect())
    }

    fn broke(&self, error: reqwest::Error) -> EmbedError {
        if error.is_timeout() {
            return EmbedError::Timeout;
        }
        self.failed(&error.without_url().to_string())
    }

    fn failed(&self, reason: &str) -> EmbedError {
        EmbedError::Failed(format!("{}: {reason}", self.url))
    }
}

#[async_trait]
impl Embed for RemoteEmbedder {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(AT_ONCE) {
            vectors.extend(self.ask(texts).await?);
        }
        Ok(vectors)
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions.get().copied().unwrap_or(0)
    }
}
