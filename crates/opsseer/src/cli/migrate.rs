//! `opsseer migrate`.

use std::{io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use opsseer_core::SystemClock;
use opsseer_store::Store;

use crate::{config::Config, jobs, telemetry};

/// Arguments of `opsseer migrate`.
#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Opens the store, which brings its tables to this version's form, and closes it again.
pub async fn execute(args: MigrateArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config)?;
    telemetry::start_logging(&config.log).context("log.filter is not understood")?;
    tokio::fs::create_dir_all(&config.data_dir)
        .await
        .with_context(|| format!("cannot make the data folder {}", config.data_dir.display()))?;
    let store = Store::open(config.store_config(), Arc::new(SystemClock), jobs::follow_ups).await?;
    let migrated = store.migrated();
    store.close().await;
    if args.json {
        writeln!(out, "{}", serde_json::json!({"from": migrated.from, "to": migrated.to}))?;
    } else if migrated.from == migrated.to {
        writeln!(out, "The tables are at version {} already; nothing was changed.", migrated.to)?;
    } else {
        writeln!(out, "The tables went from version {} to {}.", migrated.from, migrated.to)?;
    }
    Ok(ExitCode::SUCCESS)
}
