use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use opsseer_eval::bench::{Figure, reads};
use serde::Serialize;
use tempfile::TempDir;

use super::{fill, progress, target};
use crate::cli::fresh_server::FreshServer;

/// How long each reading load is measured in a round.
const MEASURED: Duration = Duration::from_secs(2);

/// Reading out of a large store.
#[derive(Serialize)]
pub(super) struct Large {
    pub(super) events: u64,
    pub(super) incidents: u64,
    pub(super) events_of_the_long_one: u64,
    pub(super) fill_seconds: f64,
    pub(super) data_mib: f64,
    pub(super) figures: Vec<Figure>,
}

/// Fills a store with so many events, and reads timelines out of it through a server.
pub(super) async fn measure(events: u64, rounds: usize, warm_up: Duration) -> anyhow::Result<Large> {
    progress(&format!("filling a store with {events} events"));
    let folder = TempDir::with_prefix("opsseer-large-").context("cannot make a temporary folder")?;
    let data: PathBuf = folder.path().join("data");
    let began = Instant::now();
    let filled = fill::fill(&data, events).await.context("cannot fill the store")?;
    let fill_seconds = began.elapsed().as_secs_f64();
    let server = FreshServer::opsseer_with(vec![("OPSSEER_DATA_DIR", data.clone().into())]).await?;
    let times = (rounds, warm_up, MEASURED);
    let figures = reads::measure(&target("SQLite", &server), filled.stored, times, progress).await?;
    server.stop().await;
    Ok(Large {
        events: filled.events,
        incidents: filled.stored.incidents + 1,
        events_of_the_long_one: filled.events_of_the_long_one,
        fill_seconds,
        data_mib: super::mib(super::bytes_below(&data)?),
        figures,
    })
}
