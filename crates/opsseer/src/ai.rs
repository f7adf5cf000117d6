//! The AI services as this server has them: from its own models, from another server's, or without.

mod remote;

use std::{path::Path, sync::Arc};

use anyhow::Context;
use opsseer_ai::{
    classify::{ClassifyAlert, LocalClassifier},
    embed::{self, Embed, InferenceSettings, LocalEmbedder},
    models::{ModelStatus, Models},
    runbook::{AnswerRunbook, RunbookIndex, RunbookSettings},
};

use self::remote::RemoteEmbedder;
use crate::config::Config;

/// The role of the model that makes vectors.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// What works things out.
pub(crate) struct Services {
    pub(crate) models: Models,
    pub(crate) embedder: Option<Arc<dyn Embed>>,
    pub(crate) classifier: Arc<dyn ClassifyAlert>,
    pub(crate) runbooks: Arc<dyn AnswerRunbook>,
}

impl Services {
    /// Loads the models and reads the runbooks. Takes some tenths of a second: call it off the async threads.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let models = Models::at(config.models_dir());
        let embedder = embedder(config, &models)?;
        let settings =
            RunbookSettings { index_dir: Some(config.data_dir.join("index")), embedder: embedder.clone() };
        let runbooks = RunbookIndex::open(&config.runbooks.dir, settings)?;
        let classifier = Arc::new(LocalClassifier::shipped(embedder.clone()));
        Ok(Self { models, embedder, classifier, runbooks: Arc::new(runbooks) })
    }
}

/// A model that is missing or broken is said, and is no reason not to start: what needs it falls back.
pub(crate) fn embedder(config: &Config, models: &Models) -> anyhow::Result<Option<Arc<dyn Embed>>> {
    if let Some(url) = &config.ai.url {
        let remote = RemoteEmbedder::new(url, config.ai.timeout, embed::model_of_manifest())
            .context("cannot use the configured AI server")?;
        return Ok(Some(Arc::new(remote)));
    }
    Ok(local_embedder(&config.models_dir(), models, settings(config)))
}

fn settings(config: &Config) -> InferenceSettings {
    InferenceSettings { threads: config.ai.threads, queue: config.ai.queue, timeout: config.ai.timeout }
}

fn local_embedder(folder: &Path, models: &Models, settings: InferenceSettings) -> Option<Arc<dyn Embed>> {
    let status = models.status(EMBEDDINGS);
    if status != ModelStatus::Installed {
        tracing::info!(?status, "no model of meaning: runbooks are searched by their words alone");
        return None;
    }
    match LocalEmbedder::open(folder, settings) {
        Ok(embedder) => Some(Arc::new(embedder)),
        Err(error) => {
            tracing::error!(%error, "the model of meaning cannot be used; runbooks are searched by their words alone");
            None
        }
    }
}
