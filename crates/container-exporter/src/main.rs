//! The binary: reads its settings, serves, and stops politely on Ctrl-C or SIGTERM.

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
    time::SystemTime,
};

use clap::Parser;
use opsseer_container_exporter::{DEFAULT_DOCKER_HOST, DockerHost, Settings};
use tokio::net::TcpListener;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Tells Prometheus what each Docker container uses.
#[derive(Parser)]
#[command(name = "container-exporter", version)]
struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "CONTAINER_EXPORTER_BIND", default_value = "127.0.0.1:9102")]
    bind: String,
    /// Docker's API: `unix:///path` or `tcp://host:port`.
    #[arg(long, env = "DOCKER_HOST", default_value = DEFAULT_DOCKER_HOST)]
    docker_host: DockerHost,
    /// Where the host's cgroup file system is mounted.
    #[arg(long, env = "CONTAINER_EXPORTER_CGROUP_ROOT", default_value = "/sys/fs/cgroup")]
    cgroup_root: PathBuf,
    /// Where the host's /proc is mounted.
    #[arg(long, env = "CONTAINER_EXPORTER_PROC_ROOT", default_value = "/proc")]
    proc_root: PathBuf,
    /// The most stats streams to hold open, for containers whose cgroups cannot be seen; the others are asked in turn.
    #[arg(long, env = "CONTAINER_EXPORTER_MAX_STREAMS", default_value_t = 50)]
    max_streams: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(quiet(filter))
        .with_ansi(colours)
        .with_writer(io::stderr)
        .init();

    // One worker is plenty: cgroup files are read on a thread of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(4)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(args)),
        Err(error) => {
            tracing::error!(%error, "cannot start the async runtime");
            ExitCode::FAILURE
        }
    }
}

/// Docker's client writes whole answers to its debug log, and a container's environment, with its secrets, is in them.
fn quiet(filter: EnvFilter) -> EnvFilter {
    let directive = "bollard=info".parse().expect("a directive of a target and a level");
    filter.add_directive(directive)
}

async fn run(args: Args) -> ExitCode {
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
            let bind = &args.bind;
            tracing::error!(%bind, %error, "cannot listen; choose another address with --bind or CONTAINER_EXPORTER_BIND");
            return ExitCode::FAILURE;
        }
    };
    match listener.local_addr() {
        Ok(address) => tracing::info!(%address, docker = %args.docker_host, "container-exporter listens"),
        Err(error) => tracing::warn!(%error, "container-exporter listens, but cannot tell on which address"),
    }
    let mut settings = Settings::new(args.docker_host);
    settings.cgroup_root = args.cgroup_root;
    settings.proc_root = args.proc_root;
    settings.max_streams = args.max_streams;
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock enters")]
    let started = SystemTime::now();
    match opsseer_container_exporter::serve(listener, settings, started, stop).await {
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
