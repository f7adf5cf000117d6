//! The `opsseer` command.

use std::process::ExitCode;

use clap::Parser;
use opsseer::cli::Cli;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the last words of a command that failed")]
async fn main() -> ExitCode {
    match Cli::parse().execute().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("opsseer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
