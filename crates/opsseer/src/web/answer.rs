//! What the runbooks say to a question, as pages show it: a quote with its place, or the nearest places.

use opsseer_core::{NearPlace, RunbookAnswered};

use crate::{
    event_words::percent,
    web::{
        incident::lines_words,
        prose::{Prose, cut},
        runbook,
    },
};

/// Characters of an excerpt.
const EXCERPT: usize = 600;

/// A quote and where it stands.
pub(crate) struct Quoted {
    /// A step may be nothing but commands.
    pub(crate) quote: Option<Prose>,
    pub(crate) commands: Vec<String>,
    pub(crate) file: String,
    pub(crate) heading: String,
    pub(crate) lines: String,
    /// The page that shows them.
    pub(crate) page: String,
    pub(crate) reason: String,
    /// `87 % sure`, where that was worked out.
    pub(crate) sure: Option<String>,
}

/// A place that comes near.
pub(crate) struct Near {
    pub(crate) file: String,
    pub(crate) heading: String,
    pub(crate) lines: String,
    /// The page that shows them.
    pub(crate) page: String,
    pub(crate) excerpt: String,
    pub(crate) sure: String,
}

impl Quoted {
    pub(crate) fn new(answer: &RunbookAnswered) -> Self {
        let quote = answer.quote.trim();
        Self {
            quote: (!quote.is_empty()).then(|| Prose::new(quote)),
            commands: answer.commands.clone(),
            file: answer.file.clone(),
            heading: answer.heading.clone(),
            lines: lines_words(answer),
            page: runbook::address(&answer.file, answer.line_start, answer.line_end),
            reason: answer.reason.clone(),
            sure: answer.confidence.map(sure_words),
        }
    }
}

impl Near {
    pub(crate) fn all(places: &[NearPlace]) -> Vec<Self> {
        places.iter().map(Self::new).collect()
    }

    fn new(place: &NearPlace) -> Self {
        let lines = match (place.line_start, place.line_end) {
            (first, last) if first == last => format!("line {first}"),
            (first, last) => format!("lines {first} to {last}"),
        };
        Self {
            file: place.file.clone(),
            heading: place.heading.clone(),
            lines,
            page: runbook::address(&place.file, place.line_start, place.line_end),
            excerpt: cut(place.excerpt.trim(), EXCERPT),
            sure: sure_words(place.confidence),
        }
    }
}

/// `87 % sure`. Never quite sure, and never quite sure of the contrary.
pub(crate) fn sure_words(probability: f32) -> String {
    match probability {
        p if p >= 0.995 => "over 99 % sure".to_owned(),
        p if p < 0.01 => "under 1 % sure".to_owned(),
        p => format!("{} sure", percent(p)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_called_certain() {
        let words = [0.0, 0.01, 0.874, 0.994, 0.9966, 1.0].map(sure_words);
        let expected =
            ["under 1 % sure", "1 % sure", "87 % sure", "99 % sure", "over 99 % sure", "over 99 % sure"];
        assert_eq!(words, expected);
    }
}
