//! Suites that measure how good an answer is, each over many questions.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context;
use opsseer_ai::{
    embed::{Embed, EmbedError, InferenceSettings, LocalEmbedder},
    forecast::LocalForecaster,
    suspects::RobustSuspector,
};
use opsseer_core::Clock;
use opsseer_eval::{
    Evaluation,
    against::SavedRun,
    alerts, forecast,
    page::{self, Circumstances, Section},
    qa, runbooks, sources,
    suite::Outcome,
    suspects,
};

use crate::config::Config;

/// What such a suite is told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder with the data, or one with several such folders.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    #[command(flatten)]
    models: ModelArgs,
    /// Print the result as one JSON object. Saved to a file, a later run can be compared with it.
    #[arg(long)]
    json: bool,
    /// Write a readable report: a Markdown page, with its charts in a folder of the same name beside it.
    #[arg(long, value_name = "FILE.md")]
    report: Option<PathBuf>,
    /// A saved run. The exit status is 1 if a figure fell since by more than chance.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ModelArgs {
    /// The folder of the models [default: as configured]. Without the model for embeddings, words alone decide.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Do as if the model for embeddings were not installed.
    #[arg(long, conflicts_with = "models")]
    no_embeddings: bool,
}

/// The suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measured {
    Runbooks,
    Qa,
    Alerts {
        /// Ask the shipped weights even if the data has folds to learn from.
        shipped: bool,
    },
    Forecast {
        /// The season of a competition's series, in steps.
        season: Option<usize>,
    },
    Suspects,
}

impl Measured {
    pub(super) const ALL: [Self; 5] = [
        Self::Runbooks,
        Self::Qa,
        Self::Alerts { shipped: false },
        Self::Forecast { season: None },
        Self::Suspects,
    ];

    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runbooks => "runbooks",
            Self::Qa => "qa",
            Self::Alerts { .. } => "alerts",
            Self::Forecast { .. } => "forecast",
            Self::Suspects => "suspects",
        }
    }

    /// That of its folder among public data.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Forecast { .. } => "series",
            Self::Suspects => "root_cause",
            other => other.name(),
        }
    }

    pub(super) async fn run(self, data: &Path, embedder: Option<Arc<dyn Embed>>) -> anyhow::Result<Outcome> {
        Ok(match self {
            Self::Runbooks => runbooks::run(data, embedder).await?,
            Self::Qa => qa::run(data, embedder).await?,
            Self::Alerts { shipped } => alerts::run(data, embedder, shipped).await?,
            Self::Forecast { season } => {
                let data = data.to_owned();
                tokio::task::spawn_blocking(move || forecast::run(&data, &LocalForecaster::new(), season))
                    .await
                    .context("the suite forecast was cut short")??
            }
            Self::Suspects => {
                let data = data.to_owned();
                tokio::task::spawn_blocking(move || suspects::run(&data, &RobustSuspector))
                    .await
                    .context("the suite suspects was cut short")??
            }
        })
    }

    /// The command that runs it alone.
    pub(super) fn command(self, data: &Path) -> String {
        let option = match self {
            Self::Alerts { shipped: true } => " --shipped".to_owned(),
            Self::Forecast { season: Some(season) } => format!(" --season {season}"),
            _ => String::new(),
        };
        format!("opsseer eval {} --data {}{option}", self.name(), data.display())
    }
}

/// Runs a suite and tells its result. The exit status is 1 if a figure fell.
pub(super) async fn execute(
    suite: Measured,
    args: &Args,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    // A saved run that cannot be read is said before the work, not after it.
    let saved = args.against.as_deref().map(SavedRun::read).transpose()?;
    let outcome = suite.run(&args.data, args.models.embedder()?).await?;
    let comparison = saved.map(|saved| saved.compare(&outcome)).transpose()?;
    let mut evaluation = Evaluation::of(outcome);
    if let Some(comparison) = comparison {
        evaluation = evaluation.beside(comparison);
    }
    let fell = evaluation.comparison().is_some_and(|comparison| !comparison.drops().is_empty());
    print(&evaluation, args.json, out).context("cannot print the result")?;
    if let Some(path) = &args.report {
        let command = suite.command(&args.data);
        let title = format!("Evaluation: {}", suite.name());
        let about = circumstances(title, format!("{command} --report {}", path.display()), clock);
        page::write(path, &about, &[Section::of(evaluation, command, sources::of(&args.data))])?;
    }
    Ok(if fell { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(evaluation: &Evaluation, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json { writeln!(out, "{}", evaluation.to_json_text()) } else { evaluation.write_text(out) }
}

/// What a page says about where its figures were taken.
pub(super) fn circumstances(title: String, command: String, clock: &dyn Clock) -> Circumstances {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let build = if cfg!(debug_assertions) { ", an unoptimised build" } else { "" };
    Circumstances {
        title,
        day: clock.now().format("%Y-%m-%d").to_string(),
        program: format!("opsseer {}{build}", env!("CARGO_PKG_VERSION")),
        machine: format!("{cores} processors, {} {}", std::env::consts::OS, std::env::consts::ARCH),
        command,
    }
}

impl ModelArgs {
    /// The model for embeddings, if it is installed. Where its folder was named, it must be there.
    pub(super) fn embedder(&self) -> anyhow::Result<Option<Arc<dyn Embed>>> {
        if self.no_embeddings {
            return Ok(None);
        }
        let folder = match &self.models {
            Some(folder) => folder.clone(),
            None => Config::load(None)?.models_dir(),
        };
        // A suite hands over thousands of texts, and nobody waits for a single one.
        let settings = InferenceSettings { timeout: Duration::from_mins(5), ..InferenceSettings::default() };
        match LocalEmbedder::open(&folder, settings) {
            Ok(embedder) => Ok(Some(Arc::new(embedder))),
            Err(EmbedError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound && self.models.is_none() =>
            {
                Ok(None)
            }
            Err(error) => Err(error)
                .with_context(|| format!("cannot use the model for embeddings in {}", folder.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_named_must_hold_the_model() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let named = ModelArgs { models: Some(folder.path().to_owned()), no_embeddings: false };
        let error = named.embedder().err().expect("no model there").to_string();
        assert!(error.contains("cannot use the model"), "{error}");
        let none = ModelArgs { models: None, no_embeddings: true };
        assert!(none.embedder().expect("nothing to open").is_none());
    }
}
