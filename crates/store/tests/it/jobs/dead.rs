//! Jobs that were given up: seen, and asked for again.

use opsseer_core::{EventKind, Severity};
use opsseer_store::{DeadJobs, JobId, JobState};

use super::{claim, finish, give_up, notes};
use crate::world::World;

/// Takes all that waits and gives it up.
async fn give_all_up(world: &World) {
    for lease in claim(world).await {
        assert!(give_up(world, &lease, "Prometheus did not answer").await);
    }
}

async fn retry(world: &World, id: JobId) -> bool {
    let mut tx = world.store.begin().await.unwrap();
    let revived = tx.retry_dead_job(id).await.unwrap();
    tx.commit().await.unwrap();
    revived
}

#[tokio::test]
async fn a_job_that_was_given_up_is_listed_with_all_that_a_person_needs() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    world.clock.advance(5);
    give_all_up(&world).await;
    world.open_incident("web").await;
    assert_eq!(world.store.count_dead_jobs().await.unwrap(), 1);
    let page = world.store.list_jobs(Some(JobState::Dead), 10, None).await.unwrap();
    let [job] = page.jobs.as_slice() else { panic!("{page:?}") };
    assert_eq!(
        (job.kind.as_str(), job.incident, job.incident_number),
        ("look", incident.id, incident.number)
    );
    assert_eq!((job.incident_title.as_str(), job.attempts, job.returned), (incident.title.as_str(), 1, 0));
    assert_eq!(job.last_error.as_deref(), Some("Prometheus did not answer"));
    assert_eq!((job.available_at - job.created_at).num_seconds(), 5, "when it was given up");
    assert_eq!(world.store.find_job(job.id).await.unwrap().as_ref(), Some(job));
    assert_eq!(world.store.list_jobs(Some(JobState::Pending), 10, None).await.unwrap().jobs.len(), 1);
    assert_eq!(world.store.list_jobs(None, 10, None).await.unwrap().jobs.len(), 2);
}

#[tokio::test]
async fn a_person_tries_again_and_the_failures_are_forgotten() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    give_all_up(&world).await;
    let dead = world.store.list_jobs(Some(JobState::Dead), 10, None).await.unwrap().jobs.remove(0);
    // Meanwhile it has become urgent.
    world.append(&incident, vec![EventKind::SeveritySet { severity: Severity::Page }]).await;
    world.open_incident("web").await;
    assert!(retry(&world, dead.id).await);
    assert!(!retry(&world, dead.id).await, "it is tried already");
    let taken = claim(&world).await;
    assert_eq!(taken[0].id, dead.id, "the urgent one first");
    assert_eq!((taken[0].attempt, taken[0].tries()), (2, 1));
    assert!(finish(&world.store, &taken[0]).await);
    assert_eq!(notes(&world, &incident).await, ["attempt 2"]);
    let done = world.store.find_job(dead.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.last_error), (JobState::Done, None));
    assert!(!retry(&world, dead.id).await, "what is done is done");
    assert_eq!(world.store.count_dead_jobs().await.unwrap(), 0);
}

#[tokio::test]
async fn all_of_an_incident_or_of_a_kind_are_tried_again_together() {
    let world = World::new().await;
    let first = world.open_incident("db").await;
    for service in ["a", "b", "c"] {
        world.open_incident(service).await;
    }
    give_all_up(&world).await;
    let retry = async |which: DeadJobs| {
        let mut tx = world.store.begin().await.unwrap();
        let revived = tx.retry_dead_jobs(&which).await.unwrap();
        tx.commit().await.unwrap();
        revived
    };
    assert_eq!(retry(DeadJobs { kind: Some("draw".into()), ..DeadJobs::default() }).await, 0);
    assert_eq!(retry(DeadJobs { incident: Some(first.id), kind: Some("look".into()) }).await, 1);
    let woken = world.store.jobs_added();
    assert_eq!(retry(DeadJobs::default()).await, 3);
    woken.await;
    assert_eq!(claim(&world).await.len(), 4);
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_without_gaps() {
    let world = World::new().await;
    for service in 0..7 {
        world.open_incident(&format!("s{service}")).await;
    }
    give_all_up(&world).await;
    let mut numbers = Vec::new();
    let mut cursor = None;
    loop {
        let page = world.store.list_jobs(Some(JobState::Dead), 3, cursor).await.unwrap();
        numbers.extend(page.jobs.iter().map(|job| job.incident_number.0));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1], "those asked for last first");
}
