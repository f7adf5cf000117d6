use std::time::Duration;

use chrono::TimeDelta;
use opsseer_core::{Actor, EventId, EventKind, NewEvent};
use opsseer_store::Lease;

use crate::world::World;

const LEASE: Duration = Duration::from_mins(1);

async fn claim(world: &World) -> Vec<Lease> {
    world.store.claim_jobs(10, LEASE).await.unwrap()
}

/// Writes a note as the job's result, if the job is still this worker's.
async fn finish(world: &World, lease: &Lease) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    if !tx.finish_job(lease).await.unwrap() {
        return false;
    }
    let incident = tx.find_incident(lease.incident.into()).await.unwrap().unwrap();
    let note = EventKind::Note { text: format!("attempt {}", lease.attempt) };
    let event = NewEvent::new(tx.now(), Actor::Component { name: "look".into() }, note);
    tx.append(incident, vec![event]);
    tx.commit().await.unwrap();
    true
}

#[tokio::test]
async fn a_change_brings_its_work_along_and_the_work_is_taken_once() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let taken = claim(&world).await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].kind.as_str(), taken[0].incident, taken[0].attempt), ("look", incident.id, 1));
    assert!(claim(&world).await.is_empty());
    assert!(finish(&world, &taken[0]).await);
    world.clock.advance(3600);
    assert!(claim(&world).await.is_empty(), "what is done is not offered again");
}

#[tokio::test]
async fn work_whose_worker_died_is_taken_again_and_has_its_effect_once() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let lost = claim(&world).await.remove(0);
    world.clock.advance(61);
    let world = world.reopened().await;
    let again = claim(&world).await.remove(0);
    assert_eq!((again.id, again.attempt), (lost.id, 2));
    assert!(finish(&world, &again).await);
    assert!(!finish(&world, &lost).await, "the first worker came back too late");
    let notes: Vec<_> = world
        .store
        .list_events(incident.id, EventId(0), 100)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Note { text } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(notes, ["attempt 2"]);
}

#[tokio::test]
async fn a_retry_waits_for_its_time_and_a_lost_cause_is_kept_apart() {
    let world = World::new().await;
    world.open_incident("db").await;
    let first = claim(&world).await.remove(0);
    let mut tx = world.store.begin().await.unwrap();
    let at = tx.now() + TimeDelta::seconds(30);
    assert!(tx.retry_job(&first, at, "no answer").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(world.store.next_job_at().await.unwrap(), Some(at));
    world.clock.advance(29);
    assert!(claim(&world).await.is_empty());
    world.clock.advance(1);
    let second = claim(&world).await.remove(0);
    let mut tx = world.store.begin().await.unwrap();
    assert!(tx.give_up_job(&second, "refused").await.unwrap());
    tx.commit().await.unwrap();
    world.clock.advance(3600);
    assert!(claim(&world).await.is_empty());
    assert_eq!(world.store.count_jobs().await.unwrap(), [("dead".to_owned(), 1)]);
}

#[tokio::test]
async fn two_workers_never_take_the_same_job() {
    let world = World::new().await;
    for service in 0..20 {
        world.open_incident(&format!("s{service}")).await;
    }
    let (a, b) = tokio::join!(world.store.claim_jobs(15, LEASE), world.store.claim_jobs(15, LEASE));
    let mut ids: Vec<_> = a.unwrap().into_iter().chain(b.unwrap()).map(|lease| lease.id.0).collect();
    assert_eq!(ids.len(), 20);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}
