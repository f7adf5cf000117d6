use super::world::{FIRING, RESOLVED, World, alert, at, with_label};
use crate::{Decision, Ignored, IncidentStatus};

#[test]
fn the_same_alert_again_changes_nothing() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    let before = world.log.len();
    assert_eq!(world.fire("A", "s", 0, 300), Decision::Ignore(Ignored::AlreadyFiring));
    assert_eq!((world.log.len(), world.incidents.len()), (before, 1));
}

#[test]
fn the_same_group_from_two_peers_changes_nothing_the_second_time_and_ends_once() {
    let mut world = World::default();
    for peer in 0..2 {
        world.fire("A", "s", 0, 1 + peer);
        world.fire("B", "s", 0, 1 + peer);
    }
    assert_eq!(world.kinds(0), ["opened", "alert_fired", "alert_fired"]);
    for peer in 0..2 {
        world.end("A", "s", 0, 60 + peer);
        world.end("B", "s", 0, 60 + peer);
    }
    assert_eq!(world.kinds(0)[3..], ["alert_resolved", "alert_resolved", "resolved"]);
    assert_eq!(world.incidents.len(), 1);
}

#[test]
fn a_resolved_alert_closes_the_incident_that_it_opened() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    assert_eq!(world.incidents.len(), 1);
    assert_eq!(world.incidents[0].status, IncidentStatus::Resolved);
}

#[test]
fn an_incident_ends_with_its_last_alert() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.fire("B", "s", 5, 6);
    assert_eq!((world.incidents.len(), world.incidents[0].alerts_firing), (1, 2));
    world.end("A", "s", 0, 60);
    assert!(world.incidents[0].is_open());
    world.end("B", "s", 5, 61);
    assert!(!world.incidents[0].is_open());
    assert_eq!(world.last_reason(0), "The last of its 2 alerts is resolved.");
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
        world.receive(&with_label(alert("A", Some("s"), FIRING, 0), "cluster", cluster), at(1));
    }
    assert_eq!(world.incidents.len(), 2);
}

#[test]
fn hosts_that_are_scraped_by_one_job_are_told_apart_by_their_rules() {
    let mut world = World::default();
    for name in ["DiskFull", "NodeDown"] {
        world.receive(&with_label(alert(name, None, FIRING, 0), "job", "node-exporter"), at(1));
    }
    assert_eq!(world.incidents.len(), 2);
}

#[test]
fn firing_again_soon_reopens_and_later_opens_anew() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    world.fire("A", "s", 120, 121);
    assert_eq!((world.incidents.len(), world.incidents[0].reopened_count), (1, 1));
    assert_eq!((world.incidents[0].status, world.incidents[0].alerts_firing), (IncidentStatus::Open, 1));
    world.end("A", "s", 120, 180);
    world.fire("A", "s", 9_000, 9_001);
    assert_eq!(world.incidents.len(), 2);
}

#[test]
fn resolved_without_firing_opens_nothing() {
    let mut world = World::default();
    let decision = world.receive(&alert("A", Some("s"), RESOLVED, 0), at(1));
    assert_eq!((decision, world.incidents.len()), (Decision::Ignore(Ignored::NeverFired), 0));
}

#[test]
fn the_heartbeat_opens_nothing() {
    let mut world = World::default();
    assert_eq!(world.receive(&alert("Watchdog", None, FIRING, 0), at(1)), Decision::Heartbeat);
    assert!(world.incidents.is_empty());
}

#[test]
fn why_opsseer_believes_an_alert_stands_before_why_it_belongs_here() {
    let mut world = World::default();
    let mut missed = alert("A", Some("s"), FIRING, 0);
    missed.note = Some("Alertmanager says so; its message never came.".into());
    world.receive(&missed, at(60));
    assert_eq!(
        world.last_reason(0),
        "Alertmanager says so; its message never came. It opened this incident."
    );
}
