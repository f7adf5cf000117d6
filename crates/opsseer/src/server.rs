//! The server: the app behind its routes on a socket, from start to graceful end.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, time::timeout};

use crate::{app::SharedApp, http};

/// Time that open requests have to finish once the server is to end.
const GRACE: Duration = Duration::from_secs(10);

/// Listens on the configured address.
pub async fn listen(bind: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(bind).await.with_context(|| {
        format!("cannot listen on {bind}; set OPSSEER_HTTP__BIND or http.bind to a free address")
    })
}

/// Serves until the app is told to end, then lets what is under way finish.
pub async fn serve(app: SharedApp, listener: TcpListener) -> anyhow::Result<()> {
    let ending = app.ending.clone();
    let serving = axum::serve(listener, http::router(app.clone()))
        .with_graceful_shutdown(ending.clone().cancelled_owned());
    let mut serving = std::pin::pin!(serving.into_future());
    tokio::select! {
        ended = &mut serving => ended.context("the server ended")?,
        () = ending.cancelled() => {
            if timeout(GRACE, &mut serving).await.is_err() {
                tracing::warn!(seconds = GRACE.as_secs(), "requests did not finish in time and were dropped");
            }
        }
    }
    app.stop().await;
    Ok(())
}
