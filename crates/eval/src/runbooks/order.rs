//! At which place of the order the right runbook stands.

use opsseer_ai::runbook::{RankRunbooks, RankedPlace, RunbookIndex};

use super::data::{Corpus, Query};
use crate::{
    EvalError,
    suite::{Item, Measure, chance},
};

/// How many places an index has.
pub(super) struct Places(usize);

impl Places {
    pub(super) fn of(index: &RunbookIndex) -> Self {
        Self(index.place_count())
    }
}

pub(super) fn measures(places: &[Places]) -> Vec<Measure> {
    let floor = |of: fn(usize) -> f64| chance::mean(places.iter().map(|places| of(places.0.max(1))));
    vec![
        Measure::share("r1", "the right runbook comes first")
            .chance(floor(|count| chance::among_first(1, count))),
        Measure::share("r5", "it is among the first five")
            .chance(floor(|count| chance::among_first(5, count))),
        Measure::share("mrr", "mean of 1 / its place").chance(floor(chance::reciprocal_rank)),
    ]
}

/// The whole alert.
pub(super) async fn easy(index: &RunbookIndex, corpus: &Corpus, query: &Query) -> Result<Item, EvalError> {
    let alert = query.alert();
    let places = index.rank_for_alert(&alert).await.map_err(|source| corpus.failed(source))?;
    let summary = alert.summary.unwrap_or_default();
    Ok(item(corpus, query, &format!("{}: {summary}", alert.alert_name), &places))
}

/// Only its words; `None` where they do not say enough for anyone.
pub(super) async fn hard(
    index: &RunbookIndex,
    corpus: &Corpus,
    query: &Query,
) -> Result<Option<Item>, EvalError> {
    let Some(words) = query.hard() else { return Ok(None) };
    let places = index.rank_for_question(words).await.map_err(|source| corpus.failed(source))?;
    Ok(Some(item(corpus, query, words, &places)))
}

fn item(corpus: &Corpus, query: &Query, asked: &str, places: &[RankedPlace]) -> Item {
    let rank = rank_of(&query.runbook, places);
    let score = |is: bool| f64::from(u8::from(is));
    let reciprocal = rank.map_or(0.0, |rank| 1.0 / f64::from(rank));
    let item = Item::new(&query.id)
        .in_group(&corpus.name)
        .asked(asked)
        .right(&query.runbook)
        .score("r1", score(rank == Some(1)))
        .score("r5", score(rank.is_some_and(|rank| rank <= 5)))
        .score("mrr", reciprocal);
    let Some(first) = places.first() else { return item.loss(0.5) };
    let confidence = f64::from(first.confidence);
    let answered = if query.runbook.contains('#') {
        format!("{}#{} ({confidence:.2})", first.file, first.headings.last().map_or("", String::as_str))
    } else {
        format!("{} ({confidence:.2})", first.file)
    };
    item.answered(answered).loss((1.0 - reciprocal) * (0.5 + confidence / 2.0))
}

/// The place of the right runbook, from 1; `None` if it is nowhere. A file counts once, at its first place; where the
/// truth is a section of a file, each section counts.
pub(super) fn rank_of(right: &str, places: &[RankedPlace]) -> Option<u32> {
    let (file, anchor) = right.split_once('#').map_or((right, None), |(file, anchor)| (file, Some(anchor)));
    let mut seen: Vec<(&str, &[String])> = Vec::new();
    for place in places {
        let unit = (place.file.as_str(), if anchor.is_some() { &place.headings[..] } else { &[] });
        if seen.contains(&unit) {
            continue;
        }
        seen.push(unit);
        let is_there =
            anchor.is_none_or(|anchor| place.headings.iter().any(|heading| is_anchor_of(anchor, heading)));
        if place.file == file && is_there {
            return u32::try_from(seen.len()).ok();
        }
    }
    None
}

/// Whether a heading has this anchor: sites make anchors in different ways, but all keep letters and digits in order.
fn is_anchor_of(anchor: &str, heading: &str) -> bool {
    let fold = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    fold(anchor) == fold(heading)
}

#[cfg(test)]
mod tests {
    use opsseer_ai::runbook::{Evidence, MatchedBy};

    use super::*;

    fn place(file: &str, headings: &[&str]) -> RankedPlace {
        RankedPlace {
            file: file.to_owned(),
            headings: headings.iter().map(|heading| (*heading).to_owned()).collect(),
            matched_by: MatchedBy::Search { score: 0.5 },
            evidence: Evidence::default(),
            confidence: 0.5,
        }
    }

    #[test]
    fn a_file_counts_once_and_a_section_counts_itself() {
        let places = [
            place("all.md", &["All", "Disk full"]),
            place("all.md", &["All", "Queue long", "Fix"]),
            place("other.md", &["Other"]),
        ];
        assert_eq!(rank_of("all.md", &places), Some(1));
        assert_eq!(rank_of("other.md", &places), Some(2), "the file before it counts once");
        assert_eq!(rank_of("all.md#queue-long", &places), Some(2));
        assert_eq!(rank_of("all.md#gone", &places), None);
        assert_eq!(rank_of("gone.md", &places), None);
    }
}
