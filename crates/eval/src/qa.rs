//! The suite `qa`: questions in the form of `SQuAD` over paragraphs of running text.
//!
//! All paragraphs are one corpus. Measured is whether the paragraph with the answer comes first, and whether the quote,
//! at most 60 words, holds a gold answer.

mod corpus;

use std::{path::Path, sync::Arc, time::Instant};

use opsseer_ai::{
    embed::Embed,
    runbook::{AnswerRunbook, RankRunbooks, RunbookIndex},
};

use self::corpus::{Corpus, Question};
use crate::{
    EvalError, runbooks,
    suite::{Better, Item, Measure, Outcome, Part, chance},
};

/// A longer quote counts as none.
const MAX_WORDS: usize = 60;

/// Runs the suite over all `*.json` of the folder `data`, or of each of its folders that holds some.
pub async fn run(data: &Path, embedder: Option<Arc<dyn Embed>>) -> Result<Outcome, EvalError> {
    let corpus = Corpus::read(data)?;
    let folder = corpus.write()?;
    let index = runbooks::open(folder.path(), embedder.as_ref()).await?;
    let (paragraphs, places) = (corpus.paragraphs.len(), index.place_count());
    if places != paragraphs {
        return Err(EvalError::Paragraphs { paragraphs, places });
    }
    let mut items = Vec::new();
    let started = Instant::now();
    for question in &corpus.questions {
        items.push(ask(&index, question).await?);
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousand questions")]
    let each = started.elapsed().as_secs_f64() * 1_000.0 / items.len().max(1) as f64;
    let measures = vec![
        Measure::share("paragraph_r1", "the paragraph with the answer comes first")
            .chance(chance::among_first(1, paragraphs)),
        Measure::share("paragraph_r5", "it is among the first five")
            .chance(chance::among_first(5, paragraphs)),
        Measure::share("quote_contains", "the quote holds a gold answer"),
        Measure::number("quote_words", "words of a quote", Better::Neither),
        Measure::share("refused", "nothing was answered").better(Better::Lower),
    ];
    let model = embedder.map(|embedder| embedder.model().to_owned());
    Ok(Outcome::new("qa", model)
        .part(Part::new("", "questions over paragraphs", measures, items).grouped_by("file"))
        .extra("ms_per_query", each))
}

async fn ask(index: &RunbookIndex, question: &Question) -> Result<Item, EvalError> {
    let failed = |source| EvalError::Runbooks { folder: "the paragraphs".into(), source };
    let places = index.rank_for_question(&question.text).await.map_err(failed)?;
    let place = places.iter().position(|place| place.file == question.paragraph);
    let answer = index.ask(&question.text, None).await.map_err(failed)?;
    let score = |is: bool| f64::from(u8::from(is));
    let item = Item::new(&question.id)
        .in_group(&question.source)
        .asked(&question.text)
        .right(question.answers.join(" | "))
        .score("paragraph_r1", score(place == Some(0)))
        .score("paragraph_r5", score(place.is_some_and(|place| place < 5)))
        .score("refused", score(answer.found.is_none()));
    let Some(found) = answer.found else {
        return Ok(item.score("quote_contains", 0.0).loss(0.4));
    };
    let words = found.quote.split_whitespace().count();
    let holds = words <= MAX_WORDS && question.answers.iter().any(|gold| holds(&found.quote, gold));
    let loss = if holds { 0.0 } else { 0.5 + f64::from(found.confidence) / 2.0 };
    #[expect(clippy::cast_precision_loss, reason = "some ten words")]
    let item = item.score("quote_words", words as f64);
    Ok(item.score("quote_contains", score(holds)).answered(&found.quote).loss(loss))
}

/// Whether a text holds an answer, apart from case, signs and blanks.
fn holds(text: &str, answer: &str) -> bool {
    let words = |text: &str| {
        let plain: String = text
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { ' ' })
            .flat_map(char::to_lowercase)
            .collect();
        format!(" {} ", plain.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let answer = words(answer);
    !answer.trim().is_empty() && words(text).contains(&answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_held_by_whole_words() {
        assert!(holds("It cost \"$5.3 million\", they said.", "$5.3 million"));
        assert!(holds("in the 1990s", "the 1990s"));
        assert!(!holds("in the 1990s", "1990"));
        assert!(!holds("anything", "%"));
    }

    #[tokio::test]
    async fn asks_over_all_paragraphs() {
        let data = tempfile::tempdir().expect("a folder");
        let squad = serde_json::json!({"version": "1.1", "data": [{"title": "x", "paragraphs": [
            {"context": "The *lighthouse* of Alexandria was built by Sostratus. It stood 100 m tall [1].",
             "qas": [{"id": "a", "question": "Who built the lighthouse of Alexandria?", "answers": [{"text": "Sostratus", "answer_start": 0}]}]},
            {"context": "# 1. Bees dance to tell others where flowers are.",
             "qas": [{"id": "b", "question": "Why do bees dance?", "answers": [{"text": "to tell others where flowers are", "answer_start": 0}]},
                     {"id": "c", "question": "Unanswerable?", "answers": [], "is_impossible": true}]}]}]});
        std::fs::write(data.path().join("squad.json"), squad.to_string()).expect("a file");
        let outcome = run(data.path(), None).await.expect("an outcome");
        let items = &outcome.parts[0].items;
        assert_eq!(items.len(), 2, "what has no answer is not asked");
        for item in items {
            assert_eq!(item.score_of("paragraph_r1"), Some(1.0), "{item:?}");
        }
    }
}
