//! The stack without the story: `stack up`, `down`, `ps`, `logs`.
//!
//! `up` leaves a supervisor in the background, which is this program again with `--foreground`. It writes what runs
//! into `state.json` once all is ready, and takes that away when it ends; the other commands read it.

mod logs;
mod state;

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write as _};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::print::Printer;
use super::process::last_lines;
use super::profile::Profile;
use super::signals::{self, StopSignals};
use super::stack::{Stack, StackPlan};
use super::surroundings::{Surroundings, colour_is_welcome, http_client};
use state::State;

/// How often a file or a process is looked at while something is awaited.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How long `down` waits for the supervisor, which itself gives its processes time.
const LONGEST_STOP: Duration = Duration::from_secs(30);

/// Runs the stack without the story.
#[derive(Debug, Args)]
pub struct StackArgs {
    #[command(subcommand)]
    command: StackCommand,
}

#[derive(Debug, Subcommand)]
enum StackCommand {
    /// Start toyprod, Prometheus, Alertmanager and OpsSeer, and leave them running. Their data stays from run to run.
    Up {
        /// Rules that look back and wait a twentieth as long.
        #[arg(long)]
        fast: bool,
        /// Stay in the foreground until Ctrl-C.
        #[arg(long)]
        foreground: bool,
    },
    /// Stop them.
    Down,
    /// List them: name, process, address, state.
    Ps {
        /// As one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show the end of their logs.
    Logs {
        /// Only this one: toyprod, prometheus, alertmanager or opsseer.
        name: Option<String>,
        /// How many lines of each.
        #[arg(long, short = 'n', default_value_t = 20)]
        lines: usize,
        /// Go on with what is written from now on, until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
    },
}

/// Does what was asked.
pub async fn execute(args: StackArgs) -> anyhow::Result<ExitCode> {
    let surroundings = Surroundings::here()?;
    match args.command {
        StackCommand::Up { fast, foreground } => {
            let profile = if fast { Profile::Fast } else { Profile::Stock };
            match State::of_running(&surroundings.checkout.stack_state())? {
                Some(state) => {
                    say(&format!(
                        "The stack is up already ({} profile).\n{}",
                        state.profile,
                        state.listed()
                    ))?;
                }
                None if foreground => return stay(&surroundings, profile).await,
                None => detach(&surroundings, profile).await?,
            }
        }
        StackCommand::Down => down(&surroundings).await?,
        StackCommand::Ps { json } => return ps(&surroundings, json).await,
        StackCommand::Logs { name, lines, follow } => {
            logs::show(&surroundings, name.as_deref(), lines, follow).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The supervisor: starts the stack and stays until it is asked to stop or a piece ends.
async fn stay(surroundings: &Surroundings, profile: Profile) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::listen().context("cannot listen for Ctrl-C")?;
    let folder = surroundings.checkout.stack_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let Some(_held) = state::hold(&surroundings.checkout.stack_state())? else {
        bail!("another supervisor is about to start or stop the stack");
    };
    let plan = StackPlan {
        checkout: surroundings.checkout.clone(),
        programs: surroundings.programs()?,
        profile,
        folder,
        folder_is_temporary: false,
    };
    let colour = colour_is_welcome(io::stdout().is_terminal());
    let mut printer = Printer::new(io::stdout(), colour, ProgressBar::hidden());
    let http = http_client()?;
    let mut stack = tokio::select! {
        stack = Stack::start(&plan, &http) => stack?,
        signal = stop.next() => {
            printer.line(&format!("{signal}: nothing is left running."));
            return Ok(ExitCode::from(signal.exit_status()));
        }
    };
    printer.services(stack.services());
    let state = State::of(&stack, profile);
    let mut result = state.write(&surroundings.checkout.stack_state());
    if result.is_ok() {
        tokio::select! {
            ended = stack.ended() => result = Err(ended.into()),
            signal = stop.next() => printer.line(&format!("{signal}: stopping the stack.")),
        }
    }
    stack.stop().await;
    State::remove(&surroundings.checkout.stack_state())?;
    result.map(|()| ExitCode::SUCCESS)
}

/// Starts the supervisor in the background and waits until it says that all is ready.
async fn detach(surroundings: &Surroundings, profile: Profile) -> anyhow::Result<()> {
    let folder = surroundings.checkout.stack_folder();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    State::remove(&surroundings.checkout.stack_state())?;
    let log = folder.join("supervisor.log");
    let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let err = out.try_clone().with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(&surroundings.program);
    command.args(["stack", "up", "--foreground"]).current_dir(&folder);
    if profile == Profile::Fast {
        command.arg("--fast");
    }
    command.stdin(Stdio::null()).stdout(out).stderr(err);
    // A Ctrl-C in this terminal is not meant for it.
    #[cfg(unix)]
    command.process_group(0);
    let mut supervisor = command.spawn().context("cannot start the supervisor")?;
    say("Starting toyprod, the container exporter, Prometheus, Alertmanager and OpsSeer ...")?;
    loop {
        if let Some(state) = State::read(&surroundings.checkout.stack_state())? {
            return say(&format!(
                "{}\nThe stack is up ({profile} profile). `./task ps` lists it, `./task logs` shows its logs, `./task down` stops it.",
                state.listed()
            ));
        }
        if supervisor.try_wait().context("cannot wait for the supervisor")?.is_some() {
            bail!("the stack did not start; its supervisor said:\n{}", last_lines(&log, 40));
        }
        sleep(LOOK_INTERVAL).await;
    }
}

async fn down(surroundings: &Surroundings) -> anyhow::Result<()> {
    let Some(state) = State::of_running(&surroundings.checkout.stack_state())? else {
        State::remove(&surroundings.checkout.stack_state())?;
        return say("The stack is not up.");
    };
    signals::terminate(state.supervisor).context("cannot ask the supervisor to stop")?;
    let deadline = Instant::now() + LONGEST_STOP;
    // The supervisor goes last, after its processes.
    while state::is_held(&surroundings.checkout.stack_state())? {
        if Instant::now() >= deadline {
            bail!("the supervisor (process {}) does not stop; see `./task logs`", state.supervisor);
        }
        sleep(LOOK_INTERVAL).await;
    }
    say(&format!(
        "Stopped {} processes. Data and logs stay in {}.",
        state.services.len(),
        surroundings.checkout.stack_folder().display()
    ))
}

async fn ps(surroundings: &Surroundings, json: bool) -> anyhow::Result<ExitCode> {
    let state = State::of_running(&surroundings.checkout.stack_state())?;
    let services = state.map(|state| state.services).unwrap_or_default();
    let http = http_client()?;
    let mut rows = Vec::new();
    for service in services {
        let condition = if !signals::is_alive(service.pid) {
            "gone"
        } else if http.get(&service.ready_url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            "ready"
        } else {
            "not ready"
        };
        rows.push((service, condition));
    }
    let all_ready = !rows.is_empty() && rows.iter().all(|(_, condition)| *condition == "ready");
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(service, condition)| serde_json::json!({"name": service.name, "pid": service.pid, "url": service.url, "state": condition}))
            .collect();
        say(&serde_json::json!({ "services": rows }).to_string())?;
    } else if rows.is_empty() {
        say("The stack is not up. `./task up` starts it.")?;
    } else {
        say(&format!("{:<18} {:>8}  {:<24} STATE", "NAME", "PID", "ADDRESS"))?;
        for (service, condition) in &rows {
            say(&format!("{:<18} {:>8}  {:<24} {condition}", service.name, service.pid, service.url))?;
        }
    }
    Ok(if all_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}").context("cannot write to the terminal")
}
