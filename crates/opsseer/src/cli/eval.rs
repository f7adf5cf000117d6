//! `opsseer eval SUITE`: runs an evaluation suite and says what it found.

mod all;
mod measured;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use opsseer_core::SystemClock;
use opsseer_eval::{Report, webhooks};
use url::Url;

use self::measured::Measured;
use super::fresh_server::{FreshServer, unless_stopped};

/// What `opsseer eval` is told.
#[derive(Debug, Args)]
pub struct EvalArgs {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// Sends bodies that real senders wrote; looks for every alert of every accepted body.
    Webhooks(WebhooksArgs),
    /// Looks for the runbook of every alert of a public set.
    Runbooks(measured::Args),
    /// Asks the questions of a public reading test of its texts.
    Qa(measured::Args),
    /// Classifies the alerts of a public collection.
    Alerts(AlertsArgs),
    /// Forecasts series, and whether they pass a threshold.
    Forecast(ForecastArgs),
    /// Looks for the broken service in the metrics of a system.
    Suspects(measured::Args),
    /// Runs every suite that a folder has data for, and writes the page about it.
    All(all::Args),
}

#[derive(Debug, Args)]
struct AlertsArgs {
    #[command(flatten)]
    args: measured::Args,
    /// Ask the shipped weights, as for data without folds, instead of learning from the other folds.
    #[arg(long)]
    shipped: bool,
}

#[derive(Debug, Args)]
struct ForecastArgs {
    #[command(flatten)]
    args: measured::Args,
    /// The season of a competition's series, in steps: 24 for hourly ones.
    #[arg(long, value_name = "STEPS")]
    season: Option<usize>,
}

#[derive(Debug, Args)]
struct WebhooksArgs {
    /// The folder with index.jsonl and the bodies that it names.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// A running OpsSeer that has seen no alerts yet [default: a new one, for this suite alone].
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs a suite. The exit status is 0 only if nothing is wrong.
pub async fn execute(args: EvalArgs) -> anyhow::Result<ExitCode> {
    unless_stopped(async {
        let out = &mut io::stdout();
        match args.suite {
            Suite::Webhooks(args) => print(&run_webhooks(&args).await?, args.json, out),
            Suite::Runbooks(args) => measured::execute(Measured::Runbooks, &args, &SystemClock, out).await,
            Suite::Qa(args) => measured::execute(Measured::Qa, &args, &SystemClock, out).await,
            Suite::Alerts(AlertsArgs { args, shipped }) => {
                measured::execute(Measured::Alerts { shipped }, &args, &SystemClock, out).await
            }
            Suite::Forecast(ForecastArgs { args, season }) => {
                measured::execute(Measured::Forecast { season }, &args, &SystemClock, out).await
            }
            Suite::Suspects(args) => measured::execute(Measured::Suspects, &args, &SystemClock, out).await,
            Suite::All(args) => all::execute(&args, &SystemClock, out, &mut io::stderr()).await,
        }
    })
    .await
}

async fn run_webhooks(args: &WebhooksArgs) -> anyhow::Result<webhooks::WebhooksReport> {
    if let Some(server) = &args.server {
        return Ok(webhooks::run(&args.data, server).await?);
    }
    let server = FreshServer::opsseer().await.context("cannot start a server for the suite")?;
    let report = webhooks::run(&args.data, server.url()).await;
    server.stop().await;
    Ok(report?)
}

fn print(report: &impl Report, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if json {
        let text = serde_json::to_string_pretty(report).context("cannot write the report as JSON")?;
        writeln!(out, "{text}").context("cannot print the report")?;
    } else {
        report.write_text(out).context("cannot print the report")?;
    }
    Ok(if report.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize)]
    struct Verdict {
        suite: &'static str,
        fault: Option<&'static str>,
    }

    impl Report for Verdict {
        fn suite(&self) -> &'static str {
            self.suite
        }

        fn figures(&self) -> Vec<(&'static str, String)> {
            vec![("figure", "7".to_owned())]
        }

        fn remarks(&self) -> Vec<String> {
            Vec::new()
        }

        fn faults(&self) -> Vec<String> {
            self.fault.into_iter().map(str::to_owned).collect()
        }
    }

    #[test]
    fn a_fault_is_told_by_the_exit_status_and_json_is_one_object() {
        let printed = |fault, json| {
            let mut out = Vec::new();
            let status = print(&Verdict { suite: "s", fault }, json, &mut out).expect("printed");
            (format!("{status:?}"), String::from_utf8(out).expect("text"))
        };
        let (good, text) = printed(None, false);
        assert_eq!((good, text.as_str()), (format!("{:?}", ExitCode::SUCCESS), "s\n  figure  7\npassed\n"));
        let (bad, text) = printed(Some("lost"), true);
        assert_eq!(bad, format!("{:?}", ExitCode::FAILURE));
        let object: serde_json::Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(object["fault"], "lost");
    }
}
