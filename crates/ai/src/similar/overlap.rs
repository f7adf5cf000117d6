//! How much two lists of terms, or two vectors, have in common.

use std::cmp::Ordering;

use super::{profile::ModelVector, terms::Weights};

/// Several sums side by side: the compiler may not reorder a single one, and so could not use wide registers.
const LANES: usize = 16;

/// What two sorted lists share.
pub(super) struct Overlap {
    shared: f32,
    all: f32,
}

impl Overlap {
    pub(super) fn of(asked: &[u32], past: &[u32], weights: &Weights) -> Self {
        let (mut shared, mut all) = (0.0, 0.0);
        let (mut one, mut other) = (asked.iter().peekable(), past.iter().peekable());
        while let (Some(&&a), Some(&&b)) = (one.peek(), other.peek()) {
            match a.cmp(&b) {
                Ordering::Less => {
                    all += weights.of(a);
                    one.next();
                }
                Ordering::Greater => {
                    all += weights.of(b);
                    other.next();
                }
                Ordering::Equal => {
                    shared += weights.of(a);
                    all += weights.of(a);
                    one.next();
                    other.next();
                }
            }
        }
        all += one.chain(other).map(|&term| weights.of(term)).sum::<f32>();
        Self { shared, all }
    }

    /// The weight that both have of the weight that either has (a weighted Jaccard index); `None` if one has nothing.
    pub(super) fn share(&self) -> Option<f32> {
        (self.all > 0.0).then(|| self.shared / self.all)
    }
}

/// Of the labels whose names both have, the weight of those whose values agree. Pods and instances differ each time,
/// so what only one of them has counts for nothing.
pub(super) fn share_alike(asked: &[(u32, u32)], past: &[(u32, u32)], weights: &Weights) -> Option<f32> {
    let (mut alike, mut all) = (0.0, 0.0);
    for &(name, pair) in asked {
        if let Ok(place) = past.binary_search_by_key(&name, |&(name, _)| name) {
            let weight = weights.of(pair);
            all += weight;
            alike += if past[place].1 == pair { weight } else { 0.0 };
        }
    }
    (all > 0.0).then(|| alike / all)
}

/// The cosine of two vectors of length 1; `None` if they are of different models.
pub(super) fn cosine(one: &ModelVector, other: &ModelVector) -> Option<f32> {
    if one.model != other.model || one.values.len() != other.values.len() || one.values.is_empty() {
        return None;
    }
    let (chunks, rest) = one.values.as_chunks::<LANES>();
    let (other_chunks, other_rest) = other.values.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in chunks.iter().zip(other_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
    let product = sums.iter().sum::<f32>() + rest;
    product.is_finite().then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_different_models_are_not_compared() {
        let vector =
            |model: &str, values: &[f32]| ModelVector { model: model.to_owned(), values: values.to_vec() };
        let one = vector("a", &[0.6, 0.8]);
        assert_eq!(cosine(&one, &vector("b", &[0.6, 0.8])), None);
        assert_eq!(cosine(&one, &vector("a", &[0.6, 0.8, 0.0])), None);
        assert_eq!(cosine(&one, &vector("a", &[f32::NAN, 0.8])), None);
        let cosine = cosine(&one, &vector("a", &[0.8, 0.6])).expect("comparable");
        assert!((cosine - 0.96).abs() < 1e-6, "{cosine}");
    }
}
