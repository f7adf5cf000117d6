//! A store in a temporary folder, with a clock that the test moves.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{
    Actor, Alert, AlertSnapshot, AlertSource, AlertStatus, Clock, Event, EventKind, Fingerprint, Identity,
    Incident, Labels, NewEvent, Severity,
};
use opsseer_store::{Store, StoreConfig};
use tempfile::TempDir;

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
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    folder: TempDir,
}

/// Each firing alert asks for one job.
fn follow_ups(_: &Incident, event: &Event) -> &'static [&'static str] {
    if matches!(event.kind, EventKind::AlertFired { .. }) { &["look"] } else { &[] }
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Arc::new(TestClock(Mutex::new(start)));
        let store = open(&folder, clock.clone()).await;
        Self { store, clock, folder }
    }

    /// The same files, as after a restart.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = open(&self.folder, self.clock.clone()).await;
        Self { store, ..self }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Opens an incident with one firing alert of `service`.
    pub(crate) async fn open_incident(&self, service: &str) -> Incident {
        let mut tx = self.store.begin().await.unwrap();
        let now = tx.now();
        let alert = alert("Slow", service, now);
        let incident = tx.open_incident(vec![opened(&alert, now), fired(&alert, true, now)]);
        tx.put_alert(alert, Some(incident.id), None);
        tx.commit().await.unwrap();
        incident
    }

    pub(crate) async fn append(&self, incident: &Incident, kinds: Vec<EventKind>) -> Incident {
        let mut tx = self.store.begin().await.unwrap();
        let now = tx.now();
        let incident = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
        let actor = Actor::Person { name: "ada".into() };
        let incident = tx.append(
            incident,
            kinds.into_iter().map(|kind| NewEvent::new(now, actor.clone(), kind)).collect(),
        );
        tx.commit().await.unwrap();
        incident
    }
}

async fn open(folder: &TempDir, clock: Arc<TestClock>) -> Store {
    let config = StoreConfig {
        url: format!("sqlite:{}", folder.path().join("opsseer.db").display()),
        assets: folder.path().join("assets"),
        readers: 2,
    };
    Store::open(config, clock, follow_ups).await.unwrap()
}

pub(crate) fn alert(name: &str, service: &str, starts_at: DateTime<Utc>) -> Alert {
    let labels = Labels::from([("alertname".into(), name.into()), ("service".into(), service.into())]);
    let identity = Identity::of(&labels);
    Alert {
        fingerprint: Fingerprint::given_or_computed(None, &identity),
        identity,
        source: AlertSource::Alertmanager,
        status: AlertStatus::Firing,
        labels,
        annotations: Labels::from([("summary".into(), "it is slow".into())]),
        starts_at,
        start_is_guessed: false,
        ends_at: None,
        generator_url: None,
        group_key: Some("g".into()),
        note: None,
    }
}

pub(crate) fn opened(alert: &Alert, at: DateTime<Utc>) -> NewEvent {
    let kind = EventKind::Opened {
        title: alert.title(),
        severity: Severity::Ticket,
        service: alert.service().map(str::to_owned),
        correlation_key: format!("service:{}", alert.service().unwrap()),
        reason: "test".into(),
    };
    NewEvent::new(at, Actor::correlation(), kind)
}

pub(crate) fn fired(alert: &Alert, first: bool, at: DateTime<Utc>) -> NewEvent {
    let kind = EventKind::AlertFired { alert: AlertSnapshot::from(alert), first, reason: "test".into() };
    NewEvent::new(at, Actor::Alertmanager, kind)
}
