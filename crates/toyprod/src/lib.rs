//! toyprod: a small service that looks like a production one and whose trouble can be tuned while it runs.
//!
//! `/orders` is the work it does. `/chaos` makes that work slow, makes it fail, leaks memory or burns CPU.
//! `/healthz`, `/metrics` and `/chaos` never suffer, so that the trouble can always be seen and switched off.

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::serve::ListenerExt;
use tokio::{net::TcpListener, sync::oneshot};

pub mod chaos;
mod http;
mod metrics;
mod orders;

pub use http::router;

/// How long a shutdown waits for requests that are still being answered. An order can be delayed by up to a
/// minute; whoever stops the service should not have to wait for that.
const DRAIN: Duration = Duration::from_secs(5);

/// What the handlers share: the chaos in force, the metrics and the stream of orders. Cheap to clone.
#[derive(Clone)]
pub struct App {
    chaos: Arc<chaos::Live>,
    metrics: Arc<metrics::Metrics>,
    orders: Arc<orders::Orders>,
}

impl App {
    /// A calm service that started at `started`, the wall clock's time now.
    pub fn new(started: SystemTime) -> Self {
        let chaos = Arc::new(chaos::Live::new(started, Instant::now()));
        let metrics = Arc::new(metrics::Metrics::new(started, Arc::clone(&chaos)));
        Self { chaos, metrics, orders: Arc::new(orders::Orders::default()) }
    }
}

/// Answers requests on `listener` until `shutdown` is ready, then gives open requests five seconds to end.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Answers are small: waiting to fill a packet would only add delay that nobody asked for.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    let (stopping, stopped) = oneshot::channel();
    let server = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
        shutdown.await;
        // The receiver is gone only when the server has ended by itself.
        let _ = stopping.send(());
    });
    let drain_is_over = async move {
        match stopped.await {
            Ok(()) => tokio::time::sleep(DRAIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = server => ended,
        () = drain_is_over => {
            tracing::warn!(waited_s = DRAIN.as_secs(), "stopped with requests still open");
            Ok(())
        }
    }
}
