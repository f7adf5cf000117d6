//! A server of the AI services alone: `opsseer serve --role ai`. It has no store, takes no alerts and shows no pages.

use std::sync::Arc;

use anyhow::{Context, ensure};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use super::{Gateway, Services};
use crate::{config::Config, telemetry};

/// What its handlers work with.
pub struct AiServer {
    /// What the operator set. Only `data_dir`, `http`, `runbooks`, `ai` and `log` are looked at.
    pub config: Config,
    /// The services.
    pub gateway: Gateway,
    /// OpsSeer's own metrics.
    pub telemetry: PrometheusHandle,
    /// Cancelled when the server is to end.
    pub ending: CancellationToken,
}

impl AiServer {
    /// Loads the models and reads the runbooks.
    pub async fn start(config: Config) -> anyhow::Result<Arc<Self>> {
        // Two servers that name each other would ask each other for ever.
        ensure!(
            config.ai.url.is_none(),
            "ai.url is set: a server in the role ai runs the models itself; leave ai.url empty"
        );
        tokio::fs::create_dir_all(&config.data_dir)
            .await
            .with_context(|| format!("cannot make the data folder {}", config.data_dir.display()))?;
        let settings = config.clone();
        let services = tokio::task::spawn_blocking(move || Services::open(&settings)).await??;
        let gateway = Gateway {
            embedder: services.embedder,
            meaning: services.meaning,
            classifier: services.classifier,
            runbooks: services.runbooks,
            forecaster: services.forecaster,
            suspector: services.suspector,
            server: None,
        };
        Ok(Arc::new(Self {
            config,
            gateway,
            telemetry: telemetry::metrics()?,
            ending: CancellationToken::new(),
        }))
    }
}
