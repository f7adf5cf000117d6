//! `opsseer bench --crash N`: things go wrong under load, and then nothing may be lost or done twice.

mod full_disk;
mod kill;
mod postgres_restart;
mod replicas;
mod report;
mod small_disk;
mod stage;

use std::{io, path::Path, process::ExitCode};

use anyhow::Context;
use opsseer_eval::crash::Dice;
use uuid::Uuid;

use self::{
    report::{CrashReport, ScenarioReport},
    stage::Stage,
};
use super::{BUILD, BenchArgs, ScenarioChoice, backend::Engine, progress, verdict, write_json};

/// Senders unless told otherwise.
const SENDERS: usize = 8;

/// What goes wrong, and how often.
#[derive(Debug, Clone, Copy)]
struct Course {
    scenario: Scenario,
    engine: Engine,
    times: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Kill,
    PostgresRestart,
    Replicas,
    FullDisk,
}

impl Scenario {
    fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::PostgresRestart => "postgres-restart",
            Self::Replicas => "replicas",
            Self::FullDisk => "full-disk",
        }
    }
}

/// Lets one thing after the other go wrong.
pub(super) async fn execute(args: &BenchArgs, times: u32) -> anyhow::Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(random_seed);
    let senders = args.senders.map_or(SENDERS, usize::from);
    let mut report = CrashReport::new(seed, senders, BUILD);
    progress(&format!("seed {seed}"));
    for course in courses(args, times) {
        // Each scenario throws its own dice, so that it can be run again alone.
        let one = run(course, seed, senders).await;
        one.write_text(&mut io::stdout()).context("cannot print the result")?;
        report.scenarios.push(one);
    }
    write_json(&report, args.json.as_deref().unwrap_or(Path::new("target/crash.json")))?;
    Ok(verdict(&report.faults()))
}

/// Time-ordered ids end in random bits.
fn random_seed() -> u64 {
    Uuid::now_v7().as_u64_pair().1 & 0xffff_ffff
}

fn courses(args: &BenchArgs, times: u32) -> Vec<Course> {
    let all = args.scenario == ScenarioChoice::All;
    let asked = |choice| all || args.scenario == choice;
    let has = |engine| args.engine.engines().contains(&engine);
    // Where all are asked for, the kills are what is counted; one round of each other shows as much.
    let rounds = if all { 1 } else { times };
    let mut courses = Vec::new();
    if asked(ScenarioChoice::Kill) {
        courses.extend(args.engine.engines().iter().map(|&engine| Course {
            scenario: Scenario::Kill,
            engine,
            times,
        }));
    }
    for (choice, scenario, engine) in [
        (ScenarioChoice::PostgresRestart, Scenario::PostgresRestart, Engine::Postgres),
        (ScenarioChoice::Replicas, Scenario::Replicas, Engine::Postgres),
        (ScenarioChoice::FullDisk, Scenario::FullDisk, Engine::Sqlite),
    ] {
        if asked(choice) && has(engine) {
            courses.push(Course { scenario, engine, times: rounds });
        }
    }
    courses
}

async fn run(course: Course, seed: u64, senders: usize) -> ScenarioReport {
    let Course { scenario, engine, times } = course;
    progress(&format!("{}, {engine}, {times} times, {senders} senders", scenario.as_str()));
    let started = std::time::Instant::now();
    let mut report = ScenarioReport::new(scenario.as_str(), engine, times);
    let stage = Stage { seed, senders, dice: Dice::new(seed) };
    let ended = match scenario {
        Scenario::Kill => kill::run(stage, engine, times, &mut report).await,
        Scenario::PostgresRestart => postgres_restart::run(stage, times, &mut report).await,
        Scenario::Replicas => replicas::run(stage, times, &mut report).await,
        Scenario::FullDisk => full_disk::run(stage, times, &mut report).await,
    };
    if let Err(error) = ended {
        report.faults.push(format!("it broke off: {error:#}"));
    }
    report.seconds = started.elapsed().as_secs_f64();
    report
}
