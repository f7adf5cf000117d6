//! What holds whatever comes, in whatever order, and whatever people do meanwhile.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::world::{FIRING, RESOLVED, World, alert, at, with_severity};
use crate::{Acknowledgement, Alert, AlertSource, EventKind, Incident, IncidentId, IncidentStatus, Severity};

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    /// A body comes: the alert fires or is over since `age` seconds ago, which lies in the future if negative.
    Body {
        name: u8,
        service: u8,
        severity: usize,
        source: usize,
        fires: bool,
        age: i64,
        has_start: bool,
        has_end: bool,
    },
    /// A body that came before comes once more, late or from another peer.
    Again(usize),
    /// An alert comes and goes.
    Flap {
        name: u8,
        service: u8,
        times: u8,
    },
    /// As many services as this fail at once.
    Storm {
        name: u8,
        services: u8,
    },
    /// What happens because time passes.
    Sweep,
    Note(usize),
    Acknowledge(usize),
    Assign(usize, bool),
    SetSeverity(usize, usize),
    Resolve(usize),
    Reopen(usize),
    Merge(usize, usize),
    Unmerge(usize, usize),
    Split(usize, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0_usize..1000;
    let body = (
        0_u8..3,
        0_u8..3,
        0_usize..3,
        0_usize..2,
        any::<bool>(),
        -600_i64..3000,
        any::<bool>(),
        any::<bool>(),
    );
    prop_oneof![
        8 => body.prop_map(|(name, service, severity, source, fires, age, has_start, has_end)| Step::Body {
            name, service, severity, source, fires, age, has_start, has_end
        }),
        4 => one.clone().prop_map(Step::Again),
        1 => (0_u8..3, 0_u8..3, 1_u8..6).prop_map(|(name, service, times)| Step::Flap { name, service, times }),
        1 => (0_u8..3, 1_u8..12).prop_map(|(name, services)| Step::Storm { name, services }),
        2 => Just(Step::Sweep),
        1 => one.clone().prop_map(Step::Note),
        1 => one.clone().prop_map(Step::Acknowledge),
        1 => (one.clone(), any::<bool>()).prop_map(|(which, somebody)| Step::Assign(which, somebody)),
        1 => (one.clone(), 0_usize..3).prop_map(|(which, severity)| Step::SetSeverity(which, severity)),
        1 => one.clone().prop_map(Step::Resolve),
        1 => one.clone().prop_map(Step::Reopen),
        1 => (one.clone(), one.clone()).prop_map(|(stays, ends)| Step::Merge(stays, ends)),
        1 => (one.clone(), one.clone()).prop_map(|(stays, ended)| Step::Unmerge(stays, ended)),
        1 => (one, 0_u8..3).prop_map(|(from, service)| Step::Split(from, service)),
    ]
}

/// What a person said about an incident.
#[derive(Debug, PartialEq)]
struct Said {
    notes: usize,
    acknowledged: Option<Acknowledgement>,
    owner: Option<String>,
    severity: Option<Severity>,
}

#[derive(Default)]
struct History {
    world: World,
    now: i64,
    sent: Vec<Alert>,
    closed_by_person: HashSet<IncidentId>,
    opened_by_person: HashSet<IncidentId>,
}

impl History {
    fn now(&self) -> DateTime<Utc> {
        at(self.now)
    }

    fn send(&mut self, alert: Alert) {
        self.world.receive(&alert, self.now());
        self.sent.push(alert);
    }

    /// Lets the step happen. Gives whether a person did it.
    fn take(&mut self, step: &Step) -> bool {
        let incidents = self.world.incidents.len();
        match step {
            Step::Body { .. } => self.send(body(step, self.now)),
            Step::Again(which) if !self.sent.is_empty() => {
                let again = self.sent[which % self.sent.len()].clone();
                self.world.receive(&again, self.now());
            }
            Step::Flap { name, service, times } => {
                for _ in 0..*times {
                    self.now += 60;
                    let start = self.now;
                    self.send(alert(&format!("A{name}"), Some(&format!("s{service}")), FIRING, start));
                    self.now += 60;
                    self.send(alert(&format!("A{name}"), Some(&format!("s{service}")), RESOLVED, start));
                }
            }
            Step::Storm { name, services } => {
                for service in 0..*services {
                    self.send(alert(&format!("A{name}"), Some(&format!("s{service}")), FIRING, self.now));
                }
            }
            Step::Sweep => self.world.sweep(self.now()),
            _ if incidents == 0 => {}
            _ => {
                self.act(step, incidents);
                return true;
            }
        }
        false
    }

    /// A person acts. What the rules refuse changes nothing.
    fn act(&mut self, step: &Step, incidents: usize) {
        let now = self.now;
        let world = &mut self.world;
        let which = match *step {
            Step::Note(which)
            | Step::Acknowledge(which)
            | Step::Assign(which, _)
            | Step::SetSeverity(which, _)
            | Step::Resolve(which)
            | Step::Reopen(which)
            | Step::Merge(which, _)
            | Step::Unmerge(which, _)
            | Step::Split(which, _) => which % incidents,
            _ => return,
        };
        let (id, open) = (world.incidents[which].id, world.incidents[which].is_open());
        match *step {
            Step::Note(_) => world.by_person(which, EventKind::Note { text: "mine".into() }, now),
            Step::Acknowledge(_) if open => world.by_person(which, EventKind::Acknowledged, now),
            Step::Assign(_, somebody) => {
                let owner = somebody.then(|| "bob".to_owned());
                world.by_person(which, EventKind::Assigned { owner }, now);
            }
            Step::SetSeverity(_, severity) => {
                let severity = Severity::ALL[severity];
                world.by_person(which, EventKind::SeveritySet { severity }, now);
            }
            Step::Resolve(_) if open => {
                self.closed_by_person.insert(id);
                world.by_person(which, EventKind::Resolved { reason: "by hand".into() }, now);
            }
            Step::Reopen(_) if !open && world.reopen_by_person(which, now).is_ok() => {
                self.opened_by_person.insert(id);
            }
            Step::Merge(_, ends) => drop(world.merge(which, ends % incidents, now)),
            Step::Unmerge(_, ended) => drop(world.unmerge(which, ended % incidents, now)),
            Step::Split(_, service) => drop(world.split(which, &format!("s{service}"), now)),
            _ => {}
        }
    }

    fn said(&self) -> Vec<Said> {
        let said = |incident: &Incident| Said {
            notes: self
                .world
                .log
                .iter()
                .filter(|event| event.incident == incident.id && event.kind.name() == "note")
                .count(),
            acknowledged: incident.acknowledged.clone(),
            owner: incident.owner.clone(),
            severity: incident.severity_set_by_person.then_some(incident.severity),
        };
        self.world.incidents.iter().map(said).collect()
    }

    fn check_each(&self) -> Result<(), TestCaseError> {
        for incident in &self.world.incidents {
            let alerts = self.world.alerts_of(incident.id);
            let firing = alerts.iter().filter(|alert| alert.status == FIRING).count();
            prop_assert_eq!(incident.alerts_firing, i64::try_from(firing).expect("small"), "{:?}", incident);
            prop_assert!(
                incident.alerts_total >= i64::try_from(alerts.len()).expect("small"),
                "{:?}",
                incident
            );
            let kept_open = incident.flapping || self.opened_by_person.contains(&incident.id);
            prop_assert!(
                !incident.is_open() || firing > 0 || kept_open,
                "nothing fires, yet open: {:?}",
                incident
            );
            let closed = self.closed_by_person.contains(&incident.id);
            prop_assert!(incident.is_open() || firing == 0 || closed, "fires, yet over: {:?}", incident);
            prop_assert_eq!(incident.is_open(), incident.resolved_at.is_none());
            prop_assert_eq!(
                incident.status == IncidentStatus::Acknowledged,
                incident.is_open() && incident.acknowledged.is_some()
            );
            prop_assert!(
                incident.quiet_since.is_none() || (incident.is_open() && firing == 0),
                "{:?}",
                incident
            );
            prop_assert!(!incident.flapping || incident.is_open());
            prop_assert!(
                !(incident.flapping && firing == 0) || incident.quiet_since.is_some(),
                "held for ever"
            );
            prop_assert!(incident.opened_at <= self.now());
            prop_assert!(
                incident.resolved_at.is_none_or(|ended| incident.opened_at <= ended && ended <= self.now())
            );
            prop_assert!(incident.merged_into.is_none() || (!incident.is_open() && alerts.is_empty()));
        }
        Ok(())
    }

    fn check_together(&self) -> Result<(), TestCaseError> {
        let mut keys = HashSet::new();
        for incident in self.world.incidents.iter().filter(|incident| incident.is_open()) {
            prop_assert!(
                keys.insert(&incident.correlation_key),
                "two open incidents share {}",
                incident.correlation_key
            );
        }
        Ok(())
    }

    fn check_logs(&self) -> Result<(), TestCaseError> {
        for incident in &self.world.incidents {
            let mut replayed = Incident::unborn(incident.id, incident.number);
            let mut services = HashSet::new();
            let mut may_span = incident.is_storm() || incident.is_split_off();
            for event in self.world.log.iter().filter(|event| event.incident == incident.id) {
                replayed.apply(event);
                match &event.kind {
                    EventKind::AlertFired { alert, .. } => drop(services.insert(alert.labels.get("service"))),
                    EventKind::Merged { .. } => may_span = true,
                    _ => {}
                }
            }
            prop_assert_eq!(&replayed, incident);
            prop_assert!(may_span || services.len() == 1, "INC-{} spans {:?}", incident.number, services);
        }
        Ok(())
    }
}

fn body(step: &Step, now: i64) -> Alert {
    let Step::Body { name, service, severity, source, fires, age, has_start, has_end } = *step else {
        unreachable!("only called with a body")
    };
    let status = if fires { FIRING } else { RESOLVED };
    let one = alert(
        &format!("A{name}"),
        Some(&format!("s{service}")),
        status,
        if has_start { now - age } else { now },
    );
    let mut one = with_severity(one, Severity::ALL[severity]);
    one.start_is_guessed = !has_start;
    one.source = AlertSource::ALL[source];
    // An end never lies before the start: such a body is read as one without an end.
    one.ends_at =
        (!fires && has_end && has_start).then(|| at(now - age / 2)).filter(|end| *end >= one.starts_at);
    one
}

proptest! {
    #[test]
    fn what_an_incident_says_of_itself_is_true_after_every_step(
        steps in prop::collection::vec((step(), 0_i64..900), 1..70),
        storm_incidents in prop_oneof![Just(3_u32), Just(100_u32)],
    ) {
        let mut history = History::default();
        history.world.policy.storm_incidents = storm_incidents;
        history.world.policy.stale_after = chrono::TimeDelta::hours(3);
        for (step, pause) in &steps {
            history.now += pause;
            let before = history.said();
            let by_person = history.take(step);
            if !by_person {
                prop_assert_eq!(&history.said()[..before.len()], before, "an alert changed what a person said");
            }
            history.check_each()?;
            history.check_together()?;
        }
        history.check_logs()?;
    }
}
