//! The sentence model: tokens through the network, the mean of its last layer, scaled to length 1.

use std::{path::Path, sync::Arc};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::{AsView, Layout, NdTensor};

use super::{EmbedError, Vector, wordpiece::WordPiece};

/// Tokens of a text that are looked at: as many as the model was trained with. It takes 256, and finds nothing better by
/// them (docs/models/runbooks.md).
const TOKENS: usize = 128;

/// The most tokens of a run, with padding. More texts in a run pay off while they are short: the weights are read from
/// memory once for all (docs/decisions.md).
const TOKENS_OF_A_RUN: usize = 512;

/// A loaded model.
pub(super) struct SentenceModel {
    words: WordPiece,
    network: Model,
    inputs: Inputs,
    output: NodeId,
    threads: Arc<ThreadPool>,
    dimensions: usize,
}

struct Inputs {
    tokens: NodeId,
    attention: NodeId,
    /// Which of two sentences a token is of: always the first.
    sentence: Option<NodeId>,
}

impl SentenceModel {
    /// Loads both files. Runs are spread over `threads` threads.
    pub(super) fn open(network: &Path, words: &Path, threads: usize) -> Result<Self, EmbedError> {
        let words = WordPiece::open(words)?;
        let bytes =
            std::fs::read(network).map_err(|source| EmbedError::Read { file: network.to_owned(), source })?;
        let unusable = |reason: String| EmbedError::Unusable { file: network.to_owned(), reason };
        // Prepacked weights take some memory more and make a run faster.
        let loaded = ModelOptions::with_all_ops().prepack_weights(true).load(bytes);
        let network = loaded.map_err(|error| unusable(error.to_string()))?;
        let node = |name| network.node_id(name).map_err(|error| unusable(error.to_string()));
        let inputs = Inputs {
            tokens: node("input_ids")?,
            attention: node("attention_mask")?,
            sentence: network.find_node("token_type_ids"),
        };
        let output = *network.output_ids().first().ok_or_else(|| unusable("it has no output".to_owned()))?;
        let threads = Arc::new(ThreadPool::with_num_threads(threads));
        let mut model = Self { words, network, inputs, output, threads, dimensions: 0 };
        // A text that goes through shows that the files fit together, before anybody depends on them.
        model.dimensions = model.embed_all(&["ready".to_owned()]).map_err(unusable)?[0].len();
        Ok(model)
    }

    /// Numbers in a vector.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vectors of texts, in their order.
    pub(super) fn embed_all(&self, texts: &[String]) -> Result<Vec<Vector>, String> {
        let mut coded: Vec<(usize, Vec<i32>)> =
            texts.iter().map(|text| self.words.encode(text, TOKENS)).enumerate().collect();
        coded.sort_by_key(|(_, tokens)| tokens.len());
        let mut vectors = vec![Vector::new(); texts.len()];
        let mut rest = coded.as_slice();
        while !rest.is_empty() {
            let (run, later) = rest.split_at(texts_of_a_run(rest));
            for ((at, _), vector) in run.iter().zip(self.run(run)?) {
                vectors[*at] = vector;
            }
            rest = later;
        }
        Ok(vectors)
    }

    /// One run of the network; shorter texts are padded to the longest.
    fn run(&self, texts: &[(usize, Vec<i32>)]) -> Result<Vec<Vector>, String> {
        let longest = texts.iter().map(|(_, tokens)| tokens.len()).max().unwrap_or(0);
        let shape = [texts.len(), longest];
        let mut tokens = NdTensor::<i32, 2>::zeros(shape);
        let mut attention = NdTensor::<i32, 2>::zeros(shape);
        let sentence = NdTensor::<i32, 2>::zeros(shape);
        for (row, (_, text)) in texts.iter().enumerate() {
            for (at, token) in text.iter().enumerate() {
                tokens[[row, at]] = *token;
                attention[[row, at]] = 1;
            }
        }
        let mut inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.inputs.tokens, tokens.view().into()),
            (self.inputs.attention, attention.view().into()),
        ];
        if let Some(node) = self.inputs.sentence {
            inputs.push((node, sentence.view().into()));
        }
        let [layer] = self
            .network
            .run_n(inputs, [self.output], Some(self.options(texts.len())))
            .map_err(|error| format!("the model did not run: {error}"))?;
        let layer: NdTensor<f32, 3> =
            layer.try_into().map_err(|error| format!("the model's answer is of another form: {error}"))?;
        let rows = texts.iter().enumerate();
        Ok(rows.map(|(row, (_, tokens))| mean_of_length_one(&layer, row, tokens.len())).collect())
    }

    /// A single text is run on all threads: somebody waits for it. Of many, each run has a thread, and other threads have
    /// other runs: sharing each matrix among them costs more than it gains.
    fn options(&self, texts: usize) -> RunOptions {
        let mut options = RunOptions::default();
        let shared = || Arc::clone(&self.threads);
        options.thread_pool =
            Some(if texts == 1 { shared() } else { Arc::new(ThreadPool::with_num_threads(1)) });
        options
    }
}

/// How many of the first texts, which are sorted by length, go into one run: not so many that padding or the run
/// itself grow large.
fn texts_of_a_run(sorted: &[(usize, Vec<i32>)]) -> usize {
    let shortest = sorted.first().map_or(0, |(_, tokens)| tokens.len());
    let fit = |(number, (_, tokens)): &(usize, &(usize, Vec<i32>))| {
        tokens.len() * (number + 1) <= TOKENS_OF_A_RUN && tokens.len() * 3 <= shortest * 4
    };
    sorted.iter().enumerate().take_while(fit).count().max(1)
}

/// The mean over a text's tokens (the second axis), scaled to length 1.
fn mean_of_length_one(layer: &NdTensor<f32, 3>, row: usize, tokens: usize) -> Vector {
    let [_, _, width] = layer.shape();
    let mut sum = vec![0.0; width];
    for token in 0..tokens {
        for (at, total) in sum.iter_mut().enumerate() {
            *total += layer[[row, token, at]];
        }
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    for x in &mut sum {
        *x /= length;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_has_length_one() {
        let layer = NdTensor::from_data([2, 2, 2], vec![1.0, 4.0, 5.0, 4.0, 3.0, 4.0, 9.0, 9.0]);
        assert_eq!(mean_of_length_one(&layer, 0, 2), [0.6, 0.8]);
        assert_eq!(mean_of_length_one(&layer, 1, 1), [0.6, 0.8], "padding counts for nothing");
    }

    #[test]
    fn all_zeros_stay_numbers() {
        let layer = NdTensor::from_data([1, 1, 2], vec![0.0, 0.0]);
        assert_eq!(mean_of_length_one(&layer, 0, 1), [0.0, 0.0]);
    }

    #[test]
    fn runs_hold_texts_of_like_length_and_are_bounded() {
        let texts = |lengths: &[usize]| -> Vec<(usize, Vec<i32>)> {
            lengths.iter().map(|length| (0, vec![0; *length])).collect()
        };
        assert_eq!(texts_of_a_run(&texts(&[9, 10, 12, 13])), 3, "13 is more than a third longer than 9");
        assert_eq!(texts_of_a_run(&texts(&[100; 9])), 5, "512 tokens");
        assert_eq!(texts_of_a_run(&texts(&[600, 600])), 1);
    }
}
