//! `opsseer eval all`: every suite that a folder has data for, and the page about it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use opsseer_core::Clock;
use opsseer_eval::{
    Evaluation, Report,
    against::SavedRun,
    page::{self, Section},
    sources, webhooks,
};

use super::measured::{Measured, ModelArgs, circumstances};
use crate::cli::fresh_server::FreshServer;

/// The suite whose report stands for itself.
const WEBHOOKS: &str = "webhooks";

/// What `opsseer eval all` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder with the data: `runbooks`, `qa`, `alerts`, `series`, `root_cause` and `webhooks` are looked for in it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where `evaluation.md` goes, with its charts and JSON files in the folder `evaluation` beside it.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    models: ModelArgs,
    /// A folder of saved runs, such as `docs/evaluation`. The exit status is 1 if a figure fell by more than chance.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
}

/// Runs the suites one after the other and writes the page. The exit status is 1 if a figure fell, or a body was lost.
pub(super) async fn execute(
    args: &Args,
    clock: &dyn Clock,
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let embedder = args.models.embedder()?;
    let mut sections = Vec::new();
    let mut wrong = Vec::new();
    for suite in Measured::ALL {
        let data = args.data.join(suite.folder());
        if !data.is_dir() {
            continue;
        }
        writeln!(progress, "{} ...", suite.name())?;
        let failed = || format!("the suite {} cannot be run", suite.name());
        let outcome = suite.run(&data, embedder.clone()).await.with_context(failed)?;
        let saved = saved_run(args.against.as_deref(), suite.name())?;
        let comparison = saved.map(|saved| saved.compare(&outcome)).transpose().with_context(failed)?;
        let mut evaluation = Evaluation::of(outcome);
        if let Some(comparison) = comparison {
            wrong.extend(comparison.drops());
            evaluation = evaluation.beside(comparison);
        }
        evaluation.write_text(out).context("cannot print the result")?;
        writeln!(out)?;
        sections.push(Section::of(evaluation, suite.command(&data), sources::of(&data)));
    }
    let data = args.data.join(WEBHOOKS);
    if data.is_dir() {
        writeln!(progress, "{WEBHOOKS} ...")?;
        let report = run_webhooks(&data).await.context("the suite webhooks cannot be run")?;
        report.write_text(out).context("cannot print the result")?;
        wrong.extend(report.faults());
        let command = format!("opsseer eval {WEBHOOKS} --data {}", data.display());
        sections.push(Section::plain(&report, command, sources::of(&data))?);
    }
    ensure!(
        !sections.is_empty(),
        "{} holds none of the folders runbooks, qa, alerts, series, root_cause and webhooks",
        args.data.display()
    );
    let command = format!("opsseer eval all --data {} --out {}", args.data.display(), args.out.display());
    let about = circumstances("Evaluation".to_owned(), command, clock);
    let written = page::write(&args.out.join("evaluation.md"), &about, &sections)?;
    for file in written {
        writeln!(progress, "wrote {}", file.display())?;
    }
    for line in &wrong {
        writeln!(progress, "WRONG: {line}")?;
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A suite that was not run before has no saved run.
fn saved_run(folder: Option<&Path>, suite: &str) -> anyhow::Result<Option<SavedRun>> {
    let Some(folder) = folder else { return Ok(None) };
    ensure!(folder.is_dir(), "there is no folder {} with saved runs", folder.display());
    let path = folder.join(format!("{suite}.json"));
    Ok(if path.is_file() { Some(SavedRun::read(&path)?) } else { None })
}

async fn run_webhooks(data: &Path) -> anyhow::Result<webhooks::WebhooksReport> {
    let server = FreshServer::opsseer().await.context("cannot start a server for the suite")?;
    let report = webhooks::run(data, server.url()).await;
    server.stop().await;
    Ok(report?)
}
