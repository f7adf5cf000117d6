//! A language model behind an endpoint that speaks OpenAI's chat API, which many servers do, local ones among them.
//!
//! The shapes are those of <https://platform.openai.com/docs/api-reference/chat/create>, with `stream: true`. Only what
//! every such server knows is sent: the model's name and the messages. An answer is read as it is written, word by word;
//! it has a time-out until its first word, one for the whole, and a largest size.

mod chunk;
mod client;
mod error;
mod events;
mod fake;
mod refusal;
mod secret;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use client::{LanguageModelClient, LanguageModelSettings};
pub use error::LanguageModelError;
pub use fake::{FakeLanguageModel, Piece};
pub use secret::Secret;

/// What a model is asked: word for word what leaves this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// How to answer.
    pub system: String,
    /// What to answer.
    pub user: String,
}

/// Writes text.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Begins an answer. Comes back when the model has accepted the question; dropping the answer ends its work.
    async fn write(&self, prompt: &Prompt) -> Result<Box<dyn Writing>, LanguageModelError>;

    /// The model's name.
    fn model(&self) -> &str;

    /// Where it is asked, without credentials.
    fn address(&self) -> &str;
}

/// An answer that is being written.
#[async_trait]
pub trait Writing: Send {
    /// What comes next: some words, or a part of one. `None` when the answer is whole. After that, and after an error,
    /// there is nothing more to ask for.
    async fn next(&mut self) -> Result<Option<String>, LanguageModelError>;
}

#[cfg(test)]
mod tests;
