//! A model for tests of the code that asks one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{LanguageModel, LanguageModelError, Prompt, Writing};

/// A piece of a prepared answer.
#[derive(Debug)]
pub enum Piece {
    /// These words come.
    Says(String),
    /// This goes wrong. What comes after it is not asked for.
    Fails(LanguageModelError),
}

/// Answers from a list and remembers what it was asked. Beyond the list its answers are empty. A model that hangs is one
/// that fails with [`LanguageModelError::Silent`]: the time-outs are the client's.
#[derive(Debug, Default)]
pub struct FakeLanguageModel {
    answers: Mutex<VecDeque<Vec<Piece>>>,
    asked: Mutex<Vec<Prompt>>,
}

impl FakeLanguageModel {
    /// The next question that has no answer yet gets this one.
    pub fn push(&self, pieces: Vec<Piece>) {
        locked(&self.answers).push_back(pieces);
    }

    /// As [`Self::push`], for an answer in which nothing goes wrong: it comes in pieces of a few characters.
    pub fn push_text(&self, text: &str) {
        let letters: Vec<char> = text.chars().collect();
        self.push(letters.chunks(7).map(|some| Piece::Says(some.iter().collect())).collect());
    }

    /// The questions so far, oldest first.
    pub fn asked(&self) -> Vec<Prompt> {
        locked(&self.asked).clone()
    }
}

#[async_trait]
impl LanguageModel for FakeLanguageModel {
    async fn write(&self, prompt: &Prompt) -> Result<Box<dyn Writing>, LanguageModelError> {
        locked(&self.asked).push(prompt.clone());
        let pieces = locked(&self.answers).pop_front().unwrap_or_default();
        Ok(Box::new(FakeWriting(pieces.into())))
    }

    fn model(&self) -> &'static str {
        "fake"
    }

    fn address(&self) -> &'static str {
        "http://model.test/v1/chat/completions"
    }
}

struct FakeWriting(VecDeque<Piece>);

#[async_trait]
impl Writing for FakeWriting {
    async fn next(&mut self) -> Result<Option<String>, LanguageModelError> {
        match self.0.pop_front() {
            None => Ok(None),
            Some(Piece::Says(words)) => Ok(Some(words)),
            Some(Piece::Fails(error)) => Err(error),
        }
    }
}

/// A test that panicked while it held the lock has failed already; the others go on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
