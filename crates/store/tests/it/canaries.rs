//! Canaries on their way.

use chrono::TimeDelta;
use opsseer_core::Clock;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn a_canary_comes_back_once_at_whichever_replica() {
    let world = World::new().await;
    let (id, sent_at) = (Uuid::now_v7(), world.clock.now());
    world.store.send_canary(id, sent_at).await.unwrap();
    let receiver = world.replica().await.unwrap_or_else(|| world.store.clone());
    assert_eq!(receiver.take_canary(id).await.unwrap(), Some(sent_at));
    assert_eq!(world.store.take_canary(id).await.unwrap(), None, "a repeat is no second canary");
    assert_eq!(world.store.take_canary(Uuid::now_v7()).await.unwrap(), None, "another OpsSeer's");
}

#[tokio::test]
async fn a_canary_that_stays_away_is_counted_once() {
    let world = World::new().await;
    let (old, young) = (Uuid::now_v7(), Uuid::now_v7());
    world.store.send_canary(old, world.clock.now()).await.unwrap();
    world.clock.advance(60);
    world.store.send_canary(young, world.clock.now()).await.unwrap();
    let limit = world.clock.now() - TimeDelta::seconds(30);
    assert_eq!(world.store.take_lost_canaries(limit).await.unwrap(), 1);
    assert_eq!(world.store.take_lost_canaries(limit).await.unwrap(), 0);
    assert_eq!(world.store.take_canary(old).await.unwrap(), None, "it was given up");
    assert!(world.store.take_canary(young).await.unwrap().is_some());
}
