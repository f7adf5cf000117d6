//! The classifier as it comes out of training, and as a file.
//!
//! The file: 8 bytes that say what it is, the length of a JSON header, the header (words and sizes), then the numbers in
//! the order of [`Trained::to_bytes`], little-endian.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    AlertText, Category, Classification, Correction, SeverityOpinion,
    corrections::Said,
    heads::{EmbeddedHeads, Heads, SeverityHead, Situation},
    hint,
    knowledge::Knowledge,
    logistic::Logistic,
    neighbours::Neighbours,
    stack::{Stack, greatest},
    tfidf::Vocabulary,
    words::Words,
};
use crate::embed::Vector;

/// A trained classifier.
pub struct Trained {
    heads: Heads,
    stacks: [Stack; Situation::ALL.len()],
    severity: SeverityHead,
    /// Names the embeddings model that it was trained with.
    embeddings: Option<String>,
    knowledge: Knowledge,
    product_names: bool,
}

/// Why a file of weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// It is something else, or of another version.
    #[error("this is no file of classifier weights of this version")]
    NotWeights,
    /// Its header cannot be read.
    #[error("cannot read the header of the classifier's weights")]
    Header(#[from] serde_json::Error),
    /// It ends too early or too late, or its sizes do not fit together.
    #[error("the classifier's weights are damaged: {0}")]
    Damaged(&'static str),
}

const MAGIC: &[u8; 8] = b"opscls01";

#[derive(Serialize, Deserialize)]
struct Header {
    stacks: [Stack; Situation::ALL.len()],
    words: HeaderWords,
    severity_words: HeaderWords,
    severity_sure_from: f32,
    embeddings: Option<HeaderEmbeddings>,
}

#[derive(Serialize, Deserialize)]
struct HeaderWords {
    words: Vec<String>,
    unseen: f32,
}

#[derive(Serialize, Deserialize)]
struct HeaderEmbeddings {
    model: String,
    dimensions: usize,
    neighbours: usize,
    /// The column of each sentence's category.
    about: Vec<u8>,
}

impl Trained {
    pub(super) fn new(
        heads: Heads,
        stacks: [Stack; Situation::ALL.len()],
        severity: SeverityHead,
        embeddings: Option<String>,
    ) -> Self {
        Self { heads, stacks, severity, embeddings, knowledge: Knowledge::builtin(), product_names: true }
    }

    /// The same classifier, blind to the names of well-known products: what it can do for software that nobody listed.
    #[must_use]
    pub fn without_product_names(mut self) -> Self {
        self.product_names = false;
        self
    }

    /// The embeddings model that it was trained with. Vectors of another model mean nothing to it.
    pub fn embeddings(&self) -> Option<&str> {
        self.embeddings.as_deref()
    }

    /// Classifies an alert. `vector` is the embedding of [`AlertText::to_embed`] by [`Self::embeddings`].
    pub fn classify(
        &self,
        alert: &AlertText,
        vector: Option<&Vector>,
        corrections: &[Correction],
        model: String,
    ) -> Classification {
        let words = Words::of(alert);
        let (evidence, mut situation) = self.heads.evidence(&self.knowledge, &words, vector);
        situation.named &= self.product_names;
        let stack = &self.stacks[situation.index()];
        let mut categories = stack.probabilities(&situation.lessen(&evidence));
        let mut severities = self.severity.probabilities(&words);
        let said = Said::about(&alert.name, &words, vector, &self.heads.vocabulary, corrections);
        said.mix_into(&mut categories, |correction| Some(correction.category.column()));
        said.mix_into(&mut severities, |correction| correction.severity.map(SeverityOpinion::column));

        let mut ranked: Vec<(Category, f32)> = Category::ALL.into_iter().zip(categories).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (category, probability) = ranked[0];
        let (severity, severity_probability) = greatest(&severities);
        Classification {
            category,
            probability,
            unsure: probability < stack.sure_from,
            runners_up: ranked[1..3].to_vec(),
            severity: SeverityOpinion::ALL[severity],
            severity_probability,
            severity_unsure: severity_probability < self.severity.sure_from,
            hint: hint::hint(&words),
            learned_from: said.votes.len(),
            model,
        }
    }

    /// Names these weights by their digest: `classifier@1a2b3c4d`.
    pub fn name(&self) -> String {
        format!("classifier@{}", &hex::encode(Sha256::digest(self.to_bytes()))[..8])
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = |vocabulary: &Vocabulary| HeaderWords {
            words: vocabulary.words().to_vec(),
            unseen: vocabulary.unseen(),
        };
        let embedded = self.heads.embedded.as_ref();
        let header = Header {
            stacks: self.stacks,
            words: words(&self.heads.vocabulary),
            severity_words: words(&self.severity.vocabulary),
            severity_sure_from: self.severity.sure_from,
            embeddings: embedded.map(|heads| HeaderEmbeddings {
                model: self.embeddings.clone().unwrap_or_default(),
                dimensions: heads.about[0].1.len(),
                neighbours: heads.neighbours.categories().len(),
                about: heads.about.iter().map(|(column, _)| *column).collect(),
            }),
        };
        let header = serde_json::to_vec(&header).expect("text and finite numbers");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(u32::try_from(header.len()).expect("a few hundred kilobytes").to_le_bytes());
        bytes.extend(header);
        let mut put = |numbers: &[f32]| bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        put(self.heads.vocabulary.rarity());
        put(self.heads.of_words.weights());
        put(self.severity.vocabulary.rarity());
        put(self.severity.of_words.weights());
        if let Some(heads) = embedded {
            put(heads.of_vectors.weights());
            for (_, vector) in &heads.about {
                put(vector);
            }
            bytes.extend(heads.neighbours.categories());
            bytes.extend(heads.neighbours.vectors().iter().map(|value| value.cast_unsigned()));
        }
        bytes
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(WeightsError::NotWeights)?;
        let mut rest = Rest(rest);
        let length = u32::from_le_bytes(rest.take(4)?.try_into().expect("four bytes")) as usize;
        let header: Header = serde_json::from_slice(rest.take(length)?)?;
        let (vocabulary, of_words) = rest.take_head(header.words, Category::ALL.len())?;
        let (severity_vocabulary, severity_of_words) =
            rest.take_head(header.severity_words, SeverityOpinion::ALL.len())?;
        let mut embeddings = None;
        let mut embedded = None;
        if let Some(sizes) = header.embeddings {
            let classes = Category::ALL.len();
            let size = |n: usize| n.checked_mul(sizes.dimensions).ok_or(WeightsError::Damaged("sizes"));
            let of_vectors = rest.take_numbers(size(classes)? + classes)?;
            let mut about = Vec::new();
            for column in sizes.about {
                about.push((column, rest.take_numbers(sizes.dimensions)?));
            }
            let categories = rest.take(sizes.neighbours)?.to_vec();
            let columns = categories.iter().chain(about.iter().map(|(column, _)| column));
            if columns.copied().any(|column| usize::from(column) >= classes) || sizes.dimensions == 0 {
                return Err(WeightsError::Damaged("an unknown category"));
            }
            let vectors = rest.take(size(sizes.neighbours)?)?.iter().map(|byte| byte.cast_signed()).collect();
            embedded = Some(EmbeddedHeads {
                of_vectors: Logistic::from_weights(classes, of_vectors),
                neighbours: Neighbours::from_parts(sizes.dimensions, vectors, categories),
                about,
            });
            embeddings = Some(sizes.model);
        }
        if !rest.0.is_empty() {
            return Err(WeightsError::Damaged("it goes on after its end"));
        }
        let severity = SeverityHead {
            vocabulary: severity_vocabulary,
            of_words: severity_of_words,
            sure_from: header.severity_sure_from,
        };
        Ok(Self::new(Heads { vocabulary, of_words, embedded }, header.stacks, severity, embeddings))
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(WeightsError::Damaged("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_numbers(&mut self, count: usize) -> Result<Vec<f32>, WeightsError> {
        let length = count.checked_mul(4).ok_or(WeightsError::Damaged("sizes"))?;
        let chunks = self.take(length)?.chunks_exact(4);
        Ok(chunks.map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect())
    }

    fn take_head(
        &mut self,
        header: HeaderWords,
        classes: usize,
    ) -> Result<(Vocabulary, Logistic), WeightsError> {
        let count = header.words.len();
        let rarity = self.take_numbers(count)?;
        let weights = self.take_numbers((count + 1) * classes)?;
        Ok((
            Vocabulary::from_parts(header.words, rarity, header.unseen),
            Logistic::from_weights(classes, weights),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &[u8] = include_bytes!("weights.bin");

    #[test]
    fn the_shipped_weights_are_read_and_written_byte_for_byte() {
        let trained = Trained::from_bytes(SHIPPED).expect("sound");
        assert!(trained.to_bytes() == SHIPPED);
        assert!(trained.embeddings().is_some_and(|model| model.contains("MiniLM")));
        assert!(SHIPPED.len() < 2_000_000);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let refused = |bytes: &[u8]| Trained::from_bytes(bytes).err().expect("refused").to_string();
        assert!(refused(b"something else").contains("no file of classifier weights"));
        assert!(refused(&SHIPPED[..SHIPPED.len() - 1]).contains("ends too early"));
        assert!(refused(&SHIPPED[..6]).contains("no file"));
        assert!(refused(&[SHIPPED, b"x"].concat()).contains("goes on"));
        let mut header = SHIPPED.to_vec();
        header[12] = b'x';
        assert!(refused(&header).contains("header"));
    }
}
