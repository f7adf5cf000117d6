//! The disk fills up under load, stays full for a time, and has room again.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use opsseer_eval::crash::Load;
use tokio::time::{Instant, sleep};

use super::{
    kill::AFTERWARDS,
    report::ScenarioReport,
    small_disk::SmallDisk,
    stage::{Stage, Surroundings, look},
};
use crate::cli::fresh_server::FreshServer;

/// Size of the disk, in MiB.
const DISK_MIB: u64 = 64;

/// How long the load runs before the disk is filled.
const BEFORE: Duration = Duration::from_millis(1_500);

/// How long a full disk may take to be noticed.
const NOTICED: Duration = Duration::from_secs(20);

pub(super) async fn run(stage: Stage, times: u32, report: &mut ScenarioReport) -> anyhow::Result<()> {
    let disk = match SmallDisk::mount(DISK_MIB) {
        Ok(disk) => disk,
        Err(error) => {
            report.skipped = Some(format!("{error:#}"));
            return Ok(());
        }
    };
    let surroundings = Surroundings::start().await?;
    let data = vec![("OPSSEER_DATA_DIR", disk.path().join("data").into_os_string())];
    let mut server = FreshServer::opsseer_with([surroundings.settings(), data].concat()).await?;
    let load = stage.load(&[server.url().clone()])?;
    let ended = fill_and_free(&disk, &load, &mut server, times, report).await;
    report.sent = load.sent();
    ended.with_context(|| format!("the server's last words:\n{}", server.last_words()))?;
    look(load, server.url(), report).await?;
    server.end().await;
    // What is damaged on the disk would be seen now.
    server.start_again()?;
    server.wait_until_ready().await.context("the server does not start again on what is left")?;
    server.stop().await;
    Ok(())
}

async fn fill_and_free(
    disk: &SmallDisk,
    load: &Load,
    server: &mut FreshServer,
    times: u32,
    report: &mut ScenarioReport,
) -> anyhow::Result<()> {
    let ballast = disk.path().join("ballast");
    for _ in 0..times {
        sleep(BEFORE).await;
        let before = refusals(load);
        fill(&ballast).context("cannot fill the disk")?;
        until("a webhook is refused because the disk is full", NOTICED, || refusals(load) > before).await?;
        sleep(AFTERWARDS).await;
        std::fs::remove_file(&ballast).context("cannot make room again")?;
        report.blows += 1;
        let accepted = load.sent().accepted;
        until("webhooks are accepted again", NOTICED, || load.sent().accepted > accepted).await?;
        server.wait_until_ready().await.context("the server did not recover by itself")?;
    }
    sleep(AFTERWARDS).await;
    Ok(())
}

fn refusals(load: &Load) -> u64 {
    load.sent().answered_5xx.values().sum()
}

async fn until(what: &str, longest: Duration, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + longest;
    while !holds() {
        anyhow::ensure!(
            Instant::now() < deadline,
            "this did not happen within {} s: {what}",
            longest.as_secs()
        );
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Writes until there is no room.
fn fill(file: &Path) -> io::Result<()> {
    let mut file = File::create(file)?;
    for size in [1024 * 1024, 4096, 1] {
        let block = vec![0; size];
        loop {
            match file.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
