//! Which jobs are taken, by whom, and in which order.

use std::collections::HashSet;

use opsseer_core::{AlertSnapshot, Clock, EventKind, Severity};
use opsseer_store::{Lease, Store};

use super::{LEASE, claim, claim_from, finish, hand_back, other, world_of};
use crate::world::{World, alert};

#[tokio::test]
async fn two_workers_never_take_the_same_job() {
    let world = World::new().await;
    let other = other(&world).await;
    for service in 0..40 {
        world.open_incident(&format!("s{service}")).await;
    }
    let slots = [("look", 7)];
    let take = async |store: &Store| {
        let mut taken = Vec::new();
        loop {
            let some = store.claim_jobs(&slots, 7, LEASE).await.unwrap();
            if some.is_empty() {
                return taken;
            }
            taken.extend(some);
        }
    };
    let (a, b) = tokio::join!(take(&world.store), take(&other));
    assert_eq!(a.len() + b.len(), 40, "each is taken, and once");
    let ids: HashSet<_> = a.iter().chain(&b).map(|lease| lease.id).collect();
    assert_eq!(ids.len(), 40);
    assert!(a.iter().chain(&b).all(|lease| lease.attempt == 1));
}

#[tokio::test]
async fn what_wakes_somebody_is_worked_on_first_and_then_what_has_waited_longest() {
    let world = World::new().await;
    let mut incidents = Vec::new();
    for service in ["early", "info", "page", "late"] {
        incidents.push(world.open_incident(service).await);
        world.clock.advance(1);
    }
    world.append(&incidents[1], vec![EventKind::SeveritySet { severity: Severity::Info }]).await;
    world.append(&incidents[2], vec![EventKind::SeveritySet { severity: Severity::Page }]).await;
    let order: Vec<_> = claim(&world).await.into_iter().map(|lease| lease.incident).collect();
    assert_eq!(order, [2, 0, 3, 1].map(|place: usize| incidents[place].id));
}

#[tokio::test]
async fn work_that_was_begun_goes_by_the_urgency_that_its_incident_has_by_now() {
    let world = World::new().await;
    let first = world.open_incident("first").await;
    world.clock.advance(1);
    let second = world.open_incident("second").await;
    let leases = claim(&world).await;
    world.append(&second, vec![EventKind::SeveritySet { severity: Severity::Page }]).await;
    for lease in &leases {
        assert!(hand_back(&world, lease).await);
    }
    let order: Vec<_> = claim(&world).await.into_iter().map(|lease| lease.incident).collect();
    assert_eq!(order, [second.id, first.id]);
}

#[tokio::test]
async fn a_kind_takes_no_more_places_than_it_has_and_the_others_are_not_starved() {
    let world = world_of(|_, event| match event.kind {
        EventKind::AlertFired { .. } => &["draw", "look"],
        _ => &[],
    })
    .await;
    for service in 0..10 {
        let incident = world.open_incident(&format!("s{service}")).await;
        world.append(&incident, vec![EventKind::SeveritySet { severity: Severity::Page }]).await;
        world.clock.advance(1);
    }
    let count = |leases: &[Lease], kind: &str| leases.iter().filter(|lease| lease.kind == kind).count();
    let taken = world.store.claim_jobs(&[("draw", 2), ("look", 4)], 4, LEASE).await.unwrap();
    assert_eq!(taken.len(), 4);
    assert!(count(&taken, "draw") <= 2 && count(&taken, "look") >= 2, "{taken:#?}");
    // Both places of the one kind are busy; the other goes on.
    let taken = world.store.claim_jobs(&[("draw", 0), ("look", 4)], 4, LEASE).await.unwrap();
    assert_eq!((count(&taken, "draw"), count(&taken, "look")), (0, 4));
    let waits = world.store.next_job_at(&["look"]).await.unwrap();
    assert!(waits.is_some() && world.store.next_job_at(&[]).await.unwrap().is_none());
    // A kind that this worker does not know is left to those that do.
    assert!(world.store.claim_jobs(&[("sing", 9)], 9, LEASE).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_thousands_that_wait_the_right_ones_are_taken() {
    let world = World::new().await;
    let incident = world.open_incident("storm").await;
    let fired = alert("Slow", "storm", world.clock.now());
    for _ in 0..20 {
        let again = |_| EventKind::AlertFired {
            alert: AlertSnapshot::from(&fired),
            first: false,
            reason: "test".into(),
        };
        world.append(&incident, (0..1000).map(again).collect()).await;
    }
    let urgent = world.open_incident("db").await;
    world.append(&urgent, vec![EventKind::SeveritySet { severity: Severity::Page }]).await;
    let taken = world.store.claim_jobs(&[("look", 3)], 3, LEASE).await.unwrap();
    assert_eq!(taken[0].incident, urgent.id);
    assert_eq!(taken[1].generation.0, 2, "of the others the first");
    assert!(finish(&world.store, &taken[1]).await);
    assert_eq!(claim_from(&world.store).await.len(), 10);
}
