//! Texts to vectors: texts that mean alike lie close together.
//!
//! [`LocalEmbedder`] runs a sentence model (all-MiniLM-L6-v2) in this process, on threads of its own.

mod sentence_model;
mod wordpiece;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

pub use crate::inference::InferenceSettings;
use crate::{
    inference::{InferenceError, InferenceQueue},
    models::Manifest,
};
use sentence_model::SentenceModel;

/// Texts that a thread takes at once, if so many wait.
const BATCH: usize = 16;

/// Texts of one request that are in the queue at the same time: one batch runs, the next waits.
const AT_ONCE: usize = BATCH * 2;

/// What a text became. Those of one model all have the same number of numbers.
pub type Vector = Vec<f32>;

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Too much waits already. A later try may succeed.
    #[error("the embedding model is busy")]
    Busy,
    /// The model did not answer in time.
    #[error("the embedding model did not answer in time")]
    Timeout,
    /// The model, or the server that runs it, failed.
    #[error("the embedding model failed: {0}")]
    Failed(String),
    /// A file of the model is not there or cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of the model is not of the form that is needed.
    #[error("{} cannot be used: {reason}", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl From<InferenceError> for EmbedError {
    fn from(error: InferenceError) -> Self {
        match error {
            InferenceError::Busy => Self::Busy,
            InferenceError::Timeout(_) => Self::Timeout,
            InferenceError::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// Texts to vectors.
#[async_trait]
pub trait Embed: Send + Sync {
    /// A vector of length 1 (cosine = dot product) for each text, in their order.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError>;
    /// Names the model and its files' digest, such as "all-MiniLM-L6-v2-int8@1a2b3c4d": vectors of different names are
    /// not comparable.
    fn model(&self) -> &str;
    /// Numbers in each vector.
    fn dimensions(&self) -> usize;
}

/// The sentence model in this process.
pub struct LocalEmbedder {
    queue: InferenceQueue<String, Vector>,
    model: String,
    dimensions: usize,
}

impl LocalEmbedder {
    /// Loads `embeddings/model.onnx` and `embeddings/tokenizer.json` under the folder of the models, and starts the
    /// threads. Takes some tenths of a second.
    pub fn open(models_folder: &Path, settings: InferenceSettings) -> Result<Self, EmbedError> {
        let folder = models_folder.join("embeddings");
        let files = [folder.join("model.onnx"), folder.join("tokenizer.json")];
        let threads = settings.thread_count();
        let model = SentenceModel::open(&files[0], &files[1], threads)?;
        let (name, dimensions) = (name_of(&files)?, model.dimensions());
        let queue = InferenceQueue::start("embeddings", settings, BATCH, move |texts: Vec<String>| {
            model.embed_all(&texts)
        })
        .map_err(|error| EmbedError::Failed(format!("no threads to run it on: {error}")))?;
        Ok(Self { queue, model: name, dimensions })
    }
}

/// The manifest's name of the model with the first digits of a digest of the files that are there.
fn name_of(files: &[PathBuf]) -> Result<String, EmbedError> {
    let mut digest = Sha256::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(|source| EmbedError::Read { file: file.clone(), source })?;
        digest.update(Sha256::digest(&bytes));
    }
    let digits = hex::encode(&digest.finalize()[..4]);
    let name = Manifest::builtin().model("embeddings").map_or("embeddings", |model| model.name.as_str());
    Ok(format!("{name}@{digits}"))
}

/// What [`Embed::model`] says of a model whose files are those of the manifest.
pub fn model_of_manifest() -> String {
    let Some(model) = Manifest::builtin().model("embeddings") else { return String::new() };
    let digest = |name: &str| model.files.iter().find(|file| file.name == name).map(|file| &file.sha256);
    let mut all = Sha256::new();
    for sha256 in ["model.onnx", "tokenizer.json"].into_iter().filter_map(digest) {
        all.update(hex::decode(sha256).unwrap_or_default());
    }
    format!("{}@{}", model.name, hex::encode(&all.finalize()[..4]))
}

#[async_trait]
impl Embed for LocalEmbedder {
    /// A request of many texts hands them over little by little, so that a single text that comes meanwhile waits for a
    /// few others and not for thousands.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let vectors = stream::iter(texts).map(|text| self.queue.run(text)).buffered(AT_ONCE);
        Ok(vectors.try_collect().await?)
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }
}
