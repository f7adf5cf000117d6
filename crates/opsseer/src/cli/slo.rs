//! `opsseer slo`: objectives, their rules for Prometheus, and how they stand.

mod budgets;

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use opsseer_connect::{
    Limits,
    prometheus::{Metrics, PrometheusClient},
};
use opsseer_core::{Clock, SystemClock};
use serde_json::json;
use url::Url;

use super::incidents::print_json;
use crate::{
    config::Config,
    slo::{Objectives, doubts, status},
};

/// What `opsseer slo` is told.
#[derive(Debug, Args)]
pub struct SloArgs {
    /// The file of objectives; as configured, if absent.
    #[arg(long, value_name = "FILE", global = true)]
    file: Option<PathBuf>,
    /// Another configuration file than `opsseer.toml`.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes Prometheus' recording and alerting rules for all objectives.
    Rules(RulesArgs),
    /// Says whether the file of objectives can be used.
    Check(CheckArgs),
    /// Asks Prometheus what is left of the error budgets and how fast they are spent.
    Status(StatusArgs),
}

#[derive(Debug, Args)]
struct RulesArgs {
    /// Where to write them [default: standard output].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// A file of rules that has to be what `opsseer slo rules` writes now.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Ask Prometheus whether it has the series that the objectives name.
    #[arg(long)]
    live: bool,
    /// Another Prometheus than the configured one.
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Only the objectives of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Another Prometheus than the configured one.
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
    /// Print one JSON object instead of text for people.
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand. Status 1 if a check finds something.
pub async fn execute(args: SloArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config)?;
    let path = args.file.unwrap_or_else(|| config.slo.file.clone());
    if path.as_os_str().is_empty() {
        bail!("there is no file of objectives: name one with --file, or as `file` in the section [slo]");
    }
    let objectives = Objectives::read(&path)?;
    let now = SystemClock.now();
    let out = &mut io::stdout();
    match args.command {
        Command::Rules(args) => rules(&objectives, &path, args.out.as_deref(), out),
        Command::Check(args) => {
            let metrics = if args.live { Some(client(&config, args.prometheus)?) } else { None };
            let metrics = metrics.as_ref().map(|client| client as &dyn Metrics);
            check(&objectives, &path, args.rules.as_deref(), metrics, now, out).await
        }
        Command::Status(args) => {
            let metrics = client(&config, args.prometheus)?;
            show(&objectives, args.service.as_deref(), &metrics, now, args.json, out).await
        }
    }
}

fn client(config: &Config, url: Option<Url>) -> anyhow::Result<PrometheusClient> {
    let limits =
        Limits { timeout: config.prometheus.timeout, max_body_bytes: config.prometheus.max_answer_bytes };
    let url = url.unwrap_or_else(|| config.prometheus.url.clone());
    PrometheusClient::new(url, limits).context("cannot use this Prometheus")
}

/// The rules name their source by its file name alone, so that they are the same wherever they are made.
fn rules_text(objectives: &Objectives, path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    objectives.rules_yaml(&name)
}

fn rules(
    objectives: &Objectives,
    path: &Path,
    to: Option<&Path>,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let text = rules_text(objectives, path);
    match to {
        None => out.write_all(text.as_bytes()).context("cannot print the rules")?,
        Some(to) => fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(
    objectives: &Objectives,
    path: &Path,
    rules: Option<&Path>,
    metrics: Option<&dyn Metrics>,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut faults = Vec::new();
    if let Some(rules) = rules {
        let there = fs::read_to_string(rules).with_context(|| format!("cannot read {}", rules.display()))?;
        if there != rules_text(objectives, path) {
            faults.push(format!(
                "{} is out of date: run `opsseer slo rules --file {} --out {}`",
                rules.display(),
                path.display(),
                rules.display()
            ));
        }
    }
    if let Some(metrics) = metrics {
        for objective in objectives.iter() {
            for doubt in doubts(metrics, objective, now).await? {
                faults.push(format!("{} of {}: {doubt}", objective.name(), objective.service()));
            }
        }
    }
    for fault in &faults {
        writeln!(out, "{fault}").context("cannot print the answer")?;
    }
    let count = objectives.iter().count();
    let what = if count == 1 { "1 objective".to_owned() } else { format!("{count} objectives") };
    let found = match faults.len() {
        0 => "nothing to put right".to_owned(),
        found => format!("{found} to put right"),
    };
    writeln!(out, "{what} in {}: {found}", path.display()).context("cannot print the answer")?;
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn show(
    objectives: &Objectives,
    service: Option<&str>,
    metrics: &dyn Metrics,
    now: DateTime<Utc>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let asked: Vec<_> =
        objectives.iter().filter(|one| service.is_none_or(|service| one.service() == service)).collect();
    if let (true, Some(service)) = (asked.is_empty(), service) {
        bail!("no objective is about a service {service:?}");
    }
    let mut statuses = Vec::with_capacity(asked.len());
    for objective in asked {
        statuses.push(status(metrics, objective, now).await?);
    }
    if json {
        print_json(&json!({ "objectives": statuses }), out)?;
    } else {
        budgets::write(&statuses, out).context("cannot print the answer")?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opsseer_connect::prometheus::{FakeMetrics, Sample};
    use serde_json::Value;

    use super::*;

    const FILE: &str = "[[slo]]\nname = \"orders\"\nservice = \"shop\"\ndescription = \"d\"\nobjective = 99.9\n\
        bad = 'rate(b[window])'\ntotal = 'rate(a[window])'\n";

    fn objectives() -> Objectives {
        Objectives::parse(FILE).expect("objectives")
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn recorded(values: &[(&str, f64)]) -> FakeMetrics {
        let sample = |(name, value): &(&str, f64)| Sample {
            labels: BTreeMap::from([("__name__".to_owned(), (*name).to_owned())]),
            at: now(),
            value: *value,
        };
        let metrics = FakeMetrics::default();
        metrics.answer_query("slo:.+", values.iter().map(sample).collect());
        metrics
    }

    async fn shown(metrics: &FakeMetrics, json: bool) -> String {
        let mut out = Vec::new();
        show(&objectives(), None, metrics, now(), json, &mut out).await.expect("shown");
        String::from_utf8(out).expect("text")
    }

    #[tokio::test]
    async fn the_table_says_what_is_left_how_fast_it_goes_and_when_it_is_gone() {
        let metrics = recorded(&[
            ("slo:sli_error:ratio_rate1h", 0.0144),
            ("slo:period_error_budget_remaining:ratio", 0.5),
            ("slo:period_covered:ratio", 0.5),
        ]);
        let text = shown(&metrics, false).await;
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1].join(" "), "shop orders 99.9 % in 30d 50.0 % - 14.4 - - 1 day", "{text}");
        assert_eq!(
            lines[2].join(" "),
            "orders has data for 15 days of 30d; the rest counts as free of errors"
        );
        assert_eq!(lines.len(), 3, "{text}");
        let json: Value = serde_json::from_str(&shown(&metrics, true).await).expect("one JSON object");
        assert_eq!(json["objectives"][0]["budget_left"], 0.5);
        assert_eq!(json["objectives"][0]["exhausted_in_seconds"], 90_000);
    }

    #[tokio::test]
    async fn rules_that_are_not_loaded_are_told() {
        let text = shown(&FakeMetrics::default(), false).await;
        assert!(text.contains("orders is not recorded: load the rules"), "{text}");
        assert!(!text.contains("never"), "nothing is known of a budget without events:\n{text}");
    }

    #[tokio::test]
    async fn a_service_without_objectives_is_an_error_that_names_it() {
        let metrics = FakeMetrics::default();
        let error = show(&objectives(), Some("bank"), &metrics, now(), false, &mut Vec::new()).await;
        assert!(error.expect_err("none").to_string().contains("bank"));
    }

    #[tokio::test]
    async fn a_check_finds_rules_that_are_out_of_date() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("slo.yml");
        let source = Path::new("slo.toml");
        rules(&objectives(), source, Some(&file), &mut Vec::new()).expect("written");
        let mut out = Vec::new();
        let checked =
            check(&objectives(), source, Some(&file), None, now(), &mut out).await.expect("checked");
        assert_eq!(checked, ExitCode::SUCCESS);
        assert_eq!(String::from_utf8_lossy(&out), "1 objective in slo.toml: nothing to put right\n");
        let text = fs::read_to_string(&file).expect("a file").replace("0.001", "0.01");
        fs::write(&file, text).expect("written");
        let checked =
            check(&objectives(), source, Some(&file), None, now(), &mut out).await.expect("checked");
        assert_eq!(checked, ExitCode::FAILURE);
        assert!(String::from_utf8_lossy(&out).contains("slo.yml is out of date: run `opsseer slo rules"));
    }

    #[tokio::test]
    async fn a_live_check_says_what_prometheus_does_not_know() {
        let mut out = Vec::new();
        let metrics = FakeMetrics::default();
        let source = Path::new("slo.toml");
        let checked =
            check(&objectives(), source, None, Some(&metrics), now(), &mut out).await.expect("checked");
        assert_eq!(checked, ExitCode::FAILURE);
        assert!(String::from_utf8_lossy(&out).starts_with("orders of shop: Prometheus has no such series"));
    }
}
