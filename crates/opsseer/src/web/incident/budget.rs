//! The card "Error budget": what is left of the failures that an objective allows, how fast it goes, and when it is gone.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{BudgetSeen, BurnRate, Event, EventKind, Incident};

use crate::web::{
    incident::{
        headline::State,
        story::Story,
        words::{Failure, sentence_case, whole_percent},
    },
    moment::{Moment, duration_words},
    prose::first_line,
};

/// The kind of the job that asks.
const STEP: &str = "see_budget";

/// Objectives that are shown; the timeline has them all.
const SHOWN: usize = 3;

/// Characters of a sentence.
const SENTENCE: usize = 300;

/// A budget as the card shows it.
struct Budget {
    objective: String,
    /// `99.9 % good over 30 days`.
    target: String,
    state: State,
    sentence: String,
    /// `61 % left`, and the width of a bar.
    left: Option<Left>,
    burn: Vec<Burn>,
    exhausted: Option<Moment>,
    made: Moment,
}

struct Left {
    words: String,
    percent: u32,
}

struct Burn {
    over: String,
    rate: String,
    /// Faster than the budget lasts.
    fast: bool,
}

enum Content {
    Seen(Vec<Budget>),
    /// Whether there are objectives at all.
    None {
        configured: bool,
    },
    Failed(Failure),
}

#[derive(Template)]
#[template(path = "incident/budget.html")]
pub(crate) struct BudgetCard {
    content: Content,
    over: bool,
}

/// The budget with the least left, for the headline.
pub(crate) struct Scarcest {
    /// `61 % left`.
    pub(crate) left: String,
    /// When nothing is left of it.
    pub(crate) gone: Option<Moment>,
}

impl Scarcest {
    pub(crate) fn of(story: &Story, now: DateTime<Utc>) -> Option<Self> {
        let (_, budget) = ranked(story).into_iter().next()?;
        let left = Left::new(budget.left?).words;
        Some(Self { left, gone: budget.exhausted_at.map(|at| Moment::new(at, now)) })
    }
}

/// What is nearest to its end first.
fn ranked(story: &Story) -> Vec<(&Event, &BudgetSeen)> {
    let mut all: Vec<(&Event, &BudgetSeen)> = story
        .budgets
        .values()
        .filter_map(|event| match &event.kind {
            EventKind::BudgetSeen(budget) => Some((event, budget)),
            _ => None,
        })
        .collect();
    let left = |budget: &BudgetSeen| budget.left.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| left(a.1).total_cmp(&left(b.1)));
    all
}

impl BudgetCard {
    pub(crate) fn new(story: &Story, incident: &Incident, configured: bool, now: DateTime<Utc>) -> Self {
        let newest = story.budgets.values().max_by_key(|event| event.id);
        let content = Content::seen(story, now)
            .or_else(|| Failure::of(story, STEP, newest, now).map(Content::Failed))
            .unwrap_or(Content::None { configured });
        Self { content, over: !incident.is_open() }
    }
}

impl Content {
    fn seen(story: &Story, now: DateTime<Utc>) -> Option<Self> {
        let shown: Vec<Budget> = ranked(story)
            .into_iter()
            .take(SHOWN)
            .map(|(event, budget)| Budget::new(event, budget, now))
            .collect();
        (!shown.is_empty()).then_some(Self::Seen(shown))
    }
}

impl Budget {
    fn new(event: &Event, budget: &BudgetSeen, now: DateTime<Utc>) -> Self {
        Self {
            objective: budget.objective.clone(),
            target: format!("{} good over {}", percent_words(budget.target), span(budget.window_seconds)),
            state: state(budget),
            sentence: sentence_case(&first_line(&budget.sentence, SENTENCE)),
            left: budget.left.map(Left::new),
            burn: budget.burn.iter().map(Burn::new).collect(),
            exhausted: budget.exhausted_at.map(|at| Moment::new(at, now)),
            made: Moment::new(event.at, now),
        }
    }
}

impl Left {
    fn new(left: f64) -> Self {
        let words = if left < 0.0 {
            format!("overspent by {}", percent_words(-left))
        } else {
            format!("{} left", percent_words(left))
        };
        Self { words, percent: whole_percent(left) }
    }
}

impl Burn {
    fn new(burn: &BurnRate) -> Self {
        let rate = if burn.rate >= 10.0 { format!("{:.0}", burn.rate) } else { format!("{:.1}", burn.rate) };
        Self { over: span(burn.over_seconds), rate: format!("{rate} ×"), fast: burn.rate > 1.0 }
    }
}

/// In a word and a colour.
fn state(budget: &BudgetSeen) -> State {
    let (word, colour) = match (budget.left, budget.exhausted_at) {
        (None, _) => ("No traffic", "calm"),
        (Some(left), _) if left <= 0.0 => ("Spent", "warn"),
        (Some(_), Some(_)) => ("Burning", "warn"),
        (Some(_), None) => ("Lasts", "good"),
    };
    State { word, colour }
}

/// A share in percent: `99.95 %`, `61 %`, `0.4 %`.
fn percent_words(share: f64) -> String {
    let percent = share * 100.0;
    let digits = match percent.abs() {
        p if (99.0..100.0).contains(&p) => 3,
        p if p < 10.0 => 1,
        _ => 0,
    };
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

fn span(seconds: u64) -> String {
    duration_words(i64::try_from(seconds).ok().and_then(TimeDelta::try_seconds).unwrap_or(TimeDelta::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, budget, event, incident};

    fn html(kinds: Vec<EventKind>) -> String {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: opsseer_core::EventId(id), ..event(kind) });
        }
        BudgetCard::new(&story, &incident(), true, at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn what_is_left_how_fast_it_goes_and_when_it_is_gone() {
        let shown = html(vec![budget("availability", Some(0.613))]);
        for part in [
            "99.9 % good over 30 days",
            "<b>61 % left</b>",
            ">in 2 h 6 min<",
            ">05:26:21<",
            r#"width="61""#,
            "<td>1 h</td><td>6 h</td>",
            r#"<td class="fast">14 ×</td><td>0.8 ×</td>"#,
            "Burning",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn an_overspent_budget_comes_first_and_one_without_traffic_says_so() {
        let shown = html(vec![
            budget("a", Some(0.4)),
            budget("b", Some(-0.125)),
            budget("c", None),
            budget("a", Some(0.3)),
        ]);
        assert!(shown.find(">b<") < shown.find(">a<") && shown.find(">a<") < shown.find(">c<"), "{shown}");
        assert!(shown.contains("overspent by 12 %") && shown.contains("No traffic"), "{shown}");
        assert!(shown.contains("30 % left") && !shown.contains("40 % left"), "the newest counts: {shown}");
    }

    #[test]
    fn the_headline_speaks_of_the_scarcest_that_has_traffic() {
        let mut story = Story::default();
        for (id, kind) in (1..).zip([budget("a", None), budget("b", Some(0.61)), budget("c", Some(0.9))]) {
            story.fold(&Event { id: opsseer_core::EventId(id), ..event(kind) });
        }
        let scarcest = Scarcest::of(&story, at("03:20:00")).expect("one");
        assert_eq!((scarcest.left.as_str(), scarcest.gone.is_some()), ("61 % left", true));
        assert!(Scarcest::of(&Story::default(), at("03:20:00")).is_none());
    }

    #[test]
    fn no_objective_and_a_failure_are_said() {
        assert!(html(vec![]).contains("No objective covers this service"));
        let card = BudgetCard::new(&Story::default(), &incident(), false, at("03:20:00"));
        assert!(card.render().expect("renders").contains("No objectives are configured"));
        let error = "no answer".into();
        let failed = EventKind::StepFailed { step: STEP.into(), error, retry_at: None };
        assert!(html(vec![failed]).contains("The budget could not be read: no answer"));
    }

    #[test]
    fn shares_are_written_with_the_digits_that_matter() {
        let words = [0.9995, 0.99, 0.61, 0.0042, 0.0, 1.0].map(percent_words);
        assert_eq!(words, ["99.95 %", "99 %", "61 %", "0.4 %", "0 %", "100 %"]);
    }
}
