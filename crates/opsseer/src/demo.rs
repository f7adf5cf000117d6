//! The demo: the whole way of an alert, on real Prometheus and Alertmanager, told as it happens.
//!
//! `stack.rs` says what is started, `observer.rs` where each time of the story comes from, `story.rs` what must happen.

pub mod config;
pub mod guard;
pub mod observer;
pub mod pieces;
pub mod places;
pub mod ports;
pub mod print;
pub mod process;
pub mod profile;
pub mod run_folder;
pub mod signals;
pub mod stack;
pub mod step;
pub mod story;
pub mod surroundings;
pub mod tell;
pub mod up;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use opsseer_core::{Clock, SystemClock};

pub use up::{StackArgs, execute as execute_stack};

use crate::chaos::Scenario;
use pieces::Piece;
use print::Printer;
use profile::Profile;
use run_folder::RunFolder;
use signals::StopSignals;
use stack::{Stack, StackPlan};
use story::Story;
use surroundings::{Surroundings, colour_is_welcome, http_client};
use tell::{Ending, Telling};

/// Breaks a real service and follows the alert to a resolved incident.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Rules that look back and wait a twentieth as long: the story takes about a minute.
    #[arg(long)]
    fast: bool,
    /// Stop everything at the end. The exit status is 0 only if every step of the story happened.
    #[arg(long)]
    exit: bool,
    /// Also write the story there, as one JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What is done to the service, instead of the profile's usual scenario.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Keep data, configuration and logs of the run in this folder, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    keep_data: Option<PathBuf>,
}

/// Runs the demo.
pub async fn execute(args: DemoArgs) -> anyhow::Result<ExitCode> {
    // First of all, so that a Ctrl-C at any moment finds somebody who cleans up.
    let mut stop = StopSignals::listen().context("cannot listen for Ctrl-C")?;
    let surroundings = Surroundings::here()?;
    let profile = if args.fast { Profile::Fast } else { Profile::Stock };
    let scenario_file =
        args.scenario.clone().unwrap_or_else(|| surroundings.checkout.scenario(profile.scenario()));
    let scenario = Scenario::load(&scenario_file)
        .with_context(|| format!("the scenario {} cannot be used", scenario_file.display()))?;
    let mut folder = RunFolder::new(args.keep_data.clone())?;
    let plan = StackPlan {
        checkout: surroundings.checkout.clone(),
        programs: surroundings.programs()?,
        profile,
        folder: folder.path().to_owned(),
        folder_is_temporary: folder.is_temporary(),
    };
    let http = http_client()?;
    let mut printer = terminal();
    printer.heading(&format!("OpsSeer demo, {profile} profile: {}", scenario.description));
    printer.line(&format!("Data and logs of this run: {}", folder.path().display()));
    printer.line("");
    printer.wait_for("toyprod, Prometheus, Alertmanager and OpsSeer to be ready");
    let started_at = SystemClock.now();
    let stack = tokio::select! {
        stack = Stack::start(&plan, &http) => stack.inspect_err(|_| folder.keep_for_reading()),
        signal = stop.next() => {
            printer.wait_for_nothing();
            printer.line(&format!("{signal}: nothing is left running."));
            return Ok(ExitCode::from(signal.exit_status()));
        }
    };
    let mut stack = stack?;
    printer.services(stack.services());
    printer.line("");
    let story = Story::new(profile, scenario.name.clone(), started_at, tell::stack_rows(&stack));
    let told = follow(&args, story, scenario, &mut stack, &mut stop, &mut printer, http).await;
    printer.wait_for_nothing();
    printer.line("Stopping toyprod, Prometheus, Alertmanager and OpsSeer.");
    stack.stop().await;
    let status = told.inspect_err(|_| folder.keep_for_reading())?;
    if status == Status::NotWhole {
        folder.keep_for_reading();
        printer.line(&format!("The logs are kept in {}", folder.path().display()));
    }
    Ok(match status {
        Status::Whole => ExitCode::SUCCESS,
        Status::NotWhole => ExitCode::FAILURE,
        Status::Stopped(code) => ExitCode::from(code),
    })
}

/// How the demo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Whole,
    NotWhole,
    /// By a signal before the story was over.
    Stopped(u8),
}

/// Tells the story, gives the verdict, and, unless it is to exit, stays until it is asked to stop.
async fn follow(
    args: &DemoArgs,
    story: Story,
    scenario: Scenario,
    stack: &mut Stack,
    stop: &mut StopSignals,
    printer: &mut Printer<io::Stdout>,
    http: reqwest::Client,
) -> anyhow::Result<Status> {
    let telling = Telling::new(story, scenario, stack, http.clone())?;
    let (story, ending) = telling.tell(stack, stop, printer).await;
    printer.wait_for_nothing();
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&story.to_json()).context("cannot write the story as JSON")?;
        write_whole(file, &json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    match ending {
        Ending::Over => {}
        Ending::Failed(error) => return Err(error),
        Ending::Stopped(signal) => {
            printer.line(&format!("{signal}."));
            return Ok(Status::Stopped(signal.exit_status()));
        }
    }
    if let Some(reason) = words_only(&http, &stack.addresses().url(Piece::OpsSeer)).await {
        printer.line("");
        printer.line(&format!("Runbook and class were found by words alone: {reason}."));
    }
    let log_of = |piece: Piece| stack.log_of(piece).map_or_else(String::new, |log| log.display().to_string());
    printer.verdict(&story, log_of);
    let status = if story.is_well() { Status::Whole } else { Status::NotWhole };
    if args.exit {
        return Ok(status);
    }
    let page = story
        .incident()
        .map_or_else(|| stack.addresses().url(Piece::OpsSeer), |incident| incident.url.clone());
    printer.line("");
    printer.heading(&format!("The incident's page: {page}"));
    printer.line("Everything stays up. Ctrl-C stops it.");
    tokio::select! {
        ended = stack.ended() => Err(ended.into()),
        signal = stop.next() => {
            printer.line(&format!("{signal}."));
            Ok(status)
        }
    }
}

/// Why OpsSeer went without its model of meaning, if it did.
async fn words_only(http: &reqwest::Client, opsseer: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Readiness {
        ai: String,
    }
    // The story does not hang on it: whoever cannot be asked has failed a step already.
    let answer = http.get(format!("{opsseer}/readyz")).send().await.ok()?;
    let Readiness { ai } = answer.json().await.ok()?;
    (ai != "ok").then_some(ai)
}

/// A reader that waits for the file never sees half of it.
fn write_whole(file: &std::path::Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".part");
    std::fs::write(&draft, bytes)?;
    std::fs::rename(&draft, file)
}

fn terminal() -> Printer<io::Stdout> {
    let waiting = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg} ({elapsed})") {
        waiting.set_style(style);
    }
    waiting.enable_steady_tick(std::time::Duration::from_millis(120));
    Printer::new(io::stdout(), colour_is_welcome(io::stdout().is_terminal()), waiting)
}
