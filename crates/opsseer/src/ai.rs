//! The AI services as this server has them: from its own models, from another server's, or without.

mod gateway;
mod meaning;
mod remote;
mod server;

use std::{path::Path, sync::Arc};

use anyhow::Context;
use opsseer_ai::{
    classify::{ClassifyAlert, LocalClassifier},
    embed::{self, Embed, InferenceSettings, LocalEmbedder},
    forecast::{Forecaster, LocalForecaster},
    models::{ModelStatus, Models},
    runbook::{AnswerRunbook, RunbookIndex, RunbookSettings},
    suspects::{RobustSuspector, Suspector},
};

use self::remote::RemoteEmbedder;
use crate::config::Config;

pub use gateway::Gateway;
pub use meaning::{Meaning, WordsOnly};
pub use remote::RemoteHealth;
pub use server::AiServer;

/// The role of the model that makes vectors.
pub(crate) const EMBEDDINGS: &str = "embeddings";

/// What works things out.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) models: Models,
    pub(crate) embedder: Option<Arc<dyn Embed>>,
    pub(crate) meaning: Meaning,
    pub(crate) classifier: Arc<dyn ClassifyAlert>,
    pub(crate) runbooks: Arc<dyn AnswerRunbook>,
    pub(crate) forecaster: Arc<dyn Forecaster>,
    pub(crate) suspector: Arc<dyn Suspector>,
}

impl Services {
    /// Loads the models and reads the runbooks. Takes some tenths of a second: call it off the async threads.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let models = Models::at(config.models_dir());
        let (embedder, meaning) = embedder_with_meaning(config, &models)?;
        let settings =
            RunbookSettings { index_dir: Some(config.data_dir.join("index")), embedder: embedder.clone() };
        let runbooks = Arc::new(RunbookIndex::open(&config.runbooks.dir, settings)?);
        let classifier = Arc::new(LocalClassifier::shipped(embedder.clone()));
        Ok(Self {
            models,
            embedder,
            meaning,
            classifier,
            runbooks,
            forecaster: Arc::new(LocalForecaster::new()),
            suspector: Arc::new(RobustSuspector),
        })
    }
}

/// A model that is missing or broken is said, and is no reason not to start: what needs it falls back.
pub(crate) fn embedder(config: &Config, models: &Models) -> anyhow::Result<Option<Arc<dyn Embed>>> {
    Ok(embedder_with_meaning(config, models)?.0)
}

fn embedder_with_meaning(
    config: &Config,
    models: &Models,
) -> anyhow::Result<(Option<Arc<dyn Embed>>, Meaning)> {
    let Some(url) = &config.ai.url else {
        return Ok(local_embedder(&config.models_dir(), models, settings(config)));
    };
    let remote = RemoteEmbedder::new(url, config.ai.timeout, embed::model_of_manifest())
        .context("cannot use the configured AI server")?;
    let meaning = Meaning::Elsewhere(remote.health());
    Ok((Some(Arc::new(remote)), meaning))
}

fn settings(config: &Config) -> InferenceSettings {
    InferenceSettings { threads: config.ai.threads, queue: config.ai.queue, timeout: config.ai.timeout }
}

fn local_embedder(
    folder: &Path,
    models: &Models,
    settings: InferenceSettings,
) -> (Option<Arc<dyn Embed>>, Meaning) {
    let status = models.status(EMBEDDINGS);
    if status != ModelStatus::Installed {
        tracing::info!(?status, "no model of meaning: runbooks are searched by their words alone");
        return (None, Meaning::NotInstalled);
    }
    match LocalEmbedder::open(folder, settings) {
        Ok(embedder) => (Some(Arc::new(embedder)), Meaning::Here),
        Err(error) => {
            tracing::error!(%error, "the model of meaning cannot be used; runbooks are searched by their words alone");
            (None, Meaning::Unusable)
        }
    }
}
