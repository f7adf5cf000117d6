//! What people corrected, and what incidents are compared by.

use opsseer_core::Clock;
use opsseer_store::{StoredCorrection, StoredVector};
use serde_json::json;

use crate::world::World;

fn vector(values: &[f32]) -> StoredVector {
    StoredVector { model: "m".into(), values: values.to_vec() }
}

#[tokio::test]
async fn a_correction_is_kept_with_its_event_and_a_second_one_takes_its_place() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let correction = |category: &str, made_by: &str| StoredCorrection {
        incident: incident.id,
        alert_name: "Slow".into(),
        alert: json!({"name": "Slow"}),
        category: category.into(),
        severity: None,
        made_by: made_by.into(),
        made_at: world.clock.now(),
        vector: Some(vector(&[1.0, 0.25])),
    };
    let mut tx = world.store.begin().await.unwrap();
    tx.put_correction(&correction("Storage", "ada")).await.unwrap();
    drop(tx);
    assert_eq!(world.store.list_corrections(10).await.unwrap(), [], "it was not committed");
    for (category, by) in [("Storage", "ada"), ("Databases", "bob")] {
        let mut tx = world.store.begin().await.unwrap();
        tx.put_correction(&correction(category, by)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(world.store.list_corrections(10).await.unwrap(), [correction("Databases", "bob")]);
}

#[tokio::test]
async fn profiles_are_told_in_the_order_of_their_changes() {
    let world = World::new().await;
    let (one, two) = (world.open_incident("one").await, world.open_incident("two").await);
    world.store.put_profile(one.id, &json!({"n": 1}), Some(&vector(&[1.0]))).await.unwrap();
    world.store.put_profile(two.id, &json!({"n": 2}), None).await.unwrap();
    let known = world.store.list_profiles(0, 10).await.unwrap();
    assert_eq!(known.iter().map(|one| one.incident).collect::<Vec<_>>(), [one.id, two.id]);
    assert_eq!((&known[0].vector, &known[1].vector), (&Some(vector(&[1.0])), &None));
    world.store.put_profile(one.id, &json!({"n": 3}), None).await.unwrap();
    let reader = world.replica().await.unwrap_or_else(|| world.store.clone());
    let news = reader.list_profiles(known[1].revision, 10).await.unwrap();
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].incident, &news[0].profile, &news[0].vector), (one.id, &json!({"n": 3}), &None));
}
