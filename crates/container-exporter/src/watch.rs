//! Keeps the fleet true to Docker: connects, follows, and connects again when Docker was lost.

use std::{
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    docker::{DockerError, Engine},
    fleet::Fleet,
    metrics::Health,
    settings::Settings,
};

mod change;
mod inspections;
mod session;

/// How long to wait before the next attempt to reach Docker, after so many that failed. A restart of Docker takes a
/// second or two; when it is away for long, asking twice a minute costs nothing.
const LADDER: [Duration; 7] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// Watches until `stop`. Docker's absence is told by a metric and tried again for ever. What was known of containers is
/// kept meanwhile: their cgroups can be read without Docker, and where they vanish, their figures stop.
pub(crate) async fn watch(
    fleet: Arc<Mutex<Fleet>>,
    settings: Settings,
    health: Health,
    stop: CancellationToken,
) {
    let mut failures = 0;
    loop {
        let lost = tokio::select! {
            () = stop.cancelled() => break,
            lost = follow(&fleet, &settings, &health) => lost,
        };
        // It had been reached: begin again at the foot of the ladder.
        if health.docker_up.get() == 1 {
            failures = 0;
        }
        health.docker_up.set(0);
        if let Some(operation) = lost.operation() {
            health.docker_error(operation);
        }
        let wait = LADDER[usize::min(failures, LADDER.len() - 1)];
        failures += 1;
        let cause = lost.source().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(docker = %settings.docker_host, error = %lost, %cause, retry_in = ?wait, "Docker is lost");
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(wait) => {}
        }
    }
    health.docker_up.set(0);
}

/// Connects and follows, until that fails.
async fn follow(fleet: &Arc<Mutex<Fleet>>, settings: &Settings, health: &Health) -> DockerError {
    match Engine::connect(settings).await {
        Ok(engine) => session::follow(engine, fleet, settings, health).await,
        Err(error) => error,
    }
}
