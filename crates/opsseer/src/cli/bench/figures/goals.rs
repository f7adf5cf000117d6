//! What the figures are measured against.

use opsseer_eval::bench::Figure;
use serde::Serialize;

use super::Record;

/// A goal and what was reached.
#[derive(Debug, Serialize)]
pub(super) struct Goal {
    pub(super) what: &'static str,
    pub(super) wanted: String,
    pub(super) reached: f64,
    pub(super) unit: &'static str,
    pub(super) met: bool,
}

/// Durable webhooks a second, at least, from 32 senders.
const WEBHOOKS_A_SECOND: f64 = 5_000.0;

/// The longest that 99 of 100 of them may take, in milliseconds.
const WEBHOOK_P99_MS: f64 = 50.0;

/// The longest that 99 of 100 reads of a timeline may take with a million events in the store, in milliseconds.
const TIMELINE_P99_MS: f64 = 5.0;

/// What others need for a change of status with 10,000 open alerts, in milliseconds.
const STATUS_MS: f64 = 10_000.0;

/// What half of the alerts may take until all that is worked out about them is on the page, in milliseconds.
const ANSWERS_MS: f64 = 500.0;

/// Goals whose figure was taken.
pub(super) fn of(record: &Record) -> Vec<Goal> {
    let mut goals = Vec::new();
    let webhooks = |figure: &&Figure| figure.name == "webhook, new alerts, SQLite" && figure.senders == 32;
    if let Some(figure) = record.report.figures.iter().find(webhooks) {
        goals.push(at_least(
            "durable webhooks, 32 senders",
            WEBHOOKS_A_SECOND,
            figure.per_second,
            "a second",
        ));
        goals.push(at_most("p99 of a durable webhook, 32 senders", WEBHOOK_P99_MS, figure.p99_ms, "ms"));
    }
    let timeline = |figure: &&Figure| figure.name.starts_with("timeline") && figure.senders == 1;
    let reads = record.large_store.iter().flat_map(|large| &large.figures).filter(timeline);
    if let Some(p99) = reads.map(|figure| figure.p99_ms).reduce(f64::max) {
        goals.push(at_most("p99 of reading a timeline out of the large store", TIMELINE_P99_MS, p99, "ms"));
    }
    let seen = record.status_changes.changes.iter().map(|change| change.seen_on_list.max_ms);
    if let Some(slowest) = seen.reduce(f64::max) {
        goals.push(at_most("slowest change of status, until the list shows it", STATUS_MS, slowest, "ms"));
    }
    let answers = record.answers.all.p50_ms;
    goals.push(at_most(
        "median from an alert to its step, class and like incidents",
        ANSWERS_MS,
        answers,
        "ms",
    ));
    goals
}

fn at_least(what: &'static str, goal: f64, reached: f64, unit: &'static str) -> Goal {
    Goal { what, wanted: format!("at least {goal}"), reached, unit, met: reached >= goal }
}

fn at_most(what: &'static str, goal: f64, reached: f64, unit: &'static str) -> Goal {
    Goal { what, wanted: format!("at most {goal}"), reached, unit, met: reached <= goal }
}
