//! What the rarer events of an incident's life are called, on the page and in the terminal alike.

use chrono::{DateTime, Utc};
use opsseer_core::{ChangesLooked, EventKind, SimilarIncident};

/// A line, what explains it, and when what began ends by itself: a view that writes times puts "until" and the time, in its
/// own way, at the end of the line.
pub(crate) struct Words {
    pub(crate) line: String,
    pub(crate) more: Option<String>,
    pub(crate) until: Option<DateTime<Utc>>,
}

/// Words for what regroups, holds or quiets an incident. `None` for the kinds that each view tells in its own way.
pub(crate) fn of(kind: &EventKind, who: &str) -> Option<Words> {
    let with = |line: String, more: &str| Some(Words { line, more: Some(more.to_owned()), until: None });
    let alone = |line: String| Some(Words { line, more: None, until: None });
    match kind {
        EventKind::Escalated { from, to, reason, .. } => {
            with(format!("More urgent now: {from} became {to}"), reason)
        }
        EventKind::FlappingHeld { flaps, reason, .. } => {
            with(format!("Comes and goes: back {flaps} times, held open until it is quiet"), reason)
        }
        EventKind::Merged { number, title, alerts_total, reason, .. } => {
            let alerts = counted(*alerts_total);
            with(format!("{who} merged INC-{number} into this: {title} ({alerts})"), reason)
        }
        EventKind::MergedInto { number, reason, .. } => {
            with(format!("{who} merged this into INC-{number}, where it goes on"), reason)
        }
        EventKind::Unmerged { number, alerts_total, reason, .. } => {
            let alerts = counted(*alerts_total);
            with(format!("{who} undid the merge of INC-{number}; {alerts} went back"), reason)
        }
        EventKind::Restored { number, alerts_total, reason, .. } => {
            let alerts = counted(*alerts_total);
            with(format!("{who} undid the merge into INC-{number}; {alerts} came back"), reason)
        }
        EventKind::Split { number, alerts, alerts_total, reason, .. } => {
            let names = alerts.join(", ");
            with(format!("{who} split off {} into INC-{number}: {names}", counted(*alerts_total)), reason)
        }
        EventKind::Silenced { until, matchers, comment, .. } => {
            let why = if comment.is_empty() { String::new() } else { format!(" {comment}") };
            Some(Words {
                line: format!("{who} silenced it in Alertmanager"),
                more: Some(format!("Alerts with {matchers}.{why}")),
                until: Some(*until),
            })
        }
        EventKind::SilenceEnded { .. } => alone(format!("{who} ended the silence")),
        EventKind::Muted { until } => {
            Some(Words { line: format!("{who} took it on: muted"), more: None, until: Some(*until) })
        }
        EventKind::Unmuted => alone(format!("{who} ended the mute")),
        EventKind::Classified(class) => {
            let (alert, category) = (&class.alert, &class.category);
            let sure = percent(class.probability);
            let line = if class.unsure {
                format!("{alert}: unsure what kind it is; {category} comes nearest, {sure}")
            } else {
                format!("{alert}: {category}, {sure} sure")
            };
            Some(Words { line, more: class.hint.clone(), until: None })
        }
        EventKind::ClassCorrected { alert, category, was, .. } => {
            let not = was.as_ref().filter(|was| *was != category);
            let not = not.map_or_else(String::new, |was| format!(", not {was}"));
            alone(format!("{who} said what kind {alert} is: {category}{not}"))
        }
        EventKind::SimilarFound { incidents, looked_through } => match incidents.first() {
            Some(first) => {
                with(format!("Like INC-{}: {}", first.number, first.title), &similar_in_words(first))
            }
            None => alone(match looked_through {
                0 => "The first incident here: nothing to compare it with".to_owned(),
                1 => "The one earlier incident is not like it".to_owned(),
                more => format!("None of {more} earlier incidents is like it"),
            }),
        },
        EventKind::Forecast(forecast) => alone(format!("{}: {}", forecast.subject, forecast.sentence)),
        EventKind::SuspectsRanked(ranked) => alone(ranked.sentence.clone()),
        EventKind::ChangeSeen(change) => {
            let told = (change.source != "prometheus").then(|| format!("Told by {}.", change.source));
            Some(Words { line: change.title.clone(), more: told, until: None })
        }
        EventKind::ChangesLooked(looked) => Some(looked_in_words(looked)),
        EventKind::BudgetSeen(budget) => alone(format!("{}: {}", budget.objective, budget.sentence)),
        EventKind::ContainersSeen(seen) => alone(seen.sentence.clone()),
        EventKind::Asked { question, answer, nearest } => {
            let line = format!("{who} asked the runbooks: {question}");
            match (answer, nearest.first()) {
                (Some(answer), _) => {
                    with(line, &format!("{} ({}:{})", answer.quote, answer.file, answer.line_start))
                }
                (None, Some(near)) => {
                    let place = format!("{} ({}:{})", near.heading, near.file, near.line_start);
                    with(line, &format!("No runbook answers this. Nearest: {place}"))
                }
                (None, None) => with(line, "No runbook answers this."),
            }
        }
        _ => None,
    }
}

/// A probability, for people.
pub(crate) fn percent(probability: f32) -> String {
    if probability >= 0.995 {
        return "over 99 %".to_owned();
    }
    format!("{:.0} %", probability * 100.0)
}

/// What is alike, how it ended, and how long it took.
fn similar_in_words(similar: &SimilarIncident) -> String {
    let mut words = format!("{}.", similar.reason.trim_end_matches('.'));
    if let Some(ended) = &similar.ended {
        words = format!("{words} How it ended: {}.", ended.trim_end_matches('.'));
    }
    if let Some(seconds) = similar.seconds {
        words = format!("{words} It took {}.", took(seconds));
    }
    words
}

/// How far back changes were looked for, and how many there were.
fn looked_in_words(looked: &ChangesLooked) -> Words {
    let of = looked.service.as_ref().map_or_else(String::new, |service| format!(" of {service}"));
    let span = took((looked.to - looked.from).num_seconds());
    let line = match looked.found {
        0 => format!("No change{of} seen in {span}"),
        1 => format!("1 change{of} seen in {span}"),
        many => format!("{many} changes{of} seen in {span}"),
    };
    let more = (looked.left_out > 0).then(|| format!("{} older ones are left out.", looked.left_out));
    Words { line, more, until: None }
}

/// A length of time in its two largest units.
pub(crate) fn took(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn counted(alerts: i64) -> String {
    match alerts {
        1 => "1 alert".to_owned(),
        _ => format!("{alerts} alerts"),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, IncidentNumber, Severity};

    use super::*;

    #[test]
    fn a_merge_says_who_took_what_in() {
        let kind = EventKind::Merged {
            from: IncidentId::generate(),
            number: IncidentNumber(7),
            title: "db: slow".into(),
            correlation_key: "service:db".into(),
            alerts_firing: 1,
            alerts_total: 1,
            severity: Severity::Page,
            silences: Vec::new(),
            reason: "same cause".into(),
        };
        let words = of(&kind, "ada").expect("has words");
        assert_eq!(words.line, "ada merged INC-7 into this: db: slow (1 alert)");
        assert_eq!(words.more.as_deref(), Some("same cause"));
        assert!(of(&EventKind::Acknowledged, "ada").is_none());
    }

    #[test]
    fn that_nothing_was_changed_is_said_with_how_far_back_one_looked() {
        let to: DateTime<Utc> = "2026-03-02T04:10:00Z".parse().expect("a time");
        let from = to - chrono::TimeDelta::hours(3);
        let looked = ChangesLooked { service: Some("db".into()), from, to, found: 0, left_out: 0 };
        let words = |looked: ChangesLooked| of(&EventKind::ChangesLooked(looked), "x").expect("has words");
        assert_eq!(words(looked.clone()).line, "No change of db seen in 3 h 0 min");
        let many = words(ChangesLooked { service: None, found: 10, left_out: 4, ..looked });
        assert_eq!(many.line, "10 changes seen in 3 h 0 min");
        assert_eq!(many.more.as_deref(), Some("4 older ones are left out."));
    }

    #[test]
    fn what_ends_by_itself_has_its_end_at_the_end_of_the_line() {
        let until: DateTime<Utc> = "2026-03-02T04:10:00Z".parse().expect("a time");
        let words = of(&EventKind::Muted { until }, "You").expect("has words");
        assert_eq!((words.line.as_str(), words.until), ("You took it on: muted", Some(until)));
        assert_eq!(of(&EventKind::Unmuted, "You").expect("has words").until, None);
    }
}
