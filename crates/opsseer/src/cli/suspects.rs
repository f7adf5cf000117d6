//! `opsseer suspects`: which metrics moved, asked of Prometheus directly.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use opsseer_ai::suspects::{RobustSuspector, Suspector};
use opsseer_core::{Clock, SuspectsRanked, SystemClock};
use url::Url;

use super::{forecast::metrics, incidents::print_json};
use crate::{
    config::Config,
    suspecting::{self, Scope},
};

/// What `opsseer suspects` is told.
#[derive(Debug, Args)]
pub struct SuspectsArgs {
    /// A service in trouble, by one of the labels service, svc, app, application, deployment, component or job.
    #[arg(required = true)]
    services: Vec<String>,
    /// When the trouble was noticed, such as 2026-03-02T03:16:00Z [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// The address of Prometheus [default: as configured].
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Ranks and says so.
pub async fn execute(args: SuspectsArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(None)?;
    let metrics = metrics(&config, args.prometheus.as_ref())?;
    let suspector: Arc<dyn Suspector> = Arc::new(RobustSuspector);
    let now = SystemClock.now();
    let scope = Scope {
        services: args.services,
        metrics: Vec::new(),
        noticed: args.at.unwrap_or(now).min(now),
        now,
        scrape_interval: config.prometheus.scrape_interval,
    };
    let ranked = suspecting::rank(&metrics, &suspector, &scope).await?;
    let out = &mut io::stdout();
    if args.json {
        print_json(&ranked, out)?;
    } else {
        write_text(&ranked, out).context("cannot print the suspects")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_text(ranked: &SuspectsRanked, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", ranked.sentence)?;
    for service in &ranked.services {
        writeln!(out, "{:>4.0} %  {}: {}", service.score * 100.0, service.service, service.because)?;
        for metric in &service.metrics {
            writeln!(out, "        {} ({:+.1} sigmas)", metric.sentence, metric.shift)?;
        }
    }
    let left_out =
        if ranked.left_out > 0 { format!(", {} left out", ranked.left_out) } else { String::new() };
    writeln!(out, "{} series looked at{left_out}, by {}", ranked.series, ranked.method)
}
