//! The binary: reads its bind address, serves, and stops politely on Ctrl-C or SIGTERM.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    time::SystemTime,
};

use clap::Parser;
use tokio::net::TcpListener;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// A small production-like service whose trouble can be tuned live at /chaos.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "TOYPROD_BIND", default_value = "127.0.0.1:8000")]
    bind: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).init();

    let stop = match asked_to_stop() {
        Ok(stop) => stop,
        Err(error) => {
            tracing::error!(%error, "cannot catch the signals that ask to stop");
            return ExitCode::FAILURE;
        }
    };
    let listener = match TcpListener::bind(&args.bind).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(bind = %args.bind, %error, "cannot listen; choose another address with --bind or TOYPROD_BIND");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(address) => tracing::info!(%address, "toyprod listens"),
        Err(error) => tracing::warn!(%error, "toyprod listens, but cannot tell on which address"),
    }
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock enters")]
    let app = toyprod::App::new(SystemTime::now());
    match toyprod::serve(listener, app, stop).await {
        Ok(()) => {
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the server failed");
            ExitCode::FAILURE
        }
    }
}

/// Ready at the first Ctrl-C or SIGTERM. Both are caught from the call on, not only once it is awaited.
#[cfg(unix)]
fn asked_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("Ctrl-C: stopping"),
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
        }
    })
}

/// Ready at the first Ctrl-C, which is caught from the call on.
#[cfg(windows)]
fn asked_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
        tracing::info!("Ctrl-C: stopping");
    })
}
