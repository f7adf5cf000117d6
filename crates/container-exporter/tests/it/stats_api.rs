//! Where cgroups cannot be seen, Docker tells.

use serde_json::json;

use crate::{
    engine::Engine,
    exporter::{Exporter, Page, settings},
    need_engine,
};

const CPU: &str = "docker_container_cpu_seconds_total";

#[tokio::test(flavor = "multi_thread")]
async fn without_cgroups_figures_come_from_streams_and_from_questions_in_turn() {
    need_engine!();
    let engine = Engine::start().await;
    let empty = tempfile::tempdir().unwrap();
    let mut blind = settings(&engine.socket);
    blind.cgroup_root = empty.path().to_owned();
    // One has a stream, two are asked in turn.
    blind.max_streams = 1;
    let exporter = Exporter::here(blind).await;
    let limits = json!({"HostConfig": {"Memory": 64 << 20, "NanoCpus": 500_000_000}});
    engine.run("limited", "while true; do :; done", limits).await;
    engine.run("free", "while true; do :; done", json!({})).await;
    let third = engine.run("third", "sleep 3600", json!({})).await;

    let page = exporter.knows(&["limited", "free", "third"]).await;
    assert_eq!((page.sources("stats_stream"), page.sources("cgroup_v1")), (3, 0));
    assert_eq!(page.of("limited", "docker_container_memory_limit_bytes"), Some(67_108_864.0));
    assert_eq!(page.of("limited", "docker_container_cpu_limit_cores"), Some(0.5));
    assert_eq!(
        page.of("free", "docker_container_memory_limit_bytes"),
        None,
        "no limit is not the host's RAM"
    );
    assert!(page.of("free", "docker_container_memory_working_set_bytes") > Some(0.0));

    // Both ways go on telling.
    let (limited, free) = (page.of("limited", CPU), page.of("free", CPU));
    let more = |page: &Page| page.of("limited", CPU) > limited && page.of("free", CPU) > free;
    exporter.until("both have new figures", more).await;
    engine.remove(&third).await;
    let page = exporter.until("the third is gone", |page| page.label("third", "name").is_none()).await;
    assert_eq!(page.sources("stats_stream"), 2);
    engine.remove_all().await;
}
