//! Cgroup version 1: a hierarchy a controller. See the kernel's documentation, admin-guide/cgroup-v1.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    ReadError,
    file::{number, read_optional, value_of},
    gone_or_failed,
};
use crate::usage::{NANO, Usage, in_units, working_set};

/// A limit from here on is none: the kernel writes the largest multiple of a page below 2^63.
const UNLIMITED: u64 = 1 << 62;

/// The container's folder in each hierarchy that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) cpuacct: Option<PathBuf>,
    pub(super) cpu: Option<PathBuf>,
    pub(super) memory: Option<PathBuf>,
    pub(super) pids: Option<PathBuf>,
    pub(super) blkio: Option<PathBuf>,
}

/// Reads all hierarchies.
pub(super) fn read(paths: &Paths) -> Result<Usage, ReadError> {
    let mut usage = Usage::default();
    // These two tell whether the container still is: every engine has them.
    if let Some(folder) = &paths.cpuacct {
        let text = fs::read_to_string(folder.join("cpuacct.usage")).map_err(gone_or_failed)?;
        usage.cpu_seconds = number(&text).map(|nanos| in_units(nanos, NANO));
    }
    if let Some(folder) = &paths.memory {
        let text = fs::read_to_string(folder.join("memory.usage_in_bytes")).map_err(gone_or_failed)?;
        usage.memory_usage_bytes = number(&text);
        read_memory(folder, &mut usage)?;
    }
    if let Some(folder) = &paths.cpu {
        read_cpu(folder, &mut usage)?;
    }
    if let Some(folder) = &paths.pids {
        usage.pids = read_optional(&folder.join("pids.current"))?.as_deref().and_then(number);
    }
    if let Some(folder) = &paths.blkio {
        read_block(folder, &mut usage)?;
    }
    Ok(usage)
}

fn read_memory(folder: &Path, usage: &mut Usage) -> Result<(), ReadError> {
    // The lines that begin with `total_` count the cgroups below as well, as the usage does.
    if let Some(stat) = read_optional(&folder.join("memory.stat"))? {
        usage.cache_bytes = value_of(&stat, "total_cache");
        let inactive = value_of(&stat, "total_inactive_file").unwrap_or_default();
        usage.working_set_bytes = usage.memory_usage_bytes.map(|bytes| working_set(bytes, inactive));
    }
    let limit = read_optional(&folder.join("memory.limit_in_bytes"))?;
    usage.memory_limit_bytes = limit.as_deref().and_then(number).filter(|bytes| *bytes < UNLIMITED);
    let oom = read_optional(&folder.join("memory.oom_control"))?;
    usage.oom_kills = oom.as_deref().and_then(|text| value_of(text, "oom_kill"));
    Ok(())
}

fn read_cpu(folder: &Path, usage: &mut Usage) -> Result<(), ReadError> {
    if let Some(stat) = read_optional(&folder.join("cpu.stat"))? {
        usage.periods = value_of(&stat, "nr_periods");
        usage.throttled_periods = value_of(&stat, "nr_throttled");
        usage.throttled_seconds = value_of(&stat, "throttled_time").map(|nanos| in_units(nanos, NANO));
    }
    // No limit is a quota of -1, which is no number of this kind.
    let quota = read_optional(&folder.join("cpu.cfs_quota_us"))?.as_deref().and_then(number);
    let period = read_optional(&folder.join("cpu.cfs_period_us"))?.as_deref().and_then(number);
    if let (Some(quota), Some(period @ 1..)) = (quota, period) {
        usage.cpu_limit_cores = Some(in_units(quota, period));
    }
    Ok(())
}

fn read_block(folder: &Path, usage: &mut Usage) -> Result<(), ReadError> {
    let recursive = read_optional(&folder.join("blkio.throttle.io_service_bytes_recursive"))?;
    let text = match recursive {
        Some(text) => Some(text),
        None => read_optional(&folder.join("blkio.throttle.io_service_bytes"))?,
    };
    if let Some(text) = text {
        usage.block_read_bytes = Some(sum_of(&text, "Read"));
        usage.block_written_bytes = Some(sum_of(&text, "Write"));
    }
    Ok(())
}

/// The sum over all devices of an operation, in lines such as "8:0 Read 4096".
fn sum_of(text: &str, operation: &str) -> u64 {
    let values = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        (words.next()? == operation).then_some(words.next()?.parse::<u64>().ok()?)
    });
    values.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    /// A container with limits, as the kernel shows it.
    fn fixture(root: &Path) -> Paths {
        let of = |controller: &str| root.join(controller).join("docker/abc");
        write(&of("cpuacct"), "cpuacct.usage", "2500000000\n");
        write(
            &of("cpu"),
            "cpu.stat",
            "nr_periods 40\nnr_throttled 10\nthrottled_time 1500000000\nnr_bursts 0\nburst_time 0\n",
        );
        write(&of("cpu"), "cpu.cfs_quota_us", "50000\n");
        write(&of("cpu"), "cpu.cfs_period_us", "100000\n");
        write(&of("memory"), "memory.usage_in_bytes", "220000000\n");
        write(
            &of("memory"),
            "memory.stat",
            "cache 1\ninactive_file 2\nhierarchical_memory_limit 9\ntotal_cache 205000000\ntotal_inactive_file 200000000\n",
        );
        write(&of("memory"), "memory.limit_in_bytes", "268435456\n");
        write(&of("memory"), "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
        write(&of("pids"), "pids.current", "7\n");
        let io = "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Async 1\n8:0 Discard 0\n8:0 Total 12288\n\
                  8:16 Read 1000\n8:16 Write 2000\n8:16 Total 3000\nTotal 15288\n";
        write(&of("blkio"), "blkio.throttle.io_service_bytes_recursive", io);
        Paths {
            cpuacct: Some(of("cpuacct")),
            cpu: Some(of("cpu")),
            memory: Some(of("memory")),
            pids: Some(of("pids")),
            blkio: Some(of("blkio")),
        }
    }

    #[test]
    fn all_figures_are_read() {
        let root = tempfile::tempdir().unwrap();
        let usage = read(&fixture(root.path())).unwrap();
        let expected = Usage {
            cpu_seconds: Some(2.5),
            throttled_seconds: Some(1.5),
            periods: Some(40),
            throttled_periods: Some(10),
            cpu_limit_cores: Some(0.5),
            memory_usage_bytes: Some(220_000_000),
            working_set_bytes: Some(20_000_000),
            cache_bytes: Some(205_000_000),
            memory_limit_bytes: Some(268_435_456),
            oom_kills: Some(2),
            pids: Some(7),
            block_read_bytes: Some(5096),
            block_written_bytes: Some(10_192),
            network_receive_bytes: None,
            network_transmit_bytes: None,
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn without_limits_there_are_no_limits() {
        let root = tempfile::tempdir().unwrap();
        let paths = fixture(root.path());
        write(paths.cpu.as_ref().unwrap(), "cpu.cfs_quota_us", "-1\n");
        write(paths.memory.as_ref().unwrap(), "memory.limit_in_bytes", "9223372036854771712\n");
        let usage = read(&paths).unwrap();
        assert_eq!((usage.cpu_limit_cores, usage.memory_limit_bytes), (None, None));
    }

    #[test]
    fn no_transfer_yet_reads_0() {
        let root = tempfile::tempdir().unwrap();
        let paths = fixture(root.path());
        write(paths.blkio.as_ref().unwrap(), "blkio.throttle.io_service_bytes_recursive", "Total 0\n");
        let usage = read(&paths).unwrap();
        assert_eq!((usage.block_read_bytes, usage.block_written_bytes), (Some(0), Some(0)));
    }

    #[test]
    fn an_older_kernel_has_fewer_files() {
        let root = tempfile::tempdir().unwrap();
        let paths = fixture(root.path());
        let blkio = paths.blkio.as_ref().unwrap();
        fs::remove_file(blkio.join("blkio.throttle.io_service_bytes_recursive")).unwrap();
        write(blkio, "blkio.throttle.io_service_bytes", "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
        write(paths.memory.as_ref().unwrap(), "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n");
        let usage = read(&Paths { pids: None, ..paths }).unwrap();
        assert_eq!((usage.block_read_bytes, usage.block_written_bytes), (Some(1), Some(2)));
        assert_eq!((usage.oom_kills, usage.pids), (None, None));
    }

    #[test]
    fn a_cgroup_that_was_removed_is_gone() {
        let root = tempfile::tempdir().unwrap();
        let paths = fixture(root.path());
        fs::remove_dir_all(paths.cpuacct.as_ref().unwrap()).unwrap();
        assert!(matches!(read(&paths), Err(ReadError::Gone)));
    }
}
