//! The matters in the order in which they fit a question: words and meaning together.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tantivy::TantivyError;

use super::library::Snapshot;
use super::meaning::Nearness;
use super::search::Words;
use super::{AlertQuestion, AnswerError, MatchedBy};
use crate::embed::Vector;

/// How much the words count, the nearest piece, and the matter as a whole. The scores of each are spread between 0 and
/// 1 before. Chosen by trying; between .4 and .5 for the words little changes (docs/models/runbooks.md).
const WORDS: f32 = 0.4;
const PIECE: f32 = 0.3;
const WHOLE: f32 = 0.3;

/// A place's words are compared with those of so many others, the best ones: far down the order no place shares more.
const RIVALS: usize = 12;

/// What speaks for a place being the right one. The confidence is made of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The greatest cosine between the question and a piece of the place; `None` without an embedding model.
    pub cosine: Option<f32>,
    /// The share of the question's words that stand there, rare words counting more: 0 to 1.
    pub share: f32,
    /// How many different words those are.
    pub words: usize,
    /// How far it is above the best other place, or below it: in cosine, or without an embedding model in the share of
    /// words. -1 to 1. A place that is alone is above nothing.
    pub lead: f32,
    /// How many places there are. Among few, the best one is easily far above the others and still wrong.
    pub places: usize,
}

/// A place in the order in which the runbooks fit a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankedPlace {
    /// The file, relative to the runbook folder.
    pub file: String,
    /// The headings that lead to it, the outermost first.
    pub headings: Vec<String>,
    /// How it was found.
    pub matched_by: MatchedBy,
    /// What speaks for it; all 0 for the link and the name, which need no evidence.
    pub evidence: Evidence,
    /// How probable it is that it is the right one, 0 to 1.
    pub confidence: f32,
}

/// All places of the runbooks in order, for those who measure how good the order is.
#[async_trait]
pub trait RankRunbooks: Send + Sync {
    /// The places, the one that fits the alert best first: the same order in which an answer is looked for.
    async fn rank_for_alert(&self, question: &AlertQuestion) -> Result<Vec<RankedPlace>, AnswerError>;

    /// The same for a question in words.
    async fn rank_for_question(&self, question: &str) -> Result<Vec<RankedPlace>, AnswerError>;

    /// How many places there are.
    fn place_count(&self) -> usize;
}

/// A matter with its place in the order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    pub(super) topic: usize,
    /// 0 to 1.
    pub(super) score: f32,
    pub(super) nearness: Option<Nearness>,
}

/// All matters, the one that fits best first. Without vectors of the question, or of a matter, words decide alone.
pub(super) fn rank(now: &Snapshot, words: &Words, questions: &[Vector]) -> Result<Vec<Ranked>, TantivyError> {
    let mut by_words = now.search.scores(words)?;
    spread(&mut by_words);
    let near = now.meanings.nearness(questions);
    let mut pieces: Vec<f32> = near.iter().flatten().map(|near| near.piece).collect();
    let mut wholes: Vec<f32> = near.iter().flatten().map(|near| near.whole).collect();
    spread(&mut pieces);
    spread(&mut wholes);
    let mut meanings = pieces.into_iter().zip(wholes);
    let mut ranked: Vec<Ranked> = by_words
        .into_iter()
        .zip(near)
        .enumerate()
        .map(|(topic, (by_words, nearness))| {
            let meaning = nearness.and_then(|_| meanings.next());
            let score =
                meaning.map_or(by_words, |(piece, whole)| WORDS * by_words + PIECE * piece + WHOLE * whole);
            Ranked { topic, score, nearness }
        })
        .collect();
    // A stable sort: equal scores stay in the order of the files.
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(ranked)
}

/// Moves the numbers so that the least is 0 and the greatest 1. Numbers that are all alike say nothing: all become 0,
/// but for a single one, which is the greatest that there is.
fn spread(numbers: &mut [f32]) {
    let least = if numbers.len() == 1 { 0.0 } else { numbers.iter().copied().fold(f32::MAX, f32::min) };
    let greatest = numbers.iter().copied().fold(f32::MIN, f32::max);
    let width = greatest - least;
    for number in numbers {
        *number = if width > 0.0 { (*number - least) / width } else { 0.0 };
    }
}

/// What speaks for the place at `at` of the order.
pub(super) fn evidence(now: &Snapshot, words: &Words, ranked: &[Ranked], at: usize) -> Evidence {
    let share = |place: &Ranked| now.search.share_in_topic(words, place.topic);
    let cosine = |place: &Ranked| place.nearness.map(|near| near.piece);
    let place = &ranked[at];
    let others = ranked.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
    let own = cosine(place);
    let lead = match own {
        Some(own) => own - others.filter_map(cosine).fold(0.0, f32::max),
        None => share(place) - others.take(RIVALS).map(share).fold(0.0, f32::max),
    };
    let shared = now.search.words_in_topic(words, place.topic);
    Evidence { cosine: own, share: share(place), words: shared, lead, places: ranked.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread_of(mut numbers: Vec<f32>) -> Vec<f32> {
        spread(&mut numbers);
        numbers
    }

    #[test]
    fn spreads_numbers_between_nought_and_one() {
        assert_eq!(spread_of(vec![2.0, 4.0, 3.0]), [0.0, 1.0, 0.5]);
        assert_eq!(spread_of(vec![3.0, 3.0]), [0.0, 0.0]);
        assert_eq!(spread_of(vec![3.0]), [1.0]);
        assert_eq!(spread_of(vec![0.0]), [0.0]);
        assert!(spread_of(vec![]).is_empty());
    }
}
