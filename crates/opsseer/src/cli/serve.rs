//! `opsseer serve`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::ValueEnum;
use opsseer_core::SystemClock;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{ai::AiServer, app::App, config::Config, server, telemetry};

/// Arguments of `opsseer serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the server does.
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Everything: takes alerts, keeps incidents, shows pages.
    All,
    /// Only the AI services, for another server that names this one in `ai.url`. Keeps nothing.
    Ai,
}

/// Serves until SIGTERM or Ctrl-C.
pub async fn execute(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config)?;
    telemetry::start_logging(&config.log).context("log.filter is not understood")?;
    // The socket comes first: a taken port must not leave a half-started server behind.
    let listener = server::listen(config.http.bind).await?;
    let page = config.public_url();
    match args.role {
        Role::All => {
            let app = App::start(config, Arc::new(SystemClock)).await?;
            end_when_told(&app.ending)?;
            tracing::info!(page, alertmanager = format!("{page}/webhook/alertmanager"), "OpsSeer is ready");
            server::serve(app, listener).await?;
        }
        Role::Ai => {
            let server = AiServer::start(config).await?;
            end_when_told(&server.ending)?;
            tracing::info!(ai_url = page, "OpsSeer's AI services are ready");
            server::serve_ai(server, listener).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels `ending` at SIGTERM and Ctrl-C. A second Ctrl-C ends the process at once.
fn end_when_told(ending: &CancellationToken) -> anyhow::Result<()> {
    let terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::spawn(wait_for_end(ending.clone(), terminate));
    Ok(())
}

async fn wait_for_end(ending: CancellationToken, mut terminate: Signal) {
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
}
