//! The process itself, under the names that every Prometheus client library uses.

use std::{
    fmt, fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

/// Ticks a second in `/proc/self/stat`. The kernel's interface fixes it at 100, whatever the real timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads `/proc` at each scrape. On systems without it, only the start time is exposed.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    started: SystemTime,
}

impl ProcessCollector {
    pub(super) fn new(started: SystemTime) -> Self {
        Self { started }
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let since_epoch = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = ConstGauge::new(since_epoch.as_secs_f64());
        let help = "Start of the process, in seconds since 1970";
        started.encode(encoder.encode_descriptor(
            "process_start_time_seconds",
            help,
            None,
            MetricType::Gauge,
        )?)?;

        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes)
        {
            let help = "Memory that the process holds in RAM";
            let descriptor =
                encoder.encode_descriptor("process_resident_memory_bytes", help, None, MetricType::Gauge)?;
            ConstGauge::new(bytes).encode(descriptor)?;
        }
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
            let help = "Processor time used, user and system";
            let descriptor =
                encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(descriptor)?;
        }
        Ok(())
    }
}

/// `VmRSS` of `/proc/self/status`, which the kernel gives in kB of 1024 bytes.
fn resident_bytes(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Fields 14 (user) and 15 (system) of `/proc/self/stat`, counted after the command's name, which may hold
/// anything between its brackets. See proc(5).
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    // The first field after the name is number 3.
    let mut fields = after_name.split_whitespace().skip(14 - 3);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_bytes("VmPeak:\t  9 kB\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(resident_bytes("Name:\tkthread\n"), None);
    }

    #[test]
    fn cpu_time_survives_a_name_with_brackets() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 4 0 99";
        assert_eq!(cpu_seconds(stat), Some(2.0));
    }
}
