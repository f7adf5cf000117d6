use super::world::{FIRING, RESOLVED, World, alert, at};
use crate::{AlertSource, Decision, EventKind, Ignored, IncidentStatus};

#[test]
fn the_late_end_of_an_earlier_firing_does_not_close_the_present_one() {
    let mut world = World::default();
    world.fire("A", "s", 100, 101);
    let mut late = alert("A", Some("s"), RESOLVED, 0);
    late.ends_at = Some(at(50));
    assert_eq!(world.receive(&late, at(102)), Decision::Ignore(Ignored::EarlierFiring));
    assert!(world.incidents[0].is_open());
    // What is known of the alert has not gone back in time either: its repeat is a repeat, and its end is its end.
    assert_eq!(world.fire("A", "s", 100, 103), Decision::Ignore(Ignored::AlreadyFiring));
    assert_eq!(world.incidents[0].alerts_firing, 1);
    world.end("A", "s", 100, 200);
    assert!(!world.incidents[0].is_open());
}

#[test]
fn resolved_that_overtakes_its_firing_leaves_no_incident_behind() {
    let mut world = World::default();
    world.end("A", "s", 0, 60);
    assert_eq!(world.fire("A", "s", 0, 61), Decision::Ignore(Ignored::EndedAlready));
    assert!(world.incidents.is_empty());
}

#[test]
fn the_slower_of_two_peers_does_not_reopen_what_the_faster_one_ended() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    assert_eq!(world.fire("A", "s", 0, 62), Decision::Ignore(Ignored::EndedAlready));
    assert_eq!((world.incidents[0].status, world.incidents[0].reopened_count), (IncidentStatus::Resolved, 0));
}

#[test]
fn an_alert_that_alertmanager_had_given_up_comes_back_with_its_old_start() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 0, 60);
    // Late bodies in between do not put it off.
    world.fire("A", "s", 0, 60 + 4 * 60);
    world.fire("A", "s", 0, 60 + 6 * 60);
    assert_eq!((world.incidents[0].status, world.incidents[0].reopened_count), (IncidentStatus::Open, 1));
}

#[test]
fn a_firing_that_was_missed_in_between_is_ended_by_its_end() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.end("A", "s", 500, 600);
    assert!(!world.incidents[0].is_open());
    assert_eq!(world.fire("A", "s", 500, 601), Decision::Ignore(Ignored::EndedAlready));
}

#[test]
fn an_end_that_names_an_earlier_start_does_not_make_the_known_firing_look_new() {
    let mut world = World::default();
    world.fire("A", "s", 100, 101);
    // Two Prometheus servers began to see it at different times, and Alertmanager took the earlier one.
    world.end("A", "s", 95, 200);
    assert!(!world.incidents[0].is_open());
    assert_eq!(world.fire("A", "s", 100, 201), Decision::Ignore(Ignored::EndedAlready));
}

#[test]
fn resolved_without_an_end_ends_now() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.receive(&alert("A", Some("s"), RESOLVED, 0), at(60));
    assert_eq!(world.incidents[0].resolved_at, Some(at(60)));
    let ended = world.log.iter().find(|event| event.kind.name() == "alert_resolved").expect("it ended");
    assert_eq!(ended.at, at(60));
}

#[test]
fn a_sender_an_hour_ahead_or_behind_does_not_break_the_order() {
    for skew in [3_600, -3_600] {
        let mut world = World::default();
        world.fire("A", "s", skew, 1);
        let mut ended = alert("A", Some("s"), RESOLVED, skew);
        ended.ends_at = Some(at(skew + 60));
        world.receive(&ended, at(61));
        let incident = &world.incidents[0];
        assert!(incident.opened_at <= at(1), "{skew}");
        assert_eq!(incident.resolved_at, Some(at(61)), "{skew}");
        let times: Vec<_> = world.log.iter().map(|event| event.at).collect();
        assert!(times.is_sorted() && times.iter().all(|time| *time <= at(61)), "{skew}: {times:?}");
    }
}

#[test]
fn an_end_never_comes_before_the_beginning_even_if_our_clock_is_set_back() {
    let mut world = World::default();
    world.fire("A", "s", 1_000, 1_000);
    world.end("A", "s", 1_000, 400);
    let incident = &world.incidents[0];
    assert_eq!((incident.is_open(), incident.resolved_at), (false, Some(incident.opened_at)));
}

#[test]
fn a_stale_alert_is_resolved_with_the_reason() {
    let mut world = World::default();
    world.fire("A", "s", 0, 1);
    world.fire("A", "s", 0, 3_600);
    world.sweep(at(86_400));
    assert!(world.incidents[0].is_open());
    world.sweep(at(3_600 + 86_400));
    assert_eq!(
        world.last_reason(0),
        "Its alert counts as resolved. Not heard of for 24 h; its sender repeats what fires far more often."
    );
    let told = world.log.iter().find_map(|event| match &event.kind {
        EventKind::AlertResolved { reason, .. } => reason.clone(),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some("Not heard of for 24 h; its sender repeats what fires far more often."));
}

#[test]
fn an_alert_whose_sender_tells_an_earlier_start_by_now_is_heard_of_all_the_same() {
    let mut world = World::default();
    world.fire("A", "s", 100, 101);
    world.fire("A", "s", 95, 80_000);
    world.sweep(at(90_000));
    assert!(world.incidents[0].is_open());
    assert_eq!(world.fire("A", "s", 100, 90_001), Decision::Ignore(Ignored::AlreadyFiring));
}

#[test]
fn what_opsseer_raised_itself_does_not_go_stale() {
    let mut world = World::default();
    let mut own = alert("OpsSeerNoHeartbeat", Some("opsseer"), FIRING, 0);
    own.source = AlertSource::OpsSeer;
    world.receive(&own, at(1));
    world.sweep(at(10 * 86_400));
    assert!(world.incidents[0].is_open());
}
