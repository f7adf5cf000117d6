//! A logistic regression, by Newton's method (iteratively reweighted least squares).

use std::collections::HashMap;

use opsseer_ai::runbook::Evidence;

use crate::rows::{Kind, Row};

/// What the weights are of, in their order.
pub(crate) const NAMES: [&str; FEATURES] = ["constant", "cosine", "share", "lead", "alone"];

const FEATURES: usize = 5;

/// How much questions of a kind count. Those of the author's other documents count little: how alike an author's documents
/// are differs much from one to the next, and a fit that has them in mind refuses good answers of a third.
fn weight_of(kind: Kind) -> f64 {
    match kind {
        Kind::Own => 1.0,
        Kind::Near => 0.1,
        Kind::Foreign => 0.4,
    }
}

/// Keeps the weights finite; it changes nothing else.
const RIDGE: f64 = 1e-6;

/// The steps settle after about eight.
const STEPS: usize = 25;

pub(crate) type Weights = [f64; FEATURES];

fn features(evidence: &Evidence) -> Weights {
    #[expect(clippy::cast_precision_loss, reason = "some hundred places")]
    let alone = 1.0 / evidence.places.max(1) as f64;
    let cosine = evidence.cosine.unwrap_or_default().into();
    [1.0, cosine, evidence.share.into(), evidence.lead.into(), alone]
}

pub(crate) fn probability(weights: &Weights, evidence: &Evidence) -> f64 {
    let sum: f64 = weights.iter().zip(features(evidence)).map(|(weight, feature)| weight * feature).sum();
    1.0 / (1.0 + (-sum).exp())
}

/// The weights that fit these rows best. Every author, and every size of folder of his, counts alike.
pub(crate) fn fit(rows: &[&Row]) -> Weights {
    let mut counts: HashMap<(&str, usize, Kind), f64> = HashMap::new();
    for row in rows {
        *counts.entry((&row.corpus, row.size, row.kind)).or_default() += 1.0;
    }
    let counted = |row: &Row| weight_of(row.kind) / counts[&(row.corpus.as_str(), row.size, row.kind)];
    let mut weights = [0.0; FEATURES];
    for _ in 0..STEPS {
        let mut gradient = weights.map(|weight| -RIDGE * weight);
        let mut curvature = [[0.0; FEATURES]; FEATURES];
        for (at, line) in curvature.iter_mut().enumerate() {
            line[at] = RIDGE;
        }
        for row in rows {
            let (features, probability, count) =
                (features(&row.evidence), probability(&weights, &row.evidence), counted(row));
            let error = count * (f64::from(u8::from(row.right)) - probability);
            let bend = count * probability * (1.0 - probability);
            for i in 0..FEATURES {
                gradient[i] += error * features[i];
                for j in 0..FEATURES {
                    curvature[i][j] += bend * features[i] * features[j];
                }
            }
        }
        for (weight, step) in weights.iter_mut().zip(solve(curvature, gradient)) {
            *weight += step;
        }
    }
    weights
}

/// Solves `a x = b` by elimination with the greatest pivot.
fn solve(mut a: [[f64; FEATURES]; FEATURES], mut b: Weights) -> Weights {
    for at in 0..FEATURES {
        let pivot = (at..FEATURES).max_by(|i, j| a[*i][at].abs().total_cmp(&a[*j][at].abs())).unwrap_or(at);
        a.swap(at, pivot);
        b.swap(at, pivot);
        let (line, value) = (a[at], b[at]);
        for below in at + 1..FEATURES {
            let factor = a[below][at] / line[at];
            for (number, above) in a[below].iter_mut().zip(line) {
                *number -= factor * above;
            }
            b[below] -= factor * value;
        }
    }
    for at in (0..FEATURES).rev() {
        let known: f64 = (at + 1..FEATURES).map(|right| a[at][right] * b[right]).sum();
        b[at] = (b[at] - known) / a[at][at];
    }
    b
}
