//! The server: the app behind its routes on a socket, from start to graceful end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{ai::AiServer, app::SharedApp, config::Http, http};

/// Time that open requests have to finish once the server is to end.
const GRACE: Duration = Duration::from_secs(10);

/// After a connection could not be taken (mostly: too many open files), the next is tried after this time.
const AFTER_ACCEPT_ERROR: Duration = Duration::from_millis(100);

/// Listens on the configured address.
pub async fn listen(bind: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bind).await.with_context(|| {
        format!("cannot listen on {bind}; set OPSSEER_HTTP__BIND or http.bind to a free address")
    })
}

/// Serves until the app is told to end, then lets what is under way finish. An error if it ends because a part broke off.
pub async fn serve(app: SharedApp, listener: TcpListener) -> anyhow::Result<()> {
    answer(http::router(app.clone()), &app.config.http, listener, &app.ending).await;
    app.stop().await;
    if let Some(part) = app.vital.broken() {
        anyhow::bail!(
            "the {part} broke off; the log says why. Nothing that was answered is lost: start again"
        );
    }
    Ok(())
}

/// Serves the AI services alone until the server is told to end.
pub async fn serve_ai(server: Arc<AiServer>, listener: TcpListener) {
    answer(http::gateway::router(server.clone()), &server.config.http, listener, &server.ending).await;
}

/// Answers on a socket until `ending`, then lets what is under way finish.
async fn answer(router: Router, settings: &Http, listener: TcpListener, ending: &CancellationToken) {
    let connections = Arc::new(Semaphore::new(settings.max_connections));
    let graceful = GracefulShutdown::new();
    // A sender that stalls within the head of its request loses its connection; one that stalls within the body is
    // answered by the time-out of all requests (`http::answer_in_time`).
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(settings.header_timeout);
    // Beyond the limit, connections wait in the system's queue until one is free.
    while let Some(permit) = free_connection(ending, &connections).await {
        let accepted = tokio::select! {
            () = ending.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => take(&protocol, &graceful, router.clone(), stream, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                sleep(AFTER_ACCEPT_ERROR).await;
            }
        }
    }
    drop(listener);
    if timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = GRACE.as_secs(), "requests did not finish in time and were dropped");
    }
}

async fn free_connection(
    ending: &CancellationToken,
    connections: &Arc<Semaphore>,
) -> Option<OwnedSemaphorePermit> {
    tokio::select! {
        biased;
        () = ending.cancelled() => None,
        permit = connections.clone().acquire_owned() => permit.ok(),
    }
}

/// Serves a connection on a task of its own.
fn take(
    protocol: &http1::Builder,
    graceful: &GracefulShutdown,
    router: Router,
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers on this connection may wait for the next packet");
    }
    let serving = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let serving = graceful.watch(serving);
    tokio::spawn(async move {
        // Broken off by the client, or too slow: nothing that the server could do better.
        if let Err(error) = serving.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(permit);
    });
}
