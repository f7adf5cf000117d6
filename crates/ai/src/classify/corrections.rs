//! What people corrected: an alert that is like a corrected one takes its class.

use super::{Correction, tfidf::Vocabulary, words::Words};
use crate::embed::Vector;

/// How much the corrections say about an alert.
pub(super) struct Said<'a> {
    /// Each correction that has a say, and how much of one.
    pub(super) votes: Vec<(&'a Correction, f32)>,
}

/// A correction this similar counts as much as all that was learned before.
const AS_GOOD_AS_TRAINING: f32 = 0.45;
/// How fast its say grows with its similarity.
const STEEPNESS: f32 = 16.0;
/// A smaller say is none.
const LEAST_SAY: f32 = 0.05;
/// The say of a correction of the very same rule.
const SAME_RULE: f32 = 100.0;

impl<'a> Said<'a> {
    pub(super) fn about(
        name: &str,
        words: &Words,
        vector: Option<&Vector>,
        vocabulary: &Vocabulary,
        corrections: &'a [Correction],
    ) -> Self {
        let all: Vec<String> = words.all().map(str::to_owned).collect();
        let mut votes = Vec::new();
        for correction in corrections {
            let say = if correction.alert.name == name && !name.is_empty() {
                SAME_RULE
            } else {
                let theirs: Vec<String> = Words::of(&correction.alert).all().map(str::to_owned).collect();
                let in_words = vocabulary.likeness(&all, &theirs);
                let in_meaning = vector.zip(correction.vector.as_ref()).map(|(a, b)| cosine(a, b));
                // Words alone are further apart than words and meaning together.
                let similarity =
                    in_meaning.map_or(in_words + 0.1, |meaning| f32::midpoint(in_words, meaning));
                (STEEPNESS * (similarity - AS_GOOD_AS_TRAINING)).exp().min(SAME_RULE)
            };
            if say >= LEAST_SAY {
                votes.push((correction, say));
            }
        }
        Self { votes }
    }

    /// Mixes the votes with the probabilities of what was learned in training, which has one vote itself. `class` is
    /// what a correction votes for, if it has an opinion.
    pub(super) fn mix_into(&self, probabilities: &mut [f32], class: impl Fn(&Correction) -> Option<usize>) {
        let mut all = 1.0;
        for (correction, say) in &self.votes {
            if let Some(class) = class(correction) {
                probabilities[class] += say;
                all += say;
            }
        }
        for probability in probabilities {
            *probability /= all;
        }
    }
}

fn cosine(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
