//! Several processes on one database; or, on SQLite, why there is only one.

use std::time::Duration;

use opsseer_core::{EventId, EventKind};
use opsseer_store::{Store, StoreError};
use tokio::time::timeout;
use uuid::Uuid;

use crate::world::{World, no_follow_ups};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_second_process_on_one_sqlite_database_is_refused_in_words() {
    let world = World::new().await;
    if world.store.is_shared() {
        return;
    }
    let config = world.config();
    let error =
        Store::open(config.clone(), world.clock.clone(), no_follow_ups).await.err().expect("must be refused");
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("is in use by another OpsSeer"), "{error}");
    world.store.close().await;
    let store = Store::open(config, world.clock.clone(), no_follow_ups).await.expect("is free again");
    store.close().await;
}

#[tokio::test]
async fn replicas_that_start_at_once_bring_the_tables_up_once() {
    let world = World::unopened();
    let open = || Store::open(world.config(), world.clock.clone(), no_follow_ups);
    let started = tokio::join!(open(), open(), open());
    let started: Vec<Result<Store, StoreError>> = vec![started.0, started.1, started.2];
    let shared = started.iter().flatten().any(Store::is_shared);
    let (well, refused): (Vec<_>, Vec<_>) = started.into_iter().partition(Result::is_ok);
    assert_eq!((well.len(), refused.len()), if shared { (3, 0) } else { (1, 2) });
    for store in well.into_iter().flatten() {
        assert_eq!(store.count_unresolved().await.unwrap(), 0);
        store.close().await;
    }
}

#[tokio::test]
async fn a_replica_hears_of_what_another_commits_with_the_events_themselves() {
    let world = World::new().await;
    let Some(other) = world.replica().await else { return };
    let mut heard = other.subscribe();
    let incident = world.open_incident("db").await;
    let incident = world.append(&incident, vec![EventKind::Note { text: "one".into() }]).await;
    let mut seen = Vec::new();
    let mut newest = EventId(0);
    while newest < incident.last_event {
        let committed = timeout(PATIENCE, heard.recv()).await.expect("in time").unwrap();
        let change = committed.change_of(incident.id).expect("is about this incident");
        assert_eq!(change.before, newest, "nothing lies between what was told and what is told now");
        seen.extend(change.events.as_ref().expect("small enough to be told").iter().cloned());
        newest = seen.last().unwrap().id;
    }
    assert_eq!(seen, other.list_events(incident.id, EventId(0), 10).await.unwrap());
    other.close().await;
}

#[tokio::test]
async fn without_announcements_a_replica_finds_the_events_by_looking() {
    let world = World::new().await;
    if !world.store.is_shared() {
        return;
    }
    // PostgreSQL that was told to refuse NOTIFY, as engines do that only speak its protocol.
    world.forbid_notify();
    let here = Store::open(world.config(), world.clock.clone(), no_follow_ups).await.unwrap();
    let there = Store::open(world.config(), world.clock.clone(), no_follow_ups).await.unwrap();
    let mut heard = there.subscribe();
    let incident = crate::world::open_incident(&here, "db").await;
    let committed = timeout(PATIENCE, heard.recv()).await.expect("in time").unwrap();
    assert_eq!(committed.changes[0].incident, incident.id);
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn a_duty_is_done_by_one_replica_until_that_one_stays_away() {
    let world = World::new().await;
    if !world.store.is_shared() {
        return;
    }
    let (ada, bob) = (Uuid::now_v7(), Uuid::now_v7());
    let hold = async |holder| world.store.hold_duty("sweep", holder, Duration::from_secs(30)).await.unwrap();
    assert!(hold(ada).await);
    assert!(!hold(bob).await);
    world.clock.advance(20);
    assert!(hold(ada).await, "the holder may go on");
    world.clock.advance(29);
    assert!(!hold(bob).await);
    world.clock.advance(1);
    assert!(hold(bob).await);
    assert!(!hold(ada).await);
    // Who does not have it cannot give it up for another.
    world.store.leave_duty("sweep", ada).await.unwrap();
    assert!(!hold(ada).await);
    world.store.leave_duty("sweep", bob).await.unwrap();
    assert!(hold(ada).await);
    // Longer than the calendar.
    assert!(world.store.hold_duty("retention", ada, Duration::MAX).await.unwrap());
    world.clock.advance(1_000_000_000);
    assert!(!world.store.hold_duty("retention", bob, Duration::from_secs(1)).await.unwrap());
}

#[tokio::test]
async fn incidents_of_two_replicas_never_share_a_number_or_an_event_id() {
    let world = World::new().await;
    let Some(other) = world.replica().await else { return };
    let (here, there) = (world.store.clone(), other.clone());
    let open = async |store: Store, name: &'static str| {
        let mut numbers = Vec::new();
        for service in 0..20 {
            numbers.push(crate::world::open_incident(&store, &format!("{name}{service}")).await.number.0);
        }
        numbers
    };
    let (mut numbers, there) = tokio::join!(open(here, "a"), open(there, "b"));
    numbers.extend(there);
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    other.close().await;
}
