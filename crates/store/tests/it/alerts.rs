//! What is remembered of alerts beside the way of webhooks.

use std::time::Duration;

use opsseer_core::{AlertSource, AlertStatus, Fingerprint};
use opsseer_store::StoredAlert;
use uuid::Uuid;

use crate::world::{World, alert};

async fn firing(world: &World) -> Vec<StoredAlert> {
    world.store.list_firing_alerts(AlertSource::Alertmanager).await.unwrap()
}

#[tokio::test]
async fn what_is_touched_was_heard_of_now_and_nothing_else_changes() {
    let world = World::new().await;
    for service in ["db", "web", "over"] {
        world.open_incident(service).await;
    }
    let mut tx = world.store.begin().await.unwrap();
    let over = alert("Slow", "over", tx.now());
    let before = tx.find_alert(&over.fingerprint, &over.identity).await.unwrap().unwrap();
    let (over_id, incident) = (before.id, before.incident);
    let over = opsseer_core::Alert { status: AlertStatus::Resolved, ..over };
    tx.put_alert(over.clone(), incident, Some(before));
    tx.commit().await.unwrap();
    let before = firing(&world).await;
    let db = before.iter().find(|one| one.alert.labels["service"] == "db").unwrap();

    world.clock.advance(60);
    let now = db.last_seen_at + Duration::from_mins(1);
    world.store.touch_alerts(&[]).await.unwrap();
    world.store.touch_alerts(&[db.id, over_id, Uuid::now_v7()]).await.unwrap();
    let after = firing(&world).await;
    assert_eq!(after.len(), 2);
    for one in &after {
        let was = before.iter().find(|was| was.id == one.id).unwrap().clone();
        let seen = if one.id == db.id { now } else { was.last_seen_at };
        assert_eq!(one, &StoredAlert { last_seen_at: seen, ..was });
    }
    // When an alert ended is not when somebody asked about it.
    let found = world.store.find_alerts(&[&over.fingerprint]).await.unwrap();
    assert_eq!(found[0].last_seen_at, db.last_seen_at);
    let stale = world.store.list_stale_alerts(now, 10).await.unwrap();
    assert_eq!(stale.iter().map(|one| &one.alert.labels["service"]).collect::<Vec<_>>(), ["web"]);
}

#[tokio::test]
async fn more_alerts_than_fit_a_statement_are_found_and_touched() {
    let world = World::new().await;
    let mut tx = world.store.begin().await.unwrap();
    let alerts: Vec<_> = (0..1201).map(|i| alert("Slow", &format!("s{i}"), tx.now())).collect();
    for alert in &alerts {
        tx.put_alert(alert.clone(), None, None);
    }
    tx.commit().await.unwrap();
    world.clock.advance(1);
    let fingerprints: Vec<&Fingerprint> = alerts.iter().map(|alert| &alert.fingerprint).collect();
    let found = world.store.find_alerts(&fingerprints).await.unwrap();
    assert_eq!(found.len(), 1201);
    let ids: Vec<Uuid> = found.iter().map(|one| one.id).collect();
    world.store.touch_alerts(&ids).await.unwrap();
    let seen = firing(&world).await;
    assert!(seen.iter().all(|one| one.last_seen_at > one.first_seen_at));
}

#[tokio::test]
async fn the_heartbeats_of_senders_are_told_apart() {
    let world = World::new().await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    tx.beat(AlertSource::Grafana).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.store.last_heartbeat_of(AlertSource::Grafana).await.unwrap(), Some(now));
    assert_eq!(world.store.last_heartbeat_of(AlertSource::Alertmanager).await.unwrap(), None);
}
