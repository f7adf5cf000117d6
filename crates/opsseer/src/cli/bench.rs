//! `opsseer bench`: speed side by side, crashes under load, and outages with the real Alertmanager.

mod backend;
mod crash;
mod figures;
mod outage;
mod stand_in;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::backend::Engine;
use super::fresh_server::unless_stopped;

/// What `opsseer bench` is told.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Where the result is written as JSON [default: target/bench.json, crash.json or outage.json].
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How long each load is measured in each of three rounds, in seconds.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// How many events the store holds that timelines are read from; 0 leaves that out.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    events: u64,
    /// The folder of the models that answers are worked out with [default: none; words alone].
    #[arg(long, value_name = "DIR", env = "OPSSEER_AI__MODELS_DIR")]
    models: Option<PathBuf>,
    /// With this many senders only [default: 32, 8, 1 and 128; 8 for --crash].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    senders: Option<u16>,
    /// Kill the server so often under load, and look whether anything is lost or done twice.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    crash: Option<u32>,
    /// Fire one alert by the real Alertmanager while a backend is down for so long, such as 7m.
    #[arg(long, value_name = "TIME", value_parser = outage::length, conflicts_with = "crash")]
    outage: Option<Duration>,
    /// What goes wrong in a crash test.
    #[arg(long, value_enum, default_value_t = ScenarioChoice::Kill, requires = "crash")]
    scenario: ScenarioChoice,
    /// Which database.
    #[arg(long, value_enum, default_value_t = EngineChoice::Both)]
    engine: EngineChoice,
    /// Decides what a crash test does, as printed by an earlier one.
    #[arg(long, value_name = "N", requires = "crash")]
    seed: Option<u64>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScenarioChoice {
    /// The server is killed.
    Kill,
    /// PostgreSQL is stopped as in a crash.
    PostgresRestart,
    /// Two servers on one PostgreSQL are killed in turn, one of them for good.
    Replicas,
    /// The disk is full for a time.
    FullDisk,
    /// One after the other.
    All,
}

/// Which databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    Sqlite,
    Postgres,
    Both,
}

impl EngineChoice {
    fn engines(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
            Self::Postgres => &[Engine::Postgres],
            Self::Both => &[Engine::Sqlite, Engine::Postgres],
        }
    }
}

/// Measures, or lets things go wrong; prints what it found and writes it down.
pub async fn execute(args: BenchArgs) -> anyhow::Result<ExitCode> {
    unless_stopped(async {
        match (args.crash, args.outage) {
            (Some(times), _) => crash::execute(&args, times).await,
            (None, Some(length)) => outage::execute(&args, length).await,
            (None, None) => Box::pin(figures::execute(&args)).await,
        }
    })
    .await
}

fn write_json(record: &impl Serialize, file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(record).context("cannot write the result as JSON")?;
    fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    writeln!(io::stdout(), "Written to {}.", file.display()).context("cannot print")
}

/// Says what is being done. The result counts, not the progress: a closed stderr is no reason to stop.
fn progress(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// How this program was built.
const BUILD: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

fn verdict(faults: &[String]) -> ExitCode {
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
