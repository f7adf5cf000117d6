use std::{
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;

use super::Down;
use crate::cli::bench::backend::Engine;

/// What all outages came to.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) build: &'static str,
    pub(super) outages: Vec<OutageReport>,
}

/// What one outage came to.
#[derive(Serialize)]
pub(super) struct OutageReport {
    down: Down,
    engine: Engine,
    outage_seconds: u64,
    /// From the backend's return until the incident was shown with its alert.
    pub(super) seconds_until_shown: Option<f64>,
    /// Attempts of Alertmanager, and those of them that it counts as failed.
    pub(super) attempts: u64,
    pub(super) attempts_failed: u64,
    /// Webhooks that OpsSeer accepted and refused.
    pub(super) accepted: u64,
    pub(super) refused: u64,
    incidents: Vec<Seen>,
    pub(super) faults: Vec<String>,
}

/// An incident at the end.
#[derive(Serialize)]
struct Seen {
    number: i64,
    status: String,
    alert_fired: usize,
    alert_resolved: usize,
    charted: usize,
}

impl OutageReport {
    pub(super) fn new(down: Down, engine: Engine, length: Duration) -> Self {
        Self {
            down,
            engine,
            outage_seconds: length.as_secs(),
            seconds_until_shown: None,
            attempts: 0,
            attempts_failed: 0,
            accepted: 0,
            refused: 0,
            incidents: Vec::new(),
            faults: Vec::new(),
        }
    }

    pub(super) fn take_incident(&mut self, number: i64, status: String, events: &[String]) {
        let count = |kind: &str| events.iter().filter(|event| *event == kind).count();
        self.incidents.push(Seen {
            number,
            status,
            alert_fired: count("alert_fired"),
            alert_resolved: count("alert_resolved"),
            charted: count("charted"),
        });
    }

    /// One alert that fired once and ended once is one incident, which says exactly that.
    pub(super) fn judge(&mut self) {
        if self.incidents.len() != 1 {
            self.faults.push(format!("there are {} incidents of one alert", self.incidents.len()));
        }
        for Seen { number, status, alert_fired, alert_resolved, charted } in &self.incidents {
            if status != "resolved" || (*alert_fired, *alert_resolved) != (1, 1) {
                self.faults.push(format!(
                    "incident {number} is {status}; its alert began {alert_fired} times and ended {alert_resolved} times"
                ));
            }
            if *charted == 0 {
                self.faults.push(format!("incident {number} has no picture, though Prometheus is back"));
            }
        }
        if self.down == Down::Store && self.attempts_failed == 0 {
            self.faults.push("no attempt failed while the store was down: the outage was none".to_owned());
        }
    }
}

impl Report {
    pub(super) fn faults(&self) -> Vec<String> {
        self.outages.iter().flat_map(|outage| &outage.faults).cloned().collect()
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for outage in &self.outages {
            let OutageReport { down, engine, outage_seconds, .. } = outage;
            writeln!(out, "{down:?} down for {outage_seconds} s, {engine}, with the real Alertmanager")?;
            writeln!(
                out,
                "  attempts   {} of Alertmanager's, {} of them failed; OpsSeer accepted {} and refused {}",
                outage.attempts, outage.attempts_failed, outage.accepted, outage.refused
            )?;
            if let Some(seconds) = outage.seconds_until_shown {
                writeln!(out, "  shown      {seconds:.1} s after the backend's return")?;
            }
            for Seen { number, status, alert_fired, alert_resolved, charted } in &outage.incidents {
                writeln!(
                    out,
                    "  incident   {number}, {status}: began {alert_fired}, ended {alert_resolved}, pictures {charted}"
                )?;
            }
            for fault in &outage.faults {
                writeln!(out, "  FAULT: {fault}")?;
            }
            writeln!(out, "  {}\n", if outage.faults.is_empty() { "one incident" } else { "failed" })?;
        }
        Ok(())
    }
}
