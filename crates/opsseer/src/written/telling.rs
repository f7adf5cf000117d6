//! An event in words for a model: what happened, when, by whom.

use opsseer_core::{Actor, AlertSnapshot, Event, EventKind, Labels};

use crate::event_words;

/// As times stand in all sources, so that a sentence can repeat them.
const TIME: &str = "%Y-%m-%d %H:%M:%S UTC";

/// What says nothing beside the alert's name, or nothing to a reader.
const SAID_ELSEWHERE: [&str; 3] = ["alertname", "severity", "runbook_url"];

/// `None` for an event that tells nothing of the incident itself.
pub(super) fn tell(event: &Event) -> Option<String> {
    let who = who(&event.actor);
    let what = match &event.kind {
        EventKind::Opened { title, severity, service, reason, .. } => {
            let service = service.as_ref().map_or_else(String::new, |service| format!(", service {service}"));
            format!("the incident began: {title} (severity {severity}{service}); {reason}")
        }
        EventKind::AlertFired { alert, first, .. } => {
            let again = if *first { "" } else { " again" };
            format!("alert {} fires{again}: {}", alert.name, alert_words(alert))
        }
        EventKind::AlertResolved { alert, reason } => {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("alert {} no longer fires{reason}", alert.name)
        }
        EventKind::AlertMoved { alert } => format!("alert {} belongs to another incident now", alert.name),
        EventKind::Acknowledged => format!("{who} acknowledged it"),
        EventKind::Assigned { owner: Some(owner) } => format!("{who} gave it to {owner}"),
        EventKind::Assigned { owner: None } => format!("{who} gave it to nobody"),
        EventKind::SeveritySet { severity } => format!("{who} set the severity to {severity}"),
        EventKind::Note { text } => format!("{who} noted: {text}"),
        EventKind::RunbookAnswered(answer) => {
            let (file, heading) = (&answer.file, &answer.heading);
            format!("the runbook {file} was found for {}; its step stands under {heading}", answer.alert)
        }
        EventKind::RunbookMissing { alert, .. } => format!("no runbook fits {alert}"),
        EventKind::Charted(chart) => chart.sentence.clone(),
        EventKind::Resolved { reason } => format!("the incident is over: {reason}"),
        EventKind::Reopened { reason, .. } => format!("the incident goes on: {reason}"),
        // About OpsSeer's own work.
        EventKind::StepFailed { .. } => return None,
        other => {
            let words = event_words::of(other, who)?;
            let until =
                words.until.map_or_else(String::new, |until| format!(" until {}", until.format(TIME)));
            let more = words.more.map_or_else(String::new, |more| format!("; {more}"));
            format!("{}{until}{more}", words.line)
        }
    };
    Some(format!("{}: {what}", event.at.format(TIME)))
}

fn who(actor: &Actor) -> &str {
    match actor {
        Actor::Person { name } | Actor::Component { name } => name,
        Actor::Alertmanager => "Alertmanager",
        Actor::Grafana => "Grafana",
        Actor::OpsSeer => "OpsSeer",
    }
}

fn alert_words(alert: &AlertSnapshot) -> String {
    let mut words: Vec<&str> = alert.summary.as_deref().into_iter().collect();
    words.extend(alert.annotations.get("description").map(String::as_str));
    let labels = pairs(&alert.labels);
    words.push(&labels);
    words.join("; ")
}

fn pairs(labels: &Labels) -> String {
    let told = labels.iter().filter(|(name, _)| !SAID_ELSEWHERE.contains(&name.as_str()));
    told.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{alert, event, event_by};

    #[test]
    fn an_event_is_told_with_its_time_and_what_the_alert_says() {
        let fired = tell(&event(EventKind::AlertFired { alert: alert(), first: true, reason: "r".into() }));
        let fired = fired.expect("told");
        assert!(fired.starts_with("2026-03-02 03:16:21 UTC: alert PaymentsHighErrorRate fires: "), "{fired}");
        assert!(fired.contains("service=payments") && !fired.contains("alertname="), "{fired}");
        let note =
            event_by(Actor::Person { name: "ada".into() }, EventKind::Note { text: "rolled back".into() });
        assert_eq!(tell(&note).expect("told"), "2026-03-02 03:16:21 UTC: ada noted: rolled back");
        let failed = EventKind::StepFailed { step: "chart_metric".into(), error: "e".into(), retry_at: None };
        assert_eq!(tell(&event(failed)), None);
    }
}
