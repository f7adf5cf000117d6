use super::world::{FIRING, World, alert, at, with_severity};
use crate::{Decision, EventKind, Ignored, IncidentStatus, RegroupError, Severity};

fn severity_set(severity: Severity) -> EventKind {
    EventKind::SeveritySet { severity }
}

#[test]
fn what_a_person_resolved_stays_resolved_while_the_alert_goes_on_and_comes_back_when_it_fires_anew() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.by_person(0, EventKind::Resolved { reason: "known".into() }, 30);
    assert_eq!(world.fire("A", "s", 0, 60), Decision::Ignore(Ignored::ResolvedByPerson));
    world.fire("A", "s", 90, 91);
    assert_eq!((world.incidents.len(), world.incidents[0].status), (1, IncidentStatus::Open));
    assert_eq!(world.incidents[0].alerts_firing, 1);
}

#[test]
fn an_alert_that_moves_to_another_incident_leaves_no_firing_behind() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.by_person(0, EventKind::Resolved { reason: "known".into() }, 30);
    world.fire("B", "s", 40, 41);
    world.fire("A", "s", 50, 51);
    assert_eq!((world.incidents[0].alerts_firing, world.incidents[1].alerts_firing), (0, 2));
    world.end("A", "s", 50, 60);
    world.end("B", "s", 40, 61);
    assert!(world.incidents.iter().all(|incident| !incident.is_open() && incident.alerts_firing == 0));
}

#[test]
fn a_more_urgent_alert_makes_the_incident_more_urgent_and_leaves_its_owner_alone() {
    let mut world = World::default();
    world.receive(&with_severity(alert("Slow", Some("s"), FIRING, 0), Severity::Ticket), at(1));
    world.by_person(0, EventKind::Acknowledged, 2);
    world.receive(&with_severity(alert("Down", Some("s"), FIRING, 3), Severity::Page), at(4));
    assert_eq!(world.kinds(0), ["opened", "alert_fired", "acknowledged", "alert_fired", "escalated"]);
    let incident = &world.incidents[0];
    assert_eq!((incident.severity, incident.title.as_str()), (Severity::Page, "s: Down"));
    assert_eq!((incident.status, incident.owner.as_deref()), (IncidentStatus::Acknowledged, Some("ada")));
    assert_eq!(world.last_reason(0), "Down is of severity page; the incident was of severity ticket.");
    // A less urgent one afterwards is no reason to change it back.
    world.receive(&with_severity(alert("Odd", Some("s"), FIRING, 5), Severity::Info), at(6));
    assert_eq!((world.incidents[0].severity, world.kinds(0).len()), (Severity::Page, 6));
}

#[test]
fn the_severity_that_a_person_set_stays_whatever_fires() {
    let mut world = World::default();
    world.receive(&with_severity(alert("Slow", Some("s"), FIRING, 0), Severity::Ticket), at(1));
    world.by_person(0, severity_set(Severity::Info), 2);
    world.receive(&with_severity(alert("Down", Some("s"), FIRING, 3), Severity::Page), at(4));
    assert_eq!(world.incidents[0].severity, Severity::Info);
    assert!(!world.kinds(0).contains(&"escalated"));
}

#[test]
fn an_incident_that_a_person_reopened_stays_open_until_they_close_it() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    assert_eq!(world.reopen_by_person(0, 61), Ok(()));
    world.sweep(at(80_000));
    assert!(world.incidents[0].is_open());
}

#[test]
fn an_incident_is_not_reopened_beside_another_about_the_same() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    world.fire("B", "s", 70, 71);
    let error = world.reopen_by_person(0, 80).expect_err("must be refused");
    assert_eq!(error.to_string(), "INC-2 goes on about the same as INC-1; merge the two instead");
    assert!(matches!(error, RegroupError::KeyTaken { .. }));
}
