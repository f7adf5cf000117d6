//! How probable it is that a place answers a question.

use super::rank::Evidence;

/// Below this nothing is answered. Chosen on the data named below so that at most one good answer in ten is lost.
pub(super) const ENOUGH: f32 = 0.5;

/// A rule's own link. People mistype links, but seldom to another runbook that is there.
pub(super) const LINKED: f32 = 0.99;

/// A runbook that bears the alert's name.
pub(super) const NAMED: f32 = 0.98;

/// The weights of a logistic regression.
struct Weights {
    constant: f32,
    cosine: f32,
    share: f32,
    headline_share: f32,
    margin: f32,
    by_words: f32,
}

/// With an embedding model.
const WITH_MEANING: Weights =
    Weights { constant: -6.0, cosine: 6.0, share: 3.0, headline_share: 1.0, margin: 4.0, by_words: 0.0 };

/// By words alone.
const BY_WORDS: Weights =
    Weights { constant: -4.0, cosine: 0.0, share: 5.0, headline_share: 2.0, margin: 3.0, by_words: 0.0 };

/// 0 to 1.
pub(super) fn confidence(evidence: &Evidence) -> f32 {
    let weights = if evidence.cosine.is_some() { &WITH_MEANING } else { &BY_WORDS };
    let sum = weights.constant
        + weights.cosine * evidence.cosine.unwrap_or_default()
        + weights.share * evidence.share
        + weights.headline_share * evidence.headline_share
        + weights.margin * evidence.margin
        + weights.by_words * evidence.by_words;
    1.0 / (1.0 + (-sum).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_evidence_is_more_confidence() {
        let strong =
            Evidence { cosine: Some(0.8), share: 0.9, headline_share: 0.6, margin: 0.3, by_words: 1.0 };
        let weak =
            Evidence { cosine: Some(0.2), share: 0.2, headline_share: 0.0, margin: 0.02, by_words: 1.0 };
        for cosine in [true, false] {
            let of = |evidence: Evidence| {
                confidence(&Evidence { cosine: evidence.cosine.filter(|_| cosine), ..evidence })
            };
            assert!(of(strong) > 0.8, "{}", of(strong));
            assert!(of(weak) < 0.2, "{}", of(weak));
        }
        assert!(confidence(&Evidence::default()) < 0.1);
    }
}
