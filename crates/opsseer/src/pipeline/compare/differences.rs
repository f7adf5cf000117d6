//! Which differences between Alertmanager and the store are webhooks that were missed, and not merely under way.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use opsseer_connect::alertmanager::{HeldAlert, HeldState};
use opsseer_core::{Fingerprint, Identity};
use opsseer_store::StoredAlert;
use uuid::Uuid;

use crate::pipeline::canary;

/// An Alertmanager that has run for less may not have been sent all that fires.
const YOUNG: TimeDelta = TimeDelta::minutes(5);

/// Names an alert.
type Key = (Fingerprint, Identity);

/// What to go by.
pub(super) struct Rules<'a> {
    /// Alerts that are not routed to it are none of ours. Empty: all are.
    pub(super) receiver: &'a str,
    /// For how long a difference may be a webhook under way.
    pub(super) grace: TimeDelta,
    /// The name of the alert that always fires.
    pub(super) heartbeat: &'a str,
    /// When the heartbeat has not come for this long, alerts may not reach Alertmanager, or it may not reach us.
    pub(super) heartbeat_max_age: TimeDelta,
}

impl Rules<'_> {
    /// Whether an alert only shows that webhooks arrive. To mend it would hide that they do not.
    fn is_signal(&self, name: &str) -> bool {
        name == self.heartbeat || name == canary::ALERT_NAME
    }
}

/// What Alertmanager answered, and what came from it by itself.
pub(super) struct Seen<'a> {
    /// All alerts that it holds.
    pub(super) held: &'a [HeldAlert],
    /// Since when it runs.
    pub(super) started_at: DateTime<Utc>,
    /// When it last sent the heartbeat, if it ever did.
    pub(super) heartbeat: Option<DateTime<Utc>>,
}

impl Seen<'_> {
    /// Whether what it does not hold has ended. One that was started again while Prometheus is down holds nothing,
    /// however long it runs; so where there is a heartbeat, it must be there, and have been for long enough that all
    /// else that fires has come as well.
    fn is_complete(&self, rules: &Rules<'_>, now: DateTime<Utc>) -> bool {
        if !lasted(self.started_at, YOUNG, now) {
            return false;
        }
        let Some(last) = self.heartbeat else { return true };
        let beats = |held: &HeldAlert| name_of(held) == rules.heartbeat && lasted(held.starts_at, YOUNG, now);
        now - last <= rules.heartbeat_max_age && self.held.iter().any(beats)
    }
}

/// What kept Alertmanager from telling of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Muted {
    Silenced,
    Inhibited,
}

/// An alert that counts as firing in the store, and Alertmanager no longer has it.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    pub(super) known: &'a StoredAlert,
    /// What kept Alertmanager from telling of it when it was last seen there. Then no webhook was lost.
    pub(super) muted: Option<Muted>,
}

/// What was missed.
#[derive(Debug, Default)]
pub(super) struct Missed<'a> {
    /// Alerts that fire, and the store does not know it.
    pub(super) fired: Vec<&'a HeldAlert>,
    /// Alerts that are over, and the store does not know it.
    pub(super) resolved: Vec<Ended<'a>>,
    /// The rows of alerts that fire in the store and are there too, told or not.
    pub(super) held: Vec<Uuid>,
}

/// The differences of the last comparison, and since when each of them is there.
#[derive(Debug, Default)]
pub(super) struct Differences {
    compared_before: bool,
    unknown: HashMap<Key, DateTime<Utc>>,
    gone: HashMap<Key, DateTime<Utc>>,
    /// Alerts that fire in the store and were not told when they were last seen there.
    muted: HashMap<Key, Muted>,
}

impl Differences {
    /// Takes in a comparison; `known` are the alerts that Alertmanager sent and that fire as far as the store knows.
    ///
    /// A difference counts once it has lasted for `rules.grace`, because Alertmanager tells of a change only when it next
    /// looks at the alert's group. At the first comparison, what began or was last heard of longer ago counts at once:
    /// it changed while nobody listened.
    pub(super) fn missed<'a>(
        &mut self,
        known: &'a [StoredAlert],
        seen: &Seen<'a>,
        rules: &Rules<'_>,
        now: DateTime<Utc>,
    ) -> Missed<'a> {
        let mut missed = Missed::default();
        let started: HashMap<Key, DateTime<Utc>> =
            known.iter().map(|known| (key_of_known(known), known.alert.starts_at)).collect();
        let mut held_now = HashMap::new();
        let mut unknown = HashMap::new();
        for held in seen.held {
            let key = key_of_held(held);
            held_now.insert(key.clone(), muted(held));
            let is_known = started.get(&key).is_some_and(|known| !began_later(held.starts_at, *known));
            if is_known || !is_told(held, rules) {
                continue;
            }
            let first_seen = if self.compared_before { now } else { held.starts_at };
            let since = self.unknown.get(&key).copied().unwrap_or(first_seen).max(held.starts_at);
            if lasted(since, rules.grace, now) {
                missed.fired.push(held);
            }
            unknown.insert(key, since);
        }
        let is_complete = seen.is_complete(rules, now);
        let (mut gone, mut muted) = (HashMap::new(), HashMap::new());
        for known in known {
            let key = key_of_known(known);
            let held = held_now.get(&key);
            if held.is_some() {
                missed.held.push(known.id);
            }
            let kept_back = held.copied().unwrap_or_else(|| self.muted.get(&key).copied());
            muted.extend(kept_back.map(|kept_back| (key.clone(), kept_back)));
            if held.is_some() || rules.is_signal(known.alert.name()) {
                continue;
            }
            let first_seen = if self.compared_before { now } else { known.last_seen_at };
            let since = self.gone.get(&key).copied().unwrap_or(first_seen).max(known.last_seen_at);
            if is_complete && lasted(since, rules.grace, now) {
                missed.resolved.push(Ended { known, muted: kept_back });
            }
            gone.insert(key, since);
        }
        *self = Self { compared_before: true, unknown, gone, muted };
        missed
    }

    /// An alert that fires there unknown to the store is not told at this time: once it is, its webhook has its time.
    pub(super) fn not_told(&mut self, held: &HeldAlert) {
        self.unknown.remove(&key_of_held(held));
    }

    /// Another replica compares: what was seen here says nothing of how long it lasted.
    pub(super) fn forget(&mut self) {
        self.unknown.clear();
        self.gone.clear();
        self.muted.clear();
    }
}

fn lasted(since: DateTime<Utc>, time: TimeDelta, now: DateTime<Utc>) -> bool {
    now - since >= time
}

/// Whether Alertmanager tells our receiver of it.
fn is_told(held: &HeldAlert, rules: &Rules<'_>) -> bool {
    held.status.state == HeldState::Active
        && held.status.muted_by.is_empty()
        && (rules.receiver.is_empty() || held.is_routed_to(rules.receiver))
        && !rules.is_signal(name_of(held))
}

fn muted(held: &HeldAlert) -> Option<Muted> {
    match &held.status {
        status if !status.silenced_by.is_empty() => Some(Muted::Silenced),
        status if !status.inhibited_by.is_empty() => Some(Muted::Inhibited),
        _ => None,
    }
}

fn name_of(held: &HeldAlert) -> &str {
    held.labels.get("alertname").map_or("", String::as_str)
}

/// Alertmanager's API cuts times to milliseconds; its webhooks do not.
fn began_later(held: DateTime<Utc>, known: DateTime<Utc>) -> bool {
    held.trunc_subsecs(3) > known.trunc_subsecs(3)
}

fn key_of_known(known: &StoredAlert) -> Key {
    (known.alert.fingerprint.clone(), known.alert.identity.clone())
}

fn key_of_held(held: &HeldAlert) -> Key {
    let identity = Identity::of(&held.labels);
    (Fingerprint::given_or_computed(Some(&held.fingerprint), &identity), identity)
}

#[cfg(test)]
mod tests;
