//! What handlers and jobs work with.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusHandle;
use opsseer_ai::{
    classify::ClassifyAlert, embed::Embed, forecast::Forecaster, models::Models, runbook::AnswerRunbook,
    suspects::Suspector,
};
use opsseer_connect::{
    Limits,
    alertmanager::{Alertmanager, AlertmanagerClient},
    llm::LanguageModel,
    prometheus::{Metrics, PrometheusClient},
};
use opsseer_core::Clock;
use opsseer_store::Store;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ai::{Meaning, Services},
    config::Config,
    forecasting,
    ingest::{self, Ingest},
    jobs,
    pipeline::{self, Pipeline},
    retention,
    similar::Similar,
    slo::Objectives,
    sweep, telemetry,
    vital::Vital,
    written::{self, Written},
};

/// What handlers and jobs work with. Time and every other system come in here, so that tests decide them.
pub struct App {
    /// What the operator set.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When this server started.
    pub started_at: DateTime<Utc>,
    /// Everything remembered.
    pub store: Store,
    /// The way of alerts into the store.
    pub ingest: Ingest,
    /// Prometheus.
    pub metrics: Arc<dyn Metrics>,
    /// Alertmanager, where one is configured.
    pub alertmanager: Option<Arc<dyn Alertmanager>>,
    /// What is known of the way of alerts to here.
    pub pipeline: Pipeline,
    /// The runbooks.
    pub runbooks: Arc<dyn AnswerRunbook>,
    /// The models on this machine.
    pub models: Models,
    /// Texts to vectors, if there is a model for it.
    pub embedder: Option<Arc<dyn Embed>>,
    /// Whether things are found by what they mean, and if not, why.
    pub meaning: Meaning,
    /// Writes in words of its own, if the operator named one.
    pub llm: Option<Arc<dyn LanguageModel>>,
    /// What it takes to have it write.
    pub written: Written,
    /// Tells what kind of trouble an alert is about.
    pub classifier: Arc<dyn ClassifyAlert>,
    /// Tells where a value is heading.
    pub forecaster: Arc<dyn Forecaster>,
    /// Tells which metrics moved.
    pub suspector: Arc<dyn Suspector>,
    /// What the services promise, if the operator wrote it down.
    pub objectives: Option<Objectives>,
    /// What is known of all incidents, to be compared.
    pub similar: Similar,
    /// OpsSeer's own metrics.
    pub telemetry: PrometheusHandle,
    /// Cancelled when the server is to end: streams end, workers take no more jobs.
    pub ending: CancellationToken,
    /// Whether the workers take jobs.
    pub working: Arc<AtomicBool>,
    /// Work that the server waits for before it ends.
    pub tasks: TaskTracker,
    /// What the server cannot go without.
    pub vital: Vital,
}

/// Time that the parts have to end beside the times that are configured.
const STOPPING: Duration = Duration::from_secs(5);

/// As handlers hold it.
pub type SharedApp = Arc<App>;

/// Says that something has ended, however it ended.
struct WhileAlive(Arc<AtomicBool>);

impl Drop for WhileAlive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl App {
    /// Opens the store, reads the runbooks, and starts the writer and the workers.
    pub async fn start(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<SharedApp> {
        let limits =
            Limits { timeout: config.prometheus.timeout, max_body_bytes: config.prometheus.max_answer_bytes };
        let metrics = PrometheusClient::new(config.prometheus.url.clone(), limits)
            .context("cannot use the configured Prometheus")?;
        Self::start_with(config, clock, Arc::new(metrics)).await
    }

    /// As [`App::start`], with another source of metrics.
    pub async fn start_with(
        config: Config,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn Metrics>,
    ) -> anyhow::Result<SharedApp> {
        let alertmanager = configured_alertmanager(&config)?;
        Self::start_with_systems(config, clock, metrics, alertmanager).await
    }

    /// As [`App::start`], with all other systems given.
    pub async fn start_with_systems(
        config: Config,
        clock: Arc<dyn Clock>,
        metrics: Arc<dyn Metrics>,
        alertmanager: Option<Arc<dyn Alertmanager>>,
    ) -> anyhow::Result<SharedApp> {
        tokio::fs::create_dir_all(&config.data_dir)
            .await
            .with_context(|| format!("cannot make the data folder {}", config.data_dir.display()))?;
        let store = Store::open(config.store_config(), clock.clone(), jobs::follow_ups).await?;
        let settings = config.clone();
        let services = tokio::task::spawn_blocking(move || Services::open(&settings)).await??;
        let objectives = objectives(&config)?;
        let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
        let vital = Vital::new(tasks.clone(), ending.clone());
        let ingest = ingest::start(&config, store.clone(), &vital);
        let llm = written::configured_model(&config.llm)?;
        let written = Written::new(&config.llm, &config.data_dir)?;
        let app = Arc::new(Self {
            started_at: clock.now(),
            config,
            clock,
            store,
            ingest,
            metrics,
            alertmanager,
            pipeline: Pipeline::default(),
            runbooks: services.runbooks,
            models: services.models,
            embedder: services.embedder,
            meaning: services.meaning,
            llm,
            written,
            classifier: services.classifier,
            forecaster: services.forecaster,
            suspector: services.suspector,
            objectives,
            similar: Similar::default(),
            telemetry: telemetry::metrics()?,
            ending,
            working: Arc::new(AtomicBool::new(true)),
            tasks,
            vital,
        });
        let working = WhileAlive(app.working.clone());
        let worked = jobs::work(app.clone());
        app.vital.start("workers", async move {
            let _working = working;
            worked.await;
        });
        app.tasks.spawn(retention::work(app.clone()));
        pipeline::start(&app);
        forecasting::start(&app);
        sweep::start(&app);
        Ok(app)
    }

    /// Ends streams and workers, and waits for what is under way.
    pub async fn stop(&self) {
        self.ending.cancel();
        self.ingest.close();
        self.tasks.close();
        // A database that does not answer must not keep a process alive that was told to end: leases expire, and what was
        // not answered is sent again.
        let longest = self.config.jobs.grace + self.config.store.timeout + STOPPING;
        if timeout(longest, self.tasks.wait()).await.is_err() {
            tracing::warn!(seconds = longest.as_secs(), "work did not end in time and was broken off");
        }
        if timeout(STOPPING, self.store.close()).await.is_err() {
            tracing::warn!(seconds = STOPPING.as_secs(), "the store did not close in time");
        }
    }
}

/// The objectives in the file that the operator named, if any.
fn objectives(config: &Config) -> anyhow::Result<Option<Objectives>> {
    let file = &config.slo.file;
    if file.as_os_str().is_empty() {
        return Ok(None);
    }
    let objectives = Objectives::read(file).context("cannot use the configured objectives")?;
    Ok(Some(objectives))
}

/// The client of the Alertmanager that the operator named, if any.
fn configured_alertmanager(config: &Config) -> anyhow::Result<Option<Arc<dyn Alertmanager>>> {
    let settings = &config.alertmanager;
    let Some(url) = &settings.url else { return Ok(None) };
    let limits = Limits { timeout: settings.timeout, max_body_bytes: settings.max_answer_bytes };
    let client =
        AlertmanagerClient::new(url.clone(), limits).context("cannot use the configured Alertmanager")?;
    Ok(Some(Arc::new(client)))
}
