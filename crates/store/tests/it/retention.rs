use chrono::TimeDelta;
use opsseer_core::{Actor, Alert, AlertStatus, Clock, EventId, EventKind, NewEvent};

use crate::world::{World, alert};

#[tokio::test]
async fn an_old_resolved_incident_goes_with_all_that_belongs_to_it_and_nothing_else_does() {
    let world = World::new().await;
    let (old, fires, open) = (
        world.open_incident("old").await,
        world.open_incident("fires").await,
        world.open_incident("open").await,
    );
    for incident in [&old, &fires] {
        world.append(incident, vec![EventKind::Resolved { reason: "r".into() }]).await;
    }
    let asset = world.store.write_asset(b"picture", "text/plain", "p").await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let found = tx.find_incident(old.id.into()).await.unwrap().unwrap();
    let mut event = NewEvent::new(tx.now(), Actor::OpsSeer, EventKind::Note { text: "n".into() });
    event.assets.push(asset.clone());
    tx.append(found, vec![event]);
    // Its alert is over; that of `fires` is not, and would open it anew.
    let stored = world.store.list_alerts_of(old.id, 1).await.unwrap().remove(0);
    let over = opsseer_core::Alert { status: opsseer_core::AlertStatus::Resolved, ..stored.alert.clone() };
    tx.put_alert(over, Some(old.id), Some(stored));
    tx.commit().await.unwrap();

    let now = world.clock.now();
    assert_eq!(world.store.delete_resolved(now, 10).await.unwrap(), 0, "it is not older than now");
    world.clock.advance(10);
    let cutoff = now + TimeDelta::seconds(5);
    assert_eq!(world.store.delete_resolved(cutoff, 10).await.unwrap(), 1);
    assert_eq!(world.store.find_incident(old.id.into()).await.unwrap(), None);
    assert!(world.store.list_events(old.id, EventId(0), 10).await.unwrap().is_empty());
    for kept in [&fires, &open] {
        assert!(world.store.find_incident(kept.id.into()).await.unwrap().is_some());
    }
    assert!(world.store.find_asset(&asset.sha256).await.unwrap().is_some(), "files go in a second step");
    assert_eq!(world.store.delete_unreferenced_assets(cutoff, 10).await.unwrap(), 1);
    assert!(world.store.find_asset(&asset.sha256).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_another_incident_refers_to_stays() {
    let world = World::new().await;
    let (one, two) = (world.open_incident("one").await, world.open_incident("two").await);
    let asset = world.store.write_asset(b"shared", "text/plain", "p").await.unwrap();
    for incident in [&one, &two] {
        let mut tx = world.store.begin().await.unwrap();
        let found = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
        let mut event = NewEvent::new(tx.now(), Actor::OpsSeer, EventKind::Resolved { reason: "r".into() });
        event.assets.push(asset.clone());
        tx.append(found, vec![event]);
        let stored = world.store.list_alerts_of(incident.id, 1).await.unwrap().remove(0);
        let status = if incident.id == one.id {
            opsseer_core::AlertStatus::Resolved
        } else {
            opsseer_core::AlertStatus::Firing
        };
        let alert = opsseer_core::Alert { status, ..stored.alert.clone() };
        tx.put_alert(alert, Some(incident.id), Some(stored));
        tx.commit().await.unwrap();
    }
    world.clock.advance(10);
    assert_eq!(world.store.delete_resolved(world.clock.now(), 10).await.unwrap(), 1);
    assert_eq!(world.store.delete_unreferenced_assets(world.clock.now(), 10).await.unwrap(), 0);
    assert_eq!(world.store.find_asset(&asset.sha256).await.unwrap().unwrap().content, b"shared");
}

#[tokio::test]
async fn the_end_of_an_alert_that_never_fired_here_is_not_kept_for_ever() {
    let world = World::new().await;
    let open = world.open_incident("db").await;
    let mut tx = world.store.begin().await.unwrap();
    for (name, status) in [("Ended", AlertStatus::Resolved), ("Watchdog", AlertStatus::Firing)] {
        tx.put_alert(Alert { status, ..alert(name, "web", tx.now()) }, None, None);
    }
    tx.commit().await.unwrap();
    let names = async || {
        let mut alerts = world.store.list_alerts(10, None).await.unwrap().alerts;
        alerts.sort_by(|a, b| a.alert.name().cmp(b.alert.name()));
        alerts.into_iter().map(|stored| stored.alert.name().to_owned()).collect::<Vec<_>>()
    };
    world.store.delete_resolved(world.clock.now(), 10).await.unwrap();
    assert_eq!(names().await, ["Ended", "Slow", "Watchdog"], "nothing is older than now");
    world.clock.advance(10);
    world.store.delete_resolved(world.clock.now(), 10).await.unwrap();
    assert_eq!(names().await, ["Slow", "Watchdog"]);
    assert!(world.store.find_incident(open.id.into()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_that_the_database_does_not_know_goes_when_it_is_old_unless_it_was_written_again() {
    let world = World::new().await;
    if world.store.is_shared() {
        // There a file is a row, and `asset_contents.created_at` says how old it is.
        return;
    }
    let incident = world.open_incident("db").await;
    let mut paths = Vec::new();
    for content in ["left over", "written again", "referred to"] {
        let asset = world.store.write_asset(content.as_bytes(), "text/plain", "p").await.unwrap();
        let path = world.folder().join("assets").join(&asset.sha256[..2]).join(&asset.sha256);
        let old = world.clock.now() - TimeDelta::days(2);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old.into()).unwrap();
        paths.push(path);
        if content == "referred to" {
            let mut tx = world.store.begin().await.unwrap();
            let found = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
            let mut event = NewEvent::new(tx.now(), Actor::OpsSeer, EventKind::Note { text: "n".into() });
            event.assets.push(asset);
            tx.append(found, vec![event]);
            tx.commit().await.unwrap();
        }
    }
    // Stands in for one that got its final name after the folder was listed: it is listed and cannot be looked at.
    std::os::unix::fs::symlink("gone", paths[0].with_extension("part")).unwrap();
    // Its event is about to be committed.
    world.store.write_asset(b"written again", "text/plain", "p").await.unwrap();
    let before = world.clock.now() - TimeDelta::days(1);
    world.store.delete_unknown_files(before).await.unwrap();
    let there: Vec<bool> = paths.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [false, true, true]);
    assert_eq!(std::fs::read(&paths[1]).unwrap(), b"written again");
}
