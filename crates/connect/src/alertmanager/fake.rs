//! An Alertmanager for tests of the code that asks one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fmt, mem};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    AlertGroup, Alertmanager, AlertmanagerError, Build, Cluster, ClusterState, HeldAlert, HeldState,
    HeldStatus, NewAlert, NewSilence, Receiver, ServerStatus, Silence, SilenceState,
};
use crate::request::RequestError;

/// When an alert that does not say so ends: Alertmanager's usual `resolve_timeout`.
const RESOLVE_TIMEOUT: TimeDelta = TimeDelta::minutes(5);

/// Where it pretends to be.
const URL: &str = "http://alertmanager.test/";

/// Holds alerts and silences as Alertmanager does. It sends no webhooks and has one receiver, "opsseer".
pub struct FakeAlertmanager {
    now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    state: Mutex<State>,
}

struct State {
    started_at: DateTime<Utc>,
    alerts: BTreeMap<String, HeldAlert>,
    silences: Vec<Silence>,
    posted: Vec<NewAlert>,
    errors: VecDeque<AlertmanagerError>,
    is_down: bool,
    loses_answer: bool,
}

impl FakeAlertmanager {
    /// An empty one that goes by this clock and has run for a day.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        let state = State {
            started_at: now() - TimeDelta::days(1),
            alerts: BTreeMap::new(),
            silences: Vec::new(),
            posted: Vec::new(),
            errors: VecDeque::new(),
            is_down: false,
            loses_answer: false,
        };
        Self { now: Box::new(now), state: Mutex::new(state) }
    }

    /// Holds an alert as it is given, in the place of one with the same fingerprint.
    pub fn hold(&self, alert: HeldAlert) {
        self.locked().alerts.insert(alert.fingerprint.clone(), alert);
    }

    /// Holds a firing alert with these labels that came at `starts_at` and was sent again just now. Gives it.
    pub fn fire(&self, labels: &[(&str, &str)], starts_at: DateTime<Utc>) -> HeldAlert {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let now = (self.now)();
        let alert = held(labels, BTreeMap::new(), (starts_at, now + RESOLVE_TIMEOUT), now);
        self.hold(alert.clone());
        alert
    }

    /// Lets go of an alert, as after its end.
    pub fn forget(&self, fingerprint: &str) {
        self.locked().alerts.remove(fingerprint);
    }

    /// Lets go of everything and counts as started just now.
    pub fn restart(&self) {
        self.restart_keeping_alerts();
        self.locked().alerts.clear();
    }

    /// Counts as started just now, and has been sent again what it held.
    pub fn restart_keeping_alerts(&self) {
        let started_at = (self.now)();
        let mut state = self.locked();
        (state.started_at, state.is_down) = (started_at, false);
    }

    /// The next request fails with this error.
    pub fn push_error(&self, error: impl Into<AlertmanagerError>) {
        self.locked().errors.push_back(error.into());
    }

    /// The next silence is made, but nobody hears of it: its request ends in an error.
    pub fn lose_answer(&self) {
        self.locked().loses_answer = true;
    }

    /// From now on every request is refused with 503, or none any more.
    pub fn set_down(&self, is_down: bool) {
        self.locked().is_down = is_down;
    }

    /// The alerts that it was sent through its API, oldest first.
    pub fn posted(&self) -> Vec<NewAlert> {
        self.locked().posted.clone()
    }

    /// A test that panicked while it held the lock has failed already; the others go on.
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state and the time, if the request is to succeed.
    fn ask(&self) -> Result<(MutexGuard<'_, State>, DateTime<Utc>), AlertmanagerError> {
        let now = (self.now)();
        let mut state = self.locked();
        if let Some(error) = state.errors.pop_front() {
            return Err(error);
        }
        if state.is_down {
            return Err(refused(503, "Service Unavailable"));
        }
        Ok((state, now))
    }
}

impl fmt::Debug for FakeAlertmanager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.locked();
        f.debug_struct("FakeAlertmanager")
            .field("alerts", &state.alerts)
            .field("silences", &state.silences)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Alertmanager for FakeAlertmanager {
    async fn alerts(&self) -> Result<Vec<HeldAlert>, AlertmanagerError> {
        let (state, now) = self.ask()?;
        let mut alerts = listed(&state, now);
        // As the real one: only the groups say it.
        for alert in &mut alerts {
            alert.status.muted_by.clear();
        }
        Ok(alerts)
    }

    async fn groups(&self) -> Result<Vec<AlertGroup>, AlertmanagerError> {
        let (state, now) = self.ask()?;
        let mut groups = Vec::new();
        for alert in listed(&state, now) {
            for receiver in alert.receivers.clone() {
                groups.push(AlertGroup { receiver, alerts: vec![alert.clone()] });
            }
        }
        Ok(groups)
    }

    async fn post_alerts(&self, alerts: &[NewAlert]) -> Result<(), AlertmanagerError> {
        let (mut state, now) = self.ask()?;
        for alert in alerts {
            let mut labels = alert.labels.clone();
            labels.retain(|_, value| !value.is_empty());
            if labels.is_empty() {
                return Err(refused(400, "at least one label pair required"));
            }
            let ends_at = alert.ends_at.unwrap_or(now + RESOLVE_TIMEOUT);
            let starts_at = alert.starts_at.unwrap_or(now.min(ends_at));
            let mut taken = held(labels, alert.annotations.clone(), (starts_at, ends_at), now);
            taken.generator_url.clone_from(&alert.generator_url);
            if let Some(before) = state.alerts.get(&taken.fingerprint).filter(|before| before.ends_at > now) {
                taken.starts_at = taken.starts_at.min(before.starts_at);
            }
            state.alerts.insert(taken.fingerprint.clone(), taken);
            state.posted.push(alert.clone());
        }
        Ok(())
    }

    async fn silences(&self) -> Result<Vec<Silence>, AlertmanagerError> {
        let (state, now) = self.ask()?;
        Ok(state.silences.iter().map(|silence| at_time(silence, now)).collect())
    }

    async fn create_silence(&self, silence: &NewSilence) -> Result<String, AlertmanagerError> {
        let (mut state, now) = self.ask()?;
        check(silence, now)?;
        // In the form of the real ones.
        let id = format!("00000000-0000-4000-8000-{:012x}", state.silences.len() + 1);
        state.silences.push(Silence {
            id: id.clone(),
            matchers: silence.matchers.clone(),
            starts_at: silence.starts_at.max(now),
            ends_at: silence.ends_at,
            updated_at: now,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
            state: SilenceState::Active,
        });
        if mem::take(&mut state.loses_answer) {
            return Err(refused(504, "Gateway Timeout"));
        }
        Ok(id)
    }

    async fn expire_silence(&self, id: &str) -> Result<(), AlertmanagerError> {
        let (mut state, now) = self.ask()?;
        let found = state.silences.iter_mut().find(|silence| silence.id == id);
        let silence = found.ok_or_else(|| AlertmanagerError::SilenceNotFound { id: id.to_owned() })?;
        if silence.ends_at > now {
            (silence.ends_at, silence.updated_at) = (now, now);
            silence.starts_at = silence.starts_at.min(now);
        }
        Ok(())
    }

    async fn status(&self) -> Result<ServerStatus, AlertmanagerError> {
        let (state, _) = self.ask()?;
        let build = Build { version: "0.25.0".to_owned() };
        let cluster = Cluster { status: ClusterState::Disabled, peers: Vec::new() };
        Ok(ServerStatus { started_at: state.started_at, build, cluster })
    }

    async fn ready(&self) -> Result<(), AlertmanagerError> {
        self.ask().map(drop)
    }
}

fn listed(state: &State, now: DateTime<Utc>) -> Vec<HeldAlert> {
    let listed = state.alerts.values().filter(|alert| alert.ends_at > now);
    listed.map(|alert| with_silences(alert.clone(), &state.silences, now)).collect()
}

fn held(
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>),
    updated_at: DateTime<Utc>,
) -> HeldAlert {
    HeldAlert {
        fingerprint: fingerprint(&labels),
        labels,
        annotations,
        starts_at,
        ends_at,
        updated_at,
        generator_url: None,
        receivers: vec![Receiver { name: "opsseer".to_owned() }],
        status: HeldStatus {
            state: HeldState::Active,
            silenced_by: Vec::new(),
            inhibited_by: Vec::new(),
            muted_by: Vec::new(),
        },
    }
}

/// As Prometheus's library computes it: 64-bit FNV-1a over each name and value, each followed by a byte 255.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        for byte in text.bytes().chain([255]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}

fn with_silences(mut alert: HeldAlert, silences: &[Silence], now: DateTime<Utc>) -> HeldAlert {
    for silence in silences.iter().filter(|silence| at_time(silence, now).state == SilenceState::Active) {
        if silence.matchers.iter().all(|matcher| matcher.matches(&alert.labels)) {
            alert.status.silenced_by.push(silence.id.clone());
        }
    }
    if !alert.status.silenced_by.is_empty() || !alert.status.inhibited_by.is_empty() {
        alert.status.state = HeldState::Suppressed;
    }
    alert
}

fn at_time(silence: &Silence, now: DateTime<Utc>) -> Silence {
    let state = match now {
        now if now < silence.starts_at => SilenceState::Pending,
        now if now < silence.ends_at => SilenceState::Active,
        _ => SilenceState::Expired,
    };
    Silence { state, ..silence.clone() }
}

/// Refuses what Alertmanager refuses, in its words.
fn check(silence: &NewSilence, now: DateTime<Utc>) -> Result<(), AlertmanagerError> {
    if silence.matchers.is_empty() {
        return Err(refused(422, "matchers in body should have at least 1 items"));
    }
    if silence.starts_at >= silence.ends_at {
        return Err(refused(400, "Failed to create silence: start time must be before end time"));
    }
    if silence.ends_at < now {
        return Err(refused(400, "Failed to create silence: end time can't be in the past"));
    }
    for (number, matcher) in silence.matchers.iter().enumerate().filter(|(_, matcher)| matcher.is_regex) {
        if let Err(error) = matcher.expression() {
            let message = format!("silence invalid: invalid label matcher {number}: {error}");
            return Err(refused(400, &message));
        }
    }
    if silence.matchers.iter().all(|matcher| matcher.matches(&BTreeMap::new())) {
        return Err(refused(400, "silence invalid: at least one matcher must not match the empty string"));
    }
    Ok(())
}

fn refused(status: u16, message: &str) -> AlertmanagerError {
    let (url, message) = (URL.to_owned(), message.to_owned());
    RequestError::Refused { system: "Alertmanager", url, status, kind: None, message }.into()
}
