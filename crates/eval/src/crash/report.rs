use std::collections::BTreeMap;

use serde::Serialize;

/// What the senders did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sent {
    /// Different bodies.
    pub webhooks: u64,
    /// Bodies that were answered with 2xx, each by every server that was still there.
    pub accepted: u64,
    /// Attempts that had to be repeated.
    pub retried: u64,
    /// Attempts that had no answer: refused, broken off, or too late.
    pub unanswered: u64,
    /// Answers of 5xx, by status.
    pub answered_5xx: BTreeMap<u16, u64>,
    /// Answers of 5xx without a reason in words, and 5xx other than 503.
    pub unclean: u64,
    /// The first of them.
    pub first_unclean: Option<String>,
    /// The first reason that came with a 503.
    pub first_503: Option<String>,
    /// Bodies that were refused with 4xx, and so given up.
    pub refused_4xx: u64,
    /// The first reason.
    pub first_4xx: Option<String>,
}

/// What the server shows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Effects {
    /// Rows of alerts.
    pub alerts: usize,
    /// Incidents.
    pub incidents: usize,
    /// Events on all their timelines.
    pub events: usize,
    /// Runbook answers, those that found nothing included.
    pub runbook_answers: usize,
    /// Pictures.
    pub charts: usize,
    /// Pieces of work that failed for a time: the server says so on the timeline and tries again.
    pub failed_steps: usize,
}

/// What a comparison found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verdict {
    /// Different alerts that were accepted.
    pub acknowledged: usize,
    /// What the server shows.
    #[serde(flatten)]
    pub shown: Effects,
    /// What is wrong, a line each. Nothing, if nothing was lost and nothing done twice.
    pub faults: Vec<String>,
}
