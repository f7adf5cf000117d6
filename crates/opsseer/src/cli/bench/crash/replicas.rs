//! Two servers on one PostgreSQL, each told of everything, as two Alertmanagers would. They are killed in turn; then one
//! dies for good, and the other finishes its work.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    kill::{AFTERWARDS, kill_once},
    report::ScenarioReport,
    stage::{Stage, Surroundings, look},
};
use crate::cli::{
    bench::backend::{Backend, Engine},
    fresh_server::FreshServer,
};

/// How long both work undisturbed before one dies for good, so that both hold jobs.
const TOGETHER: Duration = Duration::from_secs(1);

pub(super) async fn run(mut stage: Stage, times: u32, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let surroundings = Surroundings::start().await?;
    let backend = Backend::start(Engine::Postgres).await?;
    // Pictures are files: replicas share their folder.
    let data = surroundings.folder().join("data").into_os_string();
    let settings = [surroundings.settings(), backend.settings(), vec![("OPSSEER_DATA_DIR", data)]].concat();
    // At once, so that both bring the tables to this version's form.
    let (first, second) = tokio::try_join!(
        FreshServer::opsseer_with(settings.clone()),
        FreshServer::opsseer_with(settings.clone())
    )?;
    let mut servers = [first, second];
    let load = stage.load(&[servers[0].url().clone(), servers[1].url().clone()])?;
    for turn in 0..times {
        let server = &mut servers[usize::from(turn % 2 == 1)];
        kill_once(server, &mut stage.dice).await?;
        server.start_again()?;
        report.blows += 1;
    }
    let [mut stays, mut dies] = servers;
    stays.wait_until_ready().await?;
    dies.wait_until_ready().await?;
    sleep(TOGETHER).await;
    dies.kill().await?;
    load.give_up_on(1);
    report.blows += 1;
    sleep(AFTERWARDS).await;
    look(load, stays.url(), report).await?;
    stays.stop().await;
    Ok(())
}
