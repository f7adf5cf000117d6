//! The alerts that were learned from, as embeddings of one byte a dimension, to find the most similar ones.

use super::{category::Category, knowledge::Scores};

/// Learned alerts.
pub(super) struct Neighbours {
    dimensions: usize,
    /// Each alert's vector of length 1, times 127, one after the other.
    vectors: Vec<i8>,
    /// The column of each one's category.
    categories: Vec<u8>,
}

/// How many neighbours have a say.
const NEAREST: usize = 10;
/// A neighbour this similar (cosine) counts as much as the initial doubt between all categories.
const AS_GOOD_AS_DOUBT: f32 = 0.6;
/// How fast its say grows with its similarity.
const STEEPNESS: f32 = 16.0;

impl Neighbours {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, vectors: Vec::new(), categories: Vec::new() }
    }

    pub(super) fn from_parts(dimensions: usize, vectors: Vec<i8>, categories: Vec<u8>) -> Self {
        Self { dimensions, vectors, categories }
    }

    pub(super) fn vectors(&self) -> &[i8] {
        &self.vectors
    }

    pub(super) fn categories(&self) -> &[u8] {
        &self.categories
    }

    pub(super) fn add(&mut self, vector: &[f32], category: Category) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a part of a vector of length 1, so at most 127"
        )]
        self.vectors.extend(vector.iter().map(|value| (value * 127.0).round() as i8));
        #[expect(clippy::cast_possible_truncation, reason = "there are twelve")]
        self.categories.push(category.column() as u8);
    }

    /// The logarithms of what the nearest alerts say about each category. Far ones say little, and then every category
    /// is equally probable.
    pub(super) fn evidence(&self, vector: &[f32]) -> Scores {
        let mut similar: Vec<(f32, u8)> = self
            .vectors
            .chunks_exact(self.dimensions)
            .zip(&self.categories)
            .map(|(known, category)| {
                let dot: f32 = known.iter().zip(vector).map(|(known, value)| f32::from(*known) * value).sum();
                (dot / 127.0, *category)
            })
            .collect();
        similar.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut votes: Scores = [1.0 / 12.0; Category::ALL.len()];
        for (similarity, category) in similar.into_iter().take(NEAREST) {
            votes[usize::from(category)] += (STEEPNESS * (similarity - AS_GOOD_AS_DOUBT)).exp();
        }
        let sum: f32 = votes.iter().sum();
        votes.map(|vote| (vote / sum).ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_alert_decides_and_a_far_one_says_nothing() {
        let mut neighbours = Neighbours::new(3);
        neighbours.add(&[1.0, 0.0, 0.0], Category::Storage);
        neighbours.add(&[0.0, 1.0, 0.0], Category::Runtimes);
        let near = neighbours.evidence(&[0.99, 0.14, 0.0]).map(f32::exp);
        assert!(near[Category::Storage.column()] > 0.9, "{near:?}");
        let far = neighbours.evidence(&[0.0, 0.0, 1.0]).map(f32::exp);
        assert!(far.iter().all(|probability| (probability - 1.0 / 12.0).abs() < 1e-3), "{far:?}");
    }
}
