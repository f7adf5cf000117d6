//! PostgreSQL stops as in a crash, with all connections, and comes back a moment later. The server stays up throughout.

use std::time::Duration;

use anyhow::Context;
use opsseer_eval::postgres::StopMode;
use tokio::time::sleep;

use super::{
    kill::AFTERWARDS,
    report::ScenarioReport,
    stage::{Stage, Surroundings, look},
};
use crate::cli::{
    bench::backend::{Backend, Engine},
    fresh_server::FreshServer,
};

pub(super) async fn run(mut stage: Stage, times: u32, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let surroundings = Surroundings::start().await?;
    let backend = Backend::start(Engine::Postgres).await?;
    let postgres = backend.postgres.as_ref().context("this engine has a PostgreSQL")?;
    let settings = [surroundings.settings(), backend.settings()].concat();
    let mut server = FreshServer::opsseer_with(settings).await?;
    let load = stage.load(&[server.url().clone()])?;
    for _ in 0..times {
        sleep(stage.dice.between(Duration::from_millis(300), Duration::from_secs(2))).await;
        postgres.stop(StopMode::Immediate).await?;
        sleep(stage.dice.between(Duration::from_millis(200), Duration::from_millis(1_500))).await;
        postgres.start_again().await?;
        report.blows += 1;
        // The very same process: one that ended would be told apart here.
        server.wait_until_ready().await.context("the server did not recover by itself")?;
    }
    sleep(AFTERWARDS).await;
    look(load, server.url(), report).await?;
    server.stop().await;
    Ok(())
}
