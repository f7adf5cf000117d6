//! What a person sees of a run: a bar while it goes on, a few lines when it is over.

use std::{fmt::Write, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use super::{
    event::ChaosEvent,
    record::{EndedBy, Outcome, PhaseRecord, Record},
    scenario::Scenario,
};

/// A bar over the scenario's whole time. Where standard error is no terminal, the log tells the phases instead.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Planned time of the phases before the present one.
    before: Duration,
    /// Planned time of the present phase.
    planned: Duration,
    /// Its words, before the counts.
    title: String,
}

impl Progress {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let style = ProgressStyle::with_template("{elapsed:>4} [{bar:20}] {wide_msg}")
            .expect("the template is fixed and right")
            .progress_chars("=> ");
        let bar = ProgressBar::new(millis(scenario.longest())).with_style(style);
        Self { bar, before: Duration::ZERO, planned: Duration::ZERO, title: String::new() }
    }

    pub(super) fn show(&mut self, event: &ChaosEvent) {
        match event {
            ChaosEvent::PhaseStarted { number, of, phase, .. } => {
                self.planned = phase.duration;
                self.title = format!("{number}/{of} {}: {}", phase.name, phase.trouble);
                self.bar.set_message(self.title.clone());
                if self.bar.is_hidden() {
                    tracing::info!(phase = %phase.name, trouble = %phase.trouble, rate = phase.rate, "phase begins");
                }
            }
            ChaosEvent::Progress { elapsed, sent, failed, dropped } => {
                self.bar.set_position(millis(self.before + *elapsed));
                let mut message = format!("{} | {sent} sent, {failed} failed", self.title);
                if *dropped > 0 {
                    // Writing to a String cannot fail.
                    let _ = write!(message, ", {dropped} DROPPED");
                }
                self.bar.set_message(message);
            }
            ChaosEvent::PhaseEnded { .. } => {
                self.before += self.planned;
                self.bar.set_position(millis(self.before));
            }
            ChaosEvent::Restored { .. } => self.bar.set_message("chaos off; waiting for the last answers"),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The record in a few lines.
pub(super) fn summary(record: &Record) -> String {
    let outcome = match record.outcome {
        Outcome::Running => "running",
        Outcome::Completed => "completed",
        Outcome::Cancelled => "stopped early",
        Outcome::Failed => "failed",
    };
    let mut text = format!("{} on {}: {outcome}\n", record.scenario, record.target);
    for phase in &record.phases {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", phase_line(phase));
    }
    match record.restored {
        Some(at) => {
            let _ = writeln!(text, "  chaos off at {}", at.format("%H:%M:%S UTC"));
        }
        None => text.push_str("  chaos was not switched off\n"),
    }
    text
}

fn phase_line(phase: &PhaseRecord) -> String {
    let mut line = format!("  {:<9}", phase.name.as_str());
    if let Some(end) = phase.end {
        let seconds = (end - phase.start).as_seconds_f64();
        let _ = write!(line, "{seconds:>7.1} s");
    }
    let _ = write!(line, "  {}; {} sent, {} failed", phase.set, phase.sent, phase.failed);
    if phase.dropped > 0 {
        let _ = write!(line, ", {} dropped because too many were waiting", phase.dropped);
    }
    if phase.unanswered > 0 {
        let _ = write!(line, ", {} given up", phase.unanswered);
    }
    if let Some(latency) = phase.latency_ms {
        let _ = write!(line, "; p50 {:.1}, p95 {:.1}, p99 {:.1} ms", latency.p50, latency.p95, latency.p99);
    }
    if phase.ended_by == Some(EndedBy::Milestone)
        && let Some(until) = phase.until
    {
        let _ = write!(line, "; ended by: {}", until.as_str());
    }
    line
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
