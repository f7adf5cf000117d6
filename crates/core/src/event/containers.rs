//! How the containers of a service did around an incident's start, as its timeline keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Processor time, memory, restarts and kills of a service's containers, all replicas together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainersSeen {
    /// The service, as its containers are labelled.
    pub service: String,
    /// How they did, in a sentence.
    pub sentence: String,
    /// Start of what was looked at.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// How many containers run. Absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Processor cores in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<ContainerCurve>,
    /// Cores that they may use. Absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_limit_cores: Option<f64>,
    /// The share of the scheduler's periods in which they were held back, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<ContainerCurve>,
    /// Memory in use without the page cache, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ContainerCurve>,
    /// Bytes that they may use. Absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<f64>,
    /// What the fullest of them uses of its own limit, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest: Option<ContainerCurve>,
    /// How often the engine started one of them again in this time.
    pub restarts: u64,
    /// How often the kernel killed a process of theirs for want of memory in this time.
    pub oom_kills: u64,
    /// When the youngest of them started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
}

/// How a value went, in its own unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerCurve {
    /// At the end. Absent if there was none: no container ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<f64>,
    /// The highest.
    pub peak: f64,
    /// Values at even distances from [`ContainersSeen::from`] to [`ContainersSeen::to`], for a small picture: each the
    /// highest of its share of the time. `None` where it has none.
    pub points: Vec<Option<f64>>,
}
