//! How probable it is that a place answers a question.

use super::rank::Evidence;

/// Below this nothing is answered. Chosen so that sets of runbooks whose sections are short and alike, which share less
/// with their alerts than whole files do, lose few good answers (docs/models/runbooks.md).
pub const ENOUGH: f32 = 0.3;

/// A rule's own link. People mistype links, but seldom to another runbook that is there.
pub(super) const LINKED: f32 = 0.99;

/// A runbook that bears the alert's name.
pub(super) const NAMED: f32 = 0.98;

/// By words alone, a place that shares a single word of several is not answered with: of those that would be, six
/// in ten were wrong.
const SINGLE_WORD: f32 = 0.2;

/// The weights of a logistic regression.
struct Weights {
    constant: f32,
    cosine: f32,
    share: f32,
    lead: f32,
    /// Of 1 / the number of places.
    alone: f32,
}

/// With an embedding model. These and the others are what
/// `cargo run --release -p opsseer-eval --example runbook_confidence` prints; docs/models/runbooks.md says from which data,
/// and how many good answers are given and wrong ones refused.
const WITH_MEANING: Weights =
    Weights { constant: -5.52, cosine: 4.22, share: 7.67, lead: 11.11, alone: -4.07 };

/// By words alone.
const BY_WORDS: Weights = Weights { constant: -4.04, cosine: 0.0, share: 9.62, lead: 5.26, alone: -0.39 };

/// 0 to 1.
pub(super) fn confidence(evidence: &Evidence) -> f32 {
    let weights = if evidence.cosine.is_some() { &WITH_MEANING } else { &BY_WORDS };
    #[expect(clippy::cast_precision_loss, reason = "there are a few thousand places")]
    let alone = 1.0 / evidence.places.max(1) as f32;
    let sum = weights.constant
        + weights.cosine * evidence.cosine.unwrap_or_default()
        + weights.share * evidence.share
        + weights.lead * evidence.lead
        + weights.alone * alone;
    let confidence = 1.0 / (1.0 + (-sum).exp());
    let by_a_single_word = evidence.cosine.is_none() && evidence.words < 2 && evidence.share < 1.0;
    if by_a_single_word { confidence.min(SINGLE_WORD) } else { confidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_evidence_is_more_confidence() {
        let strong = Evidence { cosine: Some(0.8), share: 0.9, words: 6, lead: 0.3, places: 40 };
        let weak = Evidence { cosine: Some(0.2), share: 0.2, words: 2, lead: 0.02, places: 40 };
        for cosine in [true, false] {
            let of = |evidence: Evidence| {
                confidence(&Evidence { cosine: evidence.cosine.filter(|_| cosine), ..evidence })
            };
            assert!(of(strong) > 0.8, "{}", of(strong));
            assert!(of(weak) < 0.2, "{}", of(weak));
        }
        assert!(confidence(&Evidence::default()) < 0.1);
    }

    #[test]
    fn a_lead_over_nothing_is_no_reason() {
        // Some of the words and a fair likeness: another service's alert, asked of the only runbook that there is.
        let likeness = Evidence { cosine: Some(0.35), share: 0.3, words: 3, lead: 0.35, places: 1 };
        assert!(confidence(&likeness) < ENOUGH, "{}", confidence(&likeness));
        let same = Evidence { cosine: Some(0.75), share: 0.8, words: 6, lead: 0.75, places: 1 };
        assert!(confidence(&same) > 0.8, "{}", confidence(&same));
    }

    #[test]
    fn a_single_word_of_several_is_chance() {
        let by_words = |share, words| Evidence { cosine: None, share, words, lead: share, places: 2 };
        assert!(confidence(&by_words(0.6, 1)) < ENOUGH);
        assert!(confidence(&by_words(0.6, 3)) >= ENOUGH);
        assert!(confidence(&by_words(1.0, 1)) >= ENOUGH, "the question was that word");
    }
}
