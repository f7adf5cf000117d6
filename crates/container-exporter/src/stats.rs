//! Figures from Docker's stats API, for containers whose cgroups cannot be seen from here.
//!
//! A stream a container, up to a bound, because Docker measures once a second for as long as a stream is open. The
//! containers beyond it are asked one after the other, those first that have waited longest.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    docker::{DockerError, Engine, Operation},
    fleet::{Fleet, Run, short_id},
    metrics::Health,
    usage::Usage,
};

mod convert;

/// How often it is looked which containers want figures. One that is not there twice has ended already, or its cgroup
/// has been found: short-lived containers cost no stream.
const TICK: Duration = Duration::from_secs(1);

/// How many containers without a stream are asked at once. An answer takes Docker a second or two, so 400 such
/// containers have figures that are at most two minutes old.
const POLLS: usize = 8;

/// A stream that says nothing for so long is dead. Docker sends a figure a second.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a container is left alone after Docker failed to tell of it. The failed task keeps its place meanwhile, so
/// that a Docker that refuses all is not asked in a loop.
const PAUSE: Duration = Duration::from_secs(30);

/// What the tasks share.
#[derive(Clone)]
struct Context {
    engine: Engine,
    fleet: Arc<Mutex<Fleet>>,
    health: Health,
}

/// Follows the stats of those containers that the fleet cannot read itself, for ever. Dropping the future ends all.
pub(crate) async fn follow(engine: Engine, fleet: Arc<Mutex<Fleet>>, health: Health, max_streams: usize) {
    let context = Context { engine, fleet, health };
    let mut plan = Plan::default();
    let mut streams: HashMap<Run, AbortOnDropHandle<()>> = HashMap::new();
    let mut polls: HashMap<Run, AbortOnDropHandle<()>> = HashMap::new();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let wanting = context.fleet.lock().unwrap_or_else(PoisonError::into_inner).wanting_stats();
        let runs: HashSet<Run> = wanting.iter().map(|(_, run)| *run).collect();
        for tasks in [&mut streams, &mut polls] {
            tasks.retain(|run, task| runs.contains(run) && !task.is_finished());
        }
        let (streaming, polling) = (streams.keys().copied().collect(), polls.keys().copied().collect());
        let next = plan.next(&wanting, &streaming, max_streams, &polling);
        for (id, run) in next.to_stream {
            streams.insert(run, AbortOnDropHandle::new(tokio::spawn(stream(context.clone(), id, run))));
        }
        for (id, run) in next.to_poll {
            polls.insert(run, AbortOnDropHandle::new(tokio::spawn(poll(context.clone(), id, run))));
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Default)]
struct Plan {
    seen: HashSet<Run>,
    /// The number of the question that each was asked last; 0 for none.
    asked: HashMap<Run, u64>,
    questions: u64,
}

/// What is to be begun.
#[derive(Debug, Default, PartialEq, Eq)]
struct Next {
    to_stream: Vec<(String, Run)>,
    to_poll: Vec<(String, Run)>,
}

impl Plan {
    /// Shares free places out among `wanting`.
    fn next(
        &mut self,
        wanting: &[(String, Run)],
        streaming: &HashSet<Run>,
        max_streams: usize,
        polling: &HashSet<Run>,
    ) -> Next {
        let seen = std::mem::replace(&mut self.seen, wanting.iter().map(|(_, run)| *run).collect());
        self.asked.retain(|run, _| self.seen.contains(run));
        let mut without: Vec<_> = wanting
            .iter()
            .filter(|(_, run)| seen.contains(run) && !streaming.contains(run) && !polling.contains(run))
            .cloned()
            .collect();
        // Stable: of those that have waited equally long, the fleet's order decides.
        without.sort_by_key(|(_, run)| self.asked.get(run).copied().unwrap_or_default());
        let places = max_streams.saturating_sub(streaming.len()).min(without.len());
        let rest = without.split_off(places);
        let to_poll: Vec<_> = rest.into_iter().take(POLLS.saturating_sub(polling.len())).collect();
        for (_, run) in &to_poll {
            self.questions += 1;
            self.asked.insert(*run, self.questions);
        }
        Next { to_stream: without, to_poll }
    }
}

/// Takes a container's figures in until Docker ends the stream.
async fn stream(context: Context, id: String, run: Run) {
    let mut figures = pin!(context.engine.follow_stats(&id));
    let failure = loop {
        match timeout(SILENCE, figures.next()).await {
            Ok(Some(Ok(stats))) => context.tell(&id, run, convert::usage(&stats)),
            Ok(Some(Err(error))) => break Some(error),
            // It ends so when the container does.
            Ok(None) => break None,
            Err(_) => break Some(DockerError::TimedOut { operation: Operation::Stats, after: SILENCE }),
        }
    };
    context.tell(&id, run, None);
    if let Some(error) = failure {
        context.failed(&id, &error).await;
    }
}

/// Takes a container's figures in once.
async fn poll(context: Context, id: String, run: Run) {
    match context.engine.stats(&id).await {
        Ok(stats) => context.tell(&id, run, convert::usage(&stats)),
        Err(error) => context.failed(&id, &error).await,
    }
}

impl Context {
    fn tell(&self, id: &str, run: Run, usage: Option<Usage>) {
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        fleet.told_stats(id, run, usage, Instant::now());
    }

    async fn failed(&self, id: &str, error: &DockerError) {
        // A container that ended a moment ago is no failure.
        let Some(operation) = error.operation() else { return };
        self.health.docker_error(operation);
        tracing::debug!(container = short_id(id), %error, "no figures of a container");
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanting(runs: std::ops::Range<Run>) -> Vec<(String, Run)> {
        runs.map(|run| (format!("c{run}"), run)).collect()
    }

    fn held(runs: impl IntoIterator<Item = Run>) -> HashSet<Run> {
        runs.into_iter().collect()
    }

    fn runs(of: &[(String, Run)]) -> Vec<Run> {
        of.iter().map(|(_, run)| *run).collect()
    }

    #[test]
    fn a_container_that_is_seen_once_gets_nothing() {
        let mut plan = Plan::default();
        assert_eq!(plan.next(&wanting(1..4), &held([]), 2, &held([])), Next::default());
        let next = plan.next(&wanting(2..5), &held([]), 1, &held([]));
        assert_eq!((runs(&next.to_stream), runs(&next.to_poll)), (vec![2], vec![3]));
    }

    #[test]
    fn streams_are_bounded() {
        let mut plan = Plan::default();
        plan.next(&wanting(1..100), &held([]), 50, &held([]));
        let next = plan.next(&wanting(1..100), &held(1..41), 50, &held([]));
        assert_eq!(runs(&next.to_stream), (41..51).collect::<Vec<_>>());
        assert_eq!(next.to_poll.len(), POLLS);
    }

    #[test]
    fn those_without_a_stream_take_turns() {
        let mut plan = Plan::default();
        let all = wanting(1..21);
        plan.next(&all, &held([]), 0, &held([]));
        let mut order = Vec::new();
        for _ in 0..5 {
            order.extend(runs(&plan.next(&all, &held([]), 0, &held([])).to_poll));
        }
        assert_eq!(order[..20], (1..21).collect::<Vec<_>>());
        assert_eq!(order[20..40], (1..21).collect::<Vec<_>>());
    }

    #[test]
    fn questions_that_have_no_answer_yet_keep_their_places() {
        let mut plan = Plan::default();
        plan.next(&wanting(1..21), &held([]), 0, &held([]));
        let next = plan.next(&wanting(1..21), &held([]), 0, &held(1..7));
        assert_eq!(runs(&next.to_poll), [7, 8]);
    }
}
