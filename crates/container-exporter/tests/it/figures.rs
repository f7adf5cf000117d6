//! The figures against what the containers do, what Docker's stats say, and the cgroup files.

use std::{fs, path::PathBuf, time::Duration};

use bollard::models::{NetworkCreateRequest, NetworkCreateResponse};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    engine::{Engine, PATIENCE},
    exporter::{Exporter, Page, settings},
    need_engine,
};

const MIB: f64 = 1024.0 * 1024.0;

const CPU: &str = "docker_container_cpu_seconds_total";
const WORKING_SET: &str = "docker_container_memory_working_set_bytes";
const USAGE: &str = "docker_container_memory_usage_bytes";
const CACHE: &str = "docker_container_memory_cache_bytes";

#[tokio::test(flavor = "multi_thread")]
async fn figures_tell_what_containers_do() {
    need_engine!();
    let engine = Engine::start().await;
    let exporter = Exporter::here(settings(&engine.socket)).await;

    // The page cache of a file of 64 MiB is not the container's memory.
    engine.run("writer", "dd if=/dev/zero of=/file bs=1M count=64; sleep 3600", json!({})).await;
    engine.run("idle", "sleep 3600", json!({})).await;
    engine.run("busy", "while true; do :; done", json!({"HostConfig": {"CpusetCpus": "0"}})).await;
    let limits = json!({"HostConfig": {"Memory": 64 << 20, "NanoCpus": 100_000_000}});
    engine.run("limited", "while true; do :; done", limits).await;
    exporter.knows(&["writer", "idle", "busy", "limited"]).await;

    let written = |page: &Page| page.of("writer", CACHE).is_some_and(|bytes| bytes >= 64.0 * MIB);
    let page = exporter.until("the file is in the page cache", written).await;
    assert!(page.of("writer", USAGE).unwrap() >= 64.0 * MIB, "{}", page.0);
    assert!(page.of("writer", WORKING_SET).unwrap() < 32.0 * MIB, "{}", page.0);
    assert!(page.of("writer", "docker_container_block_written_bytes_total").is_some());

    assert_eq!(
        page.of("idle", "docker_container_memory_limit_bytes"),
        None,
        "no limit is not the host's RAM"
    );
    assert_eq!(page.of("idle", "docker_container_cpu_limit_cores"), None);
    assert_eq!(page.of("idle", "docker_container_cpu_throttled_seconds_total"), Some(0.0));
    assert_eq!(
        page.of("idle", "docker_container_network_receive_bytes_total"),
        Some(0.0),
        "it has no network"
    );
    assert_eq!(page.of("idle", "docker_container_oom_kills_total"), Some(0.0));
    assert_eq!(page.of("idle", "docker_container_running"), Some(1.0));

    assert_eq!(page.of("limited", "docker_container_memory_limit_bytes"), Some(64.0 * MIB));
    assert_eq!(page.of("limited", "docker_container_cpu_limit_cores"), Some(0.1));
    let throttled = |page: &Page| {
        page.of("limited", "docker_container_cpu_throttled_seconds_total")
            .is_some_and(|seconds| seconds > 0.0)
            && page
                .of("limited", "docker_container_cpu_throttled_periods_total")
                .is_some_and(|count| count > 0.0)
    };
    exporter.until("the limited container is throttled", throttled).await;

    // The idle container stays at what its start cost, and its series does not vanish; the busy one goes on.
    let before = exporter.scrape().await;
    let enough = before.of("busy", CPU).unwrap() + 1.0;
    let after = exporter.until("a second of work", |page| page.of("busy", CPU) > Some(enough)).await;
    let idle = after.of("idle", CPU).unwrap() - before.of("idle", CPU).unwrap();
    assert!((0.0..0.1).contains(&idle), "{idle} s");

    let version =
        if fs::exists("/sys/fs/cgroup/cgroup.controllers").unwrap() { "cgroup_v2" } else { "cgroup_v1" };
    assert_eq!(after.sources(version), 4);
    engine.remove_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_agree_with_docker_stats_and_with_the_cgroup_files() {
    need_engine!();
    let engine = Engine::start().await;
    let exporter = Exporter::here(settings(&engine.socket)).await;
    let network: NetworkCreateResponse = engine
        .docker
        .create_network(NetworkCreateRequest { name: "agree".to_owned(), ..Default::default() })
        .await
        .unwrap();
    let host = json!({"HostConfig": {"NetworkMode": "agree", "Memory": 256 << 20}});
    let id = engine.run("agree", "dd if=/dev/zero of=/file bs=1M count=16; sleep 3600", host).await;
    engine.run("of-host", "sleep 3600", json!({"HostConfig": {"NetworkMode": "host"}})).await;
    exporter.knows(&["agree", "of-host"]).await;

    // Each is read at another instant, and a container that has just started still changes.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let before = exporter.scrape().await;
        let stats = engine.stats(&id).await;
        let after = exporter.scrape().await;
        let memory = stats.memory_stats.unwrap();
        let (usage, details) = (memory.usage.unwrap(), memory.stats.unwrap());
        let inactive = details.get("total_inactive_file").or_else(|| details.get("inactive_file")).unwrap();
        let interface = stats.networks.unwrap().remove("eth0").unwrap();
        let expected = [
            (USAGE, usage),
            (WORKING_SET, usage - inactive),
            ("docker_container_memory_limit_bytes", memory.limit.unwrap()),
            ("docker_container_pids", stats.pids_stats.unwrap().current.unwrap()),
            ("docker_container_network_receive_bytes_total", interface.rx_bytes.unwrap()),
            ("docker_container_network_transmit_bytes_total", interface.tx_bytes.unwrap()),
        ];
        let differing: Vec<_> = expected
            .into_iter()
            .filter(|(metric, value)| after.whole("agree", metric) != Some(*value))
            .collect();
        let nanos = stats.cpu_stats.unwrap().cpu_usage.unwrap().total_usage.unwrap();
        let cpu = Duration::from_nanos(nanos).as_secs_f64();
        let between = before.of("agree", CPU) <= Some(cpu) && Some(cpu) <= after.of("agree", CPU);
        let by_file = cpu_of_cgroup(&id);
        let file_agrees = Some(by_file) >= after.of("agree", CPU) && by_file - cpu < 1.0;
        if differing.is_empty() && between && file_agrees {
            assert_eq!(after.of("of-host", "docker_container_network_receive_bytes_total"), None);
            break;
        }
        assert!(
            Instant::now() < deadline,
            "docker stats: {expected:?}, CPU {cpu}, file {by_file}; differing: {differing:?}\n{}",
            after.0
        );
        sleep(Duration::from_millis(200)).await;
    }
    engine.remove_all().await;
    engine.docker.remove_network(&network.id).await.unwrap();
}

/// The processor time in seconds that the container's cgroup counts, found without the exporter's help.
fn cpu_of_cgroup(id: &str) -> f64 {
    let v1 = PathBuf::from(format!("/sys/fs/cgroup/cpuacct/docker/{id}/cpuacct.usage"));
    if let Ok(text) = fs::read_to_string(v1) {
        return text.trim().parse::<f64>().unwrap() / 1e9;
    }
    let places =
        [format!("/sys/fs/cgroup/docker/{id}"), format!("/sys/fs/cgroup/system.slice/docker-{id}.scope")];
    let stat = places.iter().find_map(|place| fs::read_to_string(format!("{place}/cpu.stat")).ok()).unwrap();
    let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")).unwrap();
    micros.parse::<f64>().unwrap() / 1e6
}
