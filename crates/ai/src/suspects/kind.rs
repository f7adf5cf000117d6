//! What a metric measures, and which direction of it is bad, guessed from the names that people give metrics.

use serde::{Deserialize, Serialize};

/// What a metric measures, as far as it matters for blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// How long something takes.
    Latency,
    /// Failures, or successes, as a rate or a share.
    Errors,
    /// Processor time.
    Cpu,
    /// Memory held.
    Memory,
    /// How full something with an end is: queues, pools, disks, throttling.
    Saturation,
    /// Work that arrives or is done: requests, bytes.
    Traffic,
    /// Starts of the process.
    Restarts,
    /// Anything else.
    Other,
}

/// A direction of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Rising.
    Up,
    /// Falling.
    Down,
}

/// Parts of names, each with what it tells. The first that fits decides: `cpu_throttled` is about an end that is
/// reached, `request_errors` about errors.
const NAMES: [(MetricKind, &[&str]); 8] = [
    (MetricKind::Restarts, &["restart", "start_time", "boot_time"]),
    (
        MetricKind::Errors,
        &["error", "fail", "5xx", "success", "availab", "drop", "reject", "abort", "retr", "fault", "oom"],
    ),
    (
        MetricKind::Latency,
        &["latency", "duration", "delay", "response_time", "elapsed", "lag", "p99", "p95", "p90"],
    ),
    (
        MetricKind::Saturation,
        &["throttl", "queue", "pending", "saturat", "inflight", "in_flight", "pool", "backlog"],
    ),
    (MetricKind::Cpu, &["cpu"]),
    (MetricKind::Memory, &["mem", "heap", "rss"]),
    (MetricKind::Saturation, &["disk", "filesystem", "open_fds", "load1", "usage", "percent"]),
    (
        MetricKind::Traffic,
        &["request", "bytes", "packets", "rate", "workload", "ops", "call", "total", "network", "count"],
    ),
];

impl MetricKind {
    /// A guess from the name of a metric, as Prometheus' exporters, OpenTelemetry and service meshes give them.
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if is_up(&name) {
            return Self::Errors;
        }
        // Memory that is available says nothing of whether a service is.
        if name.contains("mem") && name.contains("avail") {
            return Self::Memory;
        }
        let fits = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        NAMES.iter().find(|(_, parts)| fits(parts)).map_or(Self::Other, |(kind, _)| *kind)
    }

    /// The direction that is bad for a metric of this kind and name; `None` where both can be.
    pub fn bad_direction(self, name: &str) -> Option<Direction> {
        let name = name.to_ascii_lowercase();
        match self {
            Self::Errors if name.contains("success") || name.contains("availab") || is_up(&name) => {
                Some(Direction::Down)
            }
            Self::Cpu | Self::Memory | Self::Saturation if is_what_is_left(&name) => Some(Direction::Down),
            Self::Latency | Self::Errors | Self::Cpu | Self::Memory | Self::Saturation | Self::Restarts => {
                Some(Direction::Up)
            }
            Self::Traffic | Self::Other => None,
        }
    }

    /// The kind as a word within a sentence.
    pub fn word(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Cpu => "processor time",
            Self::Memory => "memory",
            Self::Saturation => "saturation",
            Self::Traffic => "traffic",
            Self::Restarts => "restarts",
            Self::Other => "another metric",
        }
    }
}

/// Prometheus' own word on whether a target answers.
fn is_up(name: &str) -> bool {
    name == "up" || name.starts_with("up{") || name.ends_with(" up") || name.ends_with("_up")
}

/// Whether a metric counts what is left of something: the less, the worse.
fn is_what_is_left(name: &str) -> bool {
    ["free", "avail", "idle", "remaining"].iter().any(|part| name.contains(part))
}

/// The value at which nothing fails, 1 or 100, of a metric that is a share of successes by its name and its values;
/// `None` for others. Such a share is judged by how far it is from there: from 100 % to 95 % is no small change.
pub(super) fn ceiling(kind: MetricKind, name: &str, values: &[f64]) -> Option<f64> {
    // Rates of counters are extrapolated, so that a quotient of two may be a little too high.
    const A_LITTLE: f64 = 1.001;
    if kind != MetricKind::Errors || kind.bad_direction(name) != Some(Direction::Down) {
        return None;
    }
    let highest = values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    [1.0, 100.0].into_iter().find(|ceiling| highest <= ceiling * A_LITTLE)
}

/// Whether a metric is about the calls that a service makes, not about those that it answers: OpenTelemetry's
/// `http.client.*`, a mesh's outbound and upstream. If they slow down, it is another's fault.
pub(super) fn is_outgoing(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["client", "outgoing", "outbound", "upstream", "egress"].iter().any(|part| name.contains(part))
}

/// Whether a metric counts the requests that a service gets, which drive the rest of its metrics.
pub(super) fn is_request_rate(kind: MetricKind, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let counts = ["request", "workload", "ops", "qps", "rps", "call", "queries", "orders"];
    kind == MetricKind::Traffic
        && !is_outgoing(&name)
        && !name.contains("byte")
        && counts.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind() {
        let kinds = [
            ("p95 of toyprod_request_latency_seconds", MetricKind::Latency),
            ("toyprod:error_rate:ratio_5m", MetricKind::Errors),
            ("toyprod_requests_total", MetricKind::Traffic),
            ("svc:cpu_usage:percent", MetricKind::Cpu),
            ("svc:mem_usage:percent", MetricKind::Memory),
            ("container_cpu_cfs_throttled_periods_total", MetricKind::Saturation),
            ("kube_pod_container_status_restarts_total", MetricKind::Restarts),
            ("node_filesystem_avail_bytes", MetricKind::Saturation),
            ("node_memory_MemAvailable_bytes", MetricKind::Memory),
            ("docker_container_oom_kills_total", MetricKind::Errors),
            ("PodSuccessRate(%)", MetricKind::Errors),
            ("PodWorkload(Ops)", MetricKind::Traffic),
            ("up", MetricKind::Errors),
            ("temperature_celsius", MetricKind::Other),
        ];
        for (name, kind) in kinds {
            assert_eq!(MetricKind::of_name(name), kind, "{name}");
        }
    }

    #[test]
    fn fewer_successes_are_as_bad_as_more_errors() {
        let bad = |name| MetricKind::of_name(name).bad_direction(name);
        assert_eq!(bad("http_errors_total"), Some(Direction::Up));
        assert_eq!(bad("probe_success"), Some(Direction::Down));
        assert_eq!(bad("up"), Some(Direction::Down));
        assert_eq!(bad("http_requests_total"), None);
    }

    #[test]
    fn less_of_what_is_left_is_worse() {
        let bad = |name| MetricKind::of_name(name).bad_direction(name);
        assert_eq!(bad("node_memory_MemAvailable_bytes"), Some(Direction::Down));
        assert_eq!(bad("node_filesystem_avail_bytes"), Some(Direction::Down));
        assert_eq!(bad("svc:mem_usage_bytes"), Some(Direction::Up));
        assert_eq!(bad("process_open_fds"), Some(Direction::Up));
    }

    #[test]
    fn a_share_of_successes_has_a_ceiling_whether_in_percent_or_not() {
        let ceiling = |name, values: &[f64]| ceiling(MetricKind::of_name(name), name, values);
        assert_eq!(ceiling("availability", &[99.0, f64::NAN, 100.0]), Some(100.0));
        assert_eq!(ceiling("success_ratio", &[0.97, 1.0]), Some(1.0));
        assert_eq!(ceiling("success_total", &[950.0, 1_000.0]), None);
        assert_eq!(ceiling("error_ratio", &[0.0, 0.1]), None);
    }

    #[test]
    fn calls_that_a_service_makes_are_told_from_those_it_answers() {
        assert!(is_outgoing("http_client_request_duration_seconds"));
        assert!(!is_outgoing("http_server_request_duration_seconds"));
        assert!(is_request_rate(MetricKind::Traffic, "http_requests_total"));
        assert!(!is_request_rate(MetricKind::Traffic, "request_bytes_total"));
    }
}
