//! Docker's figures in our terms. See its API's documentation of `/containers/{id}/stats`.

use bollard::models::{
    ContainerBlkioStats, ContainerMemoryStats, ContainerNetworkStats, ContainerStatsResponse,
};

use crate::usage::{NANO, Usage, in_units, working_set};

/// `None` for a container that has just ended: Docker then sends the form without any figure. Limits are left out: for
/// "none", Docker tells the host's RAM.
pub(super) fn usage(stats: &ContainerStatsResponse) -> Option<Usage> {
    let memory = stats.memory_stats.as_ref()?;
    let memory_usage = memory.usage?;
    let cpu = stats.cpu_stats.as_ref();
    let throttling = cpu.and_then(|cpu| cpu.throttling_data.as_ref());
    let total = cpu.and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    let networks = stats.networks.as_ref();
    let traffic = |of: fn(&ContainerNetworkStats) -> Option<u64>| {
        networks.map(|networks| networks.values().filter_map(of).sum())
    };
    Some(Usage {
        cpu_seconds: total.map(|nanos| in_units(nanos, NANO)),
        throttled_seconds: throttling.and_then(|cpu| cpu.throttled_time).map(|nanos| in_units(nanos, NANO)),
        periods: throttling.and_then(|cpu| cpu.periods),
        throttled_periods: throttling.and_then(|cpu| cpu.throttled_periods),
        memory_usage_bytes: Some(memory_usage),
        working_set_bytes: Some(working_set(memory_usage, inactive_file(memory).unwrap_or_default())),
        cache_bytes: detail(memory, "total_cache").or_else(|| detail(memory, "file")),
        pids: stats.pids_stats.as_ref().and_then(|pids| pids.current),
        block_read_bytes: stats.blkio_stats.as_ref().map(|block| transferred(block, "read")),
        block_written_bytes: stats.blkio_stats.as_ref().map(|block| transferred(block, "write")),
        network_receive_bytes: traffic(|network| network.rx_bytes),
        network_transmit_bytes: traffic(|network| network.tx_bytes),
        ..Usage::default()
    })
}

/// Version 1 of cgroups has the sum over all levels under a name of its own; version 2 has no other.
fn inactive_file(memory: &ContainerMemoryStats) -> Option<u64> {
    detail(memory, "total_inactive_file").or_else(|| detail(memory, "inactive_file"))
}

fn detail(memory: &ContainerMemoryStats, name: &str) -> Option<u64> {
    memory.stats.as_ref()?.get(name).copied()
}

/// The names of operations are in capitals on version 1 of cgroups, and not on version 2.
fn transferred(block: &ContainerBlkioStats, operation: &str) -> u64 {
    let entries = block.io_service_bytes_recursive.iter().flatten();
    let of_operation =
        entries.filter(|entry| entry.op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case(operation)));
    of_operation.filter_map(|entry| entry.value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(json: serde_json::Value) -> Option<Usage> {
        usage(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn figures_of_version_1_are_understood() {
        let usage = converted(serde_json::json!({
            "cpu_stats": {
                "cpu_usage": {"total_usage": 2_500_000_000_u64},
                "throttling_data": {"periods": 40, "throttled_periods": 10, "throttled_time": 1_500_000_000_u64}
            },
            "memory_stats": {
                "usage": 220_000_000, "limit": 25_000_000_000_u64,
                "stats": {"inactive_file": 1, "total_inactive_file": 200_000_000, "cache": 1, "total_cache": 205_000_000}
            },
            "pids_stats": {"current": 7},
            "blkio_stats": {"io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": "Read", "value": 4096}, {"major": 8, "minor": 0, "op": "Write", "value": 8192},
                {"major": 8, "minor": 0, "op": "Total", "value": 12288}
            ]},
            "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}, "eth1": {"rx_bytes": 1, "tx_bytes": 2}}
        }));
        let expected = Usage {
            cpu_seconds: Some(2.5),
            throttled_seconds: Some(1.5),
            periods: Some(40),
            throttled_periods: Some(10),
            memory_usage_bytes: Some(220_000_000),
            working_set_bytes: Some(20_000_000),
            cache_bytes: Some(205_000_000),
            pids: Some(7),
            block_read_bytes: Some(4096),
            block_written_bytes: Some(8192),
            network_receive_bytes: Some(11),
            network_transmit_bytes: Some(22),
            ..Usage::default()
        };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn figures_of_version_2_are_understood() {
        let usage = converted(serde_json::json!({
            "memory_stats": {"usage": 1000, "stats": {"inactive_file": 400, "file": 500}},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 1}, {"op": "write", "value": 2}]}
        }))
        .unwrap();
        assert_eq!((usage.working_set_bytes, usage.cache_bytes), (Some(600), Some(500)));
        assert_eq!((usage.block_read_bytes, usage.block_written_bytes), (Some(1), Some(2)));
        assert_eq!(usage.network_receive_bytes, None);
    }

    #[test]
    fn an_ended_container_has_no_figures() {
        let json = serde_json::json!({
            "read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}
        });
        assert_eq!(converted(json), None);
    }
}
