//! The containers' metrics: one table of families, one row a container.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{
    fleet::{Row, SourceKind},
    usage::Usage,
};

/// The rows of the newest reading, shared with what makes them.
pub(crate) type Rows = Arc<Mutex<Vec<Row>>>;

/// Writes all families of the rows.
#[derive(Debug)]
pub(super) struct ContainerCollector {
    rows: Rows,
}

impl ContainerCollector {
    pub(super) fn new(rows: Rows) -> Self {
        Self { rows }
    }
}

/// One metric of every container. The name of a counter is without its `_total`, which the encoder appends.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    value: fn(&Row) -> Option<Value>,
}

/// A figure, whole where it counts things: bytes above 2^53 must not be rounded.
enum Value {
    Whole(u64),
    Real(f64),
}

/// Takes a whole figure out of a row's usage.
macro_rules! whole {
    ($field:ident) => {
        |row| usage(row).and_then(|usage| usage.$field).map(Value::Whole)
    };
}

/// Takes a figure with a fraction out of a row's usage.
macro_rules! real {
    ($field:ident) => {
        |row| usage(row).and_then(|usage| usage.$field).map(Value::Real)
    };
}

fn usage(row: &Row) -> Option<&Usage> {
    row.usage.as_ref()
}

const fn counter(name: &'static str, help: &'static str, value: fn(&Row) -> Option<Value>) -> Family {
    Family { name, help, kind: MetricType::Counter, value }
}

const fn gauge(name: &'static str, help: &'static str, value: fn(&Row) -> Option<Value>) -> Family {
    Family { name, help, kind: MetricType::Gauge, value }
}

/// Every family but the info metric.
const FAMILIES: &[Family] = &[
    counter("docker_container_cpu_seconds", "Processor time used, user and system", real!(cpu_seconds)),
    counter(
        "docker_container_cpu_throttled_seconds",
        "Time in which the container wanted to run and its CPU limit forbade it",
        real!(throttled_seconds),
    ),
    counter(
        "docker_container_cpu_periods",
        "Enforcement periods that have passed under a CPU limit",
        whole!(periods),
    ),
    counter(
        "docker_container_cpu_throttled_periods",
        "Enforcement periods in which the CPU limit was reached",
        whole!(throttled_periods),
    ),
    gauge(
        "docker_container_cpu_limit_cores",
        "Cores that the container may use; absent without a limit",
        real!(cpu_limit_cores),
    ),
    gauge(
        "docker_container_memory_working_set_bytes",
        "Memory without the inactive page cache, as `docker stats` shows it",
        whole!(working_set_bytes),
    ),
    gauge("docker_container_memory_usage_bytes", "Memory with the page cache", whole!(memory_usage_bytes)),
    gauge("docker_container_memory_cache_bytes", "Page cache", whole!(cache_bytes)),
    gauge(
        "docker_container_memory_limit_bytes",
        "Memory that the container may use; absent without a limit",
        whole!(memory_limit_bytes),
    ),
    counter(
        "docker_container_oom_kills",
        "Processes killed for want of memory, over all runs of the container that the exporter has seen",
        |row| Some(Value::Whole(row.oom_kills)),
    ),
    counter("docker_container_restarts", "Restarts by Docker's restart policy", |row| {
        Some(Value::Whole(row.restarts))
    }),
    gauge(
        "docker_container_start_time_seconds",
        "Start of the container's newest run, in seconds since 1970",
        |row| row.started.map(Value::Real),
    ),
    gauge(
        "docker_container_running",
        "1 while the container runs, 0 while it is paused, restarting or ended",
        |row| Some(Value::Whole(row.running.into())),
    ),
    counter(
        "docker_container_network_receive_bytes",
        "Bytes received by the container's own interfaces, loopback left out",
        whole!(network_receive_bytes),
    ),
    counter(
        "docker_container_network_transmit_bytes",
        "Bytes sent by the container's own interfaces, loopback left out",
        whole!(network_transmit_bytes),
    ),
    counter("docker_container_block_read_bytes", "Bytes read from block devices", whole!(block_read_bytes)),
    counter(
        "docker_container_block_written_bytes",
        "Bytes written to block devices",
        whole!(block_written_bytes),
    ),
    gauge("docker_container_pids", "Processes and threads", whole!(pids)),
];

impl Collector for ContainerCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        encode_info(&mut encoder, &rows)?;
        for family in FAMILIES {
            let mut descriptor = encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
            for row in rows.iter() {
                if let Some(value) = (family.value)(row) {
                    let labels = [("container_id", row.identity.short_id.as_str())];
                    encode_value(descriptor.encode_family(&labels)?, family.kind, &value)?;
                }
            }
        }
        encode_sources(&mut encoder, &rows)
    }
}

/// What each container is. A gauge of 1 and not the newer type "info", which older readers stumble over.
fn encode_info(encoder: &mut DescriptorEncoder, rows: &[Row]) -> Result<(), fmt::Error> {
    let help = "1, with what the container is as its labels";
    let mut descriptor = encoder.encode_descriptor("docker_container_info", help, None, MetricType::Gauge)?;
    for row in rows {
        let identity = &row.identity;
        let labels = [
            ("container_id", identity.short_id.as_str()),
            ("name", identity.name.as_str()),
            ("service", identity.service.as_str()),
            ("project", identity.project.as_str()),
            ("image", identity.image.as_str()),
        ];
        ConstGauge::new(1_u64).encode(descriptor.encode_family(&labels)?)?;
    }
    Ok(())
}

/// How many containers are read from where.
fn encode_sources(encoder: &mut DescriptorEncoder, rows: &[Row]) -> Result<(), fmt::Error> {
    let help = "Containers by where their figures come from";
    let mut descriptor =
        encoder.encode_descriptor("container_exporter_containers", help, None, MetricType::Gauge)?;
    for source in SourceKind::ALL {
        let count = rows.iter().filter(|row| row.source == source).count() as u64;
        ConstGauge::new(count).encode(descriptor.encode_family(&[("source", source.as_str())])?)?;
    }
    Ok(())
}

fn encode_value(encoder: MetricEncoder, kind: MetricType, value: &Value) -> Result<(), fmt::Error> {
    match (kind, value) {
        (MetricType::Counter, Value::Whole(value)) => ConstCounter::new(*value).encode(encoder),
        (MetricType::Counter, Value::Real(value)) => ConstCounter::new(*value).encode(encoder),
        (_, Value::Whole(value)) => ConstGauge::new(*value).encode(encoder),
        (_, Value::Real(value)) => ConstGauge::new(*value).encode(encoder),
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;
    use crate::fleet::Identity;

    fn row(name: &str) -> Row {
        let identity = Identity {
            short_id: "0123456789ab".to_owned(),
            name: name.to_owned(),
            service: "web".to_owned(),
            project: "shop".to_owned(),
            image: "shop/web:1".to_owned(),
        };
        Row {
            identity: Arc::new(identity),
            running: true,
            restarts: 2,
            oom_kills: 0,
            started: Some(1_700_000_000.25),
            source: SourceKind::CgroupV1,
            usage: None,
        }
    }

    fn exposed(rows: Vec<Row>) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ContainerCollector::new(Arc::new(Mutex::new(rows)))));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        text
    }

    fn assert_line(text: &str, line: &str) {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in:\n{text}");
    }

    #[test]
    fn an_idle_container_reads_0_and_large_counts_are_not_rounded() {
        let usage =
            Usage { cpu_seconds: Some(0.0), network_receive_bytes: Some((1 << 53) + 1), ..Usage::default() };
        let text = exposed(vec![Row { usage: Some(usage), ..row("web-1") }]);
        assert_line(&text, r#"docker_container_cpu_seconds_total{container_id="0123456789ab"} 0.0"#);
        let received =
            r#"docker_container_network_receive_bytes_total{container_id="0123456789ab"} 9007199254740993"#;
        assert_line(&text, received);
        assert_line(&text, r#"docker_container_oom_kills_total{container_id="0123456789ab"} 0"#);
        assert_line(
            &text,
            r#"docker_container_start_time_seconds{container_id="0123456789ab"} 1700000000.25"#,
        );
        assert_line(&text, r#"container_exporter_containers{source="cgroup_v1"} 1"#);
        assert_line(&text, r#"container_exporter_containers{source="stats_stream"} 0"#);
    }

    #[test]
    fn what_is_not_known_makes_no_series() {
        let text = exposed(vec![row("web-1")]);
        assert!(!text.contains("docker_container_memory_limit_bytes{"), "{text}");
        assert!(!text.contains("docker_container_cpu_seconds_total{"), "{text}");
        assert_line(&text, r#"docker_container_restarts_total{container_id="0123456789ab"} 2"#);
    }

    #[test]
    fn labels_are_escaped() {
        let text = exposed(vec![row("a\"b\\c\nd")]);
        assert!(text.contains(r#"name="a\"b\\c\nd","#), "{text}");
    }

    #[test]
    fn the_manual_lists_every_metric() {
        let manual = include_str!("../../../../docs/container-exporter.md");
        for family in FAMILIES {
            let total = if matches!(family.kind, MetricType::Counter) { "_total" } else { "" };
            let name = format!("`{}{total}`", family.name);
            assert!(manual.contains(&name), "docs/container-exporter.md does not tell of {name}");
        }
    }
}
