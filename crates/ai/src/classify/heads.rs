//! The heads: each looks at an alert in its own way and says what it sees for each category.

use super::{
    category::{Category, SeverityOpinion},
    knowledge::{Knowledge, Scores},
    logistic::{Logistic, Task},
    neighbours::Neighbours,
    tfidf::{Sparse, Vocabulary},
    words::Words,
};
use crate::embed::Vector;

/// How many heads there are.
pub(super) const HEADS: usize = 8;

/// A row of evidence for each head: log-probabilities or scores, which count alike once they are weighed. Zeros say
/// nothing.
pub(super) type Evidence = [Scores; HEADS];

const WORDS: usize = 0;
const TRADE: usize = 1;
const EMBEDDING: usize = 2;
const NEIGHBOURS: usize = 3;
const ABOUT: usize = 4;
const IN_NAME: usize = 5;
const IN_METRICS: usize = 6;
const IN_TEXT: usize = 7;

/// Brings cosines, which lie close together, to the size of log-probabilities. Its exact value does not matter: the
/// weights are fitted.
const COSINE_SCALE: f32 = 12.0;
/// The same for the shares of named products.
const NAMED_SCALE: f32 = 3.0;
/// Keeps the logarithm of a probability finite, and a head that is dead sure from overruling the others.
const LEAST_PROBABILITY: f32 = 1e-4;

/// scikit-learn's `C` of each regression; found by trying a few.
const TRUST_IN_WORDS: f64 = 20.0;
const TRUST_IN_EMBEDDINGS: f64 = 10.0;
const TRUST_IN_SEVERITY: f64 = 3.0;

/// An alert that is learned from.
pub(super) struct Lesson<'a> {
    pub(super) words: &'a Words,
    pub(super) vector: Option<&'a Vector>,
    pub(super) category: Category,
    /// How much it counts.
    pub(super) count: f32,
}

/// What the heads for the category have learned.
pub(super) struct Heads {
    pub(super) vocabulary: Vocabulary,
    pub(super) of_words: Logistic,
    pub(super) embedded: Option<EmbeddedHeads>,
}

/// The heads that need embeddings.
pub(super) struct EmbeddedHeads {
    pub(super) of_vectors: Logistic,
    pub(super) neighbours: Neighbours,
    /// The sentences on each category: its column, and the sentence's vector.
    pub(super) about: Vec<(u8, Vector)>,
}

impl Heads {
    /// Learns. `about` are the vectors of the sentences on categories, if there are embeddings; then every lesson must
    /// have a vector.
    pub(super) fn learn(lessons: &[Lesson<'_>], about: Option<&[(u8, Vector)]>) -> Self {
        let documents: Vec<Vec<String>> =
            lessons.iter().map(|lesson| lesson.words.all().map(str::to_owned).collect()).collect();
        let vocabulary = Vocabulary::learn(&documents);
        let rows: Vec<Sparse> = documents.iter().map(|document| vocabulary.vector(document)).collect();
        let right: Vec<usize> = lessons.iter().map(|lesson| lesson.category.column()).collect();
        let counts: Vec<f32> = lessons.iter().map(|lesson| lesson.count).collect();
        let fit = |rows: &[Sparse], features, trust| {
            let classes = Category::ALL.len();
            Logistic::fit(&Task { rows, right: &right, counts: &counts, features, classes, trust })
        };
        let of_words = fit(&rows, vocabulary.words().len(), TRUST_IN_WORDS);
        let embedded = about.filter(|about| !about.is_empty()).map(|about| {
            let dimensions = about[0].1.len();
            let mut neighbours = Neighbours::new(dimensions);
            let mut rows = Vec::new();
            for lesson in lessons {
                let vector = lesson.vector.expect("with embeddings, every lesson has a vector");
                neighbours.add(vector, lesson.category);
                rows.push(dense(vector));
            }
            let of_vectors = fit(&rows, dimensions, TRUST_IN_EMBEDDINGS);
            EmbeddedHeads { of_vectors, neighbours, about: about.to_vec() }
        });
        Self { vocabulary, of_words, embedded }
    }

    /// What each head sees in an alert. Without a vector, the heads that need one say nothing.
    pub(super) fn evidence(
        &self,
        knowledge: &Knowledge,
        words: &Words,
        vector: Option<&Vector>,
    ) -> (Evidence, Situation) {
        let mut evidence: Evidence = [Scores::default(); HEADS];
        let all: Vec<String> = words.all().map(str::to_owned).collect();
        evidence[WORDS] = logarithms(&self.of_words.probabilities(&self.vocabulary.vector(&all)));
        evidence[TRADE] = knowledge.trade_words(words);
        let embedded = self.embedded.as_ref().zip(vector);
        if let Some((heads, vector)) = embedded {
            evidence[EMBEDDING] = logarithms(&heads.of_vectors.probabilities(&dense(vector)));
            evidence[NEIGHBOURS] = heads.neighbours.evidence(vector);
            evidence[ABOUT] = heads.nearest_about(vector);
        }
        let named = knowledge.products(words);
        for (head, scores) in [(IN_NAME, named.name), (IN_METRICS, named.metrics), (IN_TEXT, named.text)] {
            evidence[head] = scores.map(|score| score * NAMED_SCALE);
        }
        (evidence, Situation { embedded: embedded.is_some(), named: !named.is_empty() })
    }
}

impl EmbeddedHeads {
    /// How near each category's nearest sentence is.
    fn nearest_about(&self, vector: &Vector) -> Scores {
        let mut nearest = [-1.0_f32; Category::ALL.len()];
        for (column, sentence) in &self.about {
            let cosine = sentence.iter().zip(vector).map(|(a, b)| a * b).sum();
            let nearest = &mut nearest[usize::from(*column)];
            *nearest = nearest.max(cosine);
        }
        nearest.map(|cosine| cosine * COSINE_SCALE)
    }
}

/// What an alert can be judged by. Each situation has its own weights: where a well-known product is named, that name
/// says nearly everything; where none is, everything else must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) embedded: bool,
    pub(super) named: bool,
}

impl Situation {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [
        Self { embedded: false, named: false },
        Self { embedded: false, named: true },
        Self { embedded: true, named: false },
        Self { embedded: true, named: true },
    ];

    pub(super) fn index(self) -> usize {
        usize::from(self.embedded) * 2 + usize::from(self.named)
    }

    /// The same evidence, without what this situation lacks.
    pub(super) fn lessen(self, evidence: &Evidence) -> Evidence {
        let mut less = *evidence;
        if !self.embedded {
            less[EMBEDDING..=ABOUT].fill(Scores::default());
        }
        if !self.named {
            less[IN_NAME..=IN_TEXT].fill(Scores::default());
        }
        less
    }
}

/// The head for the severity. It goes by words alone: embeddings did not add to it.
pub(super) struct SeverityHead {
    pub(super) vocabulary: Vocabulary,
    pub(super) of_words: Logistic,
    /// A probability below it is called unsure.
    pub(super) sure_from: f32,
}

impl SeverityHead {
    pub(super) fn learn(lessons: &[(&Words, SeverityOpinion)]) -> Self {
        let documents: Vec<Vec<String>> = lessons.iter().map(|(words, _)| words.marked()).collect();
        let vocabulary = Vocabulary::learn(&documents);
        let rows: Vec<Sparse> = documents.iter().map(|document| vocabulary.vector(document)).collect();
        let right: Vec<usize> = lessons.iter().map(|(_, severity)| severity.column()).collect();
        let of_words = Logistic::fit(&Task {
            rows: &rows,
            right: &right,
            counts: &vec![1.0; lessons.len()],
            features: vocabulary.words().len(),
            classes: SeverityOpinion::ALL.len(),
            trust: TRUST_IN_SEVERITY,
        });
        Self { vocabulary, of_words, sure_from: 1.0 }
    }

    /// The probability of each severity.
    pub(super) fn probabilities(&self, words: &Words) -> Vec<f32> {
        self.of_words.probabilities(&self.vocabulary.vector(&words.marked()))
    }
}

fn dense(vector: &Vector) -> Sparse {
    (0..).zip(vector.iter().copied()).collect()
}

fn logarithms(probabilities: &[f32]) -> Scores {
    let mut scores = Scores::default();
    for (score, probability) in scores.iter_mut().zip(probabilities) {
        *score = (probability + LEAST_PROBABILITY).ln();
    }
    scores
}
