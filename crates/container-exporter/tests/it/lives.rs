//! Containers through their lives: killed, paused, restarted, renamed, removed, made again.

use bollard::{
    models::ContainerUpdateBody,
    query_parameters::{RenameContainerOptionsBuilder, RestartContainerOptions},
};
use serde_json::json;

use crate::{
    engine::Engine,
    exporter::{Exporter, Page, settings},
    need_engine,
};

const OOM_KILLS: &str = "docker_container_oom_kills_total";
const RESTARTS: &str = "docker_container_restarts_total";
const RUNNING: &str = "docker_container_running";
const CPU: &str = "docker_container_cpu_seconds_total";
const STARTED: &str = "docker_container_start_time_seconds";

/// Wants more memory than it may have.
const HUNGRY: &str = "x=a; while true; do x=$x$x; done";

#[tokio::test(flavor = "multi_thread")]
async fn oom_kills_are_counted_once_each_over_restarts() {
    need_engine!();
    let engine = Engine::start().await;
    let exporter = Exporter::here(settings(&engine.socket)).await;
    let limit = json!({"Memory": 16 << 20, "MemorySwap": 16 << 20});

    // Killed as a whole, restarted twice, killed each time: three kills.
    let mut whole = limit.clone();
    whole["RestartPolicy"] = json!({"Name": "on-failure", "MaximumRetryCount": 2});
    engine.run("whole", HUNGRY, json!({"HostConfig": whole})).await;
    // Only a child is killed, twice; the container goes on.
    let script = format!("sh -c '{HUNGRY}'; sh -c '{HUNGRY}'; sleep 3600");
    engine.run("child", &script, json!({"HostConfig": limit})).await;

    let all = |page: &Page| {
        page.of("whole", RESTARTS) == Some(2.0)
            && page.of("whole", RUNNING) == Some(0.0)
            && page.of("whole", OOM_KILLS) >= Some(3.0)
            && page.of("child", OOM_KILLS) >= Some(2.0)
    };
    // While it goes on, scrapes read the cgroup's counter too: the kills must not count twice for it.
    let page = exporter.until("all kills are counted", all).await;
    assert_eq!((page.of("whole", OOM_KILLS), page.of("child", OOM_KILLS)), (Some(3.0), Some(2.0)));
    assert_eq!(page.of("child", RUNNING), Some(1.0));
    assert_eq!(page.of("whole", CPU), None, "what has ended uses nothing");

    // Not by another look, not by another list, not by the child's end either.
    engine.docker.restart_container("child", None::<RestartContainerOptions>).await.unwrap();
    let more = |page: &Page| page.of("child", OOM_KILLS) >= Some(4.0);
    let page = exporter.until("the second run's kills are added", more).await;
    assert_eq!((page.of("whole", OOM_KILLS), page.of("child", OOM_KILLS)), (Some(3.0), Some(4.0)));
    engine.remove_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_restarts_renames_updates_and_removals_are_followed() {
    need_engine!();
    let engine = Engine::start().await;
    let exporter = Exporter::here(settings(&engine.socket)).await;
    let labels = json!({"com.docker.compose.service": "web", "com.docker.compose.project": "shop"});
    let web = engine.run("shop-web-1", "sleep 3600", json!({"Labels": labels})).await;
    let plain = engine.run("plain", "sleep 3600", json!({})).await;
    let page = exporter.knows(&["shop-web-1", "plain"]).await;
    assert_eq!(
        (page.label("shop-web-1", "service"), page.label("shop-web-1", "project")),
        (Some("web"), Some("shop"))
    );
    assert_eq!((page.label("plain", "service"), page.label("plain", "project")), (Some("plain"), Some("")));
    assert_eq!(page.label("plain", "image"), Some(crate::engine::IMAGE));

    engine.docker.pause_container(&web).await.unwrap();
    let paused = |page: &Page| page.of("shop-web-1", RUNNING) == Some(0.0);
    let page = exporter.until("it is paused", paused).await;
    assert!(page.of("shop-web-1", CPU).is_some(), "a paused container keeps its figures");
    engine.docker.unpause_container(&web).await.unwrap();
    exporter.until("it goes on", |page| page.of("shop-web-1", RUNNING) == Some(1.0)).await;

    let started = page.of("plain", STARTED).unwrap();
    engine.docker.restart_container(&plain, None::<RestartContainerOptions>).await.unwrap();
    let restarted =
        |page: &Page| page.of("plain", STARTED) > Some(started) && page.of("plain", CPU).is_some();
    let page = exporter.until("it has started again", restarted).await;
    assert_eq!(page.containers(), 2);

    let to = |name: &str| RenameContainerOptionsBuilder::new().name(name).build();
    engine.docker.rename_container(&plain, to("renamed")).await.unwrap();
    let page = exporter.until("it has its new name", |page| page.label("renamed", "name").is_some()).await;
    assert_eq!((page.label("plain", "name"), page.label("renamed", "service")), (None, Some("renamed")));

    let update = ContainerUpdateBody {
        memory: Some(32 << 20),
        memory_swap: Some(64 << 20),
        ..ContainerUpdateBody::default()
    };
    engine.docker.update_container(&plain, update).await.unwrap();
    let limit = |page: &Page| page.of("renamed", "docker_container_memory_limit_bytes") == Some(33_554_432.0);
    exporter.until("it has its new limit", limit).await;

    // Made again under the same name: the old one leaves nothing behind.
    engine.remove(&web).await;
    let gone = exporter.until("it is gone", |page| page.label("shop-web-1", "name").is_none()).await;
    assert!(!gone.0.contains(&web[..12]), "{}", gone.0);
    let again = engine.run("shop-web-1", "sleep 3600", json!({"Labels": labels})).await;
    let page = exporter.knows(&["shop-web-1"]).await;
    assert_eq!((page.containers(), page.label("shop-web-1", "container_id")), (2, Some(&again[..12])));

    // What was never started is not exposed.
    engine.create("never-started", "true", json!({})).await;
    engine.remove(&plain).await;
    let page = exporter.until("the other is gone", |page| page.label("renamed", "name").is_none()).await;
    assert_eq!(page.containers(), 1);
    engine.remove_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_before_the_exporter_is_found() {
    need_engine!();
    let engine = Engine::start().await;
    let paused = engine.run("paused", "sleep 3600", json!({})).await;
    engine.run("running", "sleep 3600", json!({})).await;
    engine.docker.pause_container(&paused).await.unwrap();
    let exporter = Exporter::here(settings(&engine.socket)).await;
    let page = exporter.knows(&["paused", "running"]).await;
    assert_eq!((page.of("paused", RUNNING), page.of("running", RUNNING)), (Some(0.0), Some(1.0)));
    engine.remove_all().await;
}
