use opsseer_core::{Actor, AssetRef, EventKind, Incident, NewEvent};

use crate::world::World;

async fn refer(world: &World, incident: &Incident, asset: AssetRef) {
    let mut tx = world.store.begin().await.unwrap();
    let incident = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
    let kind = EventKind::Note { text: "see the picture".into() };
    let mut event = NewEvent::new(tx.now(), Actor::Person { name: "ada".into() }, kind);
    event.assets.push(asset);
    tx.append(incident, vec![event]);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_file_is_served_once_an_event_refers_to_it() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let asset = world.store.write_asset(b"<svg/>", "image/svg+xml", "a line").await.unwrap();
    assert!(world.store.find_asset(&asset.sha256).await.unwrap().is_none());
    refer(&world, &incident, asset.clone()).await;
    let world = world.reopened().await;
    let read = world.store.find_asset(&asset.sha256).await.unwrap().unwrap();
    assert_eq!((read.media_type.as_str(), read.content.as_slice()), ("image/svg+xml", b"<svg/>".as_slice()));
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let world = World::new().await;
    if world.store.is_shared() {
        // There it is a row with the hash as its primary key.
        return;
    }
    let incident = world.open_incident("db").await;
    for _ in 0..2 {
        let asset = world.store.write_asset(b"same", "text/plain", "words").await.unwrap();
        refer(&world, &incident, asset).await;
    }
    let mut files = Vec::new();
    let mut folders = vec![world.folder().join("assets")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn a_name_that_is_no_hash_finds_nothing_and_reads_nothing() {
    let world = World::new().await;
    for name in ["", "../../etc/passwd", &"g".repeat(64), &"a".repeat(63)] {
        assert!(world.store.find_asset(name).await.unwrap().is_none(), "{name}");
    }
}
