use super::world::{FIRING, World, alert, at, with_label, with_severity};
use crate::{EventKind, Severity};

#[test]
fn ten_thousand_services_with_one_trouble_open_a_bounded_number_of_incidents() {
    let mut world = World::default();
    for i in 0..10_000 {
        world.fire("Slow", &format!("s{i}"), 0, 1 + i / 1_000);
    }
    assert_eq!(world.incidents.len(), 101);
    let storm = &world.incidents[100];
    assert_eq!((storm.title.as_str(), storm.alerts_firing), ("Storm: Slow on many services", 9_900));
    assert_eq!(storm.service, None);
    assert!(world.incidents[..100].iter().all(|incident| incident.alerts_total == 1));
    let EventKind::AlertFired { reason, .. } = &world.log.last().expect("something happened").kind else {
        panic!("the last alert joined")
    };
    assert_eq!(
        reason,
        "100 incidents were opened within 1 min; until that passes, alerts of the same rule share one."
    );
}

#[test]
fn ten_thousand_troubles_in_as_many_places_open_a_bounded_number_of_incidents() {
    let mut world = World::default();
    for i in 0..10_000 {
        let one = alert(&format!("R{i}"), Some(&format!("s{i}")), FIRING, 0);
        world.receive(&with_label(one, "namespace", &format!("n{i}")), at(1 + i / 1_000));
    }
    assert_eq!(world.incidents.len(), 201);
    assert_eq!(world.incidents[200].title, "Storm: alerts of many rules and services");
    assert_eq!(world.incidents[200].alerts_firing, 9_800);
}

#[test]
fn a_storm_does_not_take_in_the_alerts_of_a_service_whose_incident_is_open() {
    let mut world = World::default();
    for i in 0..300 {
        world.fire("Slow", &format!("s{i}"), 0, 1);
    }
    world.fire("Errors", "s7", 5, 6);
    assert_eq!((world.incidents[7].service.as_deref(), world.incidents[7].alerts_total), (Some("s7"), 2));
}

#[test]
fn when_the_storm_has_passed_a_new_service_has_its_own_incident_again() {
    let mut world = World::default();
    for i in 0..300 {
        world.fire("Slow", &format!("s{i}"), 0, 1);
    }
    world.fire("Slow", "late", 100, 101);
    let last = world.incidents.last().expect("opened");
    assert_eq!((world.incidents.len(), last.service.as_deref()), (102, Some("late")));
}

#[test]
fn an_alert_of_a_storm_that_is_over_opens_the_incident_of_its_own_service() {
    let mut world = World::default();
    for i in 0..200 {
        world.fire("Slow", &format!("s{i}"), 0, 1);
    }
    for i in 0..200 {
        world.end("Slow", &format!("s{i}"), 0, 60);
    }
    assert!(world.incidents.iter().all(|incident| !incident.is_open()));
    world.fire("Slow", "s150", 100, 101);
    let last = world.incidents.last().expect("opened");
    assert_eq!((last.service.as_deref(), world.incidents.len()), (Some("s150"), 102));
}

#[test]
fn a_more_urgent_alert_makes_a_storm_more_urgent_and_does_not_rename_it() {
    let mut world = World::default();
    for i in 0..150 {
        world.fire("Slow", &format!("s{i}"), 0, 1);
    }
    world.receive(&with_severity(alert("Slow", Some("urgent"), FIRING, 0), Severity::Page), at(2));
    let storm = &world.incidents[100];
    assert_eq!((storm.severity, storm.title.as_str()), (Severity::Page, "Storm: Slow on many services"));
}
