//! Cgroup version 2: one hierarchy for all. See the kernel's documentation, admin-guide/cgroup-v2.

use std::{fs, path::Path};

use super::{
    ReadError,
    file::{number, read_optional, value_of},
    gone_or_failed,
};
use crate::usage::{MICRO, Usage, in_units, working_set};

/// Reads the container's folder. All figures count the cgroups below it too: that is how version 2 counts.
pub(super) fn read(folder: &Path) -> Result<Usage, ReadError> {
    let mut usage = Usage::default();
    // This file is in every cgroup, whichever controllers are switched on, so it tells whether the container still is.
    let stat = fs::read_to_string(folder.join("cpu.stat")).map_err(gone_or_failed)?;
    usage.cpu_seconds = value_of(&stat, "usage_usec").map(|micros| in_units(micros, MICRO));
    usage.periods = value_of(&stat, "nr_periods");
    usage.throttled_periods = value_of(&stat, "nr_throttled");
    usage.throttled_seconds = value_of(&stat, "throttled_usec").map(|micros| in_units(micros, MICRO));
    let limit = read_optional(&folder.join("cpu.max"))?;
    usage.cpu_limit_cores = limit.as_deref().and_then(cores);

    let current = read_optional(&folder.join("memory.current"))?;
    usage.memory_usage_bytes = current.as_deref().and_then(number);
    if let Some(stat) = read_optional(&folder.join("memory.stat"))? {
        usage.cache_bytes = value_of(&stat, "file");
        let inactive = value_of(&stat, "inactive_file").unwrap_or_default();
        usage.working_set_bytes = usage.memory_usage_bytes.map(|bytes| working_set(bytes, inactive));
    }
    // "max" is no limit, and no number.
    usage.memory_limit_bytes = read_optional(&folder.join("memory.max"))?.as_deref().and_then(number);
    let events = read_optional(&folder.join("memory.events"))?;
    usage.oom_kills = events.as_deref().and_then(|text| value_of(text, "oom_kill"));

    usage.pids = read_optional(&folder.join("pids.current"))?.as_deref().and_then(number);
    if let Some(io) = read_optional(&folder.join("io.stat"))? {
        usage.block_read_bytes = Some(sum_of(&io, "rbytes="));
        usage.block_written_bytes = Some(sum_of(&io, "wbytes="));
    }
    Ok(usage)
}

/// "50000 100000" is a quota and its period; "max 100000" is no limit.
fn cores(text: &str) -> Option<f64> {
    let mut words = text.split_ascii_whitespace();
    let quota: u64 = words.next()?.parse().ok()?;
    let period: u64 = words.next()?.parse().ok()?;
    (period > 0).then(|| in_units(quota, period))
}

/// The sum over all devices of a figure, in lines such as "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2".
fn sum_of(text: &str, key: &str) -> u64 {
    let words = text.split_ascii_whitespace();
    words.filter_map(|word| word.strip_prefix(key)?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        fs::write(folder.join(name), text).unwrap();
    }

    /// A container with limits, as the kernel shows it.
    fn fixture(folder: &Path) {
        write(
            folder,
            "cpu.stat",
            "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 40\nnr_throttled 10\nthrottled_usec 1500000\n",
        );
        write(folder, "cpu.max", "50000 100000\n");
        write(folder, "memory.current", "220000000\n");
        write(
            folder,
            "memory.stat",
            "anon 15000000\nfile 205000000\nfile_mapped 0\ninactive_anon 0\ninactive_file 200000000\nactive_file 5000000\n",
        );
        write(folder, "memory.max", "268435456\n");
        write(folder, "memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n");
        write(folder, "pids.current", "7\n");
        write(
            folder,
            "io.stat",
            "8:16 rbytes=1000 wbytes=2000 rios=1 wios=1 dbytes=0 dios=0\n8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=9 dios=0\n",
        );
    }

    #[test]
    fn all_figures_are_read() {
        let folder = tempfile::tempdir().unwrap();
        fixture(folder.path());
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
        assert_eq!(read(folder.path()).unwrap(), expected);
    }

    #[test]
    fn without_limits_there_are_no_limits() {
        let folder = tempfile::tempdir().unwrap();
        fixture(folder.path());
        write(folder.path(), "cpu.max", "max 100000\n");
        write(folder.path(), "memory.max", "max\n");
        let usage = read(folder.path()).unwrap();
        assert_eq!((usage.cpu_limit_cores, usage.memory_limit_bytes), (None, None));
    }

    #[test]
    fn controllers_that_are_switched_off_leave_their_figures_out() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
        write(folder.path(), "io.stat", "");
        let usage = read(folder.path()).unwrap();
        let expected = Usage {
            cpu_seconds: Some(0.0),
            block_read_bytes: Some(0),
            block_written_bytes: Some(0),
            ..Usage::default()
        };
        assert_eq!(usage, expected);
    }

    #[test]
    fn a_cgroup_that_was_removed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(&folder.path().join("gone")), Err(ReadError::Gone)));
    }
}
