//! A store of its own for each test, with a clock that the test moves: on PostgreSQL if `OPSSEER_TEST_POSTGRES` names a
//! server (`postgres://USER@HOST:PORT`), else on SQLite. `./task test` runs all tests on both.

use std::{
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

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
    url: String,
    folder: TempDir,
}

/// Each firing alert asks for one job.
fn follow_ups(_: &Incident, event: &Event) -> &'static [&'static str] {
    if matches!(event.kind, EventKind::AlertFired { .. }) { &["look"] } else { &[] }
}

impl World {
    pub(crate) async fn new() -> Self {
        let Unopened { clock, url, folder } = Self::unopened();
        let store = open(&url, &folder, clock.clone()).await;
        Self { store, clock, url, folder }
    }

    /// An empty database that nobody has opened yet.
    pub(crate) fn unopened() -> Unopened {
        let folder = TempDir::new().unwrap();
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let clock = Arc::new(TestClock(Mutex::new(start)));
        Unopened { clock, url: new_database(&folder), folder }
    }

    /// From now on, connections to this PostgreSQL database may not call `pg_notify`.
    pub(crate) fn forbid_notify(&self) {
        psql(
            &self.url,
            "create function public.pg_notify(text, text) returns void language plpgsql
                 as 'begin raise exception ''not here''; end';
             do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database());
             end $$",
        );
    }

    /// Another process on the same database, where there can be one.
    pub(crate) async fn replica(&self) -> Option<Store> {
        if !self.store.is_shared() {
            return None;
        }
        Some(open(&self.url, &self.folder, self.clock.clone()).await)
    }

    /// The same files, as after a restart.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = open(&self.url, &self.folder, self.clock.clone()).await;
        Self { store, ..self }
    }

    pub(crate) fn config(&self) -> StoreConfig {
        config(&self.url, &self.folder)
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Opens an incident with one firing alert of `service`.
    pub(crate) async fn open_incident(&self, service: &str) -> Incident {
        open_incident(&self.store, service).await
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

/// See [`World::unopened`].
pub(crate) struct Unopened {
    pub(crate) clock: Arc<TestClock>,
    url: String,
    folder: TempDir,
}

impl Unopened {
    pub(crate) fn config(&self) -> StoreConfig {
        config(&self.url, &self.folder)
    }
}

/// Opens an incident with one firing alert of `service`.
pub(crate) async fn open_incident(store: &Store, service: &str) -> Incident {
    let mut tx = store.begin().await.unwrap();
    let now = tx.now();
    let alert = alert("Slow", service, now);
    let incident = tx.open_incident(vec![opened(&alert, now), fired(&alert, true, now)]);
    tx.put_alert(alert, Some(incident.id), None);
    tx.commit().await.unwrap();
    incident
}

pub(crate) fn no_follow_ups(_: &Incident, _: &Event) -> &'static [&'static str] {
    &[]
}

async fn open(url: &str, folder: &TempDir, clock: Arc<TestClock>) -> Store {
    Store::open(config(url, folder), clock, follow_ups).await.unwrap()
}

fn config(url: &str, folder: &TempDir) -> StoreConfig {
    StoreConfig {
        url: url.to_owned(),
        assets: folder.path().join("assets"),
        readers: 2,
        timeout: Duration::from_secs(10),
        poll_every: Duration::from_millis(50),
    }
}

fn new_database(folder: &TempDir) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that decides which database the tests run on"
    )]
    let Ok(server) = std::env::var("OPSSEER_TEST_POSTGRES") else {
        return format!("sqlite:{}", folder.path().join("opsseer.db").display());
    };
    let name = format!("t{}", uuid::Uuid::now_v7().simple());
    psql(&format!("{server}/postgres"), &format!("create database {name}"));
    format!("{server}/{name}")
}

fn psql(url: &str, sql: &str) {
    let done = Command::new("psql").args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", sql, url]).status();
    assert!(done.expect("psql must be installed").success(), "cannot prepare the database {url}");
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
