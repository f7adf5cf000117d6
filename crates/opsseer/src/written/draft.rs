//! A summary as a model writes it, of which only what can be checked comes out.

use std::collections::VecDeque;

use opsseer_connect::llm::Writing;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Unavailable,
    check::{self, Flaw},
    sentences::Sentences,
    sources::{Place, Sources},
};

/// A sentence that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSentence {
    /// As the model wrote it, with its labels in square brackets.
    pub text: String,
    /// The label and the place of each source that it names, at least one.
    pub sources: Vec<(String, Place)>,
}

/// How many sentences are not shown, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// They name no source.
    pub without_source: usize,
    /// They name a source that was not given.
    pub unknown_source: usize,
    /// They state a number that stands in none of their sources.
    pub invented_number: usize,
}

impl LeftOut {
    /// All of them.
    pub fn total(self) -> usize {
        self.without_source + self.unknown_source + self.invented_number
    }
}

/// A summary that is being written. Dropping it ends the model's work.
pub struct Draft {
    writing: Box<dyn Writing>,
    sources: Sources,
    sentences: Sentences,
    waiting: VecDeque<String>,
    ended: bool,
    shown: usize,
    left_out: LeftOut,
    _permit: OwnedSemaphorePermit,
}

impl Draft {
    pub(super) fn new(writing: Box<dyn Writing>, sources: Sources, permit: OwnedSemaphorePermit) -> Self {
        Self {
            writing,
            sources,
            sentences: Sentences::default(),
            waiting: VecDeque::new(),
            ended: false,
            shown: 0,
            left_out: LeftOut::default(),
            _permit: permit,
        }
    }

    /// The next sentence that may be shown. `None` at the end of a summary of which at least one was.
    pub async fn next(&mut self) -> Result<Option<CheckedSentence>, Unavailable> {
        loop {
            while let Some(text) = self.waiting.pop_front() {
                match check::check(&text, &self.sources) {
                    Ok(cited) => {
                        let sources =
                            cited.iter().map(|source| (source.label.clone(), source.place.clone())).collect();
                        self.shown += 1;
                        return Ok(Some(CheckedSentence { text, sources }));
                    }
                    Err(Flaw::NoSource) => self.left_out.without_source += 1,
                    Err(Flaw::UnknownSource) => self.left_out.unknown_source += 1,
                    Err(Flaw::Number) => self.left_out.invented_number += 1,
                }
            }
            if self.ended {
                return if self.shown > 0 {
                    Ok(None)
                } else {
                    Err(Unavailable::NothingToShow(self.left_out))
                };
            }
            if let Some(words) = self.writing.next().await? {
                self.waiting.extend(self.sentences.push(&words));
            } else {
                self.ended = true;
                self.waiting.extend(self.sentences.finish());
            }
        }
    }

    /// How many sentences came out.
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// How many did not.
    pub fn left_out(&self) -> LeftOut {
        self.left_out
    }
}
