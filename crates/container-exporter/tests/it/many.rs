//! Many containers: at once, and one after the other. Scrapes go on, and nothing is left behind.

use futures::StreamExt;
use serde_json::json;

use crate::{engine::Engine, exporter::Exporter, need_engine};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_and_many_short_lived_ones_leave_nothing_behind() {
    need_engine!();
    let engine = Engine::start().await;
    let exporter = Exporter::program(&engine.socket).await;
    let up = |page: &crate::exporter::Page| page.value("container_exporter_docker_up") == Some(1.0);
    let before = exporter.until("Docker is followed", up).await;

    let starts = futures::stream::iter(0..50).for_each_concurrent(50, async |number: u32| {
        engine.run(&format!("one-of-many-{number}"), "sleep 3600", json!({})).await;
    });
    let all = exporter.until("all fifty have figures", |page| {
        let rows = page.0.lines().filter(|line| line.starts_with("docker_container_cpu_seconds_total{"));
        rows.count() == 50
    });
    // Scrapes go on while they start.
    let ((), page) = tokio::join!(starts, all);
    assert_eq!(page.containers(), 50);
    engine.remove_all().await;
    exporter.until("all fifty are gone", |page| page.containers() == 0).await;

    let count = short_lived();
    let auto_remove = json!({"HostConfig": {"AutoRemove": true}});
    let lives = futures::stream::iter(0..count).for_each_concurrent(4, async |number: u32| {
        engine.run(&format!("short-{number}"), "true", auto_remove.clone()).await;
        let page = exporter.scrape().await;
        assert!(page.containers() <= 50, "{} containers are known at once", page.containers());
    });
    lives.await;
    let after = exporter.until("all short-lived ones are gone", |page| page.containers() == 0).await;
    let grown = |metric: &str| after.value(metric).unwrap() - before.value(metric).unwrap();
    assert!(grown("process_open_fds") <= 5.0, "{} files more", grown("process_open_fds"));
    let memory = grown("process_resident_memory_bytes");
    assert!(memory < 16.0 * 1024.0 * 1024.0, "{memory} bytes more");
    assert_eq!(after.value("container_exporter_read_errors_total"), Some(0.0));
    for operation in ["connect", "list", "inspect", "events", "stats"] {
        let errors =
            after.value(&format!("container_exporter_docker_errors_total{{operation=\"{operation}\"}}"));
        assert_eq!(errors, Some(0.0), "{operation}");
    }
}

/// How many; a thousand take minutes.
fn short_lived() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
    let told = std::env::var("CONTAINER_EXPORTER_SHORT_LIVED");
    told.map_or(50, |count| count.parse().unwrap())
}
