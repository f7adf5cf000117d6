//! What a summary says of what was worked out from metrics: where it is heading, what moved first, what was changed before
//! it began, and what is left of a budget.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use opsseer_core::{BudgetSeen, Event, EventId, EventKind, Forecast, Incident, Outlook};

use super::{Sentence, capital, put};
use crate::{containers::words, web::moment::exact_duration_words};

/// Forecasts, changes and budgets that are remembered of each kind: more than a summary tells.
const REMEMBERED: usize = 100;

/// What a log says of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// By what they are about: when it was made, and what it says.
    forecasts: BTreeMap<String, (EventId, (DateTime<Utc>, Forecast))>,
    suspects: Option<(EventId, String)>,
    /// By when they were made: what was done.
    changes: BTreeMap<(DateTime<Utc>, EventId), String>,
    /// The last look at the containers: whose, and what happened to them, if something did.
    containers: Option<(EventId, Option<String>)>,
    /// By the objective's name.
    budgets: BTreeMap<String, (EventId, BudgetSeen)>,
}

impl Numbers {
    pub(super) fn fold(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Forecast(forecast) => {
                let value = (event.at, forecast.clone());
                put_named(&mut self.forecasts, &forecast.subject, event.id, value);
            }
            EventKind::SuspectsRanked(ranked) => put(&mut self.suspects, event.id, ranked.sentence.clone()),
            EventKind::ChangeSeen(change) => {
                self.changes.insert((event.at, event.id), change.title.clone());
                if self.changes.len() > REMEMBERED {
                    self.changes.pop_first();
                }
            }
            EventKind::ContainersSeen(seen) => {
                let happened = words::ends(seen).map(|ends| format!("{}: {ends}", seen.service));
                put(&mut self.containers, event.id, happened);
            }
            EventKind::BudgetSeen(budget) => {
                put_named(&mut self.budgets, &budget.objective, event.id, budget.clone());
            }
            _ => {}
        }
    }

    /// One sentence of each, as far as there is something to say.
    pub(super) fn sentences(&self, incident: &Incident, opened: Option<EventId>) -> Vec<Sentence> {
        let sentences = [
            self.where_it_heads(incident),
            self.suspects.as_ref().map(|(id, sentence)| sentence_of(sentence, [*id])),
            self.what_became_of_containers(),
            self.what_changed_before(incident, opened),
            self.what_is_left(),
        ];
        sentences.into_iter().flatten().collect()
    }

    /// Of several forecasts, the one that expects most. Of what is over, nothing.
    fn where_it_heads(&self, incident: &Incident) -> Option<Sentence> {
        let rank = |outlook: &Outlook| match outlook {
            Outlook::Expected { .. } => 3,
            Outlook::Unsure { .. } => 2,
            Outlook::NotWithin { .. } => 1,
            Outlook::TooLittle { .. } => 0,
        };
        let all = self.forecasts.values().filter(|(_, (_, forecast))| rank(&forecast.outlook) > 0);
        let (id, (at, forecast)) = all.max_by_key(|(id, (_, forecast))| (rank(&forecast.outlook), *id))?;
        let said = forecast.sentence.trim_end_matches('.');
        // Its times count from when it was made.
        let words = format!("{}, as of {}: {said}", forecast.subject, at.format("%H:%M:%S UTC"));
        incident.is_open().then(|| sentence_of(&words, [*id]))
    }

    fn what_became_of_containers(&self) -> Option<Sentence> {
        let (id, happened) = self.containers.as_ref()?;
        happened.as_ref().map(|happened| sentence_of(happened, [*id]))
    }

    fn what_changed_before(&self, incident: &Incident, opened: Option<EventId>) -> Option<Sentence> {
        let until = (incident.opened_at, EventId(i64::MAX));
        let ((at, id), title) = self.changes.range(..=until).next_back()?;
        let before = exact_duration_words(incident.opened_at - *at);
        let words = format!("{}, {before} before it began", title.trim_end_matches('.'));
        Some(sentence_of(&words, opened.into_iter().chain([*id])))
    }

    /// Of several budgets, the one with the least left.
    fn what_is_left(&self) -> Option<Sentence> {
        let with_traffic = self.budgets.values().filter_map(|(id, budget)| Some((id, budget.left?, budget)));
        let (id, _, budget) = with_traffic.min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(sentence_of(&format!("{}: {}", budget.objective, budget.sentence), [*id]))
    }
}

/// With a large first letter.
fn sentence_of(words: &str, events: impl IntoIterator<Item = EventId>) -> Sentence {
    Sentence::of(&capital(words.trim_end_matches('.')), events)
}

/// Keeps the newest of each name.
fn put_named<T>(known: &mut BTreeMap<String, (EventId, T)>, name: &str, id: EventId, value: T) {
    if known.get(name).is_some_and(|(known, _)| *known > id) {
        return;
    }
    if known.contains_key(name) || known.len() < REMEMBERED {
        known.insert(name.to_owned(), (id, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        summary::{Facts, in_brief, summarise},
        web::test_data::{at, budget, changed, containers, event, forecast, incident, suspects},
    };

    fn facts(kinds: Vec<(&str, EventKind)>) -> Facts {
        let mut facts = Facts::default();
        for (id, (clock, kind)) in (1..).zip(kinds) {
            facts.fold(&Event { id: EventId(id), at: at(clock), ..event(kind) });
        }
        facts
    }

    fn all() -> Facts {
        let never = Outlook::NotWithin { probability: 0.97 };
        facts(vec![
            ("03:18:00", forecast("Memory", never)),
            ("03:18:02", forecast("Slow", Outlook::Unsure { probability: 0.4 })),
            ("03:16:00", suspects()),
            ("03:11:59", changed("an older deploy")),
            ("03:12:02", changed("payments 1.42.0 deployed")),
            ("03:14:00", changed("rolled back")),
            ("03:16:00", budget("latency", Some(0.9))),
            ("03:16:00", budget("availability", Some(0.61))),
            ("03:17:00", EventKind::ContainersSeen(containers())),
        ])
    }

    #[test]
    fn each_says_one_sentence_with_its_evidence() {
        let told = summarise(&incident(), &all());
        let said: Vec<&str> = told.sentences.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            said[1..],
            [
                "Slow, as of 03:18:02 UTC: passes 300 ms in about 6 min, 92 % sure.",
                "Payments moved first: its errors rose.",
                "Payments: the kernel killed a process of it once for want of memory, and it was started again twice.",
                "Payments 1.42.0 deployed, 7 s before it began.",
                "Availability: 61 % of the budget is left.",
            ]
        );
        let evidence: Vec<Vec<i64>> =
            told.sentences.iter().map(|one| one.events.iter().map(|id| id.0).collect()).collect();
        assert_eq!(evidence[1..], [vec![2], vec![3], vec![9], vec![5], vec![8]]);
    }

    #[test]
    fn the_brief_one_leaves_to_the_cards_what_they_say() {
        let told = in_brief(&incident(), &all());
        assert!(told.sentences.len() == 1 && told.text().starts_with("1 alert"), "{}", told.text());
    }

    #[test]
    fn what_is_over_heads_nowhere_and_too_little_history_is_no_news() {
        let mut over = incident();
        over.status = opsseer_core::IncidentStatus::Resolved;
        assert!(!summarise(&over, &all()).text().contains("as of"));
        let little = facts(vec![("03:18:00", forecast("Slow", Outlook::TooLittle { have: 4, need: 12 }))]);
        assert_eq!(summarise(&incident(), &little), in_brief(&incident(), &little));
    }
}
