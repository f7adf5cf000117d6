use super::world::{World, at};
use crate::{EventKind, IncidentStatus, RegroupError};

/// Two services in trouble, an incident each.
fn two() -> World {
    let mut world = World::default();
    world.fire("Slow", "shop", 0, 1);
    world.fire("Down", "db", 2, 3);
    world
}

#[test]
fn merged_incidents_are_one_with_all_alerts_and_the_other_says_where_they_went() {
    let mut world = two();
    assert_eq!(world.merge(0, 1, 10), Ok(()));
    let (stays, ended) = (&world.incidents[0], &world.incidents[1]);
    assert_eq!((stays.alerts_firing, stays.alerts_total), (2, 2));
    assert_eq!(
        (ended.status, ended.alerts_firing, ended.merged_into),
        (IncidentStatus::Resolved, 0, Some(stays.id))
    );
    assert_eq!((world.kinds(0).last(), world.kinds(1).last()), (Some(&"merged"), Some(&"merged_into")));
}

#[test]
fn alerts_of_both_services_come_and_go_in_the_merged_incident() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    world.fire("Slow", "db", 20, 21);
    assert_eq!((world.incidents.len(), world.incidents[0].alerts_firing), (2, 3));
    world.end("Slow", "db", 20, 30);
    world.end("Down", "db", 2, 31);
    assert!(world.incidents[0].is_open());
    world.end("Slow", "shop", 0, 32);
    assert!(!world.incidents[0].is_open());
    world.fire("Down", "db", 40, 41);
    assert_eq!((world.incidents.len(), world.incidents[0].alerts_firing), (2, 1));
}

#[test]
fn undoing_a_merge_gives_each_incident_its_alerts_as_they_are_now() {
    let mut world = two();
    world.by_person(1, EventKind::Acknowledged, 5);
    world.merge(0, 1, 10).expect("may be merged");
    world.fire("Slow", "db", 20, 21);
    world.end("Slow", "shop", 0, 30);
    assert_eq!(world.unmerge(0, 1, 40), Ok(()));
    let (stays, restored) = (&world.incidents[0], &world.incidents[1]);
    assert_eq!((restored.alerts_firing, restored.alerts_total, restored.merged_into), (2, 2, None));
    assert_eq!((restored.status, restored.owner.as_deref()), (IncidentStatus::Acknowledged, Some("ada")));
    // Nothing fires in the one that stayed: it is over.
    assert_eq!((stays.alerts_firing, stays.status), (0, IncidentStatus::Resolved));
    assert_eq!(world.last_reason(0), "None of the alerts that it kept fires.");
}

#[test]
fn undoing_a_merge_does_not_reopen_what_was_over_before_unless_something_fires_anew() {
    for fires_anew in [false, true] {
        let mut world = two();
        world.by_person(1, EventKind::Resolved { reason: "done".into() }, 5);
        world.merge(0, 1, 10).expect("what is over may be merged into what goes on");
        if fires_anew {
            world.fire("Slow", "db", 20, 21);
        }
        assert_eq!(world.unmerge(0, 1, 40), Ok(()));
        let restored = &world.incidents[1];
        assert_eq!((restored.is_open(), restored.merged_into), (fires_anew, None));
        assert_eq!(restored.alerts_firing, if fires_anew { 2 } else { 1 });
        assert_eq!(restored.resolved_at, (!fires_anew).then(|| at(5)));
    }
}

#[test]
fn a_merge_that_makes_no_sense_is_refused_in_words() {
    let mut world = two();
    world.fire("Slow", "mail", 4, 5);
    let said = |result: Result<(), RegroupError>| result.expect_err("must be refused").to_string();
    assert_eq!(said(world.merge(0, 0, 10)), "an incident cannot be merged with itself");
    world.merge(0, 1, 10).expect("may be merged");
    assert_eq!(said(world.merge(2, 1, 11)), "INC-2 was merged into another incident; undo that first");
    assert_eq!(said(world.merge(1, 2, 11)), "INC-2 was merged into another incident; undo that first");
    assert_eq!(
        said(world.reopen_by_person(1, 11)),
        "INC-2 was merged into another incident; undo that first"
    );
    assert_eq!(said(world.unmerge(0, 2, 11)), "INC-3 is not merged into INC-1");
    world.by_person(2, EventKind::Resolved { reason: "done".into() }, 12);
    assert_eq!(said(world.merge(2, 0, 13)), "INC-3 is resolved; reopen it first");
    world.merge(0, 2, 14).expect("what is over may be merged into what goes on");
}

#[test]
fn undoing_a_merge_does_not_open_a_second_incident_about_the_same() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    world.by_person(0, EventKind::Resolved { reason: "done".into() }, 20);
    world.fire("Slow", "db", 30, 31);
    let error = world.unmerge(0, 1, 40).expect_err("must be refused");
    assert_eq!(error.to_string(), "INC-3 goes on about the same as INC-2; merge the two instead");
}

#[test]
fn a_merged_incident_that_is_over_does_not_come_back_beside_its_successor() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    world.end("Slow", "shop", 0, 20);
    world.end("Down", "db", 2, 21);
    world.fire("Errors", "shop", 30, 31);
    world.fire("Down", "db", 40, 41);
    // The first is about the shop, as the third is; the database gets one of its own.
    let open: Vec<_> = world.incidents.iter().map(|one| (one.is_open(), one.service.as_deref())).collect();
    assert_eq!(open, [(false, Some("shop")), (false, Some("db")), (true, Some("shop")), (true, Some("db"))]);
}

#[test]
fn alerts_that_are_split_off_have_an_incident_of_their_own_and_stay_there() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    assert_eq!(world.split(0, "db", 20), Ok(()));
    let new = &world.incidents[2];
    assert_eq!((new.alerts_firing, new.title.as_str(), new.service.as_deref()), (1, "db: Down", Some("db")));
    assert_eq!((world.incidents[0].alerts_firing, world.incidents[0].alerts_total), (1, 1));
    // Its end and its return are told there, although others of its key would join the first.
    world.end("Down", "db", 2, 30);
    assert_eq!(world.incidents[2].status, IncidentStatus::Resolved);
    world.fire("Down", "db", 60, 61);
    assert_eq!((world.incidents[2].alerts_firing, world.incidents[0].alerts_firing), (1, 1));
}

#[test]
fn a_split_takes_some_of_the_alerts_never_none_and_never_all() {
    let mut world = two();
    let said = |result: Result<(), RegroupError>| result.expect_err("must be refused").to_string();
    assert_eq!(said(world.split(0, "mail", 5)), "no alert of INC-1 was named");
    assert_eq!(said(world.split(0, "shop", 5)), "all alerts of INC-1 were named; one must stay");
    world.by_person(0, EventKind::Resolved { reason: "done".into() }, 6);
    assert_eq!(said(world.split(0, "shop", 7)), "INC-1 is resolved; reopen it first");
}

#[test]
fn splitting_off_the_last_alert_that_fires_ends_what_is_left() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    world.end("Slow", "shop", 0, 15);
    world.split(0, "db", 20).expect("may be split");
    assert_eq!((world.incidents[0].status, world.incidents[2].is_open()), (IncidentStatus::Resolved, true));
    assert_eq!(world.incidents[2].opened_at, at(2));
}

#[test]
fn splitting_off_what_is_over_keeps_its_story_and_opens_nothing() {
    let mut world = two();
    world.merge(0, 1, 10).expect("may be merged");
    world.end("Down", "db", 2, 15);
    world.split(0, "db", 20).expect("may be split");
    assert!(world.incidents[0].is_open());
    let new = &world.incidents[2];
    assert_eq!((new.is_open(), new.alerts_firing, new.alerts_total), (false, 0, 1));
    assert_eq!(world.kinds(2), ["opened", "alert_fired", "alert_resolved", "resolved"]);
}
