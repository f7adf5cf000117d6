//! `opsseer serve`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use opsseer_core::SystemClock;
use tokio::signal::unix::{SignalKind, signal};

use crate::{app::App, config::Config, server, telemetry};

/// Arguments of `opsseer serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn execute(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config)?;
    telemetry::start_logging(&config.log).context("log.filter is not understood")?;
    // The socket comes first: a taken port must not leave a half-started server behind.
    let listener = server::listen(config.http.bind).await?;
    let page = config.public_url();
    let app = App::start(config, Arc::new(SystemClock)).await?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let ending = app.ending.clone();
    tokio::spawn(async move {
        let interrupted_twice = async {
            drop(tokio::signal::ctrl_c().await);
            drop(tokio::signal::ctrl_c().await);
            tracing::warn!("second Ctrl-C: ending at once");
            std::process::exit(130);
        };
        tokio::spawn(interrupted_twice);
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: ending"),
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => tracing::info!("Ctrl-C: ending"),
                Err(error) => tracing::error!(error = %error, "cannot listen for Ctrl-C"),
            },
        }
        ending.cancel();
    });
    tracing::info!(page, alertmanager = format!("{page}/webhook/alertmanager"), "OpsSeer is ready");
    server::serve(app, listener).await?;
    Ok(ExitCode::SUCCESS)
}
