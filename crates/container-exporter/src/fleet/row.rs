//! What is exposed of one container.

use std::sync::Arc;

use super::Identity;
use crate::usage::Usage;

/// What came of reading a container's cgroup.
#[derive(Clone, Debug)]
pub(crate) enum Reading {
    Usage(Box<Usage>),
    /// The cgroup is not there any more.
    Gone,
    /// It is there, but could not be read.
    Failed,
}

/// Where figures come from, in the words of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    CgroupV1,
    CgroupV2,
    StatsStream,
    None,
}

impl SourceKind {
    /// All of them, in the order of their series.
    pub(crate) const ALL: [Self; 4] = [Self::CgroupV1, Self::CgroupV2, Self::StatsStream, Self::None];

    /// The value of the label `source`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CgroupV1 => "cgroup_v1",
            Self::CgroupV2 => "cgroup_v2",
            Self::StatsStream => "stats_stream",
            Self::None => "none",
        }
    }
}

/// One container at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) identity: Arc<Identity>,
    /// Whether it runs and is not paused.
    pub(crate) running: bool,
    /// Restarts by Docker's restart policy.
    pub(crate) restarts: u64,
    /// Kills over all its runs.
    pub(crate) oom_kills: u64,
    /// Start of its newest run, in seconds since 1970.
    pub(crate) started: Option<f64>,
    /// Its figures; `None` when it does not run or they cannot be had.
    pub(crate) usage: Option<Usage>,
    pub(crate) source: SourceKind,
}
