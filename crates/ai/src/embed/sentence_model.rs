//! The sentence model: tokens through the network, the mean of its last layer, scaled to length 1.

use std::{path::Path, sync::Arc};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::{AsView, Layout, NdTensor};

use super::{EmbedError, Vector, wordpiece::WordPiece};

/// Tokens of a text that are looked at. The model was trained with 128 and made for 256.
const TOKENS: usize = 256;

/// A loaded model. One text a run: texts in one run would be padded to the longest, which costs more than it gains on
/// processors (docs/decisions.md has the figures), and a vector would depend on what else was asked at that moment.
pub(super) struct SentenceModel {
    words: WordPiece,
    network: Model,
    inputs: Inputs,
    output: NodeId,
    run: RunOptions,
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
        let mut run = RunOptions::default();
        run.thread_pool = Some(Arc::new(ThreadPool::with_num_threads(threads)));
        let mut model = Self { words, network, inputs, output, run, dimensions: 0 };
        // A text that goes through shows that the files fit together, before anybody depends on them.
        model.dimensions = model.embed("ready").map_err(unusable)?.len();
        Ok(model)
    }

    /// Numbers in a vector.
    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The vector of a text.
    pub(super) fn embed(&self, text: &str) -> Result<Vector, String> {
        let tokens = self.words.encode(text, TOKENS);
        let shape = [1, tokens.len()];
        let attention = NdTensor::<i32, 2>::full(shape, 1);
        let sentence = NdTensor::<i32, 2>::zeros(shape);
        let tokens = NdTensor::from_data(shape, tokens);
        let mut inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.inputs.tokens, tokens.view().into()),
            (self.inputs.attention, attention.view().into()),
        ];
        if let Some(node) = self.inputs.sentence {
            inputs.push((node, sentence.view().into()));
        }
        let [layer] = self
            .network
            .run_n(inputs, [self.output], Some(self.run.clone()))
            .map_err(|error| format!("the model did not run: {error}"))?;
        let layer: NdTensor<f32, 3> =
            layer.try_into().map_err(|error| format!("the model's answer is of another form: {error}"))?;
        Ok(mean_of_length_one(&layer))
    }
}

/// The mean over the tokens (the second axis), scaled to length 1.
fn mean_of_length_one(layer: &NdTensor<f32, 3>) -> Vector {
    let [_, tokens, width] = layer.shape();
    let mut sum = vec![0.0; width];
    for token in 0..tokens {
        for (at, total) in sum.iter_mut().enumerate() {
            *total += layer[[0, token, at]];
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
        let layer = NdTensor::from_data([1, 2, 2], vec![1.0, 4.0, 5.0, 4.0]);
        assert_eq!(mean_of_length_one(&layer), [0.6, 0.8]);
    }

    #[test]
    fn all_zeros_stay_numbers() {
        let layer = NdTensor::from_data([1, 1, 2], vec![0.0, 0.0]);
        assert_eq!(mean_of_length_one(&layer), [0.0, 0.0]);
    }
}
