//! A server whose Prometheus answers when the test says so, and whose time the test moves.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer::{
    app::{App, SharedApp},
    config::Config,
};
use opsseer_connect::{
    RequestError,
    prometheus::{AlertingRule, Metrics, PrometheusAlert, Sample, Series},
};
use opsseer_core::{
    Alert, AlertSource, AlertStatus, Clock, Event, EventId, EventKind, Fingerprint, Identity, Incident,
    Labels,
};
use opsseer_store::{JobState, StoredJob};
use tempfile::TempDir;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::test_server::{PATIENCE, store_url};

/// What the alerts look at. It has no limit, so that nothing but the picture asks for it.
const METRIC: &str = "latency";

/// The system's time, moved.
#[derive(Default)]
pub(super) struct MovedClock(Mutex<TimeDelta>);

impl Clock for MovedClock {
    fn now(&self) -> DateTime<Utc> {
        opsseer_core::SystemClock.now() + *self.0.lock().unwrap()
    }
}

impl MovedClock {
    pub(super) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += TimeDelta::seconds(seconds);
    }
}

/// A Prometheus that knows nothing, and says so of the alerts' metric once its gate is open, of all else at once.
pub(super) struct Gate {
    closed: Semaphore,
    asked: AtomicUsize,
    asking: AtomicUsize,
    most: AtomicUsize,
}

/// Somebody waits at the gate, until this is dropped.
struct Asking<'a>(&'a Gate);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    pub(super) fn open(&self) {
        self.closed.close();
    }

    /// How many questions waited at the same time, at most.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// How many wait now.
    pub(super) fn asking(&self) -> usize {
        self.asking.load(Ordering::SeqCst)
    }

    /// How many there were.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Metrics for Gate {
    async fn query_range(
        &self,
        expr: &str,
        _: DateTime<Utc>,
        _: DateTime<Utc>,
        _: Duration,
    ) -> Result<Vec<Series>, RequestError> {
        if expr != METRIC {
            return Ok(Vec::new());
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let now = self.asking.fetch_add(1, Ordering::SeqCst) + 1;
        let _asking = Asking(self);
        self.most.fetch_max(now, Ordering::SeqCst);
        drop(self.closed.acquire().await);
        Ok(Vec::new())
    }

    async fn query(&self, _: &str, _: DateTime<Utc>) -> Result<Vec<Sample>, RequestError> {
        Ok(Vec::new())
    }

    async fn metric_names(
        &self,
        _: &[String],
        _: DateTime<Utc>,
        _: DateTime<Utc>,
    ) -> Result<Vec<String>, RequestError> {
        Ok(Vec::new())
    }

    async fn alerting_rules(&self) -> Result<Vec<AlertingRule>, RequestError> {
        Ok(Vec::new())
    }

    async fn alerts(&self) -> Result<Vec<PrometheusAlert>, RequestError> {
        Ok(Vec::new())
    }

    async fn ready(&self) -> Result<(), RequestError> {
        Ok(())
    }
}

/// An app without its HTTP side.
pub(super) struct Held {
    pub(super) app: SharedApp,
    pub(super) gate: Arc<Gate>,
    pub(super) clock: Arc<MovedClock>,
    folder: Arc<TempDir>,
}

impl Held {
    /// `overrides` is TOML over the default configuration.
    pub(super) async fn start(overrides: &str) -> Self {
        Self::start_in(Arc::new(TempDir::new().unwrap()), overrides).await
    }

    /// Another start on the same database.
    pub(super) async fn again(&self, overrides: &str) -> Self {
        Self::start_in(self.folder.clone(), overrides).await
    }

    async fn start_in(folder: Arc<TempDir>, overrides: &str) -> Self {
        let mut config = Config::with_overrides(overrides).unwrap();
        config.data_dir = folder.path().join("data");
        config.store.url = store_url(&folder);
        config.runbooks.dir = folder.path().join("runbooks");
        std::fs::create_dir_all(&config.runbooks.dir).unwrap();
        let gate = Gate {
            closed: Semaphore::new(0),
            asked: AtomicUsize::new(0),
            asking: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        };
        let (gate, clock) = (Arc::new(gate), Arc::<MovedClock>::default());
        let app = App::start_with(config, clock.clone(), gate.clone()).await.unwrap();
        Self { app, gate, clock, folder }
    }

    /// An alert of `service` fires.
    pub(super) async fn fire(&self, service: &str) -> Incident {
        let labels = Labels::from([("alertname".into(), "Slow".into()), ("service".into(), service.into())]);
        let identity = Identity::of(&labels);
        let alert = Alert {
            fingerprint: Fingerprint::given_or_computed(None, &identity),
            identity,
            source: AlertSource::Alertmanager,
            status: AlertStatus::Firing,
            labels,
            annotations: Labels::new(),
            starts_at: self.clock.now(),
            start_is_guessed: false,
            ends_at: None,
            generator_url: Some(format!("http://prometheus/graph?g0.expr={METRIC}")),
            group_key: None,
            note: None,
        };
        self.app.ingest.submit(vec![alert]).await.unwrap().remove(0)
    }

    pub(super) async fn events(&self, incident: &Incident) -> Vec<Event> {
        self.app.store.list_events(incident.id, EventId(0), 100).await.unwrap()
    }

    /// How many events of the incident are of this kind.
    pub(super) async fn count(&self, incident: &Incident, kind: &str) -> usize {
        self.events(incident).await.iter().filter(|event| event.kind.name() == kind).count()
    }

    /// The reasons of the incident's failed steps.
    pub(super) async fn failures(&self, incident: &Incident) -> Vec<String> {
        let error = |event: Event| match event.kind {
            EventKind::StepFailed { error, .. } => Some(error),
            _ => None,
        };
        self.events(incident).await.into_iter().filter_map(error).collect()
    }

    /// The job of this kind for the incident.
    pub(super) async fn job(&self, incident: &Incident, kind: &str) -> StoredJob {
        let jobs = self.app.store.list_jobs(None, 200, None).await.unwrap().jobs;
        jobs.into_iter().find(|job| job.incident == incident.id && job.kind == kind).unwrap()
    }

    /// Waits until all jobs are done.
    pub(super) async fn all_done(&self) {
        until("all jobs to be done", async || {
            let page = self.app.store.list_jobs(Some(JobState::Pending), 1, None).await.unwrap();
            page.jobs.is_empty()
        })
        .await;
    }

    pub(super) async fn stop(&self) {
        timeout(PATIENCE, self.app.stop()).await.expect("the app must end");
    }
}

/// Asks until the answer is yes.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}
