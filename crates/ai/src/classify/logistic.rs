//! Multinomial logistic regression with L2, fitted by L-BFGS (Liu and Nocedal, 1989). No randomness: the same examples
//! give the same weights.

use std::collections::VecDeque;

use super::tfidf::Sparse;

/// A linear model from features to the probabilities of classes.
pub(super) struct Logistic {
    classes: usize,
    /// `[feature][class]`, then a last row with each class's bias.
    weights: Vec<f32>,
}

/// What it is fitted to.
pub(super) struct Task<'a> {
    pub(super) rows: &'a [Sparse],
    pub(super) right: &'a [usize],
    /// How much each row counts.
    pub(super) counts: &'a [f32],
    pub(super) features: usize,
    pub(super) classes: usize,
    /// How much the rows weigh against the penalty on large weights (scikit-learn's `C`).
    pub(super) trust: f64,
}

const ITERATIONS: usize = 200;
/// How many steps L-BFGS remembers.
const MEMORY: usize = 10;
/// A gradient shorter than this, relative to the first one, is the end.
const TOLERANCE: f64 = 1e-4;

impl Logistic {
    pub(super) fn fit(task: &Task<'_>) -> Self {
        let weights = minimise(vec![0.0; (task.features + 1) * task.classes], |weights| task.loss(weights));
        #[expect(clippy::cast_possible_truncation, reason = "weights are kept in single precision")]
        let weights = weights.into_iter().map(|weight| weight as f32).collect();
        Self { classes: task.classes, weights }
    }

    pub(super) fn from_weights(classes: usize, weights: Vec<f32>) -> Self {
        Self { classes, weights }
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The probability of each class.
    pub(super) fn probabilities(&self, row: &Sparse) -> Vec<f32> {
        let bias = self.weights.len() - self.classes;
        let mut scores = self.weights[bias..].to_vec();
        for (feature, value) in row {
            let start = *feature as usize * self.classes;
            for (score, weight) in scores.iter_mut().zip(&self.weights[start..start + self.classes]) {
                *score += value * weight;
            }
        }
        softmax(&mut scores);
        scores
    }
}

/// Turns scores into probabilities, in place.
pub(super) fn softmax(scores: &mut [f32]) {
    let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for score in &mut *scores {
        *score = (*score - greatest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

impl Task<'_> {
    /// The penalised log-loss of weights, and its gradient.
    fn loss(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let classes = self.classes;
        let bias = self.features * classes;
        let mut gradient = weights.to_vec();
        gradient[bias..].fill(0.0);
        let mut loss = 0.5 * weights[..bias].iter().map(|weight| weight * weight).sum::<f64>();
        let mut scores = vec![0.0; classes];
        for ((row, right), count) in self.rows.iter().zip(self.right).zip(self.counts) {
            scores.copy_from_slice(&weights[bias..]);
            for (feature, value) in row {
                let start = *feature as usize * classes;
                for (score, weight) in scores.iter_mut().zip(&weights[start..start + classes]) {
                    *score += f64::from(*value) * weight;
                }
            }
            let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|score| (score - greatest).exp()).sum();
            let scale = self.trust * f64::from(*count);
            loss += scale * (sum.ln() + greatest - scores[*right]);
            for (class, score) in scores.iter_mut().enumerate() {
                let probability = (*score - greatest).exp() / sum;
                *score = scale * (probability - f64::from(u8::from(class == *right)));
            }
            for (feature, value) in row {
                let start = *feature as usize * classes;
                for (slope, error) in gradient[start..start + classes].iter_mut().zip(&scores) {
                    *slope += f64::from(*value) * error;
                }
            }
            for (slope, error) in gradient[bias..].iter_mut().zip(&scores) {
                *slope += error;
            }
        }
        (loss, gradient)
    }
}

/// Finds the least value of a smooth convex function that answers its value and its gradient.
fn minimise(mut at: Vec<f64>, function: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let (mut value, mut gradient) = function(&at);
    let enough = TOLERANCE * dot(&gradient, &gradient).sqrt().max(1.0);
    let mut steps: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..ITERATIONS {
        if dot(&gradient, &gradient).sqrt() < enough {
            break;
        }
        let direction = descent(&gradient, &steps);
        let slope = dot(&direction, &gradient);
        let mut length = if steps.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let found = loop {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(a, d)| a + length * d).collect();
            let (next_value, next_gradient) = function(&next);
            if next_value <= value + 1e-4 * length * slope {
                break Some((next, next_value, next_gradient));
            }
            length *= 0.5;
            if length < 1e-12 {
                break None;
            }
        };
        // No step helps any more: rounding has the last word.
        let Some((next, next_value, next_gradient)) = found else { break };
        let moved: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&moved, &turned) > 1e-12 {
            if steps.len() == MEMORY {
                steps.pop_front();
            }
            steps.push_back((moved, turned));
        }
        (at, value, gradient) = (next, next_value, next_gradient);
    }
    at
}

/// The direction of L-BFGS's two loops.
fn descent(gradient: &[f64], steps: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(steps.len());
    for (moved, turned) in steps.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, turned);
        for (d, t) in direction.iter_mut().zip(turned) {
            *d -= share * t;
        }
        shares.push(share);
    }
    if let Some((moved, turned)) = steps.back() {
        let scale = dot(moved, turned) / dot(turned, turned);
        for d in &mut direction {
            *d *= scale;
        }
    }
    for ((moved, turned), share) in steps.iter().zip(shares.into_iter().rev()) {
        let change = share - dot(turned, &direction) / dot(moved, turned);
        for (d, m) in direction.iter_mut().zip(moved) {
            *d += change * m;
        }
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_least_value_of_a_bowl() {
        let found = minimise(vec![5.0, -3.0, 1.0], |at| {
            let value = at.iter().zip([1.0, 10.0, 100.0]).map(|(x, k)| k * (x - 1.0) * (x - 1.0)).sum();
            (value, at.iter().zip([1.0, 10.0, 100.0]).map(|(x, k)| 2.0 * k * (x - 1.0)).collect())
        });
        assert!(found.iter().all(|x| (x - 1.0).abs() < 1e-3), "{found:?}");
    }

    #[test]
    fn classes_that_can_be_told_apart_are_and_the_commoner_one_is_the_guess_for_nothing() {
        let rows = vec![vec![(0, 1.0)], vec![(1, 1.0)], vec![(2, 1.0)], vec![(2, 1.0)]];
        let task = Task {
            rows: &rows,
            right: &[0, 1, 2, 2],
            counts: &[1.0; 4],
            features: 3,
            classes: 3,
            trust: 10.0,
        };
        let model = Logistic::fit(&task);
        for (row, right) in rows.iter().zip(task.right) {
            assert!(model.probabilities(row)[*right] > 0.7, "{:?}", model.probabilities(row));
        }
        let of_nothing = model.probabilities(&Vec::new());
        assert!(of_nothing[2] > of_nothing[0] && of_nothing[2] > of_nothing[1], "{of_nothing:?}");
        assert!((of_nothing.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
