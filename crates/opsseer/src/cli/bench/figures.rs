//! How fast it is: durable webhooks, timelines out of a large store, live readers, changes of status.

mod answers;
mod fill;
mod goals;
mod large;
mod text;

use std::{fs, io, path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use opsseer_eval::bench::{
    self, BenchReport, Plan, Target,
    enriched::Enriched,
    live::{Audience, Heard},
    machine::Machine,
    status::{Changed, Open},
};
use serde::Serialize;

use self::{goals::Goal, large::Large};
use super::{
    BUILD, BenchArgs,
    backend::{Backend, Engine},
    progress, verdict, write_json,
};
use crate::{cli::fresh_server::FreshServer, config::Config};

/// How often each load has its turn.
const ROUNDS: usize = 3;

/// How long a load runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// Numbers of senders, the one of the goals first.
const SENDERS: [usize; 4] = [32, 8, 1, 128];

const AUDIENCE: Audience = Audience { readers: 1_000, notes: 100, every_ms: 100 };

const OPEN: Open = Open { incidents: 1_000, alerts_each: 10, changes: 40 };

/// Everything that is written down of a run.
#[derive(Serialize)]
struct Record {
    opsseer: &'static str,
    build: &'static str,
    machine: Machine,
    durability: String,
    #[serde(flatten)]
    report: BenchReport,
    servers: Vec<Footprint>,
    large_store: Option<Large>,
    live_readers: Heard,
    status_changes: Changed,
    answers: Enriched,
    goals: Vec<Goal>,
    faults: Vec<String>,
}

/// What a server takes after the webhooks.
#[derive(Serialize)]
struct Footprint {
    server: &'static str,
    resident_mib: Option<f64>,
    data_mib: f64,
}

/// Measures one thing after the other, prints the figures and writes them down.
pub(super) async fn execute(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    allow_many_files();
    let (machine, report, servers) = webhooks(args).await?;
    let large_store = match args.events {
        0 => None,
        events => Some(large::measure(events, ROUNDS, WARM_UP).await?),
    };
    progress(&format!("{} live readers of one incident", AUDIENCE.readers));
    let live_readers = live_readers().await?;
    progress(&format!("changes of status with {} open alerts", OPEN.incidents * OPEN.alerts_each));
    let status_changes = status_changes().await?;
    progress("runbook answers, classes and similar incidents");
    let answers = answers::measure(args.models.as_deref()).await?;
    let mut record = Record {
        opsseer: env!("CARGO_PKG_VERSION"),
        build: BUILD,
        machine,
        durability: durability()?,
        report,
        servers,
        large_store,
        live_readers,
        status_changes,
        answers,
        goals: Vec::new(),
        faults: Vec::new(),
    };
    record.faults = record.find_faults();
    record.goals = goals::of(&record);
    text::write(&record, &mut io::stdout()).context("cannot print the figures")?;
    write_json(&record, args.json.as_deref().unwrap_or(Path::new("target/bench.json")))?;
    Ok(verdict(&record.faults))
}

fn target(name: &'static str, server: &FreshServer) -> Target {
    Target { name, url: server.url().clone(), pid: Some(server.pid()) }
}

fn name_of(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// The same load on each engine, in turns.
async fn webhooks(args: &BenchArgs) -> anyhow::Result<(Machine, BenchReport, Vec<Footprint>)> {
    let mut servers = Vec::new();
    for &engine in args.engine.engines() {
        let backend = Backend::start(engine).await.context("see --engine sqlite")?;
        let server = FreshServer::opsseer_with(backend.settings()).await.context("cannot start OpsSeer")?;
        servers.push((name_of(engine), server, backend));
    }
    let toyprod = FreshServer::toyprod().await.context("cannot start toyprod")?;
    let machine = Machine::here(toyprod.folder()).context("cannot measure the disk")?;
    let plan = Plan {
        senders: args.senders.map_or_else(|| SENDERS.to_vec(), |senders| vec![usize::from(senders)]),
        rounds: ROUNDS,
        warm_up: WARM_UP,
        measured: Duration::from_secs(args.seconds),
    };
    let targets: Vec<Target> = servers.iter().map(|(name, server, _)| target(name, server)).collect();
    let report = bench::run(&plan, &targets, Some(&target("toyprod", &toyprod)), progress).await?;
    let mut footprints = Vec::new();
    for (name, server, backend) in servers {
        let data = backend.postgres.as_ref().map_or(server.folder(), |postgres| postgres.folder());
        footprints.push(Footprint {
            server: name,
            resident_mib: bench::machine::resident_bytes(server.pid()).map(mib),
            data_mib: mib(bytes_below(data)?),
        });
        server.stop().await;
    }
    toyprod.stop().await;
    Ok((machine, report, footprints))
}

async fn live_readers() -> anyhow::Result<Heard> {
    let server = FreshServer::opsseer().await?;
    let measured = async {
        let target = target("SQLite", &server);
        bench::status::open(&target, Open { incidents: 1, alerts_each: 1, changes: 0 }).await?;
        bench::live::measure(&target, 1, AUDIENCE).await
    };
    let heard = measured.await;
    server.stop().await;
    Ok(heard?)
}

async fn status_changes() -> anyhow::Result<Changed> {
    // A thousand services that break at once would be a storm, and share one incident.
    let no_storm = vec![("OPSSEER_CORRELATION__STORM_INCIDENTS", "1000000".into())];
    let server = FreshServer::opsseer_with(no_storm).await?;
    let changed = bench::status::measure(&target("SQLite", &server), OPEN).await;
    server.stop().await;
    Ok(changed?)
}

impl Record {
    fn find_faults(&self) -> Vec<String> {
        let mut faults = self.report.faults();
        faults.extend(
            self.large_store.iter().flat_map(|large| &large.figures).filter_map(bench::Figure::fault),
        );
        let wrong = self.live_readers.wrong;
        if wrong > 0 {
            faults.push(format!("live readers: {wrong} notes were not heard once and in their order"));
        }
        if self.answers.missing > 0 {
            faults.push(format!("{} alerts were not answered in time", self.answers.missing));
        }
        for change in self.status_changes.changes.iter().filter(|change| change.unseen > 0) {
            faults.push(format!("{}: {} changes were not shown in time", change.what, change.unseen));
        }
        faults
    }
}

/// How the stores are set where these figures were taken; the store's own code sets it, the configuration the batch.
fn durability() -> anyhow::Result<String> {
    let batch = Config::with_overrides("").context("the built-in configuration is not sound")?.ingest.batch;
    Ok(format!(
        "SQLite in WAL mode, synchronous=FULL; PostgreSQL on this machine, fsync and synchronous_commit on; 202 follows \
         the commit, which at most {batch} webhooks share"
    ))
}

/// Each live reader is an open file of the server, and one of this program.
fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Where it is refused, the readers cannot connect, and that is said.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// The size of all files below a folder.
fn bytes_below(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        // A database in use removes files of its own.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { bytes_below(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

fn mib(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "files are far smaller than 2^52 bytes")]
    let bytes = bytes as f64;
    bytes / (1024.0 * 1024.0)
}
