//! What an incident is about, in a headline and a few sentences. Made of its events and nothing else: each sentence names
//! the events that it rests on, and the same events always make the same words.

mod numbers;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use opsseer_core::{Actor, Event, EventId, EventKind, Incident};
use opsseer_store::{Store, StoreError};

use self::numbers::Numbers;
use crate::web::{answer::sure_words, moment::exact_duration_words};

/// Events of each end of a log that are read: what a summary tells stands at the beginning or is new.
const OLDEST: u32 = 200;
const NEWEST: u32 = 500;
/// Names of rules that are remembered, and those that are named in a sentence.
const RULES: usize = 200;
const NAMED: usize = 3;

/// An incident in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What it is and where it stands, on one line.
    pub headline: String,
    /// What one would tell somebody who asks, most important first.
    pub sentences: Vec<Sentence>,
}

/// A sentence and its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Ends with a full stop.
    pub text: String,
    /// The events that it rests on, at least one.
    pub events: Vec<EventId>,
}

/// What a log says to a summary. The order of folding does not matter, and folding an event twice changes nothing.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    opened: Option<EventId>,
    /// By the rule's name: the first event of each that was seen.
    rules: BTreeMap<String, EventId>,
    acknowledged: Option<(EventId, DateTime<Utc>, String)>,
    chart: Option<(EventId, String)>,
    class: Option<(EventId, Class)>,
    similar: Option<(EventId, Like)>,
    resolved: Option<(EventId, String)>,
    /// What was worked out from metrics.
    numbers: Numbers,
    /// The newest event folded in.
    newest: EventId,
}

#[derive(Debug, Clone)]
struct Class {
    category: String,
    /// A person needs none.
    probability: Option<f32>,
    by: Option<String>,
}

#[derive(Debug, Clone)]
struct Like {
    number: i64,
    ended: Option<String>,
    seconds: Option<i64>,
}

impl Facts {
    /// Reads both ends of an incident's log.
    pub async fn read(store: &Store, incident: &Incident) -> Result<Self, StoreError> {
        let mut facts = Self::default();
        for event in store.list_events_before(incident.id, EventId(i64::MAX), NEWEST).await? {
            facts.fold(&event);
        }
        for event in store.list_events(incident.id, EventId(0), OLDEST).await? {
            facts.fold(&event);
        }
        Ok(facts)
    }

    /// Takes an event in.
    pub fn fold(&mut self, event: &Event) {
        self.newest = self.newest.max(event.id);
        match &event.kind {
            EventKind::Opened { .. } => self.opened = Some(event.id),
            EventKind::AlertFired { alert, .. } => {
                if let Some(first) = self.rules.get_mut(&alert.name) {
                    *first = (*first).min(event.id);
                } else if self.rules.len() < RULES {
                    self.rules.insert(alert.name.clone(), event.id);
                }
            }
            EventKind::Acknowledged => {
                let Actor::Person { name } = &event.actor else { return };
                if self.acknowledged.as_ref().is_none_or(|known| event.id < known.0) {
                    self.acknowledged = Some((event.id, event.at, name.clone()));
                }
            }
            EventKind::Charted(chart) => put(&mut self.chart, event.id, chart.sentence.clone()),
            EventKind::Classified(class) if !class.unsure => {
                let probability = Some(class.probability);
                let category = class.category.clone();
                self.put_class(event.id, Class { category, probability, by: None });
            }
            EventKind::ClassCorrected { category, .. } => {
                let by = match &event.actor {
                    Actor::Person { name } => Some(name.clone()),
                    _ => None,
                };
                self.put_class(event.id, Class { category: category.clone(), probability: None, by });
            }
            EventKind::SimilarFound { incidents, .. } => {
                let Some(first) = incidents.first() else { return };
                let like =
                    Like { number: first.number.0, ended: first.ended.clone(), seconds: first.seconds };
                put(&mut self.similar, event.id, like);
            }
            EventKind::Resolved { reason } => put(&mut self.resolved, event.id, reason.clone()),
            _ => self.numbers.fold(event),
        }
    }

    /// A person's word stands until another person's; of what was worked out, the newest.
    fn put_class(&mut self, id: EventId, class: Class) {
        let known_by_person = self.class.as_ref().is_some_and(|(_, known)| known.probability.is_none());
        let by_person = class.probability.is_none();
        if by_person && !known_by_person {
            self.class = Some((id, class));
        } else if by_person == known_by_person {
            put(&mut self.class, id, class);
        }
    }
}

/// Keeps the newest.
fn put<T>(place: &mut Option<(EventId, T)>, id: EventId, value: T) {
    if place.as_ref().is_none_or(|known| known.0 <= id) {
        *place = Some((id, value));
    }
}

/// Tells an incident. `incident` is the fold of the same log that `facts` were read from.
pub fn summarise(incident: &Incident, facts: &Facts) -> Summary {
    tell(incident, facts, facts.numbers.sentences(incident, facts.opened))
}

/// The same without what the page's cards say beside it: where it is heading, what moved, what changed, what is left.
pub(crate) fn in_brief(incident: &Incident, facts: &Facts) -> Summary {
    tell(incident, facts, Vec::new())
}

fn tell(incident: &Incident, facts: &Facts, numbers: Vec<Sentence>) -> Summary {
    let chart = facts.chart.as_ref();
    let before = [
        what_fired(incident, facts),
        chart.map(|(id, sentence)| Sentence::of(sentence.trim_end_matches('.'), [*id])),
    ];
    let after =
        [how_it_ended(incident, facts).or_else(|| who_has_it(incident, facts)), what_it_is_like(facts)];
    let sentences = before.into_iter().flatten().chain(numbers).chain(after.into_iter().flatten()).collect();
    Summary { headline: headline(incident), sentences }
}

impl Summary {
    /// All sentences, one after the other.
    pub fn text(&self) -> String {
        self.sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl Sentence {
    fn of(words: &str, events: impl IntoIterator<Item = EventId>) -> Self {
        Self { text: format!("{words}."), events: events.into_iter().collect() }
    }
}

fn headline(incident: &Incident) -> String {
    let standing = match (incident.resolved_at, incident.alerts_firing > 0, &incident.acknowledged) {
        _ if incident.merged_into.is_some() => "goes on in another incident".to_owned(),
        (Some(at), _, _) => format!("over after {}", exact_duration_words(at - incident.opened_at)),
        (None, true, None) => "firing".to_owned(),
        (None, true, Some(_)) => "firing, acknowledged".to_owned(),
        (None, false, _) => "open, nothing fires".to_owned(),
    };
    format!("{}: {standing}", incident.title)
}

/// `3 alerts of payments fired since 03:12:09 UTC on 2 March: Slow, Errors and 2 others; 2 of them still fire.`
fn what_fired(incident: &Incident, facts: &Facts) -> Option<Sentence> {
    let mut rules: Vec<(&String, EventId)> = facts.rules.iter().map(|(name, id)| (name, *id)).collect();
    rules.sort_by_key(|(_, id)| *id);
    let alerts = match incident.alerts_total {
        0 => return None,
        1 => "1 alert".to_owned(),
        many => format!("{many} alerts"),
    };
    let of = incident.service.as_ref().map_or_else(String::new, |service| format!(" of {service}"));
    let began = incident.opened_at.format("%H:%M:%S UTC on %-d %B");
    let first_rules: Vec<&str> = rules.iter().take(NAMED).map(|(name, _)| name.as_str()).collect();
    let rules_left = rules.len() - first_rules.len();
    let names = match (first_rules.as_slice(), rules_left) {
        ([], _) => String::new(),
        ([one], 0) => format!(": {one}"),
        ([first @ .., last], 0) => format!(": {} and {last}", first.join(", ")),
        (some, 1) => format!(": {} and 1 other rule", some.join(", ")),
        (some, left) => format!(": {} and {left} other rules", some.join(", ")),
    };
    let firing = match (incident.alerts_firing, incident.alerts_total) {
        (0, 1) => "; it no longer fires".to_owned(),
        (0, _) => "; none of them fires any more".to_owned(),
        (1, 1) => String::new(),
        (2, 2) => "; both fire".to_owned(),
        (firing, total) if firing == total => "; all of them fire".to_owned(),
        (1, _) => "; 1 of them fires".to_owned(),
        (firing, _) => format!("; {firing} of them fire"),
    };
    let events = facts.opened.into_iter().chain(rules.iter().take(NAMED).map(|(_, id)| *id));
    // How many there are, and how many fire, is the sum of all events up to the newest.
    let mut events: Vec<EventId> = events.chain([facts.newest]).collect();
    events.dedup();
    Some(Sentence::of(&format!("{alerts}{of} fired, from {began} on{names}{firing}"), events))
}

fn how_it_ended(incident: &Incident, facts: &Facts) -> Option<Sentence> {
    let ended = incident.resolved_at?;
    let (id, reason) = facts.resolved.as_ref()?;
    let after = exact_duration_words(ended - incident.opened_at);
    let reason = reason.trim().trim_end_matches('.');
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    Some(Sentence::of(&format!("It was over after {after}{why}"), facts.opened.into_iter().chain([*id])))
}

fn who_has_it(incident: &Incident, facts: &Facts) -> Option<Sentence> {
    let Some((id, at, name)) = &facts.acknowledged else {
        // Merged away, it is nobody's matter.
        let opened = facts.opened.filter(|_| incident.is_open() && incident.acknowledged.is_none())?;
        return Some(Sentence::of("Nobody has acknowledged it yet", [opened]));
    };
    let after = exact_duration_words(*at - incident.opened_at);
    Some(Sentence::of(
        &capital(&format!("{name} acknowledged it {after} after it began")),
        facts.opened.into_iter().chain([*id]),
    ))
}

/// `It looks like a matter of Databases (82 % sure), and like INC-31, which took 19 min.`
fn what_it_is_like(facts: &Facts) -> Option<Sentence> {
    let class = facts.class.as_ref().map(|(_, class)| match (class.probability, &class.by) {
        (Some(probability), _) => {
            format!("it looks like a matter of {} ({})", class.category, sure_words(probability))
        }
        (None, Some(by)) => format!("it is a matter of {}, says {by}", class.category),
        (None, None) => format!("it is a matter of {}", class.category),
    });
    let like = facts.similar.as_ref().map(|(_, like)| {
        let ended = like.ended.as_deref().map(|ended| ended.trim().trim_end_matches('.'));
        let ended =
            ended.filter(|ended| !ended.is_empty()).map_or_else(String::new, |ended| format!(" ({ended})"));
        match like.seconds.and_then(chrono::TimeDelta::try_seconds) {
            Some(took) => {
                format!("it is like INC-{}, which took {}{ended}", like.number, exact_duration_words(took))
            }
            None => format!("it is like INC-{}, which goes on", like.number),
        }
    });
    let words = match (class, like) {
        (None, None) => return None,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(class), Some(like)) => format!("{class}; {like}"),
    };
    let evidence = facts.class.as_ref().map(|(id, _)| *id).into_iter();
    let evidence = evidence.chain(facts.similar.as_ref().map(|(id, _)| *id));
    Some(Sentence::of(&capital(&words), evidence))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use opsseer_core::{Classified, IncidentId, IncidentNumber, SimilarIncident};

    use super::*;
    use crate::web::test_data::{alert, at, chart, event, event_by, incident};

    fn numbered(kinds: Vec<EventKind>) -> Vec<Event> {
        (1..).zip(kinds).map(|(id, kind)| Event { id: EventId(id), ..event(kind) }).collect()
    }

    fn facts(events: &[Event]) -> Facts {
        let mut facts = Facts::default();
        for event in events {
            facts.fold(event);
        }
        facts
    }

    fn opened() -> EventKind {
        EventKind::Opened {
            title: "t".into(),
            severity: opsseer_core::Severity::Page,
            service: None,
            correlation_key: "k".into(),
            reason: "r".into(),
        }
    }

    fn fired() -> EventKind {
        EventKind::AlertFired { alert: alert(), first: true, reason: "r".into() }
    }

    fn classified(category: &str, unsure: bool) -> EventKind {
        EventKind::Classified(Classified {
            alert: "PaymentsHighErrorRate".into(),
            category: category.into(),
            probability: 0.82,
            unsure,
            runners_up: vec![],
            severity: "critical".into(),
            severity_probability: 0.7,
            severity_unsure: false,
            hint: None,
            learned_from: 0,
            model: "m".into(),
        })
    }

    fn similar() -> EventKind {
        let one = SimilarIncident {
            id: IncidentId::generate(),
            number: IncidentNumber(31),
            title: "payments: slow".into(),
            score: 0.9,
            reason: "same alert".into(),
            ended: Some("rolled back".into()),
            seconds: Some(1140),
        };
        EventKind::SimilarFound { incidents: vec![one], looked_through: 40 }
    }

    #[test]
    fn a_firing_incident_is_told_in_four_sentences_with_their_evidence() {
        let events = numbered(vec![
            opened(),
            fired(),
            EventKind::Charted(chart()),
            classified("Databases", false),
            similar(),
        ]);
        let told = summarise(&incident(), &facts(&events));
        assert_eq!(told.headline, "payments: error rate above 10 %: firing");
        assert_eq!(
            told.text(),
            "1 alert of payments fired, from 03:12:09 UTC on 2 March on: PaymentsHighErrorRate. The error rate is 41 %, above \
             10 %. Nobody has acknowledged it yet. It looks like a matter of Databases (82 % sure); it is like INC-31, which \
             took 19 min (rolled back)."
        );
        let evidence: Vec<Vec<i64>> =
            told.sentences.iter().map(|one| one.events.iter().map(|id| id.0).collect()).collect();
        assert_eq!(evidence, [vec![1, 2, 5], vec![3], vec![1], vec![4, 5]]);
    }

    #[test]
    fn the_order_of_folding_does_not_matter_and_twice_is_once() {
        let events = numbered(vec![
            opened(),
            fired(),
            EventKind::Charted(chart()),
            classified("Databases", false),
            similar(),
        ]);
        let backwards: Vec<Event> = events.iter().rev().chain(&events).cloned().collect();
        assert_eq!(summarise(&incident(), &facts(&events)), summarise(&incident(), &facts(&backwards)));
    }

    #[test]
    fn a_persons_word_on_the_kind_stands_and_a_guess_that_is_unsure_is_not_told() {
        let corrected = EventKind::ClassCorrected {
            alert: "A".into(),
            category: "Network and security".into(),
            severity: None,
            was: Some("Databases".into()),
        };
        let mut events = numbered(vec![opened(), corrected, classified("Databases", false)]);
        events[1].actor = Actor::Person { name: "ada".into() };
        let text = summarise(&incident(), &facts(&events)).text();
        assert!(text.contains("It is a matter of Network and security, says ada."), "{text}");
        let unsure =
            summarise(&incident(), &facts(&numbered(vec![opened(), classified("Databases", true)]))).text();
        assert!(!unsure.contains("Databases"), "{unsure}");
    }

    #[test]
    fn the_end_takes_the_place_of_who_has_it() {
        let mut over = incident();
        (over.resolved_at, over.alerts_firing) = (Some(at("03:16:21")), 0);
        over.status = opsseer_core::IncidentStatus::Resolved;
        let mut events = numbered(vec![
            opened(),
            fired(),
            EventKind::Resolved { reason: "All alerts are resolved.".into() },
        ]);
        events.push(Event {
            id: EventId(9),
            ..event_by(Actor::Person { name: "ada".into() }, EventKind::Acknowledged)
        });
        let told = summarise(&over, &facts(&events));
        assert_eq!(told.headline, "payments: error rate above 10 %: over after 4 min 12 s");
        assert!(
            told.text().ends_with("It was over after 4 min 12 s: All alerts are resolved."),
            "{}",
            told.text()
        );
        assert!(!told.text().contains("acknowledged"), "{}", told.text());
    }

    #[test]
    fn many_rules_are_named_as_far_as_a_sentence_carries() {
        let mut incident = incident();
        (incident.alerts_total, incident.alerts_firing) = (12, 5);
        let kinds = ["A", "B", "C", "D", "E"].map(|name| {
            let mut alert = alert();
            alert.name = name.into();
            EventKind::AlertFired { alert, first: true, reason: "r".into() }
        });
        let text = summarise(&incident, &facts(&numbered(kinds.into()))).text();
        assert!(
            text.contains("12 alerts of payments fired")
                && text.contains(": A, B, C and 2 other rules; 5 of them fire."),
            "{text}"
        );
    }

    /// Every number of a summary stands in the events (or in what they add up to): take them away, and it goes.
    #[test]
    fn no_number_comes_from_elsewhere() {
        let events = numbered(vec![
            opened(),
            fired(),
            EventKind::Charted(chart()),
            classified("Databases", false),
            similar(),
        ]);
        let incident = incident();
        let told = summarise(&incident, &facts(&events));
        let sources = format!("{events:?} {incident:?} {} 19 82", incident.opened_at.format("%H %M %S %-d"));
        for sentence in &told.sentences {
            for number in
                sentence.text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty())
            {
                assert!(sources.contains(number), "{number} of {:?} is in no event", sentence.text);
            }
            assert!(!sentence.events.is_empty(), "{sentence:?} names no event");
        }
    }
}
