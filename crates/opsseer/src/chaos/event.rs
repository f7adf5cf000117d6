//! What a run tells while it goes on, and why it may not go as asked.

use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{
    record::{EndedBy, RecordError},
    scenario::{Phase, PhaseName},
    target::TargetError,
};

/// What happens while a run goes on.
#[derive(Clone, Debug)]
pub enum ChaosEvent {
    /// The trouble of a phase is in force.
    PhaseStarted {
        /// Counted from 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// What it is.
        phase: Phase,
        /// When.
        at: DateTime<Utc>,
    },
    /// Four times a second.
    Progress {
        /// Time since the phase began.
        elapsed: Duration,
        /// Requests sent in this phase.
        sent: u64,
        /// Those of them that failed.
        failed: u64,
        /// Requests that were due and could not be sent.
        dropped: u64,
    },
    /// A phase is over.
    PhaseEnded {
        /// Which.
        name: PhaseName,
        /// Why.
        by: EndedBy,
        /// When.
        at: DateTime<Utc>,
    },
    /// The service was told to behave again.
    Restored {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a run did not go as asked.
#[derive(Debug, Error)]
pub enum ChaosError {
    /// The target's address or the HTTP client is of no use.
    #[error("prepare the requests")]
    Prepare(#[source] TargetError),
    /// The trouble of a phase could not be put in force.
    #[error("begin the phase {name}")]
    Begin {
        /// Which phase.
        name: PhaseName,
        /// What went wrong.
        #[source]
        source: TargetError,
    },
    /// The service may still be in trouble.
    #[error("switch the chaos off again; the service may still be in trouble")]
    Restore(#[source] TargetError),
    /// The caller stopped it.
    #[error("the run was stopped before its end")]
    Cancelled,
    /// The record could not be kept.
    #[error(transparent)]
    Record(#[from] RecordError),
}
