//! How probable it is that a place answers a question.

use super::rank::Evidence;

/// Below this nothing is answered. With each set of runbooks left out of the fit in turn, 92 % of the alerts that no
/// runbook answers were refused at this threshold, and 3 % of the good answers were lost.
pub(super) const ENOUGH: f32 = 0.4;

/// A rule's own link. People mistype links, but seldom to another runbook that is there.
pub(super) const LINKED: f32 = 0.99;

/// A runbook that bears the alert's name.
pub(super) const NAMED: f32 = 0.98;

/// The weights of a logistic regression.
///
/// Fitted on the best place of each question of three public sets of runbooks (alerts without their name's match, and
/// their words alone), of their alerts asked of the other two sets, of encyclopaedic questions asked of all three (no
/// runbook answers those), and of the same questions asked of their own paragraphs and of paragraphs without the
/// answer; each set of runbooks counts alike, and the questions over paragraphs count as one more. The data of
/// the runbooks come from `cargo run --release -p opsseer-eval --example runbook_evidence`; docs/models/runbooks.md says
/// where the others come from and how well it fits.
struct Weights {
    constant: f32,
    cosine: f32,
    share: f32,
    headline_share: f32,
    margin: f32,
}

/// With an embedding model. What stands in the headline adds nothing then.
const WITH_MEANING: Weights =
    Weights { constant: -8.91, cosine: 8.86, share: 6.31, headline_share: 0.0, margin: 7.08 };

/// By words alone.
const BY_WORDS: Weights =
    Weights { constant: -4.62, cosine: 0.0, share: 8.26, headline_share: 2.02, margin: 3.16 };

/// 0 to 1.
pub(super) fn confidence(evidence: &Evidence) -> f32 {
    let weights = if evidence.cosine.is_some() { &WITH_MEANING } else { &BY_WORDS };
    let sum = weights.constant
        + weights.cosine * evidence.cosine.unwrap_or_default()
        + weights.share * evidence.share
        + weights.headline_share * evidence.headline_share
        + weights.margin * evidence.margin;
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
