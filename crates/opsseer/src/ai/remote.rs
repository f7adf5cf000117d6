//! The models of another OpsSeer, on a machine with more to compute with.

mod health;
mod trouble;

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use async_trait::async_trait;
use opsseer_ai::embed::{Embed, EmbedError, Vector};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

pub use self::health::RemoteHealth;
use self::trouble::Trouble;

/// Texts of one request: the other server takes 256, and must not keep its other clients waiting for many.
const AT_ONCE: usize = 32;

/// An answer is not larger than this, in bytes: 32 vectors take some 200 KB.
const LARGEST_ANSWER: usize = 8 << 20;

/// Asks for vectors over HTTP, in the form of OpenAI's API. What fails is not tried again here: whoever asks has a way to
/// go on without. A server that fails is left alone for a moment, so that not everybody waits for its time-out.
pub(super) struct RemoteEmbedder {
    asker: Arc<Asker>,
    /// Where requests run: vectors are also asked for from threads that know of no sockets, and a connection lives only as long
    /// as what drives it.
    runtime: Handle,
    health: Arc<RemoteHealth>,
}

struct Asker {
    http: reqwest::Client,
    url: Url,
    timeout: Duration,
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
    /// `base`: the other server's address. `timeout`: for a whole request. `model`: as [`Embed::model`] names it. To be called
    /// within a runtime.
    pub(super) fn new(base: &Url, timeout: Duration, model: String) -> anyhow::Result<Self> {
        // An error only means that one is in place already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(timeout).build()?;
        let mut url = base.clone();
        url.set_path(&format!("{}/v1/embeddings", base.path().trim_end_matches('/')));
        let asker = Arc::new(Asker { http, url, timeout, model, dimensions: OnceLock::new() });
        let runtime = Handle::try_current().context("no runtime to ask another server from")?;
        Ok(Self { asker, runtime, health: Arc::new(RemoteHealth::of(base)) })
    }

    /// Tells how the other server is, as far as is known.
    pub(super) fn health(&self) -> Arc<RemoteHealth> {
        self.health.clone()
    }
}

impl Asker {
    async fn ask_all(&self, texts: &[String]) -> Result<Vec<Vector>, Trouble> {
        let mut vectors = Vec::with_capacity(texts.len());
        for texts in texts.chunks(AT_ONCE) {
            vectors.extend(self.ask(texts).await?);
        }
        Ok(vectors)
    }

    async fn ask(&self, texts: &[String]) -> Result<Vec<Vector>, Trouble> {
        let body = json!({"model": self.model, "input": texts});
        let response =
            self.http.post(self.url.clone()).json(&body).send().await.map_err(|error| self.broke(&error))?;
        let status = response.status();
        let body = self.read(response).await?;
        if status != StatusCode::OK {
            return Err(Trouble::refused(status, &body));
        }
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| Trouble::NotUnderstood(error.to_string()))?;
        if answer.model != self.model {
            return Err(Trouble::OtherModel { theirs: answer.model, ours: self.model.clone() });
        }
        let mut data = answer.data;
        data.sort_by_key(|datum| datum.index);
        let length = *self.dimensions.get_or_init(|| data.first().map_or(0, |datum| datum.embedding.len()));
        if data.len() != texts.len() || data.iter().any(|datum| datum.embedding.len() != length) {
            let (vectors, texts) = (data.len(), texts.len());
            let reason = format!("{texts} texts are answered with {vectors} vectors, or of other lengths");
            return Err(Trouble::NotUnderstood(reason));
        }
        Ok(data.into_iter().map(|datum| datum.embedding).collect())
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broke(&error))? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Trouble::NotUnderstood(format!("it is larger than {LARGEST_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn broke(&self, error: &reqwest::Error) -> Trouble {
        if error.is_timeout() { Trouble::Silent(self.timeout) } else { Trouble::Unreachable }
    }
}

#[async_trait]
impl Embed for RemoteEmbedder {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        if let Some(reason) = self.health.resting(Instant::now()) {
            return Err(EmbedError::Failed(reason));
        }
        let asker = self.asker.clone();
        // Whoever leaves ends the request.
        let request = AbortOnDropHandle::new(self.runtime.spawn(async move { asker.ask_all(&texts).await }));
        let answer =
            request.await.map_err(|error| EmbedError::Failed(format!("the request broke off: {error}")))?;
        match answer {
            Ok(vectors) => {
                self.health.answered();
                Ok(vectors)
            }
            Err(trouble) => {
                let reason = self.health.failed(&trouble, Instant::now());
                Err(trouble.as_embed_error(reason))
            }
        }
    }

    fn model(&self) -> &str {
        &self.asker.model
    }

    fn dimensions(&self) -> usize {
        self.asker.dimensions.get().copied().unwrap_or(0)
    }
}
