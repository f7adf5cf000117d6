use chrono::TimeDelta;
use opsseer_core::{Event, EventKind, Incident, IncidentId, Severity};
use opsseer_store::{AlertCount, MergedCount};

use crate::world::{World, alert, fired};

async fn merge(world: &World, stays: &Incident, ends: &Incident) -> Event {
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let stays = tx.find_incident(stays.id.into()).await.unwrap().unwrap();
    let ends = tx.find_incident(ends.id.into()).await.unwrap().unwrap();
    let count = tx.count_alerts(ends.id).await.unwrap();
    let merged = EventKind::Merged {
        from: ends.id,
        number: ends.number,
        title: ends.title.clone(),
        correlation_key: ends.correlation_key.clone(),
        alerts_firing: count.firing,
        alerts_total: count.total,
        severity: Severity::Ticket,
        silences: Vec::new(),
        reason: "r".into(),
    };
    let by = opsseer_core::Actor::Person { name: "ada".into() };
    let into = EventKind::MergedInto {
        into: stays.id,
        number: stays.number,
        was_open: ends.is_open(),
        reason: "r".into(),
    };
    let stays = tx.append(stays, vec![opsseer_core::NewEvent::new(now, by.clone(), merged)]);
    tx.merge_alerts(stays.last_event, &ends, stays.id);
    tx.append(ends, vec![opsseer_core::NewEvent::new(now, by, into)]);
    tx.commit().await.unwrap();
    world.store.list_events_before(stays.id, opsseer_core::EventId(i64::MAX), 1).await.unwrap().remove(0)
}

async fn undo(world: &World, merge: &Event, from: IncidentId) -> MergedCount {
    let mut tx = world.store.begin().await.unwrap();
    let count = tx.count_merged_alerts(merge.id, merge.incident).await.unwrap();
    tx.unmerge_alerts(merge.id, from, merge.incident);
    tx.commit().await.unwrap();
    count
}

async fn services(world: &World, incident: IncidentId) -> Vec<String> {
    let alerts = world.store.list_alerts_of(incident, 10).await.unwrap();
    let mut services: Vec<String> =
        alerts.iter().map(|stored| stored.alert.service().unwrap().to_owned()).collect();
    services.sort();
    services
}

async fn joins(world: &World, name: &str, service: &str) -> Option<IncidentId> {
    let mut tx = world.store.begin().await.unwrap();
    let one = alert(name, service, tx.now());
    tx.read_ahead(&[&one]).await.unwrap();
    let key = opsseer_core::CorrelationKey::of(&one).key;
    let found = tx.find_open_incident_by_key(&key).await.unwrap();
    if let Some(found) = &found {
        let event = fired(&one, true, tx.now());
        tx.append(found.clone(), vec![event]);
        tx.put_alert(one, Some(found.id), None);
        tx.commit().await.unwrap();
    }
    found.map(|incident| incident.id)
}

#[tokio::test]
async fn merged_alerts_and_those_that_follow_belong_to_the_incident_that_stays_until_it_is_undone() {
    let world = World::new().await;
    let (db, web, api) =
        (world.open_incident("db").await, world.open_incident("web").await, world.open_incident("api").await);
    let first = merge(&world, &db, &web).await;
    assert_eq!(services(&world, db.id).await, ["db", "web"]);
    assert_eq!(joins(&world, "Errors", "web").await, Some(db.id));

    // What was merged goes along when its incident is merged in its turn.
    let second = merge(&world, &api, &db).await;
    assert_eq!(services(&world, api.id).await, ["api", "db", "web", "web"]);
    assert_eq!(joins(&world, "Queue", "web").await, Some(api.id));
    assert_eq!(joins(&world, "Queue", "db").await, Some(api.id));

    assert!(world.store.is_merge_in_force(second.id).await.unwrap());
    let back = undo(&world, &second, db.id).await;
    assert_eq!(back, MergedCount { alerts: AlertCount { firing: 5, total: 5 }, fires_anew: true });
    assert!(!world.store.is_merge_in_force(second.id).await.unwrap());
    assert_eq!(services(&world, api.id).await, ["api"]);
    assert_eq!(services(&world, db.id).await, ["db", "db", "web", "web", "web"]);
    assert_eq!(undo(&world, &first, web.id).await.alerts.total, 2);
    assert!(services(&world, web.id).await.iter().all(|service| service == "web"));
}

#[tokio::test]
async fn alerts_are_split_off_into_an_incident_of_the_same_change() {
    let world = World::new().await;
    let db = world.open_incident("db").await;
    joins(&world, "Errors", "db").await.unwrap();
    let alerts = world.store.list_alerts_of(db.id, 10).await.unwrap();
    let moved = alerts.iter().find(|stored| stored.alert.name() == "Errors").unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let new = tx.open_incident(vec![crate::world::opened(&moved.alert, now), fired(&moved.alert, true, now)]);
    tx.split_alerts(vec![moved.id], new.id);
    tx.commit().await.unwrap();
    let names = async |incident| {
        let alerts = world.store.list_alerts_of(incident, 10).await.unwrap();
        alerts.into_iter().map(|stored| stored.alert.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (names(db.id).await, names(new.id).await),
        (vec!["Slow".to_owned()], vec!["Errors".to_owned()])
    );
}

#[tokio::test]
async fn a_storm_is_told_by_the_age_of_the_incident_so_many_before() {
    let world = World::new().await;
    let storming = async |limit| {
        let mut tx = world.store.begin().await.unwrap();
        tx.storming(limit, TimeDelta::seconds(60)).await.unwrap()
    };
    for service in ["a", "b", "c"] {
        world.open_incident(service).await;
        world.clock.advance(10);
    }
    assert!(storming(3).await);
    assert!(!storming(4).await);
    world.clock.advance(31);
    assert!(!storming(3).await, "the oldest of the three is older than a minute");
    // Those that the same transaction opened count as well.
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    for service in ["x", "y"] {
        tx.open_incident(vec![crate::world::opened(&alert("A", service, now), now)]);
    }
    assert!(tx.storming(2, TimeDelta::seconds(60)).await.unwrap());
}
