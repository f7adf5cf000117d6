use opsseer_core::{Actor, EventId, EventKind, NewEvent};
use opsseer_store::{Store, StoreConfig, StoreError, backup};

use crate::world::{World, no_follow_ups};

#[tokio::test]
async fn a_backup_taken_while_the_store_works_is_restored_by_unpacking_it() {
    let world = World::new().await;
    let file = world.folder().join("backup.tar");
    if world.store.is_shared() {
        let error = backup(&world.config(), &file).await.expect_err("pg_dump does this");
        assert!(matches!(error, StoreError::BackupOfPostgres), "{error}");
        return;
    }
    let incident = world.open_incident("db").await;
    let asset = world.store.write_asset(b"<svg/>", "image/svg+xml", "a line").await.unwrap();
    let lost = world.store.write_asset(b"lost", "text/plain", "gone").await.unwrap();
    let mut tx = world.store.begin().await.unwrap();
    let found = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
    let mut event = NewEvent::new(tx.now(), Actor::OpsSeer, EventKind::Note { text: "see".into() });
    event.assets = vec![asset.clone(), lost.clone()];
    tx.append(found, vec![event]);
    tx.commit().await.unwrap();
    std::fs::remove_file(world.folder().join("assets").join(&lost.sha256[..2]).join(&lost.sha256)).unwrap();

    let made = backup(&world.config(), &file).await.unwrap();
    assert_eq!((made.incidents, made.assets, made.missing), (1, 1, vec![lost.sha256]));
    // What comes later is not in it.
    world.open_incident("later").await;

    let data = world.folder().join("restored");
    tar::Archive::new(std::fs::File::open(&file).unwrap()).unpack(&data).unwrap();
    let config = StoreConfig {
        url: format!("sqlite:{}", data.join("opsseer.db").display()),
        assets: data.join("assets"),
        ..world.config()
    };
    let restored = Store::open(config, world.clock.clone(), no_follow_ups).await.unwrap();
    let events = restored.list_events(incident.id, EventId(0), 10).await.unwrap();
    assert_eq!(events, world.store.list_events(incident.id, EventId(0), 10).await.unwrap());
    assert_eq!(restored.count_unresolved().await.unwrap(), 1);
    assert_eq!(restored.find_asset(&asset.sha256).await.unwrap().unwrap().content, b"<svg/>");

    let again = backup(&world.config(), &file).await.expect_err("it is there already");
    assert!(again.to_string().starts_with("cannot write"), "{again}");
    let left: Vec<_> = std::fs::read_dir(world.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
