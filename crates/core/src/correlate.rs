//! What an alert does to incidents, decided from what is known and nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Actor, Alert, AlertSnapshot, AlertStatus, EventKind, Fingerprint, Identity, Incident, IncidentId,
    NewEvent,
};

/// Alerts with the same key belong to the same incident while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationKey {
    /// The key, such as `service:toyprod`.
    pub key: String,
    /// What alerts with this key have in common, to complete "it has … as this incident".
    pub shared: String,
}

/// Labels that tell two services of the same name apart.
const PLACE_LABELS: [&str; 5] = ["cluster", "environment", "env", "namespace", "region"];

impl CorrelationKey {
    /// The service (and the place it runs in) if the alert names one; else the sender's group; else the alert's name.
    /// Alerts of different services never share a key, whatever group their sender puts them in.
    pub fn of(alert: &Alert) -> Self {
        if let Some(service) = alert.service() {
            let mut key = format!("service:{service}");
            let mut shared = format!("the same service, {service}");
            for label in PLACE_LABELS {
                if let Some(place) = alert.labels.get(label).filter(|place| !place.is_empty()) {
                    key = format!("{key}|{label}:{place}");
                    shared = format!("{shared}, {label} {place}");
                }
            }
            return Self { key, shared };
        }
        let name = alert.name();
        match &alert.group_key {
            Some(group) => Self {
                key: format!("group:{group}|alert:{name}"),
                shared: format!("the same rule, {name}, in the same group of its sender"),
            },
            None => Self { key: format!("alert:{name}"), shared: format!("the same rule, {name}") },
        }
    }
}

/// What the store remembers of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAlert {
    /// The sender's name for it.
    pub fingerprint: Fingerprint,
    /// What its labels hash to.
    pub identity: Identity,
    /// What it was last.
    pub status: AlertStatus,
    /// When its condition began.
    pub starts_at: DateTime<Utc>,
    /// The incident that it last belonged to.
    pub incident: Option<IncidentId>,
}

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// An alert that fires again within this time after its incident was resolved reopens that incident.
    pub reopen_window: TimeDelta,
    /// The name of the alert that always fires, to show that alerts arrive at all.
    pub heartbeat_alert: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self { reopen_window: TimeDelta::minutes(30), heartbeat_alert: "Watchdog".to_owned() }
    }
}

/// Why an alert changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It is known to fire.
    AlreadyFiring,
    /// It is known to be over.
    AlreadyResolved,
    /// It is over, and was never seen to fire.
    NeverFired,
    /// It tells the end of an earlier firing than the one that is known.
    EarlierFiring,
    /// A person resolved its incident while it fired, and it has fired ever since.
    ResolvedByPerson,
}

/// What to do with an alert. The events are to be appended in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is the heartbeat: note that it came.
    Heartbeat,
    /// Nothing to tell. Keep the alert as it is now.
    Ignore(Ignored),
    /// Open an incident with these events.
    Open(Vec<NewEvent>),
    /// Append these events to this incident.
    Append(IncidentId, Vec<NewEvent>),
}

/// Decides what `alert` does.
///
/// `known` is what is remembered of it, `own` the incident that it last belonged to, and `same_key` an open incident
/// with its [`CorrelationKey`].
pub fn correlate(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    same_key: Option<&Incident>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    if alert.name() == policy.heartbeat_alert {
        return match alert.status {
            AlertStatus::Firing => Decision::Heartbeat,
            AlertStatus::Resolved => Decision::Ignore(Ignored::NeverFired),
        };
    }
    match alert.status {
        AlertStatus::Firing => fired(alert, known, own, same_key, policy, now),
        AlertStatus::Resolved => resolved(alert, known, own, now),
    }
}

fn fired(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    same_key: Option<&Incident>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision {
    let was_firing = known.is_some_and(|known| known.status == AlertStatus::Firing);
    if let Some(own) = own {
        if own.is_open() && was_firing {
            return Decision::Ignore(Ignored::AlreadyFiring);
        }
        if own.is_open() {
            let event = alert_fired(alert, false, "It belonged to this incident before.".to_owned(), now);
            return Decision::Append(own.id, vec![event]);
        }
        let same_firing = known.is_some_and(|known| alert.starts_at <= known.starts_at);
        if was_firing && same_firing {
            return Decision::Ignore(Ignored::ResolvedByPerson);
        }
        let quiet = now - own.resolved_at.unwrap_or(now);
        if quiet <= policy.reopen_window && same_key.is_none() {
            let reason = format!(
                "{} fired again {} after the incident was resolved; within {} it is the same incident.",
                alert.name(),
                in_words(quiet),
                in_words(policy.reopen_window),
            );
            let mut events = vec![NewEvent::new(now, Actor::correlation(), EventKind::Reopened { reason })];
            if !was_firing {
                events.push(alert_fired(
                    alert,
                    false,
                    "It belonged to this incident before.".to_owned(),
                    now,
                ));
            }
            return Decision::Append(own.id, events);
        }
    }
    let key = CorrelationKey::of(alert);
    if let Some(incident) = same_key {
        let reason = format!("It joined this incident because it has {}.", key.shared);
        return Decision::Append(incident.id, vec![alert_fired(alert, true, reason, now)]);
    }
    // An incident begins when the condition began, but a sender with a wrong clock cannot put it in the future.
    let began = alert.starts_at.min(now);
    let opened = EventKind::Opened {
        title: alert.title(),
        severity: alert.severity(),
        service: alert.service().map(str::to_owned),
        correlation_key: key.key,
        reason: format!("No open incident has {}.", key.shared),
    };
    Decision::Open(vec![
        NewEvent::new(began, Actor::correlation(), opened),
        alert_fired(alert, true, "It opened this incident.".to_owned(), now),
    ])
}

fn resolved(
    alert: &Alert,
    known: Option<&KnownAlert>,
    own: Option<&Incident>,
    now: DateTime<Utc>,
) -> Decision {
    let Some(known) = known else { return Decision::Ignore(Ignored::NeverFired) };
    if known.status == AlertStatus::Resolved {
        return Decision::Ignore(Ignored::AlreadyResolved);
    }
    if alert.starts_at < known.starts_at && alert.ends_at.is_some_and(|end| end <= known.starts_at) {
        return Decision::Ignore(Ignored::EarlierFiring);
    }
    let Some(own) = own else { return Decision::Ignore(Ignored::NeverFired) };
    let ended = alert.ends_at.unwrap_or(now).min(now);
    let snapshot = AlertSnapshot::from(alert);
    let mut events =
        vec![NewEvent::new(ended, alert.source.into(), EventKind::AlertResolved { alert: snapshot })];
    if own.is_open() && own.alerts_firing <= 1 {
        let reason = if own.alerts_total > 1 {
            format!("The last of its {} alerts is resolved.", own.alerts_total)
        } else {
            "Its alert is resolved.".to_owned()
        };
        events.push(NewEvent::new(now, Actor::correlation(), EventKind::Resolved { reason }));
    }
    Decision::Append(own.id, events)
}

fn alert_fired(alert: &Alert, first: bool, reason: String, now: DateTime<Utc>) -> NewEvent {
    let kind = EventKind::AlertFired { alert: AlertSnapshot::from(alert), first, reason };
    NewEvent::new(alert.starts_at.min(now), alert.source.into(), kind)
}

/// A length of time for a person: its largest unit, and the next one where it matters.
fn in_words(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds % 60 == 0 || seconds > 600 => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{AlertSource, Event, EventId, IncidentNumber, IncidentStatus, Labels};

    /// A small world: what a store would remember, and nothing more.
    #[derive(Default)]
    struct World {
        incidents: Vec<Incident>,
        alerts: HashMap<Identity, KnownAlert>,
        log: Vec<Event>,
    }

    impl World {
        fn receive(&mut self, alert: &Alert, now: DateTime<Utc>) -> Decision {
            let known = self.alerts.get(&alert.identity).cloned();
            let own_id = known.as_ref().and_then(|known| known.incident);
            let own = self.incidents.iter().find(|incident| Some(incident.id) == own_id).cloned();
            let key = CorrelationKey::of(alert).key;
            let same = self
                .incidents
                .iter()
                .find(|incident| incident.is_open() && incident.correlation_key == key)
                .cloned();
            let policy = Policy::default();
            let decision = correlate(alert, known.as_ref(), own.as_ref(), same.as_ref(), &policy, now);
            let incident = match &decision {
                Decision::Heartbeat => None,
                Decision::Ignore(_) => own_id,
                Decision::Open(events) => {
                    let number = i64::try_from(self.incidents.len()).expect("small") + 1;
                    let id = IncidentId::generate();
                    self.incidents.push(Incident::unborn(id, IncidentNumber(number)));
                    self.append(id, events, now);
                    Some(id)
                }
                Decision::Append(id, events) => {
                    self.append(*id, events, now);
                    Some(*id)
                }
            };
            self.alerts.insert(
                alert.identity.clone(),
                KnownAlert {
                    fingerprint: alert.fingerprint.clone(),
                    identity: alert.identity.clone(),
                    status: alert.status,
                    starts_at: alert.starts_at,
                    incident,
                },
            );
            decision
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

        fn by_person(&mut self, kind: EventKind, now: DateTime<Utc>) {
            let id = self.incidents[0].id;
            self.append(id, &[NewEvent::new(now, Actor::Person { name: "ada".into() }, kind)], now);
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("in range")
    }

    fn alert(name: &str, service: Option<&str>, status: AlertStatus, started: i64) -> Alert {
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
            ends_at: None,
            generator_url: None,
            group_key: None,
        }
    }

    const FIRING: AlertStatus = AlertStatus::Firing;
    const RESOLVED: AlertStatus = AlertStatus::Resolved;

    #[test]
    fn the_same_alert_again_changes_nothing() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
        let before = world.log.len();
        assert_eq!(
            world.receive(&alert("A", Some("s"), FIRING, 0), at(300)),
            Decision::Ignore(Ignored::AlreadyFiring)
        );
        assert_eq!((world.log.len(), world.incidents.len()), (before, 1));
    }

    #[test]
    fn a_resolved_alert_closes_the_incident_that_it_opened() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
        world.receive(&alert("A", Some("s"), RESOLVED, 0), at(60));
        assert_eq!(world.incidents.len(), 1);
        assert_eq!(world.incidents[0].status, IncidentStatus::Resolved);
    }

    #[test]
    fn an_incident_ends_with_its_last_alert() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
        world.receive(&alert("B", Some("s"), FIRING, 5), at(6));
        assert_eq!((world.incidents.len(), world.incidents[0].alerts_firing), (1, 2));
        world.receive(&alert("A", Some("s"), RESOLVED, 0), at(60));
        assert!(world.incidents[0].is_open());
        world.receive(&alert("B", Some("s"), RESOLVED, 5), at(61));
        assert!(!world.incidents[0].is_open());
    }

    #[test]
    fn alerts_of_different_services_never_meet_even_in_one_group() {
        let mut world = World::default();
        for service in ["a", "b"] {
            let mut one = alert("InstanceDown", Some(service), FIRING, 0);
            one.group_key = Some("{}:{alertname=\"InstanceDown\"}".into());
            world.receive(&one, at(1));
        }
        assert_eq!(world.incidents.len(), 2);
    }

    #[test]
    fn the_same_service_in_another_cluster_is_another_incident() {
        let mut world = World::default();
        for cluster in ["eu", "us"] {
            let mut one = alert("A", Some("s"), FIRING, 0);
            one.labels.insert("cluster".into(), cluster.into());
            one.identity = Identity::of(&one.labels);
            world.receive(&one, at(1));
        }
        assert_eq!(world.incidents.len(), 2);
    }

    #[test]
    fn firing_again_soon_reopens_and_later_opens_anew() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
        world.receive(&alert("A", Some("s"), RESOLVED, 0), at(60));
        world.receive(&alert("A", Some("s"), FIRING, 120), at(121));
        assert_eq!((world.incidents.len(), world.incidents[0].reopened_count), (1, 1));
        assert_eq!((world.incidents[0].status, world.incidents[0].alerts_firing), (IncidentStatus::Open, 1));
        world.receive(&alert("A", Some("s"), RESOLVED, 120), at(180));
        world.receive(&alert("A", Some("s"), FIRING, 9_000), at(9_001));
        assert_eq!(world.incidents.len(), 2);
    }

    #[test]
    fn what_a_person_resolved_stays_resolved_while_the_alert_goes_on_and_comes_back_when_it_fires_anew() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
        world.by_person(EventKind::Resolved { reason: "known".into() }, at(30));
        let repeat = world.receive(&alert("A", Some("s"), FIRING, 0), at(60));
        assert_eq!(repeat, Decision::Ignore(Ignored::ResolvedByPerson));
        world.receive(&alert("A", Some("s"), FIRING, 90), at(91));
        assert_eq!((world.incidents.len(), world.incidents[0].status), (1, IncidentStatus::Open));
        assert_eq!(world.incidents[0].alerts_firing, 1);
    }

    #[test]
    fn resolved_without_firing_opens_nothing() {
        let mut world = World::default();
        let decision = world.receive(&alert("A", Some("s"), RESOLVED, 0), at(1));
        assert_eq!((decision, world.incidents.len()), (Decision::Ignore(Ignored::NeverFired), 0));
    }

    #[test]
    fn the_late_end_of_an_earlier_firing_does_not_close_the_present_one() {
        let mut world = World::default();
        world.receive(&alert("A", Some("s"), FIRING, 100), at(101));
        let mut late = alert("A", Some("s"), RESOLVED, 0);
        late.ends_at = Some(at(50));
        assert_eq!(world.receive(&late, at(102)), Decision::Ignore(Ignored::EarlierFiring));
        assert!(world.incidents[0].is_open());
    }

    #[test]
    fn the_heartbeat_opens_nothing() {
        let mut world = World::default();
        assert_eq!(world.receive(&alert("Watchdog", None, FIRING, 0), at(1)), Decision::Heartbeat);
        assert!(world.incidents.is_empty());
    }

    #[test]
    fn lengths_of_time_read_well() {
        let said: Vec<String> =
            [5, 60, 90, 1800, 3600, 5400].into_iter().map(|s| in_words(TimeDelta::seconds(s))).collect();
        assert_eq!(said, ["5 s", "1 min", "1 min 30 s", "30 min", "1 h", "1 h 30 min"]);
    }

    proptest! {
        /// Whatever comes in whatever order: an alert is in one incident, an incident's counts are those of its alerts,
        /// it is open if and only if one of them fires, and replaying the log gives every incident again.
        #[test]
        fn counts_and_states_hold_for_every_history(
            steps in prop::collection::vec((0_u8..6, 0_u8..3, any::<bool>(), 0_i64..4000), 1..60)
        ) {
            let mut world = World::default();
            let mut now = 0;
            for (name, service, fires, pause) in steps {
                now += pause;
                let status = if fires { FIRING } else { RESOLVED };
                let service = format!("s{service}");
                world.receive(&alert(&format!("A{name}"), Some(&service), status, now), at(now));
            }
            for incident in &world.incidents {
                let firing = world.alerts.values()
                    .filter(|alert| alert.incident == Some(incident.id) && alert.status == FIRING).count();
                prop_assert_eq!(incident.alerts_firing, i64::try_from(firing).expect("small"));
                prop_assert_eq!(incident.is_open(), firing > 0);
                let mut replayed = Incident::unborn(incident.id, incident.number);
                for event in world.log.iter().filter(|event| event.incident == incident.id) {
                    replayed.apply(event);
                }
                prop_assert_eq!(&replayed, incident);
            }
            for (i, one) in world.incidents.iter().enumerate() {
                let twin = world.incidents[i + 1..].iter()
                    .any(|other| other.is_open() && one.is_open() && other.correlation_key == one.correlation_key);
                prop_assert!(!twin, "two open incidents share a key");
            }
        }
    }
}
