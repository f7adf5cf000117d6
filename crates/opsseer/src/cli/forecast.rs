//! `opsseer forecast`: where a value is heading, asked of Prometheus directly.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::Args;
use opsseer_ai::forecast::{Forecaster, LocalForecaster};
use opsseer_connect::{
    Limits,
    prometheus::{Metrics, PrometheusClient},
    promql::{self, Threshold},
};
use opsseer_core::{Clock, SystemClock};
use url::Url;

use super::incidents::print_json;
use crate::{
    config::Config,
    outlook::{self, Question},
};

/// What `opsseer forecast` is told.
#[derive(Debug, Args)]
pub struct ForecastArgs {
    /// PromQL that compares a value with a number, such as `toyprod:p95_latency_seconds:5m > 0.3`, or the name of an
    /// alerting rule that Prometheus has.
    expr: String,
    /// The address of Prometheus [default: as configured].
    #[arg(long, value_name = "URL")]
    prometheus: Option<Url>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Forecasts and says so.
pub async fn execute(args: ForecastArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(None)?;
    let metrics = metrics(&config, args.prometheus.as_ref())?;
    let limit = limit(&metrics, &args.expr).await?;
    let forecaster: Arc<dyn Forecaster> = Arc::new(LocalForecaster::new());
    let question = Question { subject: limit.left.clone(), limit, alert: None };
    let finest = TimeDelta::from_std(config.prometheus.scrape_interval)?;
    let now = SystemClock.now();
    let answer = outlook::look(&metrics, &forecaster, &question, finest, now).await?;
    let out = &mut io::stdout();
    if args.json {
        print_json(&answer.forecast, out)?;
    } else {
        let unit = answer.chart.unit;
        let told = &answer.forecast;
        writeln!(out, "{}: {} now, {}", told.subject, unit.text(told.now), told.sentence)?;
        if let Some(band) = &answer.chart.forecast {
            write_steps(out, band, now, &|value| unit.text(value)).context("cannot print the forecast")?;
        }
        writeln!(out, "by {}", told.method)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The Prometheus that was named, or that which is configured.
pub(super) fn metrics(config: &Config, url: Option<&Url>) -> anyhow::Result<PrometheusClient> {
    let limits =
        Limits { timeout: config.prometheus.timeout, max_body_bytes: config.prometheus.max_answer_bytes };
    let url = url.unwrap_or(&config.prometheus.url).clone();
    PrometheusClient::new(url, limits).context("cannot use this Prometheus")
}

async fn limit(metrics: &dyn Metrics, asked: &str) -> anyhow::Result<Threshold> {
    if let Some(limit) = promql::threshold(asked) {
        return Ok(limit);
    }
    let rules = metrics.alerting_rules().await?;
    let Some(rule) = rules.iter().find(|rule| rule.name == asked) else {
        bail!("{asked:?} compares nothing with a number, as `a > 0.9` does, and is no alerting rule's name");
    };
    promql::threshold(&rule.query).with_context(|| format!("the rule {asked} compares nothing with a number"))
}

/// Four moments of the forecast, with what is expected of each.
fn write_steps(
    out: &mut dyn Write,
    band: &crate::chart::ForecastBand,
    now: chrono::DateTime<chrono::Utc>,
    text: &dyn Fn(f64) -> String,
) -> io::Result<()> {
    let last = band.points.len().saturating_sub(1);
    let mut steps = [last / 4, last / 2, last * 3 / 4, last].to_vec();
    steps.dedup();
    for step in steps {
        let (Some((at, value)), Some(low), Some(high)) =
            (band.points.get(step), band.low80.get(step), band.high80.get(step))
        else {
            continue;
        };
        let ahead = crate::event_words::took((*at - now).num_seconds().max(0));
        writeln!(out, "  in {ahead:<12} {:>10}  (80 %: {} to {})", text(*value), text(*low), text(*high))?;
    }
    Ok(())
}
