//! Which alerts an incident has had: `alerts_total` counts them, whatever people move.

use opsseer_core::{
    Actor, Alert, AlertStatus, EventKind, Fingerprint, GoingBack, Identity, Incident, IncidentId, merge,
    split_leaves, split_opens, unmerge,
};
use opsseer_store::StoredAlert;

use crate::world::{World, alert, fired, opened};

fn ada() -> Actor {
    Actor::Person { name: "ada".into() }
}

async fn stored(world: &World, incident: IncidentId) -> Vec<StoredAlert> {
    world.store.list_alerts_of(incident, 100).await.unwrap()
}

async fn read(world: &World, incident: &Incident) -> Incident {
    world.store.find_incident(incident.id.into()).await.unwrap().unwrap()
}

/// Asserts that each incident counts what it has had, of all alerts that there are.
async fn check_counts(world: &World, incidents: &[&Incident]) {
    let all = world.store.list_alerts(1000, None).await.unwrap().alerts;
    for incident in incidents {
        let mut tx = world.store.begin().await.unwrap();
        let mut had = 0;
        for alert in &all {
            had += i64::from(tx.has_had(incident.id, alert.id).await.unwrap());
        }
        drop(tx);
        let incident = read(world, incident).await;
        assert_eq!(had, incident.alerts_total, "INC-{}", incident.number);
    }
}

/// The alert fires in this incident, as the way of webhooks has it.
async fn fire(world: &World, incident: &Incident, alert: &Alert) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    tx.read_ahead(&[alert]).await.unwrap();
    let before = tx.find_alert(&alert.fingerprint, &alert.identity).await.unwrap();
    let incident = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
    let first = match &before {
        Some(before) => !tx.has_had(incident.id, before.id).await.unwrap(),
        None => true,
    };
    let event = fired(alert, first, tx.now());
    let incident = tx.append(incident, vec![event]);
    tx.put_alert(alert.clone(), Some(incident.id), before);
    tx.commit().await.unwrap();
    first
}

async fn take_in(world: &World, stays: &Incident, ends: &Incident) -> opsseer_core::EventId {
    let mut tx = world.store.begin().await.unwrap();
    let stays = tx.find_incident(stays.id.into()).await.unwrap().unwrap();
    let ends = tx.find_incident(ends.id.into()).await.unwrap().unwrap();
    let firing = tx.count_alerts(ends.id).await.unwrap().firing;
    let total = tx.count_alerts_new_to(stays.id, ends.id).await.unwrap();
    let (to_stays, to_ends) = merge(&stays, &ends, (firing, total), &ada(), "r", tx.now()).unwrap();
    let stays = tx.append(stays, to_stays);
    let event = stays.last_event;
    tx.merge_alerts(event, &ends, stays.id);
    tx.append(ends, to_ends);
    tx.commit().await.unwrap();
    event
}

async fn give_back(world: &World, event: opsseer_core::EventId, stays: &Incident, ended: &Incident) {
    let mut tx = world.store.begin().await.unwrap();
    let stays = tx.find_incident(stays.id.into()).await.unwrap().unwrap();
    let ended = tx.find_incident(ended.id.into()).await.unwrap().unwrap();
    let count = tx.count_merged_alerts(event, stays.id).await.unwrap().alerts;
    let back = GoingBack { firing: count.firing, total: count.total, goes_on: true };
    let (to_stays, to_ended) = unmerge(&stays, &ended, back, None, &ada(), "r", tx.now()).unwrap();
    tx.unmerge_alerts(event, ended.id, stays.id);
    tx.append(ended, to_ended);
    tx.append(stays, to_stays);
    tx.commit().await.unwrap();
}

async fn split(world: &World, from: &Incident, name: &str) -> Incident {
    let all = stored(world, from.id).await;
    let going: Vec<&StoredAlert> = all.iter().filter(|stored| stored.alert.name() == name).collect();
    let alerts: Vec<Alert> = going.iter().map(|stored| stored.alert.clone()).collect();
    let mut tx = world.store.begin().await.unwrap();
    let (from, now) = (tx.find_incident(from.id.into()).await.unwrap().unwrap(), tx.now());
    let new = tx.open_incident(split_opens(&from, &alerts, all.len(), &ada(), "r", now).unwrap());
    let leaves = split_leaves(&from, &new, &alerts, &ada(), "r", now);
    tx.append(from, leaves);
    tx.split_alerts(going.iter().map(|stored| stored.id).collect(), new.id);
    tx.commit().await.unwrap();
    new
}

#[tokio::test]
async fn an_alert_is_known_by_itself_and_not_by_a_fingerprint_that_others_share() {
    let world = World::new().await;
    let now = world.store.begin().await.unwrap().now();
    let [one, other] = ["db", "web"].map(|service| Alert {
        fingerprint: Fingerprint::given_or_computed(Some("unknown"), &Identity::of(&[].into())),
        ..alert("Slow", service, now)
    });
    let (here, elsewhere) = (world.open_incident("here").await, world.open_incident("elsewhere").await);
    assert!(fire(&world, &here, &one).await);
    assert!(fire(&world, &elsewhere, &other).await);
    assert!(fire(&world, &here, &other).await, "only the other one has been here");
    assert!(!fire(&world, &elsewhere, &other).await, "it was there before it moved on");
    check_counts(&world, &[&here, &elsewhere]).await;
}

#[tokio::test]
async fn what_fires_anew_is_known_where_it_was_although_it_was_read_ahead_with_others() {
    let world = World::new().await;
    let db = world.open_incident("db").await;
    let again = stored(&world, db.id).await.remove(0).alert;
    // Its incident is over; one of its key goes on, which it has not been in, and then has.
    world.append(&db, vec![EventKind::Resolved { reason: "r".into() }]).await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let next = tx.open_incident(vec![opened(&again, now)]);
    tx.commit().await.unwrap();
    assert!(fire(&world, &next, &again).await);
    world.append(&next, vec![EventKind::Resolved { reason: "r".into() }]).await;
    world.append(&db, vec![EventKind::Reopened { reason: "r".into(), flaps: 0 }]).await;
    assert!(!fire(&world, &db, &again).await);
    check_counts(&world, &[&db, &next]).await;
}

#[tokio::test]
async fn counts_are_true_through_merges_splits_and_the_way_back() {
    let world = World::new().await;
    let (db, web) = (world.open_incident("db").await, world.open_incident("web").await);
    let now = world.store.begin().await.unwrap().now();
    fire(&world, &db, &alert("Errors", "db", now)).await;
    // An alert that has moved from one to the other was in both: it comes along, and is not counted twice.
    let moved = stored(&world, web.id).await.remove(0).alert;
    fire(&world, &db, &moved).await;
    fire(&world, &web, &moved).await;
    // And one that was only here for a while does not.
    let errors = alert("Errors", "db", now);
    fire(&world, &web, &errors).await;
    fire(&world, &db, &errors).await;
    fire(&world, &web, &alert("Disk", "web", now)).await;
    check_counts(&world, &[&db, &web]).await;

    let event = take_in(&world, &db, &web).await;
    assert_eq!(read(&world, &db).await.alerts_total, 4);
    check_counts(&world, &[&db, &web]).await;
    fire(&world, &db, &alert("Queue", "db", now)).await;
    check_counts(&world, &[&db, &web]).await;
    give_back(&world, event, &db, &web).await;
    check_counts(&world, &[&db, &web]).await;

    // What was split off and fires anew where it came from is a new alert there.
    let new = split(&world, &db, "Errors").await;
    check_counts(&world, &[&db, &web, &new]).await;
    let errors = stored(&world, new.id).await.remove(0).alert;
    assert_eq!(errors.status, AlertStatus::Firing);
    assert!(fire(&world, &db, &errors).await);
    check_counts(&world, &[&db, &web, &new]).await;
    take_in(&world, &db, &new).await;
    check_counts(&world, &[&db, &web, &new]).await;
}
