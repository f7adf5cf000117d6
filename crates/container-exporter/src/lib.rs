//! The container exporter: what each Docker container uses, for Prometheus.
//!
//! Docker's events say which containers there are; their cgroup files say what they use. A scrape reads those files
//! and never asks Docker, so it is quick with hundreds of containers and goes on while Docker is away.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod cgroup;
mod docker;
mod fleet;
mod http;
mod metrics;
mod network;
mod reading;
mod scrape;
mod settings;
mod stats;
mod usage;
mod watch;

pub use settings::{DEFAULT_DOCKER_HOST, DockerHost, DockerHostError, Settings};

/// Watches Docker and answers scrapes on `listener` until `shutdown` is ready. `started` is the wall clock's time now.
/// That Docker is away is no error: it is a metric, and it is tried again.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    started: SystemTime,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let health = metrics::Health::default();
    let fleet = Arc::new(Mutex::new(fleet::Fleet::new(settings.keep_exited)));
    let rows = metrics::Rows::default();
    let exposed = metrics::Metrics::new(started, Arc::clone(&rows), &health);
    let read = reading::reader(Arc::clone(&fleet), rows, health.clone());
    let scraper = scrape::Scraper::start(exposed, health.clone(), settings.scrape_timeout, read)?;

    let stop = CancellationToken::new();
    let watching = tokio::spawn(watch::watch(fleet, settings, health, stop.clone()));
    let served =
        axum::serve(listener, http::router(Arc::new(scraper))).with_graceful_shutdown(shutdown).await;
    stop.cancel();
    if let Err(error) = watching.await {
        tracing::error!(%error, "the watch over Docker failed");
    }
    served
}
