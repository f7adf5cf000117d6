//! The load: sends what is due when it is due, and counts what comes back.

use std::{collections::BTreeMap, convert::Infallible, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{latency::Latencies, record::PhaseRecord, schedule::Schedule, target::Target};

/// The most requests that wait for an answer at once. Below the 1024 open files that a process is usually allowed;
/// arrivals beyond it are dropped and counted, because a queue here would hide them.
const IN_FLIGHT_MAX: usize = 512;

/// All requests of a run. Dropping it gives up the open ones.
pub(super) struct Load {
    target: Target,
    in_flight: JoinSet<Answer>,
    /// One a phase, in order: answers may come after their phase is over.
    tallies: Vec<Tally>,
}

/// What happened to the requests of one phase.
struct Tally {
    asked: u64,
    dropped: u64,
    ok: u64,
    failures: BTreeMap<String, u64>,
    latencies: Latencies,
}

struct Answer {
    phase: usize,
    latency: Duration,
    result: Result<(), String>,
}

impl Load {
    pub(super) fn new(target: Target) -> Self {
        Self { target, in_flight: JoinSet::new(), tallies: Vec::new() }
    }

    /// From here on, requests count for a new phase.
    pub(super) fn begin_phase(&mut self) {
        self.tallies.push(Tally::new());
    }

    /// Sends the requests of the present phase, which began at `began`. It never returns, because the caller decides
    /// when the phase is over. It can be dropped at any time, and goes on where it was when it is called again.
    pub(super) async fn drive(&mut self, schedule: Schedule, began: Instant) -> Infallible {
        loop {
            while let Some(answer) = self.in_flight.try_join_next() {
                self.count(answer);
            }
            let next = self.tallies.last().and_then(|tally| schedule.due(tally.asked));
            match next.map(|due| began + due) {
                Some(due) if due <= Instant::now() => {
                    self.send(due);
                    // Late arrivals come all at once; everything else must get its turn in between.
                    tokio::task::yield_now().await;
                }
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        }
    }

    fn send(&mut self, due: Instant) {
        let phase = self.tallies.len() - 1;
        let Some(tally) = self.tallies.last_mut() else { return };
        tally.asked += 1;
        if self.in_flight.len() >= IN_FLIGHT_MAX {
            tally.dropped += 1;
            return;
        }
        let target = self.target.clone();
        self.in_flight.spawn(async move {
            let result = target.order().await;
            Answer { phase, latency: due.elapsed(), result }
        });
    }

    /// Waits for every open request; each has its own time-out.
    pub(super) async fn drain(&mut self) {
        while let Some(answer) = self.in_flight.join_next().await {
            self.count(answer);
        }
    }

    /// Gives up every open request.
    pub(super) async fn abandon(&mut self) {
        self.in_flight.abort_all();
        self.drain().await;
    }

    fn count(&mut self, answer: Result<Answer, tokio::task::JoinError>) {
        match answer {
            Ok(answer) => self.tallies[answer.phase].add(answer.latency, answer.result),
            // It stays among the unanswered.
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(%error, "a request's task failed"),
        }
    }

    /// Copies the counts so far into the phases' records, which stand in the same order.
    pub(super) fn fill_in(&self, phases: &mut [PhaseRecord]) {
        for (phase, tally) in phases.iter_mut().zip(&self.tallies) {
            phase.asked = tally.asked;
            phase.dropped = tally.dropped;
            phase.sent = tally.asked - tally.dropped;
            phase.ok = tally.ok;
            phase.failed = tally.failures.values().sum();
            phase.unanswered = phase.sent - phase.ok - phase.failed;
            phase.failures.clone_from(&tally.failures);
            phase.latency_ms = tally.latencies.summary();
        }
    }

    /// Requests of the present phase so far: sent, failed, dropped.
    pub(super) fn so_far(&self) -> (u64, u64, u64) {
        let Some(tally) = self.tallies.last() else { return (0, 0, 0) };
        (tally.asked - tally.dropped, tally.failures.values().sum(), tally.dropped)
    }
}

impl Tally {
    fn new() -> Self {
        Self { asked: 0, dropped: 0, ok: 0, failures: BTreeMap::new(), latencies: Latencies::new() }
    }

    fn add(&mut self, latency: Duration, result: Result<(), String>) {
        self.latencies.add(latency);
        match result {
            Ok(()) => self.ok += 1,
            Err(reason) => *self.failures.entry(reason).or_default() += 1,
        }
    }
}
