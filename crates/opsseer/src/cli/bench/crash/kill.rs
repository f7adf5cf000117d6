//! The server is killed at any moment, also while it starts, and started again on the same data.

use std::time::Duration;

use opsseer_eval::crash::Dice;
use tokio::time::sleep;

use super::{
    report::ScenarioReport,
    stage::{Stage, Surroundings, look},
};
use crate::cli::{
    bench::{
        backend::{Backend, Engine},
        progress,
    },
    fresh_server::FreshServer,
};

/// Of 100 kills, so many hit a server that is still starting.
const WHILE_STARTING_PERCENT: u64 = 12;

/// How long the load goes on after the last kill.
pub(super) const AFTERWARDS: Duration = Duration::from_secs(1);

pub(super) async fn run(
    mut stage: Stage,
    engine: Engine,
    times: u32,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let surroundings = Surroundings::start().await?;
    let backend = Backend::start(engine).await?;
    let settings = [surroundings.settings(), backend.settings()].concat();
    let mut server = FreshServer::opsseer_with(settings).await?;
    let load = stage.load(&[server.url().clone()])?;
    for _ in 0..times {
        kill_once(&mut server, &mut stage.dice).await?;
        server.start_again()?;
        report.blows += 1;
        if report.blows.is_multiple_of(10) {
            progress(&format!("killed {} times; {} webhooks accepted", report.blows, load.sent().accepted));
        }
    }
    server.wait_until_ready().await?;
    sleep(AFTERWARDS).await;
    look(load, server.url(), report).await?;
    server.stop().await;
    Ok(())
}

/// Waits for a moment that the dice choose, then kills.
pub(super) async fn kill_once(server: &mut FreshServer, dice: &mut Dice) -> anyhow::Result<()> {
    let (shortest, longest) = if dice.chance(WHILE_STARTING_PERCENT) {
        (Duration::ZERO, Duration::from_millis(100))
    } else {
        server.wait_until_ready().await?;
        (Duration::from_millis(50), Duration::from_millis(1_500))
    };
    sleep(dice.between(shortest, longest)).await;
    server.kill().await
}
