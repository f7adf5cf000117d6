//! How many webhooks a second are on the disk before they are answered, beside the same server's no-op.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use opsseer_eval::{
    bench::{self, BenchReport, Figure, Plan, Target, machine::Machine},
    table::{self, Align},
};
use serde::Serialize;

use super::{BUILD, BenchArgs, progress, verdict, write_json};
use crate::{cli::fresh_server::FreshServer, config::Config};

/// How often each load has its turn.
const ROUNDS: usize = 3;

/// How long a load runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// Everything that is written down of a run.
#[derive(Serialize)]
struct Record<'a> {
    opsseer: &'static str,
    build: &'static str,
    machine: &'a Machine,
    durability: String,
    #[serde(flatten)]
    report: &'a BenchReport,
    /// Memory of the server at the end, in MiB, and the size of its data folder.
    resident_mib: Option<f64>,
    data_mib: f64,
    faults: Vec<String>,
}

/// Starts both servers, measures them, prints the figures and writes them down.
pub(super) async fn execute(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let opsseer = FreshServer::opsseer().await.context("cannot start OpsSeer")?;
    let toyprod = FreshServer::toyprod().await.context("cannot start toyprod")?;
    let machine = Machine::here(opsseer.folder()).context("cannot measure the disk")?;
    let plan = Plan {
        senders: args.senders.map_or_else(|| vec![32, 8, 1], |senders| vec![usize::from(senders)]),
        rounds: ROUNDS,
        warm_up: WARM_UP,
        measured: Duration::from_secs(args.seconds),
    };
    let target = |server: &FreshServer| Target { url: server.url().clone(), pid: Some(server.pid()) };
    let report = bench::run(&plan, &target(&opsseer), Some(&target(&toyprod)), progress).await?;
    let record = Record {
        opsseer: env!("CARGO_PKG_VERSION"),
        build: BUILD,
        machine: &machine,
        durability: durability()?,
        report: &report,
        resident_mib: bench::machine::resident_bytes(opsseer.pid()).map(mib),
        data_mib: mib(bytes_below(opsseer.folder())?),
        faults: report.faults(),
    };
    opsseer.stop().await;
    toyprod.stop().await;

    let out = &mut io::stdout();
    write_text(&record, out).context("cannot print the figures")?;
    write_json(&record, args.json.as_deref().unwrap_or(Path::new("target/bench.json")))?;
    Ok(verdict(&record.faults))
}

/// How the store is set where these figures were taken; `db.rs` of the store sets it, the configuration the batch.
fn durability() -> anyhow::Result<String> {
    let batch = Config::with_overrides("").context("the built-in configuration is not sound")?.ingest.batch;
    Ok(format!(
        "SQLite in WAL mode, synchronous=FULL; 202 follows the commit, which at most {batch} webhooks share"
    ))
}

fn write_text(record: &Record<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Record { machine, report, .. } = record;
    let settings = &report.settings;
    let head = [
        ("LOAD", Align::Left),
        ("SENDERS", Align::Right),
        ("A SECOND", Align::Right),
        ("MIN..MAX", Align::Right),
        ("P50 MS", Align::Right),
        ("P99 MS", Align::Right),
        ("CPU US EACH", Align::Right),
        ("OF /HEALTHZ", Align::Right),
    ];
    let rows: Vec<Vec<String>> = report.figures.iter().map(row).collect();
    table::write(out, &head, &rows)?;
    writeln!(out)?;
    writeln!(
        out,
        "{} cores, {}, fsync {:.2} ms, {} build, version {}",
        machine.cores, machine.kernel, machine.fsync_ms, record.build, record.opsseer
    )?;
    if record.build == "debug" {
        writeln!(out, "This is a debug build: the figures mean little. Use `cargo build --release`.")?;
    }
    writeln!(out, "{}", record.durability)?;
    writeln!(
        out,
        "{}; medians of {} rounds of {} s; alerts of {} services",
        settings.loop_kind, settings.rounds, settings.seconds_per_round, settings.services
    )?;
    let kept = &report.kept;
    writeln!(
        out,
        "{} different alerts were answered with 202; {} are kept, {} lost, {} kept twice",
        kept.acknowledged, kept.kept, kept.lost, kept.kept_twice
    )?;
    if let Some(resident) = record.resident_mib {
        writeln!(out, "At the end: {resident:.0} MiB resident, {:.0} MiB on the disk", record.data_mib)?;
    }
    for fault in &record.faults {
        writeln!(out, "FAULT: {fault}")?;
    }
    Ok(())
}

fn row(figure: &Figure) -> Vec<String> {
    vec![
        figure.name.to_owned(),
        figure.senders.to_string(),
        format!("{:.0}", figure.per_second),
        format!("{:.0}..{:.0}", figure.per_second_min, figure.per_second_max),
        format!("{:.2}", figure.p50_ms),
        format!("{:.2}", figure.p99_ms),
        figure.cpu_us_per_answer.map_or_else(String::new, |cpu| format!("{cpu:.0}")),
        figure.ratio_to_healthz.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
    ]
}

/// The size of all files below a folder.
fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { bytes_below(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

fn mib(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "files are far smaller than 2^52 bytes")]
    let bytes = bytes as f64;
    bytes / (1024.0 * 1024.0)
}
