//! Runs the chaos and the observer side by side until the story is over.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use opsseer_connect::prometheus::PrometheusClient;
use opsseer_core::{Clock, SystemClock};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::observer::Observer;
use super::pieces::Piece;
use super::print::Printer;
use super::profile::Profile;
use super::signals::{StopSignal, StopSignals};
use super::stack::Stack;
use super::story::{StackRow, Step, Story};
use crate::chaos::{ChaosEvent, ChaosRun, Finished, Milestone, Phase, PhaseName, Scenario};

/// How often Prometheus and OpsSeer are asked what is new.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Phases begin and end a handful of times in a run.
const CHAOS_EVENTS: usize = 64;

/// Why the telling ended.
#[derive(Debug)]
pub enum Ending {
    /// The story is whole, or nothing more will happen in time.
    Over,
    /// Somebody asked to stop.
    Stopped(StopSignal),
    /// A piece of the stack ended, or the chaos could not be run.
    Failed(anyhow::Error),
}

/// The story while it happens.
#[derive(Debug)]
pub struct Telling {
    story: Story,
    scenario: Scenario,
    profile: Profile,
    observer: Observer,
    toyprod: Url,
    milestones: watch::Sender<Option<Milestone>>,
}

impl Telling {
    /// Ready to begin.
    pub fn new(
        story: Story,
        scenario: Scenario,
        stack: &Stack,
        http: reqwest::Client,
    ) -> anyhow::Result<Self> {
        let profile = story.profile();
        let prometheus_url = stack.addresses().url(Piece::Prometheus);
        let limits = opsseer_connect::Limits { timeout: Duration::from_secs(3), ..Default::default() };
        let prometheus =
            PrometheusClient::new(prometheus_url.parse()?, limits).context("cannot use Prometheus")?;
        let opsseer_url = stack.addresses().url(Piece::OpsSeer);
        let observer =
            Observer::new(prometheus, prometheus_url, http, opsseer_url, profile.evaluation_interval());
        let toyprod = stack.addresses().url(Piece::Toyprod).parse().context("toyprod's address")?;
        let (milestones, _) = watch::channel(None);
        Ok(Self { story, scenario, profile, observer, toyprod, milestones })
    }

    /// Tells it to the end and gives it back.
    pub async fn tell<W: Write>(
        mut self,
        stack: &mut Stack,
        stop: &mut StopSignals,
        printer: &mut Printer<W>,
    ) -> (Story, Ending) {
        printer.table_head();
        let (events, mut heard) = mpsc::channel(CHAOS_EVENTS);
        let mut chaos = Some(self.begin_chaos(events));
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = Instant::now() + self.scenario.longest() + self.profile.time_to_close();
        let mut last_error = None;
        let ending = loop {
            tokio::select! {
                biased;
                signal = stop.next() => break Ending::Stopped(signal),
                ended = stack.ended() => break Ending::Failed(ended.into()),
                Some(event) = heard.recv() => self.hear(&event),
                finished = async { match &mut chaos {
                    Some(chaos) => chaos.await,
                    None => std::future::pending().await,
                }} => {
                    chaos = None;
                    if let Err(error) = chaos_result(finished) {
                        break Ending::Failed(error);
                    }
                    deadline = Instant::now() + self.profile.time_to_close();
                }
                _ = looks.tick() => match self.observer.look(&mut self.story, SystemClock.now()).await {
                    Ok(()) => last_error = None,
                    Err(error) => last_error = Some(error),
                },
                () = sleep_until(deadline) => {
                    if let Some(error) = last_error.take() {
                        let text = format!("the last look at the stack failed: {:#}", anyhow::Error::from(error));
                        self.story.problem(SystemClock.now(), text);
                    }
                    break Ending::Over;
                }
            }
            self.report(printer);
            if self.story.waits_for().is_none() {
                break Ending::Over;
            }
        };
        self.report(printer);
        (self.story, ending)
    }

    fn begin_chaos(&self, events: mpsc::Sender<ChaosEvent>) -> AbortOnDropHandle<Finished> {
        let run = ChaosRun {
            scenario: self.scenario.clone(),
            target: self.toyprod.clone(),
            record: None,
            started: SystemClock.now(),
            milestones: self.milestones.subscribe(),
            cancel: CancellationToken::new(),
        };
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut observe = |event: &ChaosEvent| {
                let is_news = matches!(event, ChaosEvent::PhaseStarted { .. });
                if is_news && let Err(error) = events.try_send(event.clone()) {
                    tracing::warn!(%error, "the story misses a phase");
                }
            };
            run.run(&mut observe).await
        }))
    }

    fn hear(&mut self, event: &ChaosEvent) {
        let ChaosEvent::PhaseStarted { phase, at, .. } = event else { return };
        let Phase { name, trouble, rate, .. } = phase;
        let load = format!("at {rate} requests a second");
        match name {
            PhaseName::WarmUp => self.story.also(*at, format!("{name}: nothing is wrong, {load}")),
            PhaseName::Degrade | PhaseName::Incident if self.story.has(Step::ChaosBegan) => {
                self.story.also(*at, format!("{name}: {trouble}"));
            }
            PhaseName::Degrade | PhaseName::Incident => {
                self.story.tell(
                    Step::ChaosBegan,
                    *at,
                    format!("toyprod is told to misbehave: {trouble}, {load}"),
                    None,
                );
            }
            PhaseName::Recover => {
                let detail = "toyprod is told to behave; the rule's window has to forget";
                self.story.tell(Step::ChaosOff, *at, detail, None);
            }
        }
    }

    /// Prints what is new and tells the chaos how far the story has come.
    fn report<W: Write>(&mut self, printer: &mut Printer<W>) {
        for news in self.story.take_news() {
            printer.news(&news);
        }
        if self.story.has(Step::IncidentResolved) {
            self.milestones.send_replace(Some(Milestone::Resolved));
        } else if self.story.page_is_complete() {
            // Not as soon as the alert fires: the page is to show the trouble while it lasts.
            self.milestones.send_replace(Some(Milestone::Alert));
        }
        if let Some(step) = self.story.waits_for() {
            printer.wait_for(step.name());
        }
    }
}

fn chaos_result(finished: Result<Finished, tokio::task::JoinError>) -> anyhow::Result<()> {
    finished.context("the chaos run panicked")?.result.context("the chaos run did not go as asked")
}

/// The stack, as the story's record has it.
pub fn stack_rows(stack: &Stack) -> Vec<StackRow> {
    let row = |service: &super::stack::Service| StackRow {
        name: service.piece.name(),
        pid: service.process.pid(),
        url: format!("http://{}", service.address),
        log: service.process.log().display().to_string(),
    };
    stack.services().iter().map(row).collect()
}
