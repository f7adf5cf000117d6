//! What a metric measures, and which direction of it is bad.

use serde::{Deserialize, Serialize};

/// What a metric measures, as far as it matters for blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// How long something takes.
    Latency,
    /// Failures, as a rate or a share.
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

impl MetricKind {
    /// A guess from the name of a metric.
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        if has(&["restart", "start_time"]) {
            Self::Restarts
        } else if has(&["error", "fail", "5xx", "success", "drop"]) {
            Self::Errors
        } else if has(&["latency", "duration", "_time_", "delay", "response_time"]) {
            Self::Latency
        } else if has(&["throttl", "queue", "pending", "saturation", "inflight", "in_flight", "pool"]) {
            Self::Saturation
        } else if has(&["cpu"]) {
            Self::Cpu
        } else if has(&["mem", "heap", "rss"]) {
            Self::Memory
        } else if has(&["request", "bytes", "rate", "workload", "ops", "total", "network"]) {
            Self::Traffic
        } else {
            Self::Other
        }
    }

    /// The one direction that is bad; `None` where both can be.
    pub fn bad_direction(self) -> Option<Direction> {
        match self {
            Self::Latency | Self::Errors | Self::Memory | Self::Saturation | Self::Restarts => {
                Some(Direction::Up)
            }
            Self::Cpu | Self::Traffic | Self::Other => None,
        }
    }
}
