//! One container: what is known of it, and what that makes of a reading.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Identity, Limits, Phase, Reading, Row, Run, SharedNetwork, Source, SourceKind, oom::OomLedger};
use crate::usage::Usage;

/// How old figures of the stats API may be. With more containers than streams they are asked in turn, which can take
/// a while; beyond this, no figure is better than that one.
pub(super) const STATS_FRESH: Duration = Duration::from_mins(2);

#[derive(Debug)]
pub(super) struct Container {
    pub(super) identity: Arc<Identity>,
    pub(super) run: Run,
    pub(super) phase: Phase,
    /// The run's start in Docker's words, by which runs are told apart; empty until it is known.
    pub(super) started_at: String,
    pub(super) started: Option<f64>,
    /// The run was begun by a `start` event, and Docker has not been asked about it since.
    pub(super) announced: bool,
    pub(super) ended: Option<Instant>,
    pub(super) restarts: u64,
    pub(super) oom: OomLedger,
    pub(super) source: Source,
    pub(super) limits: Limits,
    pub(super) network: SharedNetwork,
    pub(super) stats: Option<(Instant, Usage)>,
}

impl Container {
    pub(super) fn new(run: Run, identity: Identity) -> Self {
        Self {
            identity: Arc::new(identity),
            run,
            phase: Phase::Running,
            started_at: String::new(),
            started: None,
            announced: false,
            ended: None,
            restarts: 0,
            oom: OomLedger::default(),
            source: Source::None,
            limits: Limits::default(),
            network: SharedNetwork::Own,
            stats: None,
        }
    }

    pub(super) fn end(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.source = Source::None;
        self.stats = None;
        // A container that will be started again is kept for as long as Docker keeps trying.
        self.ended = match phase {
            Phase::Ended => self.ended.or(Some(now)),
            _ => None,
        };
    }

    /// Figures of the stats API with what it does not tell: it knows no CPU limit, gives the host's RAM for "no limit",
    /// and counts a borrowed network too.
    fn completed(&self, usage: &Usage) -> Usage {
        let mut usage = usage.clone();
        usage.cpu_limit_cores = self.limits.cpu_cores;
        usage.memory_limit_bytes = self.limits.memory_bytes;
        if self.network == SharedNetwork::Shared {
            usage.network_receive_bytes = None;
            usage.network_transmit_bytes = None;
        }
        usage
    }

    pub(super) fn row(&mut self, reading: Option<Reading>, now: Instant) -> Row {
        // The kernel knows first: a cgroup that is gone was the container's, whatever Docker has yet to say.
        let vanished = matches!(reading, Some(Reading::Gone));
        let (usage, source) = match (&self.source, reading) {
            (Source::Cgroup(cgroup), Some(Reading::Usage(usage))) => (Some(*usage), cgroup.kind()),
            (Source::Stats, _) => {
                let fresh =
                    self.stats.as_ref().filter(|(at, _)| now.saturating_duration_since(*at) <= STATS_FRESH);
                (fresh.map(|(_, usage)| self.completed(usage)), SourceKind::StatsStream)
            }
            _ => (None, SourceKind::None),
        };
        if let Some(kills) = usage.as_ref().and_then(|usage| usage.oom_kills) {
            self.oom.counted(kills);
        }
        Row {
            identity: Arc::clone(&self.identity),
            running: self.phase == Phase::Running && !vanished,
            restarts: self.restarts,
            oom_kills: self.oom.total(),
            started: self.started,
            usage,
            source,
        }
    }
}
