//! One run of a scenario, from the first change to the last answer. Whatever happens on the way, the service is told
//! to behave again.

use std::{error::Error, path::PathBuf, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    event::{ChaosError, ChaosEvent},
    load::Load,
    record::{EndedBy, Outcome, PhaseRecord, Record},
    restore::Restorer,
    scenario::{Milestone, Phase, Scenario},
    schedule::Schedule,
    target::Target,
};

/// How often the observer hears how it goes.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// All that a run needs.
pub struct ChaosRun {
    /// What to do.
    pub scenario: Scenario,
    /// To whom. Usually the scenario's own target.
    pub target: Url,
    /// Where to keep the record. It is written at the start too, so that a wrong path is told before any harm.
    pub record: Option<PathBuf>,
    /// The time now. Every time in the record counts from it.
    pub started: DateTime<Utc>,
    /// The latest milestone that the caller saw. If the sender is gone, phases take their whole time.
    pub milestones: watch::Receiver<Option<Milestone>>,
    /// Stops the run early.
    pub cancel: CancellationToken,
}

/// A run that is over: what took place, and whether that is what was asked for.
#[must_use]
pub struct Finished {
    /// Complete as far as the run came.
    pub record: Record,
    /// Why it stopped early or could not be kept.
    pub result: Result<(), ChaosError>,
}

/// The wall clock reckoned from the start of the run, so that a stepped clock does not tear the record.
#[derive(Clone, Copy)]
struct RunClock {
    started: DateTime<Utc>,
    monotonic: Instant,
}

impl RunClock {
    fn now(&self) -> DateTime<Utc> {
        self.at(Instant::now())
    }

    fn at(&self, instant: Instant) -> DateTime<Utc> {
        // Milliseconds are as fine as anybody reads them.
        (self.started + instant.duration_since(self.monotonic)).trunc_subsecs(3)
    }
}

type Observe<'a> = &'a mut (dyn FnMut(&ChaosEvent) + Send);

impl ChaosRun {
    /// Carries the scenario out. `observe` hears what happens, when it happens; it must not block.
    pub async fn run(self, observe: Observe<'_>) -> Finished {
        let clock = RunClock { started: self.started, monotonic: Instant::now() };
        let mut record = Record {
            scenario: self.scenario.name.clone(),
            description: self.scenario.description.clone(),
            target: self.target.clone(),
            started: clock.at(clock.monotonic),
            ended: None,
            outcome: Outcome::Running,
            error: None,
            restored: None,
            phases: Vec::new(),
        };
        let mut result = self.carry_out(&mut record, clock, observe).await;
        record.ended = Some(clock.now());
        record.outcome = match &result {
            Ok(()) => Outcome::Completed,
            Err(ChaosError::Cancelled) => Outcome::Cancelled,
            Err(error) => {
                record.error = Some(in_words(error));
                Outcome::Failed
            }
        };
        if let Some(path) = &self.record
            && let Err(error) = record.write(path).await
        {
            if result.is_ok() {
                result = Err(error.into());
            } else {
                // The first error is the one to return; this one has no other place to be seen.
                tracing::error!(error = in_words(&error), "the record is not complete");
            }
        }
        Finished { record, result }
    }

    async fn carry_out(
        &self,
        record: &mut Record,
        clock: RunClock,
        observe: Observe<'_>,
    ) -> Result<(), ChaosError> {
        if let Some(path) = &self.record {
            record.write(path).await?;
        }
        let target = Target::new(&self.target).map_err(ChaosError::Prepare)?;
        let mut load = Load::new(target.clone());
        let mut restorer = Restorer::new(target.clone());

        let played = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ChaosError::Cancelled),
            played = self.play(&target, &mut restorer, &mut load, &mut record.phases, clock, observe) => played,
        };

        let calmed = restorer.restore().await;
        if matches!(calmed, Ok(true)) {
            record.restored = Some(clock.now());
            observe(&ChaosEvent::Restored { at: clock.now() });
        }
        if played.is_ok() {
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = load.drain() => {}
            }
        }
        load.abandon().await;
        load.fill_in(&mut record.phases);

        match (played, calmed) {
            (played, Ok(_)) => played,
            (Ok(()) | Err(ChaosError::Cancelled), Err(error)) => Err(ChaosError::Restore(error)),
            (Err(first), Err(error)) => {
                tracing::error!(error = in_words(&error), "the chaos could not be switched off");
                Err(first)
            }
        }
    }

    async fn play(
        &self,
        target: &Target,
        restorer: &mut Restorer,
        load: &mut Load,
        records: &mut Vec<PhaseRecord>,
        clock: RunClock,
        observe: Observe<'_>,
    ) -> Result<(), ChaosError> {
        for (index, phase) in self.scenario.phases.iter().enumerate() {
            restorer.arm();
            if let Err(source) = target.set(&phase.trouble).await {
                if index == 0 && source.nobody_there() {
                    restorer.disarm();
                }
                return Err(ChaosError::Begin { name: phase.name, source });
            }
            let began = Instant::now();
            let at = clock.at(began);
            records.push(PhaseRecord::begin(phase, at));
            load.begin_phase();
            let of = self.scenario.phases.len();
            observe(&ChaosEvent::PhaseStarted { number: index + 1, of, phase: phase.clone(), at });

            let ended_by = self.play_phase(phase, began, load, observe).await;

            let at = clock.now();
            if let Some(record) = records.last_mut() {
                record.end = Some(at);
                record.ended_by = Some(ended_by);
            }
            observe(&ChaosEvent::PhaseEnded { name: phase.name, by: ended_by, at });
        }
        Ok(())
    }

    async fn play_phase(
        &self,
        phase: &Phase,
        began: Instant,
        load: &mut Load,
        observe: Observe<'_>,
    ) -> EndedBy {
        let schedule = Schedule::new(phase.rate, phase.duration);
        let over = self.phase_is_over(phase, began);
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                ended_by = &mut over => return ended_by,
                () = sleep(PROGRESS_EVERY) => {}
                never = load.drive(schedule, began) => match never {},
            }
            let (sent, failed, dropped) = load.so_far();
            observe(&ChaosEvent::Progress { elapsed: began.elapsed(), sent, failed, dropped });
        }
    }

    async fn phase_is_over(&self, phase: &Phase, began: Instant) -> EndedBy {
        let reached = async {
            let mut milestones = self.milestones.clone();
            let seen = match phase.until {
                Some(until) => milestones.wait_for(|latest| *latest >= Some(until)).await.is_ok(),
                None => false,
            };
            if !seen {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = reached => EndedBy::Milestone,
            () = sleep_until(began + phase.duration) => EndedBy::Duration,
        }
    }
}

/// An error with all its causes, in one line.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
