//! `opsseer runbooks`: what to put right in runbooks before they are needed.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use opsseer_ai::runbook::{RunbookIndex, RunbookSettings};

use crate::{
    config::Config,
    lint::{Level, Report, lint},
};

/// What `opsseer runbooks` is told.
#[derive(Debug, Args)]
pub struct RunbooksArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Finds alert rules without a runbook, runbooks that no alert reaches, dead links, and sections that no answer can use.
    Lint(LintArgs),
}

#[derive(Debug, Args)]
struct LintArgs {
    /// Files of Prometheus' alert rules. Without any, only the runbooks themselves are looked at.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// The folder of runbooks; as configured, if absent.
    #[arg(long, value_name = "DIR")]
    runbooks: Option<PathBuf>,
    /// Print one JSON object instead of text for people.
    #[arg(long)]
    json: bool,
    /// Another configuration file than `opsseer.toml`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the subcommand. Status 1 if the lint has findings of level error.
pub async fn execute(args: RunbooksArgs) -> anyhow::Result<ExitCode> {
    let Command::Lint(args) = args.command;
    run(args, &mut io::stdout()).await
}

async fn run(args: LintArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let folder = match args.runbooks {
        Some(folder) => folder,
        None => Config::load(args.config)?.runbooks.dir,
    };
    ensure!(folder.is_dir(), "there is no runbook folder {}; name it with --runbooks", folder.display());
    // Without a model: what the lint says must not depend on which are installed.
    let dir = folder.clone();
    let index = tokio::task::spawn_blocking(move || RunbookIndex::open(&dir, RunbookSettings::default()))
        .await
        .context("the runbooks cannot be read")??;
    let report = lint(&folder, &args.rules, &index).await?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        print(&report, out).context("cannot print the findings")?;
    }
    Ok(if report.count(Level::Error) > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let (file, line, level) = (&finding.file, finding.line, finding.level);
        writeln!(out, "{file}:{line}: {level}: {} [{}]", finding.message, finding.code)?;
    }
    let counted = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    writeln!(
        out,
        "{} and {} looked at: {}, {}",
        counted(report.runbooks, "runbook"),
        counted(report.alerts, "alert rule"),
        counted(report.count(Level::Error), "error"),
        counted(report.count(Level::Warning), "warning"),
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use serde_json::Value;

    use super::*;

    const GOOD: &str = "# Disk full\n\nAlert: `DiskFull`\n\n## Do this first\n\n1. Remove old logs.\n";

    fn args(folder: &Path, json: bool) -> LintArgs {
        let rules = fs::read_dir(folder.join("rules")).expect("a folder");
        let rules = rules.map(|entry| entry.expect("an entry").path()).collect();
        LintArgs { rules, runbooks: Some(folder.join("runbooks")), json, config: None }
    }

    fn folder(rules: &str, runbooks: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("rules")).expect("made");
        fs::create_dir(folder.path().join("runbooks")).expect("made");
        fs::write(folder.path().join("rules/a.yml"), rules).expect("written");
        for (file, text) in runbooks {
            fs::write(folder.path().join("runbooks").join(file), text).expect("written");
        }
        folder
    }

    async fn run_on(folder: &tempfile::TempDir, json: bool) -> (ExitCode, String) {
        let mut out = Vec::new();
        let code = run(args(folder.path(), json), &mut out).await.expect("looked at");
        (code, String::from_utf8(out).expect("text"))
    }

    #[tokio::test]
    async fn what_is_in_order_says_so_with_status_0() {
        let rules = "groups:\n  - name: a\n    rules:\n      - alert: DiskFull\n        expr: free < 1\n        annotations:\n          runbook_url: https://wiki/runbooks/disk-full.md\n";
        let (code, text) = run_on(&folder(rules, &[("disk-full.md", GOOD)]), false).await;
        assert_eq!(text, "1 runbook and 1 alert rule looked at: 0 errors, 0 warnings\n");
        assert_eq!(code, ExitCode::SUCCESS);
    }

    #[tokio::test]
    async fn an_alert_without_a_runbook_and_a_runbook_without_an_alert_are_found() {
        let rules = "groups:\n  - name: a\n    rules:\n      - alert: QueueStuck\n        expr: queue > 1\n        annotations:\n          \
             runbook_url: runbooks/queue.md\n";
        let (code, text) = run_on(&folder(rules, &[("disk-full.md", GOOD)]), true).await;
        let report: Value = serde_json::from_str(&text).expect("one JSON object");
        let findings: Vec<_> = report["findings"].as_array().expect("a list").iter().collect();
        let codes: Vec<_> =
            findings.iter().map(|one| (one["code"].as_str().unwrap_or_default(), &one["line"])).collect();
        assert_eq!(
            codes,
            [("no_runbook", &4.into()), ("dead_runbook_url", &7.into()), ("unreached", &1.into())]
        );
        assert_eq!(code, ExitCode::FAILURE);
    }

    #[tokio::test]
    async fn a_runbook_that_another_leads_to_is_reached() {
        let rules = "groups:\n  - name: a\n    rules:\n      - alert: DiskFull\n        expr: free < 1\n";
        let linking = format!("{GOOD}\nSee [more](more.md).\n");
        let more = "# Grow a volume\n\n## Steps\n\n1. Order space.\n";
        let (code, text) =
            run_on(&folder(rules, &[("disk-full.md", &linking), ("more.md", more)]), false).await;
        assert_eq!(text, "2 runbooks and 1 alert rule looked at: 0 errors, 0 warnings\n");
        assert_eq!(code, ExitCode::SUCCESS);
    }
}
