//! The sentence model that is installed, against what Python's onnxruntime and tokenizers make of the same files.

use std::{env, fs, path::PathBuf};

use opsseer_ai::embed::{Embed, EmbedError, InferenceSettings, LocalEmbedder};
use serde::Deserialize;

/// The folder of the models; `./task test` fetches them and names it. Without it these tests have nothing to test.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the tests' environment, and their last words"
)]
fn models() -> Option<PathBuf> {
    let folder = env::var("OPSSEER_TEST_MODELS").ok().filter(|folder| !folder.is_empty());
    if folder.is_none() {
        println!(
            "skipped: OPSSEER_TEST_MODELS does not name a folder of models (./task models fetches them)"
        );
    }
    folder.map(PathBuf::from)
}

/// A text and the beginning of its vector: `tests/vectors.py` wrote them.
#[derive(Deserialize)]
struct Expected {
    text: String,
    begins: Vec<f32>,
}

#[tokio::test]
async fn vectors_are_those_of_the_reference() {
    let Some(models) = models() else { return };
    let embedder = LocalEmbedder::open(&models, InferenceSettings::default()).unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors.json");
    let expected: Vec<Expected> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert!(expected.len() > 11);
    let vectors = embedder.embed(expected.iter().map(|known| known.text.clone()).collect()).await.unwrap();
    for (Expected { text, begins }, vector) in expected.iter().zip(&vectors) {
        assert_eq!(vector.len(), embedder.dimensions());
        let length: f32 = vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length} for {text:?}");
        for (ours, theirs) in vector.iter().zip(begins) {
            assert!((ours - theirs).abs() < 1e-3, "{ours} in place of {theirs} for {text:?}");
        }
    }
}

#[tokio::test]
async fn what_means_alike_lies_close() {
    let Some(models) = models() else { return };
    let embedder = LocalEmbedder::open(&models, InferenceSettings::default()).unwrap();
    assert!(embedder.model().starts_with("all-MiniLM-L6-v2-int8@"), "{}", embedder.model());
    let texts = ["the disk is full", "no space left on device", "the certificate expires soon"];
    let vectors = embedder.embed(texts.map(str::to_owned).to_vec()).await.unwrap();
    let cosine = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum::<f32>();
    assert!(cosine(0, 1) > cosine(0, 2) + 0.2, "{} and {}", cosine(0, 1), cosine(0, 2));
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = LocalEmbedder::open(folder.path(), InferenceSettings::default()).err().unwrap();
    assert!(matches!(error, EmbedError::Read { .. }), "{error}");
    assert!(error.to_string().contains("tokenizer.json"), "{error}");
}

#[test]
fn a_model_that_is_no_model_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let embeddings = folder.path().join("embeddings");
    fs::create_dir(&embeddings).unwrap();
    fs::write(embeddings.join("tokenizer.json"), "{}").unwrap();
    fs::write(embeddings.join("model.onnx"), "no model").unwrap();
    let error = LocalEmbedder::open(folder.path(), InferenceSettings::default()).err().unwrap();
    assert!(matches!(error, EmbedError::Unusable { .. }), "{error}");
}
