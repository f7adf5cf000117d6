//! A small world: what a store would remember, and nothing more.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::{
    Actor, Alert, AlertSource, AlertStatus, CorrelationKey, Decision, Event, EventId, EventKind, Fingerprint,
    GoingBack, Identity, Incident, IncidentId, IncidentNumber, Keep, KnownAlert, Labels, Leaving, NewEvent,
    Policy, RegroupError, Severity, Storm, Surroundings, check_reopen, correlate, keep, lapse, merge,
    split_leaves, split_opens, stale, unmerge,
};

pub(super) const FIRING: AlertStatus = AlertStatus::Firing;
pub(super) const RESOLVED: AlertStatus = AlertStatus::Resolved;

/// An alert as it was kept last.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) alert: Alert,
    pub(super) last_seen_at: DateTime<Utc>,
    pub(super) incident: Option<IncidentId>,
}

impl Kept {
    fn known(&self) -> KnownAlert {
        KnownAlert {
            fingerprint: self.alert.fingerprint.clone(),
            identity: self.alert.identity.clone(),
            status: self.alert.status,
            starts_at: self.alert.starts_at,
            last_seen_at: self.last_seen_at,
            incident: self.incident,
        }
    }
}

/// A merge that was not undone.
struct Merge {
    was_open: bool,
    /// Those that fired when they came along.
    fired: HashSet<Identity>,
    ended: IncidentId,
    stays: IncidentId,
    keys: Vec<String>,
    alerts: HashSet<Identity>,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) policy: Policy,
    pub(super) incidents: Vec<Incident>,
    pub(super) alerts: HashMap<Identity, Kept>,
    pub(super) log: Vec<Event>,
    opened: Vec<DateTime<Utc>>,
    merges: Vec<Merge>,
}

impl World {
    pub(super) fn receive(&mut self, alert: &Alert, now: DateTime<Utc>) -> Decision {
        let known = self.alerts.get(&alert.identity).map(Kept::known);
        let before = self.alerts.get(&alert.identity).map(|kept| kept.alert.clone());
        let own_id = known.as_ref().and_then(|known| known.incident);
        let own = own_id.map(|id| self.incident(id).clone());
        let alert = alert.clone().with_known_start(known.as_ref());
        let key = CorrelationKey::of(&alert).key;
        let same_key = self.open_by_key(&key);
        let own_key = own
            .as_ref()
            .filter(|own| !own.is_open() && own.correlation_key != key)
            .and_then(|own| self.open_by_key(&own.correlation_key));
        let rule = self.open_by_key(&CorrelationKey::of_rule_storm(&alert).key);
        let all = self.open_by_key(&CorrelationKey::of_storm().key);
        let limit = self.policy.storm_incidents as usize;
        let storm = (self.opened_lately(now) >= limit).then_some(Storm {
            rule: rule.as_ref(),
            all: all.as_ref(),
            rules_full: self.opened_lately(now) >= 2 * limit,
        });
        let around = Surroundings {
            known: known.as_ref(),
            own: own.as_ref(),
            own_key: own_key.as_ref(),
            same_key: same_key.as_ref(),
            storm,
        };
        let decision = correlate(&alert, &around, &self.policy, now);
        let incident = match &decision {
            Decision::Heartbeat => None,
            Decision::Ignore(_) => own_id,
            Decision::Open(events, leaving) => {
                self.leave(leaving.as_ref(), now);
                Some(self.open(events, now))
            }
            Decision::Append(id, events, leaving) => {
                self.leave(leaving.as_ref(), now);
                self.append(*id, events, now);
                Some(*id)
            }
        };
        let kept = match keep(alert, known.as_ref(), &decision) {
            Keep::Now(alert) => Some(alert),
            Keep::Known => before,
            Keep::Nothing => None,
        };
        if let Some(alert) = kept {
            self.came_by_merge(&alert, own_id, incident);
            self.alerts.insert(alert.identity.clone(), Kept { alert, last_seen_at: now, incident });
        }
        decision
    }

    pub(super) fn fire(&mut self, name: &str, service: &str, start: i64, now: i64) -> Decision {
        self.receive(&alert(name, Some(service), FIRING, start), at(now))
    }

    pub(super) fn end(&mut self, name: &str, service: &str, start: i64, now: i64) -> Decision {
        let mut one = alert(name, Some(service), RESOLVED, start);
        one.ends_at = Some(at(now));
        self.receive(&one, at(now))
    }

    /// What happens because time passes.
    pub(super) fn sweep(&mut self, now: DateTime<Utc>) {
        for incident in self.incidents.clone() {
            if let Some(end) = lapse(&incident, &self.policy, now) {
                self.append(incident.id, &[end], now);
            }
        }
        let ends: Vec<Alert> = self
            .alerts
            .values()
            .filter_map(|kept| stale(&kept.alert, kept.last_seen_at, &self.policy, now))
            .collect();
        for end in ends {
            self.receive(&end, now);
        }
    }

    pub(super) fn by_person(&mut self, incident: usize, kind: EventKind, now: i64) {
        let id = self.incidents[incident].id;
        self.append(id, &[NewEvent::new(at(now), ada(), kind)], at(now));
    }

    pub(super) fn reopen_by_person(&mut self, incident: usize, now: i64) -> Result<(), RegroupError> {
        let one = self.incidents[incident].clone();
        check_reopen(&one, self.open_by_key(&one.correlation_key).as_ref())?;
        self.by_person(incident, EventKind::Reopened { reason: "by hand".into(), flaps: 0 }, now);
        Ok(())
    }

    pub(super) fn merge(&mut self, stays: usize, ends: usize, now: i64) -> Result<(), RegroupError> {
        let (stays, ends) = (self.incidents[stays].clone(), self.incidents[ends].clone());
        let moving = self.alerts_of(ends.id);
        let (to_stays, to_ends) = merge(&stays, &ends, count(&moving), &ada(), "the same trouble", at(now))?;
        self.append(stays.id, &to_stays, at(now));
        self.append(ends.id, &to_ends, at(now));
        let inherited =
            self.merges.iter().filter(|merge| merge.stays == ends.id).flat_map(|merge| merge.keys.clone());
        let keys = inherited.chain([ends.correlation_key.clone()]).collect();
        self.move_to(&moving, stays.id);
        let firing = moving.iter().filter(|alert| alert.status == FIRING);
        let fired = firing.map(|alert| alert.identity.clone()).collect();
        let alerts = moving.into_iter().map(|alert| alert.identity).collect();
        let was_open = ends.is_open();
        self.merges.push(Merge { was_open, fired, ended: ends.id, stays: stays.id, keys, alerts });
        Ok(())
    }

    pub(super) fn unmerge(&mut self, stays: usize, ended: usize, now: i64) -> Result<(), RegroupError> {
        let (stays, ended) = (self.incidents[stays].clone(), self.incidents[ended].clone());
        let found = self.merges.iter().rposition(|merge| merge.ended == ended.id && merge.stays == stays.id);
        let mut going = self.alerts_of(stays.id);
        going.retain(|alert| found.is_some_and(|i| self.merges[i].alerts.contains(&alert.identity)));
        let holds_key =
            |incident: &&Incident| incident.is_open() && incident.correlation_key == ended.correlation_key;
        let same_key = self.incidents.iter().find(holds_key).cloned();
        let (firing, total) = count(&going);
        let goes_on = found.is_some_and(|i| {
            let merge = &self.merges[i];
            let anew = |alert: &Alert| alert.status == FIRING && !merge.fired.contains(&alert.identity);
            merge.was_open || going.iter().any(anew)
        });
        let back = GoingBack { firing, total, goes_on };
        let (to_stays, to_ended) =
            unmerge(&stays, &ended, back, same_key.as_ref(), &ada(), "two troubles", at(now))?;
        self.append(stays.id, &to_stays, at(now));
        self.append(ended.id, &to_ended, at(now));
        self.move_to(&going, ended.id);
        if let Some(found) = found {
            self.merges.remove(found);
        }
        Ok(())
    }

    /// Splits off the alerts of this service.
    pub(super) fn split(&mut self, from: usize, service: &str, now: i64) -> Result<(), RegroupError> {
        let from = self.incidents[from].clone();
        let all = self.alerts_of(from.id);
        let going: Vec<Alert> =
            all.iter().filter(|alert| alert.service() == Some(service)).cloned().collect();
        let events = split_opens(&from, &going, all.len(), &ada(), "another trouble", at(now))?;
        let id = self.open(&events, at(now));
        let into = self.incident(id).clone();
        let events = split_leaves(&from, &into, &going, &ada(), "another trouble", at(now));
        self.append(from.id, &events, at(now));
        self.move_to(&going, into.id);
        Ok(())
    }

    pub(super) fn alerts_of(&self, incident: IncidentId) -> Vec<Alert> {
        let of = self.alerts.values().filter(|kept| kept.incident == Some(incident));
        let mut alerts: Vec<Alert> = of.map(|kept| kept.alert.clone()).collect();
        alerts.sort_by(|a, b| a.identity.cmp(&b.identity));
        alerts
    }

    pub(super) fn kinds(&self, incident: usize) -> Vec<&'static str> {
        let id = self.incidents[incident].id;
        self.log.iter().filter(|event| event.incident == id).map(|event| event.kind.name()).collect()
    }

    pub(super) fn last_reason(&self, incident: usize) -> &str {
        let id = self.incidents[incident].id;
        let reason = |event: &'_ Event| event.incident == id && reason_of(&event.kind).is_some();
        self.log
            .iter()
            .rfind(|event| reason(event))
            .and_then(|event| reason_of(&event.kind))
            .unwrap_or_default()
    }

    /// How many incidents were opened in the window that ends now.
    fn opened_lately(&self, now: DateTime<Utc>) -> usize {
        self.opened.iter().filter(|opened| now - **opened < self.policy.storm_window).count()
    }

    fn incident(&self, id: IncidentId) -> &Incident {
        self.incidents.iter().find(|incident| incident.id == id).expect("known")
    }

    /// The open incident with this key; else the one that took in the key's incident.
    fn open_by_key(&self, key: &str) -> Option<Incident> {
        let own =
            self.incidents.iter().find(|incident| incident.is_open() && incident.correlation_key == key);
        let merged = || {
            let merge = self.merges.iter().rfind(|merge| {
                merge.keys.iter().any(|merged| merged == key) && self.incident(merge.stays).is_open()
            })?;
            Some(self.incident(merge.stays))
        };
        own.or_else(merged).cloned()
    }

    /// An alert that joins because of a merge goes back with it.
    fn came_by_merge(&mut self, alert: &Alert, before: Option<IncidentId>, now: Option<IncidentId>) {
        let key = CorrelationKey::of(alert).key;
        if before == now || now.is_none_or(|id| self.incident(id).correlation_key == key) {
            return;
        }
        let merge =
            self.merges.iter_mut().rfind(|merge| Some(merge.stays) == now && merge.keys.contains(&key));
        if let Some(merge) = merge {
            merge.alerts.insert(alert.identity.clone());
        }
    }

    fn open(&mut self, events: &[NewEvent], now: DateTime<Utc>) -> IncidentId {
        let number = i64::try_from(self.incidents.len()).expect("small") + 1;
        let id = IncidentId::generate();
        self.incidents.push(Incident::unborn(id, IncidentNumber(number)));
        self.opened.push(now);
        self.append(id, events, now);
        id
    }

    fn leave(&mut self, leaving: Option<&Leaving>, now: DateTime<Utc>) {
        if let Some(leaving) = leaving {
            self.append(leaving.incident, std::slice::from_ref(&leaving.event), now);
        }
    }

    fn append(&mut self, id: IncidentId, events: &[NewEvent], now: DateTime<Utc>) {
        let incident = self.incidents.iter_mut().find(|incident| incident.id == id).expect("known");
        for event in events.iter().cloned() {
            let event = Event {
                id: EventId(i64::try_from(self.log.len()).expect("small") + 1),
                incident: id,
                at: event.at,
                recorded_at: now,
                actor: event.actor,
                kind: event.kind,
                assets: event.assets,
            };
            incident.apply(&event);
            self.log.push(event);
        }
    }

    fn move_to(&mut self, alerts: &[Alert], incident: IncidentId) {
        for alert in alerts {
            self.alerts.get_mut(&alert.identity).expect("known").incident = Some(incident);
        }
    }
}

fn count(alerts: &[Alert]) -> (i64, i64) {
    let firing = alerts.iter().filter(|alert| alert.status == FIRING).count();
    (i64::try_from(firing).expect("small"), i64::try_from(alerts.len()).expect("small"))
}

fn reason_of(kind: &EventKind) -> Option<&str> {
    match kind {
        EventKind::Opened { reason, .. }
        | EventKind::AlertFired { reason, .. }
        | EventKind::Escalated { reason, .. }
        | EventKind::FlappingHeld { reason, .. }
        | EventKind::Resolved { reason }
        | EventKind::Reopened { reason, .. } => Some(reason),
        _ => None,
    }
}

fn ada() -> Actor {
    Actor::Person { name: "ada".into() }
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("in range")
}

pub(super) fn alert(name: &str, service: Option<&str>, status: AlertStatus, started: i64) -> Alert {
    let mut labels = Labels::from([("alertname".to_owned(), name.to_owned())]);
    if let Some(service) = service {
        labels.insert("service".to_owned(), service.to_owned());
    }
    let identity = Identity::of(&labels);
    Alert {
        fingerprint: Fingerprint::given_or_computed(None, &identity),
        identity,
        source: AlertSource::Alertmanager,
        status,
        labels,
        annotations: Labels::new(),
        starts_at: at(started),
        start_is_guessed: false,
        ends_at: None,
        generator_url: None,
        group_key: None,
        note: None,
    }
}

pub(super) fn with_label(mut alert: Alert, name: &str, value: &str) -> Alert {
    alert.labels.insert(name.to_owned(), value.to_owned());
    alert.identity = Identity::of(&alert.labels);
    alert.fingerprint = Fingerprint::given_or_computed(None, &alert.identity);
    alert
}

pub(super) fn with_severity(alert: Alert, severity: Severity) -> Alert {
    with_label(alert, "severity", severity.as_str())
}
