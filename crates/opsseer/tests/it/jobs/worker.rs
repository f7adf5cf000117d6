//! The worker: leases, limits, and the end of the server.

use std::{collections::BTreeSet, time::Duration};

use opsseer_store::JobState;

use super::held::{Held, until};

const CHART: &str = "chart_metric";
const RUNBOOK: &str = "answer_runbook";

/// Waits until `n` jobs ask Prometheus.
async fn asking(held: &Held, n: usize) {
    until("jobs that ask Prometheus", async || held.gate.asking() == n).await;
}

#[tokio::test]
async fn work_that_takes_longer_than_its_lease_is_done_once_and_in_one_attempt() {
    let held = Held::start("[jobs]\nlease = \"1s\"").await;
    let incident = held.fire("db").await;
    asking(&held, 1).await;
    let first = held.job(&incident, CHART).await.available_at;
    // The lease has been renewed so often that it would have run out twice.
    until("renewals", async || {
        (held.job(&incident, CHART).await.available_at - first).num_milliseconds() > 2500
    })
    .await;
    held.gate.open();
    held.all_done().await;
    assert_eq!(held.job(&incident, CHART).await.attempts, 1);
    assert_eq!((held.count(&incident, "charted").await, held.gate.asked()), (1, 1));
    held.stop().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_stops_and_writes_nothing() {
    let held = Held::start("[jobs]\nworkers = 1\nlease = \"1s\"").await;
    let incident = held.fire("db").await;
    asking(&held, 1).await;
    // As if this worker had slept: its lease is over, and another takes the job. It never comes back.
    held.clock.advance(3600);
    let lease = loop {
        let taken = held.app.store.claim_jobs(&[(CHART, 1)], 1, Duration::from_hours(1)).await.unwrap();
        if let Some(lease) = taken.into_iter().next() {
            break lease;
        }
        // The worker was quicker and has renewed.
        held.clock.advance(3600);
    };
    until("the worker to stop", async || held.gate.asking() == 0).await;
    held.gate.open();
    held.fire("other").await;
    until("the worker to go on with something else", async || held.gate.asked() == 2).await;
    let job = held.job(&incident, CHART).await;
    assert_eq!((job.state, job.attempts, job.available_at), (JobState::Pending, 2, lease.until));
    assert_eq!(held.count(&incident, "charted").await, 0);
    assert!(held.failures(&incident).await.is_empty());
    held.stop().await;
}

#[tokio::test]
async fn a_slow_system_holds_its_own_workers_and_not_those_of_others() {
    let held = Held::start("[jobs]\nworkers = 3\nat_most = { chart_metric = 2 }").await;
    let mut incidents = Vec::new();
    for service in 0..6 {
        incidents.push(held.fire(&format!("s{service}")).await);
    }
    asking(&held, 2).await;
    // Every runbook question is answered although no picture comes to an end.
    for incident in &incidents {
        until("the runbook's answer", async || held.count(incident, "runbook_missing").await == 1).await;
    }
    assert_eq!(held.gate.asking(), 2);
    held.gate.open();
    held.all_done().await;
    assert_eq!((held.gate.most(), held.gate.asked()), (2, 6));
    held.stop().await;
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended_and_fails() {
    let held = Held::start("[jobs]\nlongest = \"1s\"\nretry_after = []").await;
    let incident = held.fire("db").await;
    until("the failure", async || !held.failures(&incident).await.is_empty()).await;
    assert_eq!(held.failures(&incident).await, ["it took longer than 1 s"]);
    assert_eq!((held.job(&incident, CHART).await.state, held.gate.asking()), (JobState::Dead, 0));
    held.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_lets_jobs_finish() {
    let held = Held::start("[jobs]\ngrace = \"20s\"").await;
    let incident = held.fire("db").await;
    asking(&held, 1).await;
    let stopped = held.stop();
    let ((), ()) = tokio::join!(stopped, async {
        held.app.ending.cancelled().await;
        held.gate.open();
    });
    let next = held.again("").await;
    assert_eq!(next.count(&incident, "charted").await, 1);
    assert_eq!(next.job(&incident, CHART).await.state, JobState::Done);
    next.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_hands_back_what_does_not_finish_and_the_attempt_does_not_count() {
    let held = Held::start("[jobs]\ngrace = \"0s\"\nretry_after = []\nlease = \"1h\"").await;
    let incident = held.fire("db").await;
    // As often as one likes, although a failure would end the ladder.
    let mut server = held;
    for stops in 1..=3 {
        asking(&server, 1).await;
        server.stop().await;
        server = server.again("[jobs]\ngrace = \"0s\"\nretry_after = []\nlease = \"1h\"").await;
        until("the next start to take it", async || server.job(&incident, CHART).await.attempts == stops + 1)
            .await;
        assert_eq!(server.job(&incident, CHART).await.returned, stops);
    }
    server.gate.open();
    server.all_done().await;
    assert_eq!(server.job(&incident, CHART).await.state, JobState::Done);
    assert_eq!(server.count(&incident, "charted").await, 1);
    assert!(server.failures(&incident).await.is_empty(), "a stop is no failure to tell");
    server.stop().await;
}

#[tokio::test]
async fn work_that_takes_its_server_along_each_time_is_given_up() {
    let held = Held::start("[jobs]\nworkers = 1\nretry_after = [\"1ms\"]").await;
    held.fire("busy").await;
    asking(&held, 1).await;
    let incident = held.fire("db").await;
    for _ in 0..2 {
        let taken = held.app.store.claim_jobs(&[(RUNBOOK, 9)], 9, Duration::from_mins(1)).await.unwrap();
        assert!(taken.iter().any(|lease| lease.incident == incident.id), "{taken:?}");
        // The worker that took it died.
        held.clock.advance(61);
    }
    held.gate.open();
    until("the end of it", async || held.job(&incident, RUNBOOK).await.state == JobState::Dead).await;
    assert_eq!(held.failures(&incident).await, ["it was begun 2 times and never came to an end"]);
    held.stop().await;
}

#[tokio::test]
async fn the_same_alert_again_asks_for_no_more_work() {
    let held = Held::start("").await;
    held.gate.open();
    let incident = held.fire("db").await;
    for _ in 0..3 {
        assert_eq!(held.fire("db").await.id, incident.id);
    }
    held.all_done().await;
    let jobs = held.app.store.list_jobs(None, 200, None).await.unwrap().jobs;
    let kinds: BTreeSet<&str> = jobs.iter().map(|job| job.kind.as_str()).collect();
    assert_eq!(jobs.len(), kinds.len(), "{jobs:#?}");
    assert_eq!(
        (held.count(&incident, "charted").await, held.count(&incident, "runbook_missing").await),
        (1, 1)
    );
    held.stop().await;
}

#[tokio::test]
async fn two_servers_on_one_database_share_the_work_and_do_each_job_once() {
    let set = "[jobs]\nworkers = 2\nat_most = { chart_metric = 1 }";
    let first = Held::start(set).await;
    if !first.app.store.is_shared() {
        // Only one process at a time works on SQLite.
        return first.stop().await;
    }
    let second = first.again(set).await;
    let mut incidents = Vec::new();
    for service in 0..8 {
        incidents.push(first.fire(&format!("s{service}")).await);
    }
    // One picture each, and no more: the limit is each server's.
    until("both to work", async || (first.gate.asking(), second.gate.asking()) == (1, 1)).await;
    first.gate.open();
    second.gate.open();
    first.all_done().await;
    for incident in &incidents {
        assert_eq!(first.count(incident, "charted").await, 1);
        assert_eq!(first.count(incident, "runbook_missing").await, 1);
        assert_eq!(first.job(incident, CHART).await.attempts, 1);
    }
    assert_eq!(first.gate.asked() + second.gate.asked(), 8);
    tokio::join!(first.stop(), second.stop());
}
