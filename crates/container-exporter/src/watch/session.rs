//! One connection's life: events and lists in, the fleet kept true.

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{
    change::Change,
    inspections::{Answer, Answered, Inspections},
};
use crate::{
    cgroup::{Cgroup, Roots, Sought},
    docker::{DockerError, Engine, Listed, Operation},
    fleet::{Fleet, Inspected, Phase, SharedNetwork, Source, short_id},
    metrics::Health,
    settings::Settings,
    stats,
};

/// When the second list is asked for. The first one is asked for beside the events, and may be older than their
/// beginning; by now the events flow.
const SECOND_LIST: Duration = Duration::from_secs(2);

struct Session<'a> {
    engine: &'a Engine,
    fleet: &'a Arc<Mutex<Fleet>>,
    health: &'a Health,
    roots: Roots,
    inspections: Inspections,
    lists: u64,
}

/// Follows Docker until it is lost, and tells how.
pub(super) async fn follow(
    engine: Engine,
    fleet: &Arc<Mutex<Fleet>>,
    settings: &Settings,
    health: &Health,
) -> DockerError {
    // It ends with this connection, and all its streams with it.
    let _streams = AbortOnDropHandle::new(tokio::spawn(stats::follow(
        engine.clone(),
        Arc::clone(fleet),
        health.clone(),
        settings.max_streams,
    )));
    let roots = Roots { cgroup: settings.cgroup_root.clone(), proc: settings.proc_root.clone() };
    let mut session =
        Session { engine: &engine, fleet, health, roots, inspections: Inspections::default(), lists: 0 };
    let mut events = pin!(engine.events());
    let mut list = session.list_after(Duration::ZERO);
    loop {
        let ask = session.asker();
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => session.heard(event),
                Some(Err(error)) => return error,
                None => return DockerError::Ended { operation: Operation::Events },
            },
            listed = &mut list => match listed {
                Ok(listed) => {
                    session.listed(&listed);
                    let first = session.lists == 1;
                    list = session.list_after(if first { SECOND_LIST } else { settings.list_every });
                }
                Err(error) => return error,
            },
            answered = session.inspections.next(ask) => session.answered(answered),
        }
    }
}

impl Session<'_> {
    /// Docker's list, asked for after a while. It is also how a Docker that hangs is noticed.
    fn list_after(&self, wait: Duration) -> BoxFuture<'static, Result<Vec<Listed>, DockerError>> {
        let engine = self.engine.clone();
        async move {
            sleep(wait).await;
            engine.list().await
        }
        .boxed()
    }

    fn asker(&self) -> impl Fn(String) -> BoxFuture<'static, Answer> + use<> {
        let (engine, roots) = (self.engine.clone(), self.roots.clone());
        move |id| inspect(engine.clone(), roots.clone(), id).boxed()
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&mut self, event: bollard::models::EventMessage) {
        let Some(change) = Change::of(event) else { return };
        match change {
            Change::Started { id, identity } => {
                self.fleet().started(&id, identity);
                self.inspections.want(id, false);
            }
            Change::Died { id } => {
                self.fleet().died(&id, Instant::now());
                self.inspections.want(id, false);
            }
            Change::OomKilled { id } => self.fleet().oom_killed(&id),
            Change::Removed { id } => {
                self.fleet().removed(&id);
                self.inspections.forget(&id);
            }
            Change::Altered { id } => self.inspections.want(id, false),
        }
    }

    fn listed(&mut self, listed: &[Listed]) {
        let first = self.lists == 0;
        self.lists += 1;
        if first {
            self.health.docker_up.set(1);
            tracing::info!(containers = listed.len(), "Docker is followed");
        }
        let differing = self.fleet().differing(listed, first);
        for id in differing {
            self.inspections.want(id, first);
        }
        self.inspections.want_failed();
    }

    fn answered(&mut self, answered: Answered) {
        let Answered { id, unheard, answer } = answered;
        match answer {
            Ok(Some(found)) => self.fleet().inspected(&id, found, unheard, Instant::now()),
            Ok(None) | Err(DockerError::NoSuchContainer) => self.fleet().removed(&id),
            Err(error) => {
                if let Some(operation) = error.operation() {
                    self.health.docker_error(operation);
                }
                tracing::warn!(container = short_id(&id), %error, "a container could not be looked at; the next list asks again");
                self.inspections.failed(Answered { id, unheard, answer: Err(error) });
            }
        }
    }
}

/// Asks Docker about a container and finds its cgroup.
async fn inspect(engine: Engine, roots: Roots, id: String) -> Answer {
    let answer = engine.inspect(&id).await?;
    let Some(mut found) = Inspected::new(&id, answer) else { return Ok(None) };
    if matches!(found.phase, Phase::Running | Phase::Paused) {
        let sought = Sought {
            id,
            pid: found.pid,
            parent: found.cgroup_parent.clone(),
            own_network: found.network == SharedNetwork::Own,
        };
        // Files of the kernel's can wait for a lock; the runtime's thread must not.
        let cgroup = tokio::task::spawn_blocking(move || Cgroup::find(&roots, &sought)).await;
        found.source = match cgroup {
            Ok(Some(cgroup)) => Source::Cgroup(Arc::new(cgroup)),
            Ok(None) | Err(_) => Source::Stats,
        };
    }
    Ok(Some(found))
}
