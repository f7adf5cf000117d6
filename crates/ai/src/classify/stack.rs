//! How much each head's evidence counts.
//!
//! A weight for each head, fitted so that the sum of the weighed evidence, turned into probabilities, is as good as it
//! can be on alerts that the heads had not learned from. That calibrates the probabilities too.

use super::{
    heads::{Evidence, HEADS},
    knowledge::Scores,
    logistic::softmax,
};

/// A weight of 0 or more for each head.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Stack {
    weights: [f32; HEADS],
    /// A probability below it is called unsure.
    pub(super) sure_from: f32,
}

/// An alert that was held out.
pub(super) struct HeldOut {
    pub(super) evidence: Evidence,
    pub(super) right: usize,
    /// How much it counts.
    pub(super) count: f32,
    /// Whether the heads knew other alerts of its group.
    pub(super) known_group: bool,
}

const ITERATIONS: usize = 400;
/// How many heads' weights are kept small: the fit is on many alerts of few services.
const PENALTY: f32 = 0.003;

impl Stack {
    /// Fits the weights (projected gradient with a step that adapts; the loss is convex), and the least probability
    /// from which on `precision` of what is held out is right.
    pub(super) fn fit(held_out: &[HeldOut], precision: f32) -> Self {
        let mut weights = [0.5; HEADS];
        let (mut loss, mut gradient) = loss(held_out, &weights);
        let mut step = 1.0_f32;
        for _ in 0..ITERATIONS {
            let mut next = weights;
            for (weight, slope) in next.iter_mut().zip(gradient) {
                *weight = (*weight - step * slope).max(0.0);
            }
            let (next_loss, next_gradient) = self::loss(held_out, &next);
            if next_loss < loss {
                (weights, loss, gradient) = (next, next_loss, next_gradient);
                step *= 1.3;
            } else {
                step *= 0.5;
                if step < 1e-6 {
                    break;
                }
            }
        }
        let mut stack = Self { weights, sure_from: 0.0 };
        // What is sure must be so for a service that was never seen.
        let answers = held_out.iter().filter(|alert| !alert.known_group).map(|alert| {
            let probabilities = stack.probabilities(&alert.evidence);
            let (best, probability) = greatest(&probabilities);
            (probability, best == alert.right, alert.count)
        });
        stack.sure_from = least_sure(answers.collect(), precision);
        stack
    }

    /// The probability of each category.
    pub(super) fn probabilities(&self, evidence: &Evidence) -> Scores {
        let mut scores = weighed(evidence, &self.weights);
        softmax(&mut scores);
        scores
    }
}

/// The greatest score and its place.
pub(super) fn greatest(scores: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, score) in scores.iter().enumerate() {
        if *score > best.1 {
            best = (at, *score);
        }
    }
    best
}

/// The least probability from which on this part of the answers is right. `answers`: probability, whether it is right,
/// how much it counts. Where no threshold is high enough, only certainty is sure.
pub(super) fn least_sure(mut answers: Vec<(f32, bool, f32)>, precision: f32) -> f32 {
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut all, mut right, mut threshold) = (0.0, 0.0, 1.0);
    for (at, (probability, is_right, count)) in answers.iter().enumerate() {
        all += count;
        right += if *is_right { *count } else { 0.0 };
        // A few lucky ones at the top say nothing about a threshold.
        if at >= 20 && right >= precision * all {
            threshold = *probability;
        }
    }
    threshold
}

fn weighed(evidence: &Evidence, weights: &[f32; HEADS]) -> Scores {
    let mut scores = Scores::default();
    for (row, weight) in evidence.iter().zip(weights) {
        for (score, value) in scores.iter_mut().zip(row) {
            *score += weight * value;
        }
    }
    scores
}

fn loss(held_out: &[HeldOut], weights: &[f32; HEADS]) -> (f32, [f32; HEADS]) {
    let (mut loss, mut gradient, mut counts) = (0.0, [0.0; HEADS], 0.0);
    for HeldOut { evidence, right, count, .. } in held_out {
        let mut probabilities = weighed(evidence, weights);
        softmax(&mut probabilities);
        loss -= count * probabilities[*right].max(1e-9).ln();
        counts += count;
        for (slope, row) in gradient.iter_mut().zip(evidence) {
            let expected: f32 = probabilities.iter().zip(row).map(|(p, value)| p * value).sum();
            *slope += count * (expected - row[*right]);
        }
    }
    loss /= counts;
    for (slope, weight) in gradient.iter_mut().zip(weights) {
        *slope = *slope / counts + 2.0 * PENALTY * weight;
        loss += PENALTY * weight * weight;
    }
    (loss, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Held-out alerts of which the first head is right in nine of ten and the second is right by chance.
    fn held_out() -> Vec<HeldOut> {
        (0..200)
            .map(|i| {
                let mut evidence: Evidence = [Scores::default(); HEADS];
                let right = i % 3;
                evidence[0][if i % 10 == 0 { 3 } else { right }] = 2.0;
                evidence[1][i % 7] = 2.0;
                HeldOut { evidence, right, count: 1.0, known_group: false }
            })
            .collect()
    }

    #[test]
    fn a_head_that_is_right_counts_and_one_that_guesses_does_not() {
        let held_out = held_out();
        let stack = Stack::fit(&held_out, 0.9);
        assert!(stack.weights[0] > 1.0, "{stack:?}");
        assert!(stack.weights[1] < 0.3, "{stack:?}");
        let right = held_out.iter().filter(|a| greatest(&stack.probabilities(&a.evidence)).0 == a.right);
        assert!(right.count() >= 175);
        let of_first = stack.probabilities(&held_out[1].evidence)[1];
        assert!((0.75..0.97).contains(&of_first), "as sure as it is right: {of_first}");
    }

    #[test]
    fn the_threshold_keeps_its_precision() {
        let answers = |wrong_below: f32| {
            (0..100_u8).map(|i| f32::from(i) / 100.0).map(|p| (p, p >= wrong_below, 1.0)).collect::<Vec<_>>()
        };
        let threshold = least_sure(answers(0.5), 0.9);
        assert!((0.40..0.50).contains(&threshold), "{threshold}");
        assert!((least_sure(answers(2.0), 0.9) - 1.0).abs() < 1e-6, "nothing is right");
    }
}
