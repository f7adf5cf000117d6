use serde::Serialize;

use crate::Report;

/// What became of the bodies and of the alerts in them.
#[derive(Debug, Clone, Serialize)]
pub struct WebhooksReport {
    /// `webhooks`.
    pub suite: &'static str,
    /// How many bodies the index names.
    pub n: usize,
    /// Bodies sent.
    pub sent: usize,
    /// Bodies answered with 2xx.
    pub accepted: usize,
    /// Bodies answered with 4xx.
    pub rejected_4xx: usize,
    /// Bodies answered with 5xx, with something that makes no sense here, or not at all.
    pub errors_5xx: usize,
    /// Alerts in all bodies.
    pub alerts_sent: usize,
    /// Alerts in accepted bodies.
    pub alerts_accepted: usize,
    /// Alerts in accepted bodies that the server kept, with the labels and the status that were sent. An alert that
    /// was sent in two bodies counts twice here and is one row.
    pub alerts_kept: usize,
    /// Different alerts in accepted bodies: the same labels under the same fingerprint count once, however often they
    /// were sent.
    pub alerts_different: usize,
    /// Alerts that the server has at the end.
    pub alerts_at_end: usize,
    /// Bodies refused with 4xx.
    pub refused: Vec<Refused>,
    /// Refusals that do not say why.
    pub refused_without_reason: usize,
    /// The bodies of `errors_5xx`.
    pub errors: Vec<Failed>,
    /// Alerts of accepted bodies that the server did not keep as they were sent.
    pub lost: Vec<Lost>,
    /// Alerts that the server keeps more often than they exist.
    pub kept_twice: Vec<KeptTwice>,
    /// Labels of alerts that the server keeps, but which no accepted body holds: pieces of a refused one, or changed.
    pub never_accepted: Vec<String>,
}

/// A body that the server refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The body.
    pub file: String,
    /// The HTTP status.
    pub status: u16,
    /// Why, in the server's words; `null` if it said nothing that a person could act on.
    pub reason: Option<String>,
}

/// A body that the server failed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The body.
    pub file: String,
    /// The HTTP status; `null` if there was no answer.
    pub status: Option<u16>,
    /// What the server or the connection said.
    pub reason: String,
}

/// An alert that was accepted and is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The body that it was in.
    pub file: String,
    /// Its labels.
    pub alert: String,
    /// What was found in its place.
    pub why: String,
}

/// An alert that is there too often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptTwice {
    /// Its labels.
    pub alert: String,
    /// How many rows have them.
    pub rows: usize,
    /// How many there should be: one for each fingerprint that senders gave it.
    pub expected: usize,
}

impl WebhooksReport {
    /// Before the first of `n` bodies.
    pub(super) fn empty(n: usize) -> Self {
        Self {
            suite: "webhooks",
            n,
            sent: 0,
            accepted: 0,
            rejected_4xx: 0,
            errors_5xx: 0,
            alerts_sent: 0,
            alerts_accepted: 0,
            alerts_kept: 0,
            alerts_different: 0,
            alerts_at_end: 0,
            refused: Vec::new(),
            refused_without_reason: 0,
            errors: Vec::new(),
            lost: Vec::new(),
            kept_twice: Vec::new(),
            never_accepted: Vec::new(),
        }
    }
}

impl Report for WebhooksReport {
    fn suite(&self) -> &'static str {
        self.suite
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        vec![
            ("bodies sent", self.sent.to_string()),
            ("accepted", self.accepted.to_string()),
            ("refused (4xx)", self.rejected_4xx.to_string()),
            ("failed (5xx or no answer)", self.errors_5xx.to_string()),
            ("alerts sent", self.alerts_sent.to_string()),
            ("alerts in accepted bodies", self.alerts_accepted.to_string()),
            ("alerts kept", self.alerts_kept.to_string()),
            ("different alerts accepted", self.alerts_different.to_string()),
            ("different alerts at the end", self.alerts_at_end.to_string()),
        ]
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for Refused { file, status, reason } in &self.refused {
            if let Some(reason) = reason {
                remarks.push(format!("{file} was refused with {status}: {reason}"));
            }
        }
        remarks
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for Failed { file, status, reason } in &self.errors {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            faults.push(format!("{file}: {status}: {reason}"));
        }
        for Refused { file, status, reason } in &self.refused {
            if reason.is_none() {
                faults.push(format!("{file} was refused with {status} and no reason"));
            }
        }
        for Lost { file, alert, why } in &self.lost {
            faults.push(format!("{file}: {alert} was lost: {why}"));
        }
        for KeptTwice { alert, rows, expected } in &self.kept_twice {
            faults.push(format!("{alert} is kept {rows} times instead of {expected}"));
        }
        for alert in &self.never_accepted {
            faults.push(format!("{alert} is kept, but no accepted body holds it"));
        }
        faults
    }
}
