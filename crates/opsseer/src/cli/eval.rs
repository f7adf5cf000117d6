//! `opsseer eval SUITE`: runs an evaluation suite and says what it found.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use opsseer_eval::{Report, webhooks};
use url::Url;

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
        match args.suite {
            Suite::Webhooks(args) => {
                let report = run_webhooks(&args).await?;
                print(&report, args.json, &mut io::stdout())
            }
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
