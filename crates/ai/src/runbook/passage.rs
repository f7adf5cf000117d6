//! The sentences of a matter that answer a question in words.

use std::ops::Range;

use super::document::{Block, Document};
use super::meaning::dot;
use super::quote::{MAX_WORDS, Quote, quote_sentences};
use super::search::{SearchIndex, Words};
use super::sentence::sentences;
use super::step;
use crate::embed::Vector;

/// How much shared words count beside nearness in meaning when a sentence is chosen.
const WORDS: f32 = 0.4;

/// A sentence with a number is the likelier answer to "how many" and "when".
const NUMBER: f32 = 0.1;

/// A sentence under "Mitigation" is the likelier answer to "how do I fix".
const STEP: f32 = 0.1;

/// So many sentences at most are compared in meaning: each costs the model some milliseconds.
pub(super) const MAX_COMPARED: usize = 24;

/// A sentence of a matter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sentence {
    pub(super) section: usize,
    /// Of the section.
    pub(super) block: usize,
    /// Which of the block's sentences it is.
    pub(super) number: usize,
    pub(super) text: String,
    /// By words and signs alone; without meaning.
    score: f32,
}

impl Sentence {
    fn word_count(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

/// The sentences of these sections in order, each with how well its words fit the question.
pub(super) fn sentences_of(
    document: &Document,
    sections: &Range<usize>,
    search: &SearchIndex,
    words: &Words,
    question: &str,
) -> Vec<Sentence> {
    let (wants_number, wants_step) = (asks_for_number(question), asks_what_to_do(question));
    let mut found = Vec::new();
    for section in sections.clone() {
        let is_step = step::names_step(document, section);
        for (number, block) in document.sections[section].blocks.iter().enumerate() {
            if !is_quotable(block) {
                continue;
            }
            for (place, range) in sentences(&block.text, &block.inline_code).into_iter().enumerate() {
                let text = block.text[range].to_owned();
                let mut score = WORDS * search.share_in_text(words, &text);
                if wants_number && text.chars().any(|c| c.is_ascii_digit()) {
                    score += NUMBER;
                }
                if wants_step && is_step {
                    score += STEP;
                }
                found.push(Sentence { section, block: number, number: place, text, score });
            }
        }
    }
    found
}

fn is_quotable(block: &Block) -> bool {
    !block.is_code() && !block.is_filler() && !block.is_reference()
}

/// The sentences that are worth comparing in meaning: those in the nearest section, and those whose words fit best.
pub(super) fn worth_comparing(sentences: &[Sentence], nearest_section: Option<usize>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    let worth = |at: usize| {
        sentences[at].score + if Some(sentences[at].section) == nearest_section { WORDS } else { 0.0 }
    };
    order.sort_by(|a, b| worth(*b).total_cmp(&worth(*a)));
    order.truncate(MAX_COMPARED);
    order
}

/// Adds the nearness in meaning of the sentences that were compared.
pub(super) fn add_meaning(
    sentences: &mut [Sentence],
    compared: &[usize],
    vectors: &[Vector],
    question: &[f32],
) {
    for (at, vector) in compared.iter().zip(vectors) {
        sentences[*at].score += (1.0 - WORDS) * dot(question, vector);
    }
}

/// The best sentence with its neighbours in the same section, the better neighbour first, up to 60 words; with the code
/// that belongs to them.
pub(super) fn passage(document: &Document, sentences: &[Sentence]) -> Option<Quote> {
    let best =
        (0..sentences.len()).rev().max_by(|a, b| sentences[*a].score.total_cmp(&sentences[*b].score))?;
    let section = sentences[best].section;
    let (mut first, mut last) = (best, best);
    let mut count = sentences[best].word_count();
    loop {
        let fits = |at: &usize| {
            sentences[*at].section == section && count + sentences[*at].word_count() <= MAX_WORDS
        };
        let before = first.checked_sub(1).filter(fits);
        let after = Some(last + 1).filter(|at| *at < sentences.len()).filter(fits);
        let next = match (before, after) {
            (Some(before), Some(after)) if sentences[before].score > sentences[after].score => before,
            (_, Some(after)) => after,
            (Some(before), None) => before,
            (None, None) => break,
        };
        count += sentences[next].word_count();
        (first, last) = (first.min(next), last.max(next));
    }
    quote_sentences(
        document,
        section,
        (sentences[first].block, sentences[first].number),
        (sentences[last].block, sentences[last].number),
    )
}

/// "How many", "how long", "when", "what year".
fn asks_for_number(question: &str) -> bool {
    let words: Vec<String> = question.split_whitespace().take(4).map(str::to_lowercase).collect();
    let has = |word: &str| words.iter().any(|it| it == word);
    let how = ["many", "much", "long", "old", "far", "tall", "often", "large", "big", "high"];
    let what = [
        "year",
        "date",
        "century",
        "decade",
        "day",
        "month",
        "percent",
        "percentage",
        "number",
        "age",
        "port",
    ];
    words.first().is_some_and(|word| word == "when")
        || (has("how") && how.iter().any(|it| has(it)))
        || ((has("what") || has("which")) && what.iter().any(|it| has(it)))
}

/// "How do I", "what should I do", "how to".
fn asks_what_to_do(question: &str) -> bool {
    let question = question.to_lowercase();
    [
        "how do i",
        "how do we",
        "how to",
        "how can",
        "how should",
        "what to do",
        "what should",
        "what do i",
        "what can i",
    ]
    .iter()
    .any(|phrase| question.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;
    use crate::runbook::topic::topics_of;

    const TEXT: &str = "# Backups\n## Meaning\nA backup runs every night. It takes 40 minutes. Nobody waits for it.\n\
                        ## Mitigation\n1. Free some disk first.\n2. Start the backup again:\n\n```sh\nbackup now\n```\n\n3. Tell the team.\n";

    fn answer(question: &str, compared: &[(usize, Vector)]) -> Quote {
        let documents = [document_of("a.md", TEXT)];
        let search = SearchIndex::build(&documents, &topics_of(&documents)).expect("an index");
        let words = search.words(&[(1.0, question.to_owned())]);
        let mut sentences = sentences_of(&documents[0], &(0..3), &search, &words, question);
        let (places, vectors): (Vec<usize>, Vec<Vector>) = compared.iter().cloned().unzip();
        add_meaning(&mut sentences, &places, &vectors, &[1.0, 0.0]);
        passage(&documents[0], &sentences).expect("a passage")
    }

    #[test]
    fn quotes_the_sentences_that_answer_with_their_code_and_lines() {
        let quote = answer("How do I start the backup again?", &[]);
        assert_eq!(quote.text, "1. Free some disk first.\n2. Start the backup again:\n3. Tell the team.");
        assert_eq!((quote.commands, quote.heading.as_str()), (vec!["backup now".to_owned()], "Mitigation"));
        assert_eq!((quote.line_start, quote.line_end), (5, 12));

        let quote = answer("How long does it take?", &[]);
        assert_eq!(quote.text, "A backup runs every night. It takes 40 minutes. Nobody waits for it.");
        assert_eq!((quote.line_start, quote.line_end), (3, 3));
    }

    #[test]
    fn meaning_outweighs_words() {
        let near = vec![0.9, 0.1];
        assert_eq!(answer("whom to inform", &[(5, near.clone())]).heading, "Mitigation");
        assert_eq!(answer("whom to inform", &[(2, near)]).heading, "Meaning");
    }

    #[test]
    fn knows_what_kind_of_answer_is_wanted() {
        for question in
            ["When did it start?", "How many pods are there", "In what year was it", "which port is open"]
        {
            assert!(asks_for_number(question), "{question}");
        }
        for question in ["How do I fix it when it fails many times", "Who is on call"] {
            assert!(!asks_for_number(question), "{question}");
        }
        assert!(asks_what_to_do("How do I fix it") && !asks_what_to_do("Who is on call"));
    }

    #[test]
    fn few_sentences_are_compared() {
        let sentence = |section, score| Sentence { section, block: 0, number: 0, text: "x".into(), score };
        let mut all: Vec<Sentence> = (0..100).map(|_| sentence(0, 0.1)).collect();
        all[50] = sentence(0, 0.3);
        all[99] = sentence(1, 0.0);
        let chosen = worth_comparing(&all, Some(1));
        assert_eq!((chosen.len(), &chosen[..2]), (MAX_COMPARED, &[99, 50][..]));
    }
}
