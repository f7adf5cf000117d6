//! Speech to text, in the shape of OpenAI's API: not built yet, and said so in that shape.

use crate::http::openai::OpenAiError;

/// Will turn speech into text. For now it says that it does not.
#[utoipa::path(post, path = "/v1/audio/transcriptions",
    responses((status = 501, description = "not built yet", body = OpenAiError)))]
pub async fn create_transcription() -> OpenAiError {
    OpenAiError::not_implemented("this version of OpsSeer does not transcribe speech yet")
}
