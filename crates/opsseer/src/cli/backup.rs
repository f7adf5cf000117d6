//! `opsseer backup`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;

use crate::{config::Config, telemetry};

/// Arguments of `opsseer backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// Where to write it: a tar archive that must not exist yet.
    file: PathBuf,
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Copies the database and its files as they are now. Exit status 1 if files are missing that the database names; the
/// backup holds all the rest.
pub async fn execute(args: BackupArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.config)?;
    telemetry::start_logging(&config.log).context("log.filter is not understood")?;
    let store = config.store_config();
    let made = opsseer_store::backup(&store, &args.file).await.context("no backup was made")?;
    if args.json {
        let (file, missing) = (args.file.display().to_string(), &made.missing);
        let json = serde_json::json!({"file": file, "bytes": made.bytes, "incidents": made.incidents,
            "assets": made.assets, "missing": missing});
        writeln!(out, "{json}")?;
    } else {
        let kib = made.bytes.div_ceil(1024);
        let file = args.file.display();
        writeln!(
            out,
            "{file}: {kib} KiB, {} incidents, {} files; its database was checked.",
            made.incidents, made.assets
        )?;
        for sha256 in &made.missing {
            writeln!(out, "MISSING: {sha256} is not in {}", store.assets.display())?;
        }
        writeln!(
            out,
            "To restore: stop the server, empty its data folder, `tar -xf {file} -C DATA_FOLDER`."
        )?;
    }
    Ok(if made.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
