//! Trouble on purpose: runs a scenario against a service, with a steady load, and keeps a record of it.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use opsseer_core::{Clock, SystemClock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use url::Url;

mod event;
mod latency;
mod load;
mod progress;
mod record;
mod restore;
mod run;
mod scenario;
mod schedule;
mod target;

#[cfg(test)]
mod tests;

pub use event::{ChaosError, ChaosEvent};
pub use latency::LatencyMs;
pub use record::{EndedBy, Outcome, PhaseRecord, Record, RecordError};
pub use run::{ChaosRun, Finished};
pub use scenario::{Milestone, Mode, Phase, PhaseName, Scenario, ScenarioError, Trouble};
pub use target::TargetError;

/// Trouble on purpose.
#[derive(Args, Debug)]
pub struct ChaosArgs {
    #[command(subcommand)]
    command: ChaosCommand,
}

#[derive(Debug, Subcommand)]
enum ChaosCommand {
    /// Run a scenario: set the chaos phase by phase, keep a steady load, switch the chaos off, write a record.
    Run(RunArgs),
}

#[derive(Args, Debug)]
struct RunArgs {
    /// The scenario's file, for example scenarios/error-burst.toml.
    scenario: PathBuf,
    /// The service, instead of the one that the scenario names.
    #[arg(long, value_name = "URL")]
    target: Option<Url>,
    /// Where to keep the record of what was done when.
    #[arg(long, value_name = "FILE", default_value = "incident.json")]
    record: PathBuf,
    /// Also print the record to standard output, instead of a summary.
    #[arg(long)]
    json: bool,
}

/// The command `opsseer chaos`. Ctrl-C or SIGTERM stops the run and switches the chaos off first.
pub async fn execute(args: ChaosArgs) -> anyhow::Result<()> {
    let ChaosCommand::Run(args) = args.command;
    let scenario = Scenario::load(&args.scenario)
        .with_context(|| format!("the scenario {} cannot be used", args.scenario.display()))?;
    let mut progress = progress::Progress::new(&scenario);
    let cancel = CancellationToken::new();
    let stop = asked_to_stop().context("catch the signals that ask to stop")?;
    let signalled = cancel.clone();
    let signals = tokio::spawn(async move {
        stop.await;
        tracing::info!("stopping: the chaos is switched off first");
        signalled.cancel();
    });
    // Nobody watches for alerts here: phases that wait for one take their whole time.
    let (_, milestones) = watch::channel(None);
    let run = ChaosRun {
        target: args.target.unwrap_or_else(|| scenario.target.clone()),
        scenario,
        record: Some(args.record),
        started: SystemClock.now(),
        milestones,
        cancel,
    };
    let finished = run.run(&mut |event| progress.show(event)).await;
    signals.abort();
    progress.finish();

    let text = if args.json {
        finished.record.to_json().context("write the record as JSON")?
    } else {
        progress::summary(&finished.record)
    };
    io::stdout().lock().write_all(text.as_bytes()).context("print the result")?;
    finished.result.context("the chaos run did not go as asked")
}

/// Ready at the first Ctrl-C or SIGTERM. Both are caught from the call on, not only once it is awaited: no run may
/// begin that a signal would end without switching the chaos off.
#[cfg(unix)]
fn asked_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready at the first Ctrl-C, which is caught from the call on.
#[cfg(windows)]
fn asked_to_stop() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
