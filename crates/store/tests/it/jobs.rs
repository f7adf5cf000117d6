//! Work that follows from events: taken once, kept by its worker, tried again, given up, asked for again.

mod claim;
mod dead;

use std::time::Duration;

use chrono::TimeDelta;
use opsseer_core::{Actor, EventId, EventKind, Incident, NewEvent};
use opsseer_store::{FollowUps, JobState, Lease, Store};

use crate::world::World;

const LEASE: Duration = Duration::from_mins(1);

/// As many places as there may be jobs.
const FREE: [(&str, u32); 2] = [("look", 100), ("draw", 100)];

async fn claim(world: &World) -> Vec<Lease> {
    claim_from(&world.store).await
}

async fn claim_from(store: &Store) -> Vec<Lease> {
    store.claim_jobs(&FREE, 10, LEASE).await.unwrap()
}

/// Another process on the same database; where there can be none, another worker of this one.
async fn other(world: &World) -> Store {
    world.replica().await.unwrap_or_else(|| world.store.clone())
}

/// A world where events ask for other work.
async fn world_of(follow_ups: FollowUps) -> World {
    let mut world = World::new().await;
    world.store.close().await;
    world.store = Store::open(world.config(), world.clock.clone(), follow_ups).await.unwrap();
    world
}

/// Writes a note as the job's result, if the job is still this worker's.
async fn finish(store: &Store, lease: &Lease) -> bool {
    let mut tx = store.begin().await.unwrap();
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

async fn give_up(world: &World, lease: &Lease, why: &str) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    let given_up = tx.give_up_job(lease, why).await.unwrap();
    tx.commit().await.unwrap();
    given_up
}

async fn hand_back(world: &World, lease: &Lease) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    let returned = tx.return_job(lease).await.unwrap();
    tx.commit().await.unwrap();
    returned
}

async fn notes(world: &World, incident: &Incident) -> Vec<String> {
    let events = world.store.list_events(incident.id, EventId(0), 100).await.unwrap();
    let text = |kind| match kind {
        EventKind::Note { text } => Some(text),
        _ => None,
    };
    events.into_iter().filter_map(|event| text(event.kind)).collect()
}

#[tokio::test]
async fn a_change_brings_its_work_along_and_the_work_is_taken_once() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let taken = claim(&world).await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].kind.as_str(), taken[0].incident, taken[0].attempt), ("look", incident.id, 1));
    assert!(claim(&world).await.is_empty());
    assert!(finish(&world.store, &taken[0]).await);
    world.clock.advance(3600);
    assert!(claim(&world).await.is_empty(), "what is done is not offered again");
}

#[tokio::test]
async fn one_event_asks_for_the_same_work_once() {
    let world = world_of(|_, event| match event.kind {
        EventKind::AlertFired { .. } => &["look", "draw", "look"],
        _ => &[],
    })
    .await;
    world.open_incident("db").await;
    let mut kinds: Vec<_> = claim(&world).await.into_iter().map(|lease| lease.kind).collect();
    kinds.sort();
    assert_eq!(kinds, ["draw", "look"]);
}

#[tokio::test]
async fn work_whose_worker_died_is_taken_again_and_has_its_effect_once() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let lost = claim(&world).await.remove(0);
    world.clock.advance(61);
    let world = world.reopened().await;
    let again = claim(&world).await.remove(0);
    assert_eq!((again.id, again.attempt, again.tries()), (lost.id, 2, 2));
    assert!(finish(&world.store, &again).await);
    assert!(!finish(&world.store, &lost).await, "the first worker came back too late");
    assert_eq!(notes(&world, &incident).await, ["attempt 2"]);
}

#[tokio::test]
async fn work_that_takes_three_leases_stays_with_the_worker_that_renews_it() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let other = other(&world).await;
    let lease = claim(&world).await.remove(0);
    for _ in 0..9 {
        world.clock.advance(20);
        assert!(claim_from(&other).await.is_empty());
        assert!(world.store.renew_job(&lease, LEASE).await.unwrap());
    }
    assert!(finish(&world.store, &lease).await);
    assert_eq!(notes(&world, &incident).await, ["attempt 1"]);
    assert!(!world.store.renew_job(&lease, LEASE).await.unwrap(), "what is done cannot be kept");
}

#[tokio::test]
async fn a_worker_whose_lease_was_lost_can_neither_renew_nor_write_anything() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let slow = claim(&world).await.remove(0);
    world.clock.advance(61);
    let quick = claim_from(&other(&world).await).await.remove(0);
    assert!(!world.store.renew_job(&slow, LEASE).await.unwrap());
    assert!(!finish(&world.store, &slow).await);
    assert!(!give_up(&world, &slow, "it took too long").await);
    assert!(!hand_back(&world, &slow).await);
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    assert!(!tx.retry_job(&slow, now, "no answer").await.unwrap());
    tx.commit().await.unwrap();
    let job = world.store.find_job(slow.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts, job.returned, job.last_error), (JobState::Pending, 2, 0, None));
    assert_eq!(job.available_at, quick.until);
    assert!(notes(&world, &incident).await.is_empty());
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
    assert_eq!(world.store.next_job_at(&["look"]).await.unwrap(), Some(at));
    world.clock.advance(29);
    assert!(claim(&world).await.is_empty());
    assert_eq!(world.store.oldest_job().await.unwrap(), None, "a job whose time has not come is not late");
    world.clock.advance(11);
    assert_eq!(world.store.oldest_job().await.unwrap(), Some(at));
    let second = claim(&world).await.remove(0);
    assert_eq!(second.waited, TimeDelta::seconds(10), "from when it could be taken");
    assert!(give_up(&world, &second, "refused").await);
    world.clock.advance(3600);
    assert!(claim(&world).await.is_empty());
    let counts = [("pending".to_owned(), 0), ("done".to_owned(), 0), ("dead".to_owned(), 1)];
    assert_eq!(world.store.count_jobs().await.unwrap(), counts);
}

#[tokio::test]
async fn work_that_is_handed_back_may_be_taken_at_once_and_the_attempt_does_not_count() {
    let world = World::new().await;
    world.open_incident("db").await;
    for attempt in 1..=4 {
        let lease = claim(&world).await.remove(0);
        assert_eq!((lease.attempt, lease.tries()), (attempt, 1));
        assert!(hand_back(&world, &lease).await);
    }
    let crashed = claim(&world).await.remove(0);
    assert_eq!((crashed.attempt, crashed.tries()), (5, 1));
    world.clock.advance(61);
    let after_the_crash = claim(&world).await.remove(0);
    assert_eq!((after_the_crash.attempt, after_the_crash.tries()), (6, 2), "a crash does count");
}

#[tokio::test]
async fn a_replica_is_told_of_work_that_another_added() {
    let world = World::new().await;
    let Some(other) = world.replica().await else { return };
    let told = tokio::time::timeout(Duration::from_secs(20), other.jobs_added());
    let (told, _) = tokio::join!(told, world.open_incident("db"));
    told.expect("the other replica must be woken");
    assert_eq!(claim_from(&other).await.len(), 1);
}
