//! Which differences between Alertmanager and the store are webhooks that were missed, and not merely under way.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use opsseer_connect::alertmanager::{HeldAlert, HeldState};
use opsseer_core::{Fingerprint, Identity};
use opsseer_store::StoredAlert;

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
    /// Names of alerts that show that webhooks arrive. To mend them would hide that they do not.
    pub(super) signals: [&'a str; 2],
}

/// What Alertmanager answered.
pub(super) struct Seen<'a> {
    /// All alerts that it holds.
    pub(super) held: &'a [HeldAlert],
    /// Since when it runs.
    pub(super) started_at: DateTime<Utc>,
}

/// What was missed.
#[derive(Debug, Default)]
pub(super) struct Missed<'a> {
    /// Alerts that fire, and the store does not know it.
    pub(super) fired: Vec<&'a HeldAlert>,
    /// Alerts that count as firing in the store, and Alertmanager no longer has them.
    pub(super) resolved: Vec<&'a StoredAlert>,
}

/// The differences of the last comparison, and since when each of them is there.
#[derive(Debug, Default)]
pub(super) struct Differences {
    compared_before: bool,
    unknown: HashMap<Key, DateTime<Utc>>,
    gone: HashMap<Key, DateTime<Utc>>,
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
        let mut held_keys = HashSet::new();
        let mut unknown = HashMap::new();
        for held in seen.held {
            let key = key_of_held(held);
            held_keys.insert(key.clone());
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
        let mut gone = HashMap::new();
        for known in known {
            let key = key_of_known(known);
            if held_keys.contains(&key) || rules.signals.contains(&known.alert.name()) {
                continue;
            }
            let first_seen = if self.compared_before { now } else { known.last_seen_at };
            let since = self.gone.get(&key).copied().unwrap_or(first_seen).max(known.last_seen_at);
            if lasted(since, rules.grace, now) && lasted(seen.started_at, YOUNG, now) {
                missed.resolved.push(known);
            }
            gone.insert(key, since);
        }
        *self = Self { compared_before: true, unknown, gone };
        missed
    }

    /// Another replica compares: what was seen here says nothing of how long it lasted.
    pub(super) fn forget(&mut self) {
        self.unknown.clear();
        self.gone.clear();
    }
}

fn lasted(since: DateTime<Utc>, time: TimeDelta, now: DateTime<Utc>) -> bool {
    now - since >= time
}

/// Whether Alertmanager tells our receiver of it.
fn is_told(held: &HeldAlert, rules: &Rules<'_>) -> bool {
    let name = held.labels.get("alertname").map_or("", String::as_str);
    held.status.state == HeldState::Active
        && (rules.receiver.is_empty() || held.is_routed_to(rules.receiver))
        && !rules.signals.contains(&name)
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
