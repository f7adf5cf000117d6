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
            Decision::Open(events, leaving) => {
                self.leave(leaving.as_ref(), now);
                let number = i64::try_from(self.incidents.len()).expect("small") + 1;
                let id = IncidentId::generate();
                self.incidents.push(Incident::unborn(id, IncidentNumber(number)));
                self.append(id, events, now);
                Some(id)
            }
            Decision::Append(id, events, leaving) => {
                self.leave(leaving.as_ref(), now);
                self.append(*id, events, now);
                Some(*id)
            }
        };
        if keep(alert, known.as_ref(), &decision).is_none() {
            return decision;
        }
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
        start_is_guessed: false,
        ends_at: None,
        generator_url: None,
        group_key: None,
        note: None,
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
    // What is known of the alert has not gone back in time either: its repeat is a repeat, and its end is its end.
    let repeat = world.receive(&alert("A", Some("s"), FIRING, 100), at(103));
    assert_eq!(repeat, Decision::Ignore(Ignored::AlreadyFiring));
    assert_eq!(world.incidents[0].alerts_firing, 1);
    world.receive(&alert("A", Some("s"), RESOLVED, 100), at(200));
    assert!(!world.incidents[0].is_open());
}

#[test]
fn an_alert_that_moves_to_another_incident_leaves_no_firing_behind() {
    let mut world = World::default();
    world.receive(&alert("A", Some("s"), FIRING, 0), at(1));
    world.by_person(EventKind::Resolved { reason: "known".into() }, at(30));
    world.receive(&alert("B", Some("s"), FIRING, 40), at(41));
    world.receive(&alert("A", Some("s"), FIRING, 50), at(51));
    assert_eq!((world.incidents[0].alerts_firing, world.incidents[1].alerts_firing), (0, 2));
    world.receive(&alert("A", Some("s"), RESOLVED, 50), at(60));
    world.receive(&alert("B", Some("s"), RESOLVED, 40), at(61));
    assert!(world.incidents.iter().all(|incident| !incident.is_open() && incident.alerts_firing == 0));
}

#[test]
fn hosts_that_are_scraped_by_one_job_are_told_apart_by_their_rules() {
    let mut world = World::default();
    for name in ["DiskFull", "NodeDown"] {
        let mut one = alert(name, None, FIRING, 0);
        one.labels.insert("job".into(), "node-exporter".into());
        one.identity = Identity::of(&one.labels);
        world.receive(&one, at(1));
    }
    assert_eq!(world.incidents.len(), 2);
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
    /// Whatever comes in whatever order, late bodies and people's resolving included: an alert is in one incident, an
    /// incident's counts are those of its alerts, what fires is in an open incident unless a person closed it, and
    /// replaying the log gives every incident again.
    #[test]
    fn counts_and_states_hold_for_every_history(
        steps in prop::collection::vec((0_u8..4, 0_u8..2, 0_u8..8, 0_i64..4000, 0_i64..3000), 1..80)
    ) {
        let mut world = World::default();
        let mut now = 0;
        let mut closed_by_person = false;
        for (name, service, what, pause, age) in steps {
            now += pause;
            if what == 0 {
                let open = world.incidents.iter().find(|incident| incident.is_open()).map(|incident| incident.id);
                if let Some(id) = open {
                    let kind = EventKind::Resolved { reason: "by hand".into() };
                    world.append(id, &[NewEvent::new(at(now), Actor::Person { name: "ada".into() }, kind)], at(now));
                    closed_by_person = true;
                }
                continue;
            }
            let status = if what % 2 == 0 { FIRING } else { RESOLVED };
            let service = format!("s{service}");
            let mut one = alert(&format!("A{name}"), Some(&service), status, now - age);
            one.ends_at = (status == RESOLVED).then(|| at(now - age / 2));
            world.receive(&one, at(now));
        }
        for incident in &world.incidents {
            let firing = world.alerts.values()
                .filter(|alert| alert.incident == Some(incident.id) && alert.status == FIRING).count();
            prop_assert_eq!(incident.alerts_firing, i64::try_from(firing).expect("small"));
            prop_assert!(!incident.is_open() || firing > 0);
            prop_assert!(incident.is_open() || firing == 0 || closed_by_person);
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
