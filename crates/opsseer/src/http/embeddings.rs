//! Texts to vectors, in the shape of OpenAI's API.

use std::time::Instant;

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use opsseer_ai::embed::{EmbedError, Vector};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ai::Gateway, http::openai::OpenAiError};

/// Texts in a request, and bytes of each and of all together.
const MAX_TEXTS: usize = 256;
const MAX_TEXT_BYTES: usize = 64 * 1024;
const MAX_BYTES: usize = 1024 * 1024;
/// Bytes of a token of English, on the average: the share of each text in `usage`.
const BYTES_PER_TOKEN: usize = 4;

/// What is to be embedded.
#[derive(Debug, Deserialize, ToSchema)]
pub struct EmbeddingsBody {
    /// One text, or up to 256.
    pub input: Input,
    /// Any name: there is one model, and the answer names it.
    #[serde(default)]
    pub model: String,
    /// Numbers, or the bytes of little-endian 32-bit floats in base64.
    #[serde(default)]
    pub encoding_format: EncodingFormat,
    /// If given, it must be the model's own.
    #[serde(default)]
    pub dimensions: Option<usize>,
    /// Ignored.
    #[serde(default)]
    pub user: Option<String>,
}

/// One text or several.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Input {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncodingFormat {
    /// As numbers.
    #[default]
    Float,
    /// As text.
    Base64,
}

/// The vectors.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbeddingsResponse {
    /// `list`.
    pub object: &'static str,
    /// One for each text, in their order.
    pub data: Vec<EmbeddingResponse>,
    /// Names the model and its files' digest. Vectors of different names are not comparable.
    pub model: String,
    /// An estimate: 4 bytes of text are one token.
    pub usage: UsageResponse,
}

/// A vector of length 1.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmbeddingResponse {
    /// `embedding`.
    pub object: &'static str,
    /// Which text, from 0.
    pub index: usize,
    /// The vector.
    pub embedding: Encoded,
}

/// A vector as it is written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Encoded {
    /// As numbers.
    Float(Vec<f32>),
    /// As text.
    Base64(String),
}

/// What a request cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageResponse {
    /// Estimated tokens of the input.
    pub prompt_tokens: usize,
    /// The same.
    pub total_tokens: usize,
}

/// Turns texts into vectors of length 1: the dot product of two says how alike they are. Text past the model's limit
/// (256 word pieces) has no say. The shape is that of OpenAI's API.
#[utoipa::path(post, path = "/v1/embeddings", request_body = EmbeddingsBody,
    responses((status = 200, description = "the vectors", body = EmbeddingsResponse), (status = 400, description = "not understood", body = OpenAiError),
        (status = 503, description = "the model is not installed, or too much is asked at once; see Retry-After", body = OpenAiError)))]
pub async fn create_embeddings(
    State(gateway): State<Gateway>,
    body: Result<Json<EmbeddingsBody>, JsonRejection>,
) -> Result<Json<EmbeddingsResponse>, OpenAiError> {
    let Json(body) = body?;
    let texts = body.input.checked()?;
    let Some(embedder) = &gateway.embedder else {
        let message =
            "the embeddings model is not installed here: `opsseer models pull embeddings` installs it";
        return Err(OpenAiError::model_missing(message));
    };
    // A model elsewhere tells its own with its first answer.
    let dimensions = Some(embedder.dimensions()).filter(|known| *known > 0);
    if let Some(asked) = body.dimensions.filter(|asked| dimensions.is_some_and(|known| known != *asked)) {
        let message = format!("the model has {} dimensions, not {asked}", embedder.dimensions());
        return Err(OpenAiError::invalid(Some("dimensions"), message));
    }
    let tokens = texts.iter().map(|text| text.len().div_ceil(BYTES_PER_TOKEN)).sum();
    let started = Instant::now();
    let vectors = embedder.embed(texts).await?;
    metrics::histogram!("opsseer_ai_seconds", "service" => "embeddings")
        .record(started.elapsed().as_secs_f64());
    let response = |(index, vector)| EmbeddingResponse {
        object: "embedding",
        index,
        embedding: Encoded::new(vector, body.encoding_format),
    };
    Ok(Json(EmbeddingsResponse {
        object: "list",
        data: vectors.into_iter().enumerate().map(response).collect(),
        model: embedder.model().to_owned(),
        usage: UsageResponse { prompt_tokens: tokens, total_tokens: tokens },
    }))
}

impl Input {
    fn checked(self) -> Result<Vec<String>, OpenAiError> {
        let invalid = |message: String| Err(OpenAiError::invalid(Some("input"), message));
        let texts = match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        };
        if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
            return invalid("input holds no text, or an empty one".to_owned());
        }
        if texts.len() > MAX_TEXTS {
            return invalid(format!("input holds {} texts; at most {MAX_TEXTS} are taken", texts.len()));
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        if bytes > MAX_BYTES || texts.iter().any(|text| text.len() > MAX_TEXT_BYTES) {
            return invalid(format!(
                "a text has at most {MAX_TEXT_BYTES} bytes, and all texts of a request at most {MAX_BYTES}"
            ));
        }
        Ok(texts)
    }
}

impl Encoded {
    fn new(vector: Vector, format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Float(vector),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                Self::Base64(BASE64_STANDARD.encode(bytes))
            }
        }
    }
}

impl From<EmbedError> for OpenAiError {
    fn from(error: EmbedError) -> Self {
        tracing::warn!(%error, "texts could not be embedded");
        match error {
            EmbedError::Busy | EmbedError::Timeout => Self::busy(format!("{error}; try again")),
            _ => Self::failed("the texts could not be embedded; the log of the server says why"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_too_long_and_empty_texts_are_refused_by_name() {
        let refused = |input: Input| input.checked().expect_err("refused").error;
        for (input, words) in [
            (Input::One(" ".into()), "empty one"),
            (Input::Many(vec![]), "no text"),
            (Input::Many(vec!["a".into(); MAX_TEXTS + 1]), "257 texts"),
            (Input::One("a".repeat(MAX_TEXT_BYTES + 1)), "at most 65536 bytes"),
            (Input::Many(vec!["a".repeat(MAX_TEXT_BYTES); 17]), "at most 1048576"),
        ] {
            let error = refused(input);
            assert!(error.message.contains(words), "{}", error.message);
            assert_eq!((error.r#type, error.param), ("invalid_request_error", Some("input")));
        }
        assert_eq!(Input::Many(vec!["a".repeat(MAX_TEXT_BYTES)]).checked().expect("taken").len(), 1);
    }

    #[test]
    fn base64_holds_little_endian_floats() {
        let Encoded::Base64(text) = Encoded::new(vec![1.0, -2.5], EncodingFormat::Base64) else {
            panic!("no text")
        };
        assert_eq!(text, "AACAPwAAIMA=");
    }
}
