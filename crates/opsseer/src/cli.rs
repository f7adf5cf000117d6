//! The command line: one file a command.

pub mod ask;
pub mod backup;
pub mod bench;
pub mod changes;
pub mod classify;
pub mod config;
pub mod eval;
pub mod forecast;
pub mod fresh_server;
pub mod incidents;
pub mod jobs;
pub mod migrate;
pub mod models;
pub mod render;
pub mod runbooks;
pub mod serve;
pub mod silences;
pub mod slo;
pub mod suspects;
pub mod train;

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
    /// List work that incidents lack, and ask for another try.
    Jobs(jobs::JobsArgs),
    /// Tell of deployments and other changes, and list them.
    Changes(changes::ChangesArgs),
    /// List, make and end the silences of Alertmanager.
    Silences(silences::SilencesArgs),
    /// Ask the runbooks a question in words.
    Ask(ask::AskArgs),
    /// Draw the panels of a Grafana dashboard from Prometheus.
    Render(render::RenderArgs),
    /// Look after runbooks.
    Runbooks(runbooks::RunbooksArgs),
    /// Say how service level objectives stand, and write Prometheus' rules for them.
    Slo(slo::SloArgs),
    /// Say what an alert is about.
    Classify(classify::ClassifyArgs),
    /// Say where a value is heading and when it passes its limit.
    Forecast(forecast::ForecastArgs),
    /// Say which metrics of a service, or of others, moved.
    Suspects(suspects::SuspectsArgs),
    /// Train what OpsSeer ships, from public data.
    Train(train::TrainArgs),
    /// List, fetch and check the models.
    Models(models::ModelsArgs),
    /// Measure on public data.
    Eval(eval::EvalArgs),
    /// Measure speed, side by side.
    Bench(bench::BenchArgs),
    /// Bring the store's tables to this version's form. `serve` does so too.
    Migrate(migrate::MigrateArgs),
    /// Copy everything into one file, while the server works (SQLite).
    Backup(backup::BackupArgs),
    /// Check or print the configuration in force.
    Config(config::ConfigArgs),
    /// Print the list of OpsSeer's own metrics (Markdown).
    Metrics,
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
            Command::Jobs(args) => jobs::execute(args).await,
            Command::Changes(args) => changes::execute(args).await,
            Command::Silences(args) => silences::execute(args).await,
            Command::Ask(args) => ask::execute(args).await,
            Command::Render(args) => render::execute(args).await,
            Command::Runbooks(args) => runbooks::execute(args).await,
            Command::Slo(args) => slo::execute(args).await,
            Command::Classify(args) => classify::execute(args).await,
            Command::Forecast(args) => forecast::execute(args).await,
            Command::Suspects(args) => suspects::execute(args).await,
            Command::Train(args) => train::execute(args).await,
            Command::Models(args) => models::execute(args, &mut std::io::stdout()).await,
            Command::Eval(args) => eval::execute(args).await,
            Command::Bench(args) => Box::pin(bench::execute(args)).await,
            Command::Migrate(args) => migrate::execute(args, &mut std::io::stdout()).await,
            Command::Backup(args) => backup::execute(args, &mut std::io::stdout()).await,
            Command::Config(args) => config::execute(&args, &mut std::io::stdout()),
            Command::Metrics => {
                use std::io::Write;
                write!(std::io::stdout(), "{}", crate::telemetry::metrics_markdown())?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Openapi => {
                use std::io::Write;
                writeln!(std::io::stdout(), "{}", crate::http::openapi_json())?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
