//! An Alertmanager that makes a silence only when the test lets it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use opsseer_connect::alertmanager::{
    AlertGroup, Alertmanager, AlertmanagerError, FakeAlertmanager, HeldAlert, NewAlert, NewSilence,
    ServerStatus, Silence,
};
use tokio::sync::Semaphore;

pub(crate) struct SlowAlertmanager {
    fake: Arc<FakeAlertmanager>,
    may_pass: Semaphore,
    is_waiting: AtomicBool,
}

impl SlowAlertmanager {
    pub(crate) fn new(fake: Arc<FakeAlertmanager>) -> Self {
        Self { fake, may_pass: Semaphore::new(0), is_waiting: AtomicBool::new(false) }
    }

    pub(crate) fn let_through(&self, silences: usize) {
        self.may_pass.add_permits(silences);
    }

    /// Whether a request for a silence waits.
    pub(crate) fn holds_up(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Alertmanager for SlowAlertmanager {
    async fn create_silence(&self, silence: &NewSilence) -> Result<String, AlertmanagerError> {
        self.is_waiting.store(self.may_pass.available_permits() == 0, Ordering::Relaxed);
        self.may_pass.acquire().await.expect("never closed").forget();
        self.is_waiting.store(false, Ordering::Relaxed);
        self.fake.create_silence(silence).await
    }

    async fn alerts(&self) -> Result<Vec<HeldAlert>, AlertmanagerError> {
        self.fake.alerts().await
    }

    async fn groups(&self) -> Result<Vec<AlertGroup>, AlertmanagerError> {
        self.fake.groups().await
    }

    async fn post_alerts(&self, alerts: &[NewAlert]) -> Result<(), AlertmanagerError> {
        self.fake.post_alerts(alerts).await
    }

    async fn silences(&self) -> Result<Vec<Silence>, AlertmanagerError> {
        self.fake.silences().await
    }

    async fn expire_silence(&self, id: &str) -> Result<(), AlertmanagerError> {
        self.fake.expire_silence(id).await
    }

    async fn status(&self) -> Result<ServerStatus, AlertmanagerError> {
        self.fake.status().await
    }

    async fn ready(&self) -> Result<(), AlertmanagerError> {
        self.fake.ready().await
    }
}
