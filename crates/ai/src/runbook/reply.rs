//! What a search found, told as an answer.

use std::sync::Arc;

use super::confidence::{ENOUGH, LINKED, NAMED, confidence};
use super::document::Document;
use super::find::Place;
use super::index::search_error;
use super::library::Snapshot;
use super::passage::{self, Sentence};
use super::quote::{Quote, quote};
use super::rank::{Evidence, Ranked, RankedPlace, evidence, rank};
use super::search::Words;
use super::step::{Scope, scope_around};
use super::{Answer, AnswerError, MatchedBy, NearPlace, RunbookAnswer};
use crate::embed::Vector;

/// So many places are shown beside an answer or instead of one.
const NEAREST: usize = 3;

/// The runbooks in the order in which they fit a question.
pub(super) struct Searched {
    now: Arc<Snapshot>,
    commit: Option<String>,
    words: Words,
    vectors: Vec<Vector>,
    ranked: Vec<Ranked>,
}

/// The sentences of the best place, of which those that answer best are to be quoted.
pub(super) struct Passage {
    sentences: Vec<Sentence>,
    compared: Vec<usize>,
    question: Option<Vector>,
}

impl Passage {
    /// The sentences whose vectors are needed.
    pub(super) fn texts_to_compare(&self) -> Vec<String> {
        let compared = self.compared.iter().filter(|_| self.question.is_some());
        compared.map(|at| self.sentences[*at].text.clone()).collect()
    }

    /// Takes the vectors of those sentences, or none if there are none.
    pub(super) fn compare(&mut self, vectors: &[Vector]) {
        if let Some(question) = &self.question {
            passage::add_meaning(&mut self.sentences, &self.compared, vectors, question);
        }
    }
}

impl Searched {
    pub(super) fn run(
        now: Arc<Snapshot>,
        commit: Option<String>,
        words: &[(f32, String)],
        vectors: Vec<Vector>,
    ) -> Result<Self, AnswerError> {
        let words = now.search.words(words);
        let ranked = rank(&now, &words, &vectors).map_err(search_error)?;
        Ok(Self { now, commit, words, vectors, ranked })
    }

    pub(super) fn now(&self) -> &Snapshot {
        &self.now
    }

    /// Every place in its order.
    pub(super) fn places(&self) -> Vec<RankedPlace> {
        let place = |at: usize| {
            let evidence = self.evidence(at);
            RankedPlace {
                file: self.document(at).file.clone(),
                headings: headings(self.document(at), self.section(at)),
                matched_by: MatchedBy::Search { score: evidence.share },
                evidence,
                confidence: confidence(&evidence),
            }
        };
        (0..self.ranked.len()).map(place).collect()
    }

    /// What the alert's link or name leads to, told like the places that a search finds.
    pub(super) fn certain_place(&self, place: &Place, by: MatchedBy) -> RankedPlace {
        let document = &self.now.documents[place.document];
        RankedPlace {
            file: document.file.clone(),
            headings: headings(document, place.scope.sections.start),
            matched_by: by,
            evidence: Evidence::default(),
            confidence: certainty(by),
        }
    }

    /// The step that the alert's link or name leads to, before what a search finds.
    pub(super) fn certain(&self, place: &Place, by: MatchedBy) -> Option<Answer> {
        let document = &self.now.documents[place.document];
        let found = self.answer(document, quote(document, &place.scope)?, certainty(by), by);
        let mut nearest = vec![near(&found)];
        let others = (0..self.ranked.len()).filter(|at| !self.is_within(*at, place));
        nearest.extend(others.filter_map(|at| self.near(at)).take(NEAREST - 1));
        Some(Answer { confidence: found.confidence, found: Some(found), nearest })
    }

    /// The step of the best place, if it is good enough.
    pub(super) fn step(&self) -> Answer {
        let nearest = self.nearest();
        let best =
            (0..self.ranked.len()).find_map(|at| Some((at, quote(self.document(at), &self.scope(at))?)));
        self.judged(best, nearest)
    }

    /// The sentences of the best place that may answer the question.
    pub(super) fn passage(&self, question: &str) -> Passage {
        let mut sentences = Vec::new();
        let mut nearest_section = None;
        if let Some(best) = self.ranked.first() {
            let sections = &self.now.topics[best.topic].sections;
            nearest_section = best.nearness.map(|near| near.section);
            sentences =
                passage::sentences_of(self.document(0), sections, &self.now.search, &self.words, question);
        }
        let compared = passage::worth_comparing(&sentences, nearest_section);
        Passage { sentences, compared, question: self.vectors.first().cloned() }
    }

    /// The answer to a question in words, if the best place is good enough.
    pub(super) fn told(&self, passage: &Passage) -> Answer {
        let nearest = self.nearest();
        let best = (!self.ranked.is_empty()).then(|| {
            let document = self.document(0);
            passage::passage(document, &passage.sentences).or_else(|| quote(document, &self.scope(0)))
        });
        self.judged(best.flatten().map(|quote| (0, quote)), nearest)
    }

    fn judged(&self, best: Option<(usize, Quote)>, mut nearest: Vec<NearPlace>) -> Answer {
        let Some((at, quote)) = best else {
            return Answer { found: None, nearest, confidence: 0.0 };
        };
        let evidence = self.evidence(at);
        let confidence = confidence(&evidence);
        let by = MatchedBy::Search { score: evidence.share };
        let found = self.answer(self.document(at), quote, confidence, by);
        // The place that answers is shown with the words that answer.
        if let Some(first) = nearest.first_mut().filter(|_| at == 0) {
            *first = near(&found);
        }
        Answer { found: (confidence >= ENOUGH).then_some(found), nearest, confidence }
    }

    fn nearest(&self) -> Vec<NearPlace> {
        (0..self.ranked.len()).filter_map(|at| self.near(at)).take(NEAREST).collect()
    }

    fn near(&self, at: usize) -> Option<NearPlace> {
        // What has neither a word nor a thought in common with the question is not near it.
        let place = &self.ranked[at];
        if place.score <= 0.0 {
            return None;
        }
        let document = self.document(at);
        let quote = quote(document, &self.scope(at))?;
        let by = MatchedBy::Search { score: 0.0 };
        Some(near(&self.answer(document, quote, confidence(&self.evidence(at)), by)))
    }

    fn evidence(&self, at: usize) -> Evidence {
        evidence(&self.now, &self.words, &self.ranked, at)
    }

    fn document(&self, at: usize) -> &Document {
        &self.now.documents[self.now.topics[self.ranked[at].topic].document]
    }

    /// The section that is nearest; the first one when it is not known.
    fn section(&self, at: usize) -> usize {
        let place = &self.ranked[at];
        place.nearness.map_or(self.now.topics[place.topic].sections.start, |near| near.section)
    }

    /// Where in the matter the step is looked for.
    fn scope(&self, at: usize) -> Scope {
        let sections = &self.now.topics[self.ranked[at].topic].sections;
        let around = scope_around(self.document(at), self.section(at));
        let is_inside = around.sections.start >= sections.start && around.sections.end <= sections.end;
        if is_inside { around } else { Scope { sections: sections.clone() } }
    }

    fn is_within(&self, at: usize, place: &Place) -> bool {
        let topic = &self.now.topics[self.ranked[at].topic];
        topic.document == place.document
            && topic.sections.start < place.scope.sections.end
            && place.scope.sections.start < topic.sections.end
    }

    fn answer(
        &self,
        document: &Document,
        quote: Quote,
        confidence: f32,
        matched_by: MatchedBy,
    ) -> RunbookAnswer {
        RunbookAnswer {
            quote: quote.text,
            commands: quote.commands,
            file: document.file.clone(),
            heading: quote.heading,
            line_start: quote.line_start,
            line_end: quote.line_end,
            revision: document.revision.clone(),
            commit: self.commit.clone(),
            confidence,
            matched_by,
        }
    }
}

fn certainty(by: MatchedBy) -> f32 {
    if by == MatchedBy::RunbookUrl { LINKED } else { NAMED }
}

fn headings(document: &Document, section: usize) -> Vec<String> {
    if document.sections.is_empty() {
        return Vec::new();
    }
    document.heading_path(section).into_iter().map(str::to_owned).collect()
}

fn near(found: &RunbookAnswer) -> NearPlace {
    // A step of code alone is shown by its first line.
    let excerpt = match found.commands.first() {
        Some(command) if found.quote.is_empty() => command.lines().next().unwrap_or_default().to_owned(),
        _ => found.quote.clone(),
    };
    NearPlace {
        file: found.file.clone(),
        heading: found.heading.clone(),
        line_start: found.line_start,
        line_end: found.line_end,
        excerpt,
        confidence: found.confidence,
    }
}
