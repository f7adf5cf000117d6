//! A server beside an Alertmanager, with a clock that the test moves.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer::app::App;
use opsseer_connect::{
    Limits,
    alertmanager::{Alertmanager, AlertmanagerClient, FakeAlertmanager},
    prometheus::FakeMetrics,
};
use opsseer_core::{Clock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};
use url::Url;

use crate::test_server::{PATIENCE, TestServer};

/// Rounds are as short as may be; what makes them due is the clock, which the test moves.
pub(crate) const FAST: &str = "[alertmanager]\ncompare_every = \"1s\"\ngrace = \"2m\"\n";

pub(crate) struct TestClock(Mutex<DateTime<Utc>>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += TimeDelta::seconds(seconds);
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    /// Where no other Alertmanager is used.
    pub(crate) fake: Arc<FakeAlertmanager>,
    alertmanager: Arc<dyn Alertmanager>,
    folder: Arc<TempDir>,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(TestClock(Mutex::new(SystemClock.now())));
        let fake = Arc::new(FakeAlertmanager::new({
            let clock = clock.clone();
            move || clock.now()
        }));
        Self { clock, alertmanager: fake.clone(), fake, folder: Arc::new(TempDir::new().unwrap()) }
    }

    /// The same database and time, with another Alertmanager: `fake` is that of this one.
    pub(crate) fn with(&self, alertmanager: Arc<dyn Alertmanager>) -> Self {
        let (clock, fake, folder) = (self.clock.clone(), self.fake.clone(), self.folder.clone());
        Self { clock, fake, alertmanager, folder }
    }

    /// One whose servers use the Alertmanager at `url`.
    pub(crate) fn beside(url: &Url) -> Self {
        let client = AlertmanagerClient::new(url.clone(), Limits::default()).unwrap();
        Self { alertmanager: Arc::new(client), ..Self::new() }
    }

    /// Starts a server on the files of this world.
    pub(crate) async fn start(&self, overrides: &str) -> TestServer {
        self.start_at("127.0.0.1:0", overrides).await
    }

    pub(crate) async fn start_at(&self, bind: &str, overrides: &str) -> TestServer {
        let (config, listener) = TestServer::configured(bind, &self.folder, overrides).await;
        let metrics = Arc::new(FakeMetrics::default());
        let alertmanager = Some(self.alertmanager.clone());
        let app =
            App::start_with_systems(config, self.clock.clone(), metrics.clone(), alertmanager).await.unwrap();
        TestServer::serving(app, listener, metrics, self.folder.clone())
    }

    /// Lets `seconds` pass and waits until the server has compared with Alertmanager after that.
    pub(crate) async fn compared_after(&self, seconds: i64, server: &TestServer) {
        self.clock.advance(seconds);
        let now = self.clock.now();
        let compared = || async { server.app.pipeline.compared_at() >= Some(now) };
        until("the server compares with Alertmanager", compared).await;
    }

    /// A time so many minutes ago, as senders write it.
    pub(crate) fn minutes_ago(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.now() - TimeDelta::minutes(minutes)
    }
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "this did not happen: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until there is an incident with this service in this state, and gives it.
pub(crate) async fn incident(server: &TestServer, service: &str, status: &str) -> Value {
    let find = || async {
        let incidents = server.incidents().await;
        incidents.into_iter().find(|one| one["service"] == service && one["status"] == status)
    };
    until(&format!("an incident of {service} is {status}"), || async { find().await.is_some() }).await;
    find().await.unwrap()
}

/// A counter or gauge of OpsSeer's own. All servers of this process share them.
pub(crate) async fn metric(server: &TestServer, name: &str) -> f64 {
    let text = server.http.get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}
