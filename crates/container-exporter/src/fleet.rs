//! The containers that are known, and what is known of each. Pure memory: who changes it and when comes from outside.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{cgroup::Cgroup, docker::Listed, usage::Usage};

mod container;
mod identity;
mod inspected;
mod oom;
mod row;

pub(crate) use identity::{Identity, is_pod_sandbox, short_id};
pub(crate) use inspected::{Inspected, Limits, SharedNetwork};
pub(crate) use row::{Reading, Row, SourceKind};

use container::Container;

/// The most ended containers that stay known. A host that starts jobs by the thousand must not fill the memory.
const MAX_ENDED: usize = 200;

/// Where a container is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    Paused,
    /// It has ended, and Docker will start it again.
    Restarting,
    Ended,
}

impl Phase {
    /// Docker's word for it in a list.
    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Ended => "exited",
        }
    }
}

/// Where a container's figures come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// From nowhere: it does not run, or nobody has looked yet.
    None,
    Cgroup(Arc<Cgroup>),
    /// Its cgroup cannot be seen from here, so Docker has to tell.
    Stats,
}

/// One start of one container. No two have the same number.
pub(crate) type Run = u64;

/// All containers, by their full id.
#[derive(Debug)]
pub(crate) struct Fleet {
    containers: BTreeMap<String, Container>,
    keep_ended: Duration,
    next_run: Run,
}

impl Fleet {
    /// Knows nothing yet. A container that has ended stays known for `keep_ended`.
    pub(crate) fn new(keep_ended: Duration) -> Self {
        Self { containers: BTreeMap::new(), keep_ended, next_run: 0 }
    }

    /// A run has begun. What else is to be known of it comes with [`Self::inspected`]; but an OOM kill in its first
    /// moment must find it here.
    pub(crate) fn started(&mut self, id: &str, identity: Identity) {
        let run = self.new_run();
        let container = self.containers.entry(id.to_owned()).or_insert_with(|| Container::new(run, identity));
        if container.run != run {
            container.oom.begin_run();
        }
        container.run = run;
        container.announced = true;
        container.phase = Phase::Running;
        container.ended = None;
        container.source = Source::None;
        container.stats = None;
    }

    /// A run has ended. Its figures stop at once; what follows, Docker is asked.
    pub(crate) fn died(&mut self, id: &str, now: Instant) {
        if let Some(container) = self.containers.get_mut(id) {
            container.end(Phase::Ended, now);
        }
        self.forget_old(now);
    }

    /// Docker tells of an OOM kill.
    pub(crate) fn oom_killed(&mut self, id: &str) {
        if let Some(container) = self.containers.get_mut(id) {
            container.oom.heard();
        }
    }

    /// The container is no more.
    pub(crate) fn removed(&mut self, id: &str) {
        self.containers.remove(id);
    }

    /// Takes in what Docker says of a container. `unheard`: its events may have been missed.
    pub(crate) fn inspected(&mut self, id: &str, found: Inspected, unheard: bool, now: Instant) {
        let run = self.new_run();
        let identity = found.identity;
        let container =
            self.containers.entry(id.to_owned()).or_insert_with(|| Container::new(run, identity.clone()));
        if container.run != run && container.started_at != found.started_at && !container.announced {
            container.oom.begin_run();
            container.run = run;
        }
        if *container.identity != identity {
            container.identity = Arc::new(identity);
        }
        container.announced = false;
        container.started_at = found.started_at;
        container.started = found.started;
        container.restarts = found.restarts;
        container.limits = found.limits;
        container.network = found.network;
        match found.phase {
            Phase::Running | Phase::Paused => {
                container.phase = found.phase;
                container.ended = None;
                container.source = found.source;
            }
            Phase::Restarting | Phase::Ended => {
                container.end(found.phase, now);
                if unheard && found.oom_flag {
                    container.oom.flagged();
                }
            }
        }
        self.forget_old(now);
    }

    /// Which containers Docker must be asked about, by its list. With `all`, every one that is listed or known: events
    /// may have been missed. Else only those where list and memory differ.
    pub(crate) fn differing(&self, listed: &[Listed], all: bool) -> Vec<String> {
        let ids: HashSet<&str> = listed.iter().map(|container| container.id.as_str()).collect();
        let gone = self
            .containers
            .iter()
            .filter(|(id, container)| !ids.contains(id.as_str()) && (all || container.phase != Phase::Ended));
        let new = listed.iter().filter(|listed| {
            let known = self.containers.get(&listed.id);
            all || known.is_none_or(|container| container.phase.as_str() != listed.state)
        });
        gone.map(|(id, _)| id.clone()).chain(new.map(|listed| listed.id.clone())).collect()
    }

    /// The cgroups to read now.
    pub(crate) fn to_read(&self) -> Vec<(String, Run, Arc<Cgroup>)> {
        let cgroups = self.containers.iter().filter_map(|(id, container)| match &container.source {
            Source::Cgroup(cgroup) => Some((id.clone(), container.run, Arc::clone(cgroup))),
            Source::None | Source::Stats => None,
        });
        cgroups.collect()
    }

    /// The runs that only Docker can tell of.
    pub(crate) fn wanting_stats(&self) -> Vec<(String, Run)> {
        let wanting =
            self.containers.iter().filter(|(_, container)| matches!(container.source, Source::Stats));
        wanting.map(|(id, container)| (id.clone(), container.run)).collect()
    }

    /// Takes in figures of the stats API; `None` when there are none any more.
    pub(crate) fn told_stats(&mut self, id: &str, run: Run, usage: Option<Usage>, now: Instant) {
        if let Some(container) = self.containers.get_mut(id)
            && container.run == run
            && matches!(container.source, Source::Stats)
        {
            container.stats = usage.map(|usage| (now, usage));
        }
    }

    /// What is to be exposed, with what has been read of the cgroups.
    pub(crate) fn rows(&mut self, readings: Vec<(String, Run, Reading)>, now: Instant) -> Vec<Row> {
        self.forget_old(now);
        let mut readings: HashMap<String, (Run, Reading)> =
            readings.into_iter().map(|(id, run, reading)| (id, (run, reading))).collect();
        let rows = self.containers.iter_mut().map(|(id, container)| {
            let reading = readings.remove(id).filter(|(run, _)| *run == container.run);
            container.row(reading.map(|(_, reading)| reading), now)
        });
        rows.collect()
    }

    fn new_run(&mut self) -> Run {
        self.next_run += 1;
        self.next_run
    }

    /// Drops containers that ended long ago, and of too many ended ones the oldest.
    fn forget_old(&mut self, now: Instant) {
        let mut ended: Vec<(Instant, String)> = self
            .containers
            .iter()
            .filter_map(|(id, container)| Some((container.ended?, id.clone())))
            .collect();
        ended.sort_unstable_by(|(left, _), (right, _)| right.cmp(left));
        for (place, (since, id)) in ended.into_iter().enumerate() {
            if place >= MAX_ENDED || now.saturating_duration_since(since) > self.keep_ended {
                self.containers.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
