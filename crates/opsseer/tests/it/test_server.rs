//! A whole server on a free port, on an empty store, with metrics that the test decides.

use std::{process::Command, sync::Arc, time::Duration};

use opsseer::{app::App, app::SharedApp, config::Config, server};
use opsseer_connect::prometheus::FakeMetrics;
use opsseer_core::{Clock, SystemClock};
use opsseer_store::{Store, StoreConfig};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

/// Waits are for events; this only ends a test that would otherwise hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) app: SharedApp,
    pub(crate) http: reqwest::Client,
    pub(crate) metrics: Arc<FakeMetrics>,
    serving: JoinHandle<anyhow::Result<()>>,
    folder: Arc<TempDir>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with("", FakeMetrics::default()).await
    }

    /// `overrides` is TOML over the default configuration.
    pub(crate) async fn start_with(overrides: &str, metrics: FakeMetrics) -> Self {
        Self::start_in(Arc::new(TempDir::new().unwrap()), overrides, metrics).await
    }

    /// Another server on the same database, where there can be one.
    pub(crate) async fn replica(&self) -> Option<Self> {
        if !self.app.store.is_shared() {
            return None;
        }
        Some(Self::start_in(self.folder.clone(), "", FakeMetrics::default()).await)
    }

    /// The server's store. Where there can be a second one on the same database, it is one whose transactions outlast the
    /// server's time limits: PostgreSQL ends a transaction that idles for that long.
    pub(crate) async fn patient_store(&self) -> Store {
        if !self.app.store.is_shared() {
            return self.app.store.clone();
        }
        let config = StoreConfig { timeout: PATIENCE, ..self.app.config.store_config() };
        Store::open(config, Arc::new(SystemClock), |_, _| &[]).await.unwrap()
    }

    /// Makes the store refuse every alert with the fingerprint "poison", and nothing else.
    pub(crate) async fn poison_store(&self) {
        let url = self.app.config.store_config().url;
        if self.app.store.is_shared() {
            let sql = "alter table alerts add constraint poison check (fingerprint <> 'poison')";
            let done = Command::new("psql").args(["-q", "-X", "-c", sql, &url]).status();
            assert!(done.expect("psql must be installed").success());
            return;
        }
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let sql = "create trigger poison before insert on alerts when new.fingerprint = 'poison'
            begin select raise(abort, 'poison'); end";
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// With a clock that the test sets.
    pub(crate) async fn start_with_clock(overrides: &str, clock: Arc<dyn Clock>) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        Self::start_at("127.0.0.1:0", folder, overrides, FakeMetrics::default(), clock).await
    }

    async fn start_in(folder: Arc<TempDir>, overrides: &str, metrics: FakeMetrics) -> Self {
        Self::start_at("127.0.0.1:0", folder, overrides, metrics, Arc::new(SystemClock)).await
    }

    async fn start_at(
        bind: &str,
        folder: Arc<TempDir>,
        overrides: &str,
        metrics: FakeMetrics,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (config, listener) = Self::configured(bind, &folder, overrides).await;
        let metrics = Arc::new(metrics);
        let app = App::start_with(config, clock, metrics.clone()).await.unwrap();
        Self::serving(app, listener, metrics, folder)
    }

    /// What it takes to start an app whose files are in `folder`.
    pub(crate) async fn configured(bind: &str, folder: &TempDir, overrides: &str) -> (Config, TcpListener) {
        let mut config = Config::with_overrides(overrides).unwrap();
        config.data_dir = folder.path().join("data");
        config.store.url = store_url(folder);
        config.runbooks.dir = folder.path().join("runbooks");
        let listener = TcpListener::bind(bind).await.unwrap();
        config.http.bind = listener.local_addr().unwrap();
        std::fs::create_dir_all(&config.runbooks.dir).unwrap();
        let runbook = "# Toyprod is slow\n\n## Do this first\n\n1. Switch the chaos off:\n\n   ```sh\n   curl toyprod/chaos?mode=none\n   ```\n";
        std::fs::write(config.runbooks.dir.join("toyprod-slow.md"), runbook).unwrap();
        (config, listener)
    }

    /// Serves an app that the test has made itself.
    pub(crate) fn serving(
        app: SharedApp,
        listener: TcpListener,
        metrics: Arc<FakeMetrics>,
        folder: Arc<TempDir>,
    ) -> Self {
        let url = app.config.public_url();
        let serving = tokio::spawn(server::serve(app.clone(), listener));
        // An error only means that another test has done it.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { url, app, http: reqwest::Client::new(), metrics, serving, folder }
    }

    /// Ends gracefully and starts again on the same files.
    pub(crate) async fn restarted(self) -> Self {
        let (folder, clock) = (self.folder.clone(), self.app.clock.clone());
        self.stop().await;
        Self::start_at("127.0.0.1:0", folder, "", FakeMetrics::default(), clock).await
    }

    /// Ends gracefully. What is given starts it again, at the same address and on the same files.
    pub(crate) async fn pause(self) -> PausedServer {
        let paused =
            PausedServer { bind: self.app.config.http.bind.to_string(), folder: self.folder.clone() };
        self.stop().await;
        paused
    }

    /// Ends gracefully; a server that hangs fails the test.
    pub(crate) async fn stop(self) {
        self.app.ending.cancel();
        timeout(PATIENCE, self.serving).await.expect("the server must end").unwrap().unwrap();
    }

    /// Waits until it has ended by itself. Gives what it ended with.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        timeout(PATIENCE, self.serving).await.expect("the server must end").unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request =
            self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// Sends alerts as Alertmanager does; they must be taken. Gives the numbers of their incidents.
    pub(crate) async fn alert(&self, alerts: Value) -> Vec<i64> {
        let (status, answer) = self.post("/webhook/alertmanager", envelope(&alerts).to_string()).await;
        assert_eq!(status, 202, "{answer}");
        answer["incidents"].as_array().unwrap().iter().map(|one| one["number"].as_i64().unwrap()).collect()
    }

    pub(crate) async fn incidents(&self) -> Vec<Value> {
        self.get("/api/v1/incidents?limit=200").await["incidents"].as_array().unwrap().clone()
    }

    pub(crate) async fn events(&self, incident: i64) -> Vec<Value> {
        self.get(&format!("/api/v1/incidents/{incident}/timeline")).await["events"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Waits until the incident has an event of this kind, and gives it.
    pub(crate) async fn event(&self, incident: i64, kind: &str) -> Value {
        let mut committed = self.app.store.subscribe();
        let waiting = async {
            loop {
                if let Some(event) =
                    self.events(incident).await.into_iter().find(|event| event["kind"] == kind)
                {
                    return event;
                }
                // Lagging only means that there is news.
                drop(committed.recv().await);
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("no event {kind} on incident {incident}"))
    }

    /// Waits until all that is worked out about a new incident is there: no work on it is left. Prometheus must answer.
    pub(crate) async fn enriched(&self, incident: i64) {
        let waiting = async {
            while !self.kinds(incident).await.iter().any(|kind| kind == "charted") || self.has_work().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("incident {incident} lacks an answer"));
    }

    /// Whether a job waits or is done right now. Some find nothing to tell, and so commit no event that one could wait for.
    async fn has_work(&self) -> bool {
        self.get("/api/v1/jobs?state=pending").await["jobs"] != json!([])
    }

    pub(crate) async fn kinds(&self, incident: i64) -> Vec<String> {
        self.events(incident).await.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }
}

/// The same database for the same folder: on PostgreSQL if `OPSSEER_TEST_POSTGRES` names a server
/// (`postgres://USER@HOST:PORT`), else SQLite's file. `./task test` runs these tests on both.
pub(crate) fn store_url(folder: &TempDir) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that decides which database the tests run on"
    )]
    let Ok(server) = std::env::var("OPSSEER_TEST_POSTGRES") else { return String::new() };
    let noted = folder.path().join("database");
    if let Ok(name) = std::fs::read_to_string(&noted) {
        return format!("{server}/{name}");
    }
    let name = format!("t{}", uuid::Uuid::now_v7().simple());
    let made = Command::new("psql")
        .args(["-q", "-X", "-c", &format!("create database {name}"), &format!("{server}/postgres")])
        .status()
        .expect("psql must be installed");
    assert!(made.success(), "cannot make a database on {server}");
    std::fs::write(&noted, &name).unwrap();
    format!("{server}/{name}")
}

/// A server that was stopped.
pub(crate) struct PausedServer {
    bind: String,
    folder: Arc<TempDir>,
}

impl PausedServer {
    pub(crate) async fn go_on(self) -> TestServer {
        TestServer::start_at(&self.bind, self.folder, "", FakeMetrics::default(), Arc::new(SystemClock)).await
    }
}

pub(crate) fn envelope(alerts: &Value) -> Value {
    json!({"version": "4", "receiver": "opsseer", "status": "firing", "groupKey": "{}:{service=\"toyprod\"}",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": alerts})
}

/// An alert as Alertmanager sends it.
/// An alert whose expression has no limit: nothing but its picture asks Prometheus for it.
pub(crate) fn alert_without_limit(name: &str, service: &str) -> Value {
    let mut alert = alert(name, service, "firing");
    alert["generatorURL"] = json!("http://prometheus/graph?g0.expr=latency");
    alert
}

pub(crate) fn alert(name: &str, service: &str, status: &str) -> Value {
    json!({"status": status, "labels": {"alertname": name, "service": service, "severity": "page"},
        "annotations": {"summary": "it is slow"}, "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": if status == "resolved" { "2026-01-02T04:04:05Z" } else { "0001-01-01T00:00:00Z" },
        "generatorURL": "http://prometheus/graph?g0.expr=latency+%3E+0.3"})
}
