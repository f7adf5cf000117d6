//! What one container uses, in one reading, wherever it was read.

/// Counters since the container's start and levels of the moment. A figure that its source does not tell is `None`:
/// an absent series is honest, a made-up 0 is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Processor time, user and system, in seconds.
    pub(crate) cpu_seconds: Option<f64>,
    /// Time in which the container wanted to run and its limit forbade it, in seconds.
    pub(crate) throttled_seconds: Option<f64>,
    /// Enforcement periods that have passed under a CPU limit.
    pub(crate) periods: Option<u64>,
    /// Those of them in which the limit was reached.
    pub(crate) throttled_periods: Option<u64>,
    /// Cores that the container may use; `None` when there is no limit.
    pub(crate) cpu_limit_cores: Option<f64>,
    /// Memory with the page cache.
    pub(crate) memory_usage_bytes: Option<u64>,
    /// Memory without the inactive page cache, as `docker stats` shows it.
    pub(crate) working_set_bytes: Option<u64>,
    /// Page cache.
    pub(crate) cache_bytes: Option<u64>,
    /// The memory limit; `None` when there is none, never the host's RAM.
    pub(crate) memory_limit_bytes: Option<u64>,
    /// Processes that the kernel has killed in this run for want of memory.
    pub(crate) oom_kills: Option<u64>,
    /// Processes and threads now.
    pub(crate) pids: Option<u64>,
    /// Bytes read from block devices.
    pub(crate) block_read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub(crate) block_written_bytes: Option<u64>,
    /// Bytes received by the container's own network interfaces.
    pub(crate) network_receive_bytes: Option<u64>,
    /// Bytes sent by them.
    pub(crate) network_transmit_bytes: Option<u64>,
}

/// The working set as Docker's client defines it: usage less the inactive page cache. The kernel does not read the
/// two at the same instant, so the difference can be negative; Docker then shows the usage.
pub(crate) fn working_set(usage: u64, inactive_file: u64) -> u64 {
    if inactive_file < usage { usage - inactive_file } else { usage }
}

/// Nanoseconds, or billionths of a core, in one.
pub(crate) const NANO: u64 = 1_000_000_000;

/// Microseconds in a second.
pub(crate) const MICRO: u64 = 1_000_000;

/// A count of parts, such as nanoseconds, in units of so many parts.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact: 104 days in nanoseconds")]
pub(crate) fn in_units(parts: u64, of: u64) -> f64 {
    parts as f64 / of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_working_set_leaves_the_inactive_page_cache_out() {
        assert_eq!(working_set(215_900, 210_000), 5_900);
    }

    #[test]
    fn figures_read_at_different_instants_do_not_make_a_negative_working_set() {
        assert_eq!(working_set(100, 101), 100);
    }
}
