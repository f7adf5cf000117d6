use std::io::{self, Write};

use opsseer_eval::crash::{Sent, Verdict};
use serde::Serialize;

use crate::cli::bench::backend::Engine;

/// Faults that are printed; the file has more.
const FAULTS_PRINTED: usize = 20;

/// Everything that a crash test found.
#[derive(Serialize)]
pub(super) struct CrashReport {
    opsseer: &'static str,
    build: &'static str,
    seed: u64,
    senders: usize,
    pub(super) scenarios: Vec<ScenarioReport>,
}

/// What one scenario found on one engine.
#[derive(Serialize)]
pub(super) struct ScenarioReport {
    scenario: &'static str,
    engine: Engine,
    /// How often something was to go wrong.
    asked: u32,
    /// How often something did.
    pub(super) blows: u32,
    pub(super) seconds: f64,
    /// Why it was not run.
    pub(super) skipped: Option<String>,
    pub(super) sent: Sent,
    pub(super) verdict: Verdict,
    /// What went wrong besides.
    pub(super) faults: Vec<String>,
}

impl CrashReport {
    pub(super) fn new(seed: u64, senders: usize, build: &'static str) -> Self {
        Self { opsseer: env!("CARGO_PKG_VERSION"), build, seed, senders, scenarios: Vec::new() }
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.scenarios.iter().flat_map(ScenarioReport::all_faults).cloned().collect()
    }
}

impl ScenarioReport {
    pub(super) fn new(scenario: &'static str, engine: Engine, asked: u32) -> Self {
        Self {
            scenario,
            engine,
            asked,
            blows: 0,
            seconds: 0.0,
            skipped: None,
            sent: Sent::default(),
            verdict: Verdict::default(),
            faults: Vec::new(),
        }
    }

    /// Keeps what the senders did. A body that is refused for good is a fault whatever went wrong.
    pub(super) fn take_sent(&mut self, sent: Sent) {
        if sent.accepted == 0 {
            self.faults.push("not one webhook was accepted".to_owned());
        }
        if sent.refused_4xx > 0 {
            let first = sent.first_4xx.as_deref().unwrap_or_default();
            self.faults
                .push(format!("{} webhooks were refused for good, the first: {first}", sent.refused_4xx));
        }
        if sent.unclean > 0 {
            let first = sent.first_unclean.as_deref().unwrap_or_default();
            self.faults.push(format!(
                "{} answers were neither 2xx nor 503 with a reason, the first: {first}",
                sent.unclean
            ));
        }
        self.sent = sent;
    }

    fn all_faults(&self) -> impl Iterator<Item = &String> {
        self.faults.iter().chain(&self.verdict.faults)
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { scenario, engine, asked, blows, sent, verdict, .. } = self;
        if let Some(why) = &self.skipped {
            return writeln!(out, "{scenario}, {engine}: skipped: {why}\n");
        }
        let shown = &verdict.shown;
        writeln!(out, "{scenario}, {engine}: {blows} of {asked} blows in {:.0} s", self.seconds)?;
        let refused: u64 = sent.answered_5xx.values().sum();
        writeln!(
            out,
            "  webhooks   {} sent, {} accepted; {} attempts repeated ({} unanswered, {refused} answered 5xx)",
            sent.webhooks, sent.accepted, sent.retried, sent.unanswered
        )?;
        if let Some(reason) = &sent.first_503 {
            writeln!(out, "  first 503  {reason}")?;
        }
        writeln!(out, "  alerts     {} accepted, {} kept", verdict.acknowledged, shown.alerts)?;
        writeln!(out, "  incidents  {} with {} events", shown.incidents, shown.events)?;
        writeln!(
            out,
            "  work done  {} runbook answers, {} pictures; {} steps failed for a time",
            shown.runbook_answers, shown.charts, shown.failed_steps
        )?;
        let faults: Vec<&String> = self.all_faults().collect();
        for fault in faults.iter().take(FAULTS_PRINTED) {
            writeln!(out, "  FAULT: {fault}")?;
        }
        if faults.len() > FAULTS_PRINTED {
            writeln!(out, "  and {} more, in the file", faults.len() - FAULTS_PRINTED)?;
        }
        let words = if faults.is_empty() { "nothing lost, nothing twice" } else { "failed" };
        writeln!(out, "  {words}\n")
    }
}
