//! Words as sparse vectors of length 1: how often a word occurs, and how rare it is.

use std::collections::{BTreeMap, HashMap};

/// Indices and values, ordered by index.
pub(super) type Sparse = Vec<(u32, f32)>;

/// The words that were learned, each with its weight.
pub(super) struct Vocabulary {
    words: Vec<String>,
    /// The inverse document frequency of each word: `ln((1 + documents) / (1 + documents with it)) + 1`.
    rarity: Vec<f32>,
    /// The rarity of a word that was never seen.
    unseen: f32,
    index: HashMap<String, u32>,
}

impl Vocabulary {
    /// Learns the words of documents.
    #[expect(clippy::cast_precision_loss, reason = "there are fewer documents than f32 can count")]
    pub(super) fn learn(documents: &[Vec<String>]) -> Self {
        let mut documents_with = BTreeMap::<&str, usize>::new();
        for document in documents {
            let mut words: Vec<&str> = document.iter().map(String::as_str).collect();
            words.sort_unstable();
            words.dedup();
            for word in words {
                *documents_with.entry(word).or_default() += 1;
            }
        }
        let all = 1.0 + documents.len() as f32;
        let rarity = documents_with.values().map(|with| (all / (1.0 + *with as f32)).ln() + 1.0).collect();
        let words = documents_with.into_keys().map(str::to_owned).collect();
        Self::from_parts(words, rarity, all.ln() + 1.0)
    }

    pub(super) fn from_parts(words: Vec<String>, rarity: Vec<f32>, unseen: f32) -> Self {
        let index = (0..).zip(&words).map(|(at, word)| (word.clone(), at)).collect();
        Self { words, rarity, unseen, index }
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    pub(super) fn rarity(&self) -> &[f32] {
        &self.rarity
    }

    pub(super) fn unseen(&self) -> f32 {
        self.unseen
    }

    /// The vector of a document. Words that were never learned are passed over.
    pub(super) fn vector(&self, words: &[String]) -> Sparse {
        let mut counts = BTreeMap::<u32, f32>::new();
        for index in words.iter().filter_map(|word| self.index.get(word)) {
            *counts.entry(*index).or_default() += 1.0;
        }
        let mut vector: Sparse = counts
            .into_iter()
            .map(|(at, count)| (at, (1.0 + count.ln()) * self.rarity[at as usize]))
            .collect();
        let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        for (_, value) in &mut vector {
            *value /= length;
        }
        vector
    }

    /// How alike the words of two documents are, 0 to 1 (cosine). Here a word that was never learned counts too, as a
    /// rare one: it may be the name of the user's own service.
    pub(super) fn likeness(&self, a: &[String], b: &[String]) -> f32 {
        let a = self.weighed(a);
        let b = self.weighed(b);
        let length = |v: &BTreeMap<&str, f32>| v.values().map(|value| value * value).sum::<f32>().sqrt();
        let dot: f32 = a.iter().filter_map(|(word, value)| b.get(word).map(|other| value * other)).sum();
        if dot == 0.0 { 0.0 } else { dot / (length(&a) * length(&b)) }
    }

    fn weighed<'a>(&self, words: &'a [String]) -> BTreeMap<&'a str, f32> {
        let mut counts = BTreeMap::<&str, f32>::new();
        for word in words {
            *counts.entry(word).or_default() += 1.0;
        }
        for (word, count) in &mut counts {
            let rarity = self.index.get(*word).map_or(self.unseen, |at| self.rarity[*at as usize]);
            *count = (1.0 + count.ln()) * rarity;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn rare_words_weigh_more_and_vectors_have_length_1() {
        let vocabulary = Vocabulary::learn(&[words("down mysql"), words("down redis"), words("down nginx")]);
        let vector = vocabulary.vector(&words("down mysql unknown"));
        assert_eq!(vector.len(), 2);
        assert!(vector[1].1 > vector[0].1, "mysql weighs more than down: {vector:?}");
        let length: f32 = vector.iter().map(|(_, value)| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert!(vocabulary.vector(&words("unknown")).is_empty());
    }

    #[test]
    fn alike_are_those_that_share_a_rare_word_even_an_unknown_one() {
        let vocabulary = Vocabulary::learn(&[words("down mysql"), words("down redis"), words("slow redis")]);
        let shared_name = vocabulary.likeness(&words("acme down"), &words("acme slow"));
        let shared_common = vocabulary.likeness(&words("acme down"), &words("mysql down"));
        assert!(shared_name > shared_common, "{shared_name} {shared_common}");
        assert!(vocabulary.likeness(&[], &words("down")).abs() < f32::EPSILON);
    }
}
