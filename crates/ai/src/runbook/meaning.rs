//! Which matters are near a question in meaning: the vectors of their pieces.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::chunk::chunks;
use super::document::Document;
use super::topic::Topic;
use crate::embed::Vector;

/// Names a text: the first half of its SHA-256.
pub(super) type Key = [u8; 16];

/// Vectors by the text that they are of.
pub(super) type Known = HashMap<Key, Arc<Vector>>;

/// The pieces of all matters. Their vectors come little by little.
#[derive(Debug)]
pub(super) struct Meanings {
    pieces: Vec<Piece>,
    /// The pieces of each matter.
    of_topic: Vec<Range<usize>>,
    /// The length of the sum of a matter's vectors, once all of them are there.
    lengths: Vec<OnceLock<f32>>,
}

#[derive(Debug)]
struct Piece {
    section: usize,
    text: String,
    key: Key,
    vector: OnceLock<Arc<Vector>>,
}

/// How near a matter is to a question: cosines, at most 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Nearness {
    /// Of its nearest piece.
    pub(super) piece: f32,
    /// Of all its pieces together.
    pub(super) whole: f32,
    /// The section of the nearest piece.
    pub(super) section: usize,
}

impl Meanings {
    /// The pieces of these matters, with those vectors that are known already.
    pub(super) fn of(documents: &[Document], topics: &[Topic], known: &Known) -> Self {
        let mut pieces = Vec::new();
        let mut of_topic = Vec::with_capacity(topics.len());
        for topic in topics {
            let first = pieces.len();
            for chunk in chunks(&documents[topic.document], &topic.sections) {
                let key = key_of(&chunk.text);
                let vector = known.get(&key).cloned().map_or_else(OnceLock::new, OnceLock::from);
                pieces.push(Piece { section: chunk.section, text: chunk.text, key, vector });
            }
            of_topic.push(first..pieces.len());
        }
        Self { pieces, lengths: topics.iter().map(|_| OnceLock::new()).collect(), of_topic }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The pieces that have no vector yet.
    pub(super) fn missing(&self) -> Vec<usize> {
        (0..self.pieces.len()).filter(|piece| self.pieces[*piece].vector.get().is_none()).collect()
    }

    pub(super) fn text(&self, piece: usize) -> &str {
        &self.pieces[piece].text
    }

    pub(super) fn set(&self, piece: usize, vector: Vector) {
        // A piece that has one already keeps it: it is of the same text.
        let _ = self.pieces[piece].vector.set(Arc::new(vector));
    }

    /// All vectors that there are.
    pub(super) fn known(&self) -> Known {
        let vectors = self.pieces.iter().filter_map(|piece| Some((piece.key, piece.vector.get()?.clone())));
        vectors.collect()
    }

    /// How near each matter is to the nearest of the questions; `None` for those whose vectors are not all there yet.
    pub(super) fn nearness(&self, questions: &[Vector]) -> Vec<Option<Nearness>> {
        (0..self.of_topic.len()).map(|topic| self.nearness_of(topic, questions)).collect()
    }

    fn nearness_of(&self, topic: usize, questions: &[Vector]) -> Option<Nearness> {
        let pieces = &self.pieces[self.of_topic[topic].clone()];
        let length = self.length(topic)?;
        let mut nearest: Option<Nearness> = None;
        for question in questions {
            let (mut sum, mut best) = (0.0, (f32::MIN, 0));
            for piece in pieces {
                let cosine = dot(question, piece.vector.get()?);
                sum += cosine;
                if cosine > best.0 {
                    best = (cosine, piece.section);
                }
            }
            let whole = if length > 0.0 { sum / length } else { 0.0 };
            let now = nearest.get_or_insert(Nearness { piece: best.0, whole, section: best.1 });
            if best.0 > now.piece {
                (now.piece, now.section) = best;
            }
            now.whole = now.whole.max(whole);
        }
        nearest
    }

    fn length(&self, topic: usize) -> Option<f32> {
        if let Some(length) = self.lengths[topic].get() {
            return Some(*length);
        }
        let pieces = &self.pieces[self.of_topic[topic].clone()];
        let mut sum = pieces.first()?.vector.get()?.as_ref().clone();
        for piece in &pieces[1..] {
            for (sum, number) in sum.iter_mut().zip(piece.vector.get()?.iter()) {
                *sum += number;
            }
        }
        Some(*self.lengths[topic].get_or_init(|| dot(&sum, &sum).sqrt()))
    }
}

fn key_of(text: &str) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    key
}

/// The cosine of two vectors of length 1.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, which the compiler turns into vector instructions; one alone it may not.
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    rest + sums.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;
    use crate::runbook::topic::topics_of;

    #[test]
    fn a_matter_is_as_near_as_its_nearest_piece() {
        let documents =
            [document_of("a.md", "# A\n## Meaning\none\n## Fix\ntwo\n"), document_of("b.md", "# B\nthree\n")];
        let topics = topics_of(&documents);
        let meanings = Meanings::of(&documents, &topics, &Known::new());
        assert_eq!(meanings.missing(), [0, 1, 2]);
        meanings.set(0, vec![1.0, 0.0]);
        meanings.set(1, vec![0.0, 1.0]);
        let near = meanings.nearness(&[vec![0.6, 0.8]]);
        let first = near[0].expect("all its vectors are there");
        assert!((first.piece - 0.8).abs() < 1e-6 && first.section == 2, "{first:?}");
        assert!((first.whole - 1.4 / 2.0_f32.sqrt()).abs() < 1e-6, "{first:?}");
        assert_eq!(near[1], None, "until its vector comes");
        assert_eq!(meanings.nearness(&[])[0], None);

        let again = Meanings::of(&documents, &topics, &meanings.known());
        assert_eq!(again.missing(), [2], "vectors are kept for texts that have not changed");
    }

    #[test]
    fn multiplies_vectors_of_any_length() {
        let numbers: Vec<f32> = (1..=11_u8).map(f32::from).collect();
        assert!((dot(&numbers, &numbers) - 506.0).abs() < 1e-3);
    }
}
