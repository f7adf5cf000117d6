//! `opsseer bench --outage TIME`: one alert, the real Alertmanager, and a backend that is down. There must be one incident.

mod pager;
mod report;

use std::{
    io,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use opsseer_eval::postgres::StopMode;
use serde::Serialize;

use self::{
    pager::{Pace, Pager},
    report::{OutageReport, Report},
};
use super::{
    BUILD, BenchArgs, EngineChoice,
    backend::{Backend, Engine},
    progress,
    stand_in::StandInPrometheus,
    verdict, write_json,
};
use crate::cli::fresh_server::FreshServer;

/// The ladder of the configuration that ships; servers for measurements have none.
const RETRY_AFTER: &str = r#"["1s","5s","15s","1m","5m"]"#;

/// What is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Down {
    /// The database: nothing can be taken.
    Store,
    /// The Prometheus that enrichers ask.
    Prometheus,
}

/// A length of time such as `20s` or `7m`, at least a second.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let minutes = text.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok()?.checked_mul(60));
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok());
    let length = minutes.or(seconds).filter(|seconds| (1..=86_400).contains(seconds));
    length.map(Duration::from_secs).ok_or_else(|| format!("{text:?} is no length of time such as 20s or 7m"))
}

/// Both outages at once: they have nothing to do with each other, and take long.
pub(super) async fn execute(args: &BenchArgs, length: Duration) -> anyhow::Result<ExitCode> {
    let outages: &[(Down, Engine)] = match args.engine {
        EngineChoice::Sqlite => &[(Down::Prometheus, Engine::Sqlite)],
        EngineChoice::Postgres => &[(Down::Store, Engine::Postgres), (Down::Prometheus, Engine::Postgres)],
        EngineChoice::Both => &[(Down::Store, Engine::Postgres), (Down::Prometheus, Engine::Sqlite)],
    };
    let runs = outages.iter().map(|&(down, engine)| run(down, engine, length));
    let report = Report { build: BUILD, outages: futures::future::join_all(runs).await };
    report.write_text(&mut io::stdout()).context("cannot print the result")?;
    write_json(&report, args.json.as_deref().unwrap_or(Path::new("target/outage.json")))?;
    Ok(verdict(&report.faults()))
}

async fn run(down: Down, engine: Engine, length: Duration) -> OutageReport {
    let mut report = OutageReport::new(down, engine, length);
    if let Err(error) = go_through(down, engine, length, &mut report).await {
        report.faults.push(format!("it broke off: {error:#}"));
    }
    report
}

async fn go_through(
    down: Down,
    engine: Engine,
    length: Duration,
    report: &mut OutageReport,
) -> anyhow::Result<()> {
    let mut prometheus = StandInPrometheus::start().await?;
    let backend = Backend::start(engine).await?;
    let mut settings = backend.settings();
    settings.push(("OPSSEER_PROMETHEUS__URL", prometheus.url().into()));
    settings.push(("OPSSEER_JOBS__RETRY_AFTER", RETRY_AFTER.into()));
    let mut opsseer = FreshServer::opsseer_with(settings).await?;
    let pace = Pace::of(length);
    let alertmanager = FreshServer::alertmanager(&pager::config(opsseer.url(), pace)).await?;
    let pager = Pager::new(alertmanager.url(), opsseer.url(), pace)?;

    let say = |what: &str| progress(&format!("{down:?} down, {engine}: {what}"));
    say(&format!("down for {} s; the alert begins to fire", length.as_secs()));
    let postgres = backend.postgres.as_ref().filter(|_| down == Down::Store);
    match postgres {
        Some(postgres) => postgres.stop(StopMode::Fast).await?,
        None => prometheus.go_away().await,
    }
    let began = Instant::now();
    while began.elapsed() < length {
        pager.fire().await?;
        tokio::time::sleep(pace.resend.min(length.saturating_sub(began.elapsed()))).await;
    }
    match postgres {
        Some(postgres) => postgres.start_again().await?,
        None => prometheus.come_back().await?,
    }
    say("back; waiting for the incident");
    let back = Instant::now();
    pager.until(true, "an open incident with the alert").await.with_context(|| in_words(&opsseer))?;
    report.seconds_until_shown = Some(back.elapsed().as_secs_f64());
    opsseer.wait_until_ready().await?;
    say("the alert ends");
    pager.resolve().await?;
    pager.until(false, "a resolved incident").await.with_context(|| in_words(&opsseer))?;
    pager.wait_for_a_picture().await?;
    pager.look(report).await?;
    alertmanager.stop().await;
    opsseer.stop().await;
    Ok(())
}

fn in_words(opsseer: &FreshServer) -> String {
    format!("OpsSeer's last words:\n{}", opsseer.last_words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_as_people_write_it() {
        assert_eq!(length("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(length("7m"), Ok(Duration::from_mins(7)));
        for wrong in ["", "7", "m", "0s", "-1s", "1h", "99999999999999999999m", "é"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
