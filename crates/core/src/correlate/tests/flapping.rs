use super::world::{World, at};
use crate::{EventKind, IncidentStatus};

/// The alert comes and goes this often, once in two minutes. Gives the time of its last end.
fn flap(world: &mut World, times: i64) -> i64 {
    for i in 0..times {
        world.fire("A", "s", i * 120, i * 120 + 1);
        world.end("A", "s", i * 120, i * 120 + 60);
    }
    (times - 1) * 120 + 60
}

#[test]
fn an_incident_that_comes_and_goes_is_held_open_with_its_count() {
    let mut world = World::default();
    let last = flap(&mut world, 6);
    let incident = &world.incidents[0];
    assert_eq!((world.incidents.len(), incident.is_open(), incident.flapping), (1, true, true));
    assert_eq!((incident.flaps, incident.reopened_count), (5, 3));
    assert_eq!(incident.quiet_since, Some(at(last)));
    let held = world.log.iter().find_map(|event| match &event.kind {
        EventKind::FlappingHeld { flaps, quiet_seconds, reason } => {
            Some((*flaps, *quiet_seconds, reason.clone()))
        }
        _ => None,
    });
    let said = "It came back 3 times, each within 1 h of the last; it counts as over once it has been quiet for 10 min.";
    assert_eq!(held, Some((3, 600, said.to_owned())));
}

#[test]
fn what_flapped_ends_when_it_has_been_quiet_for_a_while() {
    let mut world = World::default();
    let last = flap(&mut world, 6);
    world.sweep(at(last + 599));
    assert!(world.incidents[0].is_open());
    world.sweep(at(last + 600));
    assert_eq!(world.incidents[0].status, IncidentStatus::Resolved);
    assert_eq!(world.last_reason(0), "It came back 5 times, and has been quiet for 10 min.");
}

#[test]
fn what_flapped_a_moment_ago_is_held_at_once_when_it_comes_back() {
    let mut world = World::default();
    let last = flap(&mut world, 6);
    world.sweep(at(last + 600));
    world.fire("A", "s", last + 700, last + 701);
    let incident = &world.incidents[0];
    assert_eq!((incident.flapping, incident.flaps), (true, 6));
}

#[test]
fn coming_back_seldom_is_no_flapping() {
    let mut world = World::default();
    world.policy.reopen_window = chrono::TimeDelta::hours(3);
    for i in 0..5 {
        world.fire("A", "s", i * 7_200, i * 7_200 + 1);
        world.end("A", "s", i * 7_200, i * 7_200 + 60);
    }
    let incident = &world.incidents[0];
    assert_eq!((world.incidents.len(), incident.reopened_count, incident.flaps), (1, 4, 1));
    assert!(!incident.is_open() && !incident.flapping);
}

#[test]
fn another_alert_of_a_held_incident_counts_too_and_the_acknowledgement_stays() {
    let mut world = World::default();
    let last = flap(&mut world, 5);
    world.by_person(0, EventKind::Acknowledged, last + 1);
    world.fire("B", "s", last + 100, last + 101);
    assert_eq!((world.incidents.len(), world.incidents[0].flaps), (1, 5));
    world.end("B", "s", last + 100, last + 160);
    let incident = &world.incidents[0];
    assert_eq!((incident.status, incident.owner.as_deref()), (IncidentStatus::Acknowledged, Some("ada")));
    world.sweep(at(last + 160 + 600));
    assert!(!world.incidents[0].is_open());
}

#[test]
fn a_person_may_end_what_flaps_at_once() {
    let mut world = World::default();
    let last = flap(&mut world, 4);
    world.by_person(0, EventKind::Resolved { reason: "mended".into() }, last + 1);
    let incident = &world.incidents[0];
    assert_eq!((incident.flapping, incident.quiet_since, incident.is_open()), (false, None, false));
}
