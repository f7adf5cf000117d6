//! `opsseer config`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use crate::config::{Config, ConfigError};

/// Arguments of `opsseer config`.
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration can be used.
    Check,
    /// Print what is in force.
    Print,
}

/// Checks or prints what is in force. Exit status 1 if it cannot be used.
pub fn execute(args: &ConfigArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match (&args.command, Config::load(args.config.clone())) {
        (ConfigCommand::Check, Ok(_)) if args.json => writeln!(out, "{}", serde_json::json!({"ok": true}))?,
        (ConfigCommand::Check, Ok(_)) => writeln!(out, "The configuration can be used.")?,
        (ConfigCommand::Print, Ok(config)) if args.json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&config)?)?;
        }
        (ConfigCommand::Print, Ok(config)) => write!(out, "{}", toml::to_string(&config)?)?,
        (_, Err(error)) if args.json => {
            writeln!(out, "{}", serde_json::json!({"ok": false, "error": in_words(&error)}))?;
            return Ok(ExitCode::FAILURE);
        }
        (_, Err(error)) => {
            writeln!(out, "{}", in_words(&error))?;
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(error: &ConfigError) -> String {
    match error {
        ConfigError::Read(inner) => format!("{error}: {inner}"),
        other => other.to_string(),
    }
}
