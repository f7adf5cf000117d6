//! What OpsSeer was told that had been done to services.

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{ChangeSeen, ChangeType, Clock, EventKind};
use opsseer_store::{ChangeFilter, Store, StoredChange};

use crate::world::World;

fn seen(title: &str, service: Option<&str>) -> ChangeSeen {
    ChangeSeen {
        change: ChangeType::Deploy,
        title: title.into(),
        service: service.map(str::to_owned),
        version: Some("1.42".into()),
        link: None,
        source: "ci".into(),
    }
}

async fn put(store: &Store, at: DateTime<Utc>, seen: &ChangeSeen, key: &str) -> (StoredChange, bool) {
    let mut tx = store.begin().await.unwrap();
    let put = tx.put_change(at, seen, key).await.unwrap();
    tx.commit().await.unwrap();
    put
}

async fn titles(store: &Store, filter: ChangeFilter) -> Vec<String> {
    let page = store.list_changes(&ChangeFilter { limit: 10, ..filter }).await.unwrap();
    page.changes.into_iter().map(|change| change.seen.title).collect()
}

#[tokio::test]
async fn a_change_that_is_told_twice_is_kept_once_as_it_was_told_first() {
    let world = World::new().await;
    let now = world.clock.now();
    let (first, new) = put(&world.store, now, &seen("deploy 1.42", Some("db")), "ci/7").await;
    assert!(new);
    assert_eq!((first.at, first.recorded_at, &first.seen), (now, now, &seen("deploy 1.42", Some("db"))));
    world.clock.advance(60);
    let again = put(&world.store, world.clock.now(), &seen("deploy 1.42, again", Some("db")), "ci/7").await;
    assert_eq!(again, (first.clone(), false));
    let reader = world.replica().await.unwrap_or_else(|| world.store.clone());
    let page = reader.list_changes(&ChangeFilter { limit: 10, ..ChangeFilter::default() }).await.unwrap();
    assert_eq!((page.changes, page.next_cursor), (vec![first], None));
}

#[tokio::test]
async fn changes_are_found_by_service_and_time_the_latest_first() {
    let world = World::new().await;
    let now = world.clock.now();
    let minutes = |minutes| now - TimeDelta::minutes(minutes);
    for (ago, service) in [(0, Some("db")), (10, Some("web")), (20, None), (30, Some("db")), (40, None)] {
        put(&world.store, minutes(ago), &seen(&format!("{ago}"), service), &format!("{ago}")).await;
    }
    let all = ChangeFilter::default;
    let of_db = || ChangeFilter { service: Some("db".into()), ..all() };
    assert_eq!(titles(&world.store, all()).await, ["0", "10", "20", "30", "40"]);
    assert_eq!(titles(&world.store, of_db()).await, ["0", "30"]);
    assert_eq!(
        titles(&world.store, ChangeFilter { or_unnamed: true, ..of_db() }).await,
        ["0", "20", "30", "40"]
    );
    assert_eq!(titles(&world.store, ChangeFilter { or_unnamed: true, ..all() }).await, ["20", "40"]);
    let between = ChangeFilter { from: Some(minutes(30)), to: Some(minutes(10)), ..all() };
    assert_eq!(titles(&world.store, between).await, ["10", "20", "30"], "both ends belong to it");
}

#[tokio::test]
async fn the_list_goes_on_where_a_page_ended_also_among_changes_of_one_instant() {
    let world = World::new().await;
    let now = world.clock.now() + TimeDelta::microseconds(7);
    for number in 0..5 {
        put(&world.store, now, &seen(&format!("{number}"), None), &format!("{number}")).await;
    }
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let filter = ChangeFilter { limit: 2, cursor, ..ChangeFilter::default() };
        let page = world.store.list_changes(&filter).await.unwrap();
        found.extend(page.changes.into_iter().map(|change| change.seen.title));
        let Some(next) = page.next_cursor else { break };
        cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(found, ["4", "3", "2", "1", "0"]);
    assert!("yesterday".parse::<opsseer_store::ChangeCursor>().is_err());
}

#[tokio::test]
async fn the_incidents_that_a_change_may_concern_are_those_that_go_on() {
    let world = World::new().await;
    let (over, db) = (world.open_incident("old").await, world.open_incident("db").await);
    let web = world.open_incident("web").await;
    world.append(&over, vec![EventKind::Resolved { reason: "r".into() }]).await;
    let mut tx = world.store.begin().await.unwrap();
    assert_eq!(tx.list_open_incidents(Some("db"), 10).await.unwrap(), [db.id]);
    assert_eq!(tx.list_open_incidents(Some("old"), 10).await.unwrap(), []);
    assert_eq!(tx.list_open_incidents(None, 10).await.unwrap(), [web.id, db.id]);
    assert_eq!(tx.list_open_incidents(None, 1).await.unwrap(), [web.id]);
}

#[tokio::test]
async fn old_changes_go_the_oldest_first() {
    let world = World::new().await;
    let now = world.clock.now();
    for days in [0, 1, 2, 3] {
        put(&world.store, now - TimeDelta::days(days), &seen(&format!("{days}"), None), &format!("{days}"))
            .await;
    }
    let before = now - TimeDelta::days(1);
    assert_eq!(world.store.delete_old_changes(before, 1).await.unwrap(), 1);
    assert_eq!(titles(&world.store, ChangeFilter::default()).await, ["0", "1", "2"]);
    assert_eq!(world.store.delete_old_changes(before, 10).await.unwrap(), 1);
    assert_eq!(titles(&world.store, ChangeFilter::default()).await, ["0", "1"]);
}
