//! An event in words, for a line of the terminal.

use opsseer_core::{Actor, AlertSnapshot, Event, EventKind};
use serde_json::Value;

use crate::event_words::{self, Words};

/// What happened, and lines that belong under it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) line: String,
    pub(super) more: Vec<String>,
}

/// An event that this program cannot read is still told by its name: the server may be newer.
pub(super) fn of(event: &Value) -> Sentence {
    if let Ok(event) = serde_json::from_value(event.clone()) {
        return of_event(&event);
    }
    let kind = event.get("kind").and_then(Value::as_str).unwrap_or("event without a kind");
    short(format!("{} (this program is too old to say more)", kind.replace('_', " ")))
}

pub(super) fn of_event(event: &Event) -> Sentence {
    let who = who(&event.actor);
    match &event.kind {
        EventKind::Opened { severity, reason, .. } => {
            with(format!("Opened, severity {}", severity.as_str()), reason)
        }
        EventKind::AlertFired { alert, first, reason } => {
            let again = if *first { "" } else { " again" };
            with(format!("{who}: {} fires{again}", about(alert)), reason)
        }
        EventKind::AlertResolved { alert, reason } => {
            let line = format!("{who}: {} no longer fires", about(alert));
            reason.as_deref().map_or_else(|| short(line.clone()), |reason| with(line.clone(), reason))
        }
        EventKind::AlertMoved { alert } => short(format!("{} fires in another incident now", about(alert))),
        EventKind::Acknowledged => short(format!("{who} acknowledged")),
        EventKind::Assigned { owner: Some(owner) } => short(format!("{who} gave it to {owner}")),
        EventKind::Assigned { owner: None } => short(format!("{who} left it without an owner")),
        EventKind::SeveritySet { severity } => {
            short(format!("{who} set the severity to {}", severity.as_str()))
        }
        EventKind::Note { text } => with(format!("{who} wrote"), text),
        EventKind::RunbookAnswered(answer) => {
            let line = format!("Runbook step: {} ({}:{})", answer.heading, answer.file, answer.line_start);
            with(line, &answer.reason)
        }
        EventKind::RunbookMissing { alert, documents, .. } => {
            short(format!("No runbook fits {alert}; {documents} were looked through"))
        }
        EventKind::Charted(chart) => short(format!("Chart: {}", chart.sentence)),
        EventKind::StepFailed { step, error, retry_at } => {
            let next = retry_at.map_or_else(
                || "It is not tried again.".to_owned(),
                |at| format!("Next try at {} UTC.", at.format("%H:%M:%S")),
            );
            Sentence {
                line: format!("Step {} failed", step.replace('_', " ")),
                more: vec![error.clone(), next],
            }
        }
        EventKind::Resolved { reason } => with(by_person(&event.actor, "Resolved", "resolved it"), reason),
        EventKind::Reopened { reason, .. } => {
            with(by_person(&event.actor, "Reopened", "reopened it"), reason)
        }
        kind => event_words::of(kind, &who).map_or_else(|| short(kind.name().replace('_', " ")), with_end),
    }
}

fn with_end(Words { line, more, until }: Words) -> Sentence {
    let end = until.map(|until| until.format(" until %Y-%m-%d %H:%M UTC").to_string()).unwrap_or_default();
    with(format!("{line}{end}"), more.as_deref().unwrap_or_default())
}

fn by_person(actor: &Actor, alone: &str, did: &str) -> String {
    match actor {
        Actor::Person { name } => format!("{name} {did}"),
        _ => alone.to_owned(),
    }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name } => name.clone(),
        Actor::Alertmanager => "Alertmanager".to_owned(),
        Actor::Grafana => "Grafana".to_owned(),
        Actor::OpsSeer | Actor::Component { .. } => "OpsSeer".to_owned(),
    }
}

fn about(alert: &AlertSnapshot) -> String {
    match &alert.summary {
        // An alert without a name is called by its summary.
        Some(summary) if *summary != alert.name => format!("{} ({summary})", alert.name),
        _ => alert.name.clone(),
    }
}

fn short(line: String) -> Sentence {
    Sentence { line, more: Vec::new() }
}

fn with(line: String, more: &str) -> Sentence {
    Sentence { line, more: more.lines().map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sentence(actor: &Value, mut kind: Value) -> Sentence {
        let rest = json!({
            "id": 1, "incident": "019b76da-a800-7000-8000-000000000001", "at": "2026-01-02T03:04:05Z",
            "recorded_at": "2026-01-02T03:04:05Z", "actor": actor,
        });
        kind.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        of(&kind)
    }

    #[test]
    fn who_did_what_is_told() {
        let ada = json!({"type": "person", "name": "ada"});
        let correlation = json!({"type": "component", "name": "correlation"});
        assert_eq!(sentence(&ada, json!({"kind": "acknowledged"})).line, "ada acknowledged");
        let resolved = json!({"kind": "resolved", "reason": "rolled back"});
        assert_eq!(sentence(&ada, resolved.clone()), with("ada resolved it".to_owned(), "rolled back"));
        assert_eq!(sentence(&correlation, resolved).line, "Resolved");
    }

    #[test]
    fn a_failed_step_says_what_comes_next() {
        let correlation = json!({"type": "component", "name": "chart_metric"});
        let failed = |retry_at: Value| {
            let kind = json!({"kind": "step_failed", "step": "chart_metric", "error": "no answer", "retry_at": retry_at});
            sentence(&correlation, kind)
        };
        assert_eq!(failed(json!("2026-01-02T03:05:00Z")).more, ["no answer", "Next try at 03:05:00 UTC."]);
        assert_eq!(failed(Value::Null).more[1], "It is not tried again.");
    }

    #[test]
    fn an_event_of_a_newer_server_is_told_by_its_name() {
        let event = json!({"id": 9, "kind": "forecast_made", "at": "2026-01-02T03:04:05Z"});
        assert_eq!(of(&event).line, "forecast made (this program is too old to say more)");
    }

    #[test]
    fn what_ends_by_itself_is_told_with_its_end() {
        let ada = json!({"type": "person", "name": "ada"});
        let muted = sentence(&ada, json!({"kind": "muted", "until": "2026-01-02T04:10:00Z"}));
        assert_eq!(muted.line, "ada took it on: muted until 2026-01-02 04:10 UTC");
    }
}
