//! The command line: one file a command.

pub mod bench;
pub mod config;
pub mod eval;
pub mod fresh_server;
pub mod incidents;
pub mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{chaos, demo};

/// OpsSeer: an incident responder that a team runs itself.
#[derive(Debug, Parser)]
#[command(name = "opsseer", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: takes alerts, serves the page.
    Serve(serve::ServeArgs),
    /// Watch the main job on a stack of its own: break a service, see the incident come and go.
    Demo(demo::DemoArgs),
    /// The demo's stack without its story.
    Stack(demo::StackArgs),
    /// Break a service on purpose, to a plan.
    Chaos(chaos::ChaosArgs),
    /// List and change incidents of a running server.
    Incidents(incidents::IncidentsArgs),
    /// Measure on public data.
    Eval(eval::EvalArgs),
    /// Measure speed, side by side.
    Bench(bench::BenchArgs),
    /// Check or print the configuration in force.
    Config(config::ConfigArgs),
    /// Print the description of the HTTP API (OpenAPI, JSON).
    Openapi,
}

impl Cli {
    /// Runs the command that was given.
    pub async fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve(args) => serve::execute(args).await,
            Command::Demo(args) => demo::execute(args).await,
            Command::Stack(args) => demo::execute_stack(args).await,
            Command::Chaos(args) => chaos::execute(args).await.map(|()| ExitCode::SUCCESS),
            Command::Incidents(args) => incidents::execute(args).await,
            Command::Eval(args) => eval::execute(args).await,
            Command::Bench(args) => bench::execute(args).await,
            Command::Config(args) => config::execute(&args, &mut std::io::stdout()),
            Command::Openapi => {
                use std::io::Write;
                writeln!(std::io::stdout(), "{}", crate::http::openapi_json())?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
