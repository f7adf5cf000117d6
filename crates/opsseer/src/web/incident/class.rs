//! The card "Kind of trouble": what the classifier says of each rule, how sure it is, and what people said instead.

use std::cmp::Reverse;

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_ai::classify::{Category, SeverityOpinion};
use opsseer_core::{Actor, Event, EventId, EventKind, Incident};

use crate::{
    ai::WordsOnly,
    event_words::percent,
    web::{
        answer::sure_words,
        incident::{
            counted,
            do_this::began,
            headline::Can,
            story::{ClassOf, Story},
            words::Retry,
        },
        moment::Moment,
        viewer::Viewer,
    },
};

/// The kind of the job that classifies.
const STEP: &str = "classify_alert";

/// Further rules that are shown; the timeline has them all.
const OTHERS: usize = 5;

/// What is said of a rule.
struct Class {
    /// Of the event that says so.
    id: EventId,
    alert: String,
    verdict: Verdict,
    severity: Option<String>,
    hint: Option<String>,
    learned: Option<String>,
    /// The category that stands, for the form.
    category: String,
}

enum Verdict {
    /// `Databases`, `82 % sure`.
    Sure { category: String, sure: String },
    /// `Databases 41 %, Network 22 %`.
    Unsure { nearest: String },
    /// A person's word; what had been said before.
    Corrected { category: String, by: String, was: Option<String> },
}

enum Content {
    Said { first: Class, others: Vec<Class> },
    Failed { error: String, retry: Retry },
    Working { since: Moment },
}

#[derive(Template)]
#[template(path = "incident/class.html")]
pub(crate) struct ClassCard {
    number: i64,
    content: Content,
    can_correct: bool,
    over: bool,
    /// Why its meaning has no say, if it has none.
    words_only: Option<WordsOnly>,
    categories: Vec<&'static str>,
    severities: Vec<&'static str>,
}

impl ClassCard {
    pub(crate) fn new(
        story: &Story,
        incident: &Incident,
        viewer: &Viewer,
        words_only: Option<WordsOnly>,
        now: DateTime<Utc>,
    ) -> Self {
        let content = Content::said(story, viewer)
            .or_else(|| story.failure_after(STEP, None).and_then(|event| Content::failed(event, now)))
            .unwrap_or_else(|| Content::Working { since: began(story, incident, now) });
        Self {
            number: incident.number.0,
            content,
            can_correct: Can::of(incident) != Can::Undo,
            over: !incident.is_open(),
            words_only,
            categories: Category::ALL.iter().map(|category| category.as_str()).collect(),
            severities: SeverityOpinion::ALL.iter().map(|severity| severity.as_str()).collect(),
        }
    }
}

impl Content {
    fn said(story: &Story, viewer: &Viewer) -> Option<Self> {
        let mut classes: Vec<(&String, &ClassOf)> = story.classes.iter().collect();
        classes.sort_by_key(|(alert, _)| Reverse(story.urgency.get(*alert)));
        let mut classes = classes.into_iter().filter_map(|(alert, class)| Class::of(alert, class, viewer));
        let first = classes.next()?;
        Some(Self::Said { first, others: classes.take(OTHERS).collect() })
    }

    fn failed(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::StepFailed { error, retry_at, .. } = &event.kind else { return None };
        Some(Self::Failed { error: error.clone(), retry: Retry::new(*retry_at, now, event.incident, STEP) })
    }
}

impl Class {
    fn of(alert: &str, class: &ClassOf, viewer: &Viewer) -> Option<Self> {
        let said = class.said.as_ref();
        let hint = said.and_then(|(_, said)| said.hint.clone());
        if let Some(event) = &class.corrected {
            let EventKind::ClassCorrected { category, severity, was, .. } = &event.kind else { return None };
            let by = match &event.actor {
                Actor::Person { name } => viewer.name_or(name, "you"),
                _ => "somebody".to_owned(),
            };
            let was = was.clone().filter(|was| was != category);
            return Some(Self {
                id: event.id,
                alert: alert.to_owned(),
                severity: severity.as_ref().map(|severity| format!("{severity}, says {by}")),
                verdict: Verdict::Corrected { category: category.clone(), by, was },
                hint,
                learned: None,
                category: category.clone(),
            });
        }
        let (id, said) = said?;
        let verdict = if said.unsure {
            let best = (said.category.clone(), said.probability);
            let all = std::iter::once(&best).chain(&said.runners_up).take(3);
            let nearest: Vec<String> = all.map(|(name, p)| format!("{name} {}", percent(*p))).collect();
            Verdict::Unsure { nearest: nearest.join(", ") }
        } else {
            Verdict::Sure { category: said.category.clone(), sure: sure_words(said.probability) }
        };
        let severity = if said.severity_unsure {
            format!("unsure, perhaps {} ({})", said.severity, percent(said.severity_probability))
        } else {
            format!("{}, {}", said.severity, sure_words(said.severity_probability))
        };
        Some(Self {
            id: *id,
            alert: alert.to_owned(),
            verdict,
            severity: Some(severity),
            hint,
            learned: (said.learned_from > 0)
                .then(|| format!("{} by people had a say", counted(said.learned_from, "correction"))),
            category: said.category.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{Classified, Severity};

    use super::*;
    use crate::{
        ai::Meaning,
        web::test_data::{at, event, event_by, incident, viewer},
    };

    fn classified(alert: &str, unsure: bool) -> EventKind {
        EventKind::Classified(Classified {
            alert: alert.into(),
            category: "Databases".into(),
            probability: 0.824,
            unsure,
            runners_up: vec![("Storage".into(), 0.1), ("Other".into(), 0.05)],
            severity: "critical".into(),
            severity_probability: 0.71,
            severity_unsure: unsure,
            hint: Some("a target cannot be scraped <x>".into()),
            learned_from: 2,
            model: "m".into(),
        })
    }

    fn html(events: Vec<Event>) -> String {
        let mut story = Story::default();
        for (id, event) in (1..).zip(events) {
            story.fold(&Event { id: EventId(id), ..event });
        }
        let card = ClassCard::new(&story, &incident(), &viewer("bob"), None, at("03:20:00"));
        card.render().expect("renders")
    }

    #[test]
    fn what_is_sure_is_said_with_its_probability_hint_and_severity() {
        let shown = html(vec![event(classified("Slow", false))]);
        for part in [
            "Databases",
            "82 % sure",
            "critical, 71 % sure",
            "cannot be scraped &#60;x&#62;",
            "2 corrections by people",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert_eq!(
            shown.matches("<option").count(),
            Category::ALL.len() + SeverityOpinion::ALL.len() + 1,
            "{shown}"
        );
    }

    #[test]
    fn what_is_unsure_says_so_with_the_nearest() {
        let shown = html(vec![event(classified("Slow", true))]);
        for part in ["Unsure", "Databases 82 %, Storage 10 %, Other 5 %", "unsure, perhaps critical (71 %)"] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_correction_stands_over_what_is_classified_later() {
        let corrected = EventKind::ClassCorrected {
            alert: "Slow".into(),
            category: "Storage".into(),
            severity: Some("warning".into()),
            was: Some("Databases".into()),
        };
        let by = Actor::Person { name: "ada".into() };
        let shown = html(vec![
            event(classified("Slow", false)),
            event_by(by, corrected),
            event(classified("Slow", false)),
        ]);
        for part in ["Storage", "corrected by ada", "not Databases", "warning, says ada"] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert!(!shown.contains("82 % sure"), "{shown}");
    }

    #[test]
    fn the_most_urgent_rule_comes_first_and_the_others_are_there() {
        let mut story = Story::default();
        for (id, kind) in (1..).zip([classified("A", false), classified("B", false)]) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        story.urgency.insert("A".into(), Severity::Info);
        story.urgency.insert("B".into(), Severity::Page);
        let shown = ClassCard::new(
            &story,
            &incident(),
            &viewer("bob"),
            Meaning::NotInstalled.words_only(),
            at("03:20:00"),
        )
        .render()
        .expect("renders");
        assert!(shown.find(">B<") < shown.find(">A<"), "{shown}");
        assert!(shown.contains("opsseer models pull embeddings"), "{shown}");
    }

    #[test]
    fn nothing_said_yet_is_work_in_progress_and_a_failure_says_why() {
        assert!(html(vec![]).contains("Working it out"));
        let failed =
            EventKind::StepFailed { step: STEP.into(), error: "the queue is full".into(), retry_at: None };
        assert!(html(vec![event(failed)]).contains("the queue is full"));
    }
}
