//! An answer as it comes over the wire.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use super::LanguageModelSettings;
use crate::llm::chunk::{Chunk, Said};
use crate::llm::events::Events;
use crate::llm::{LanguageModelError, Secret, Writing, refusal};

/// What ends a stream that is whole.
const DONE: &str = "[DONE]";

/// What a piece of an answer may have around its words, in bytes.
const AROUND: usize = 1 << 16;

/// Reads an answer. Dropping it closes the connection, at which the server stops writing.
pub(super) struct Answer {
    response: reqwest::Response,
    url: String,
    key: Secret,
    /// Whether it comes in events; else it is one JSON document.
    streams: bool,
    events: Events,
    /// What has come and has not been given.
    pieces: VecDeque<String>,
    alive: bool,
    ended: bool,
    text_bytes: usize,
    max_bytes: usize,
    first_word: (Instant, Duration),
    total: (Instant, Duration),
}

impl Answer {
    pub(super) fn new(
        response: reqwest::Response,
        url: &str,
        settings: &LanguageModelSettings,
        begun: Instant,
    ) -> Self {
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        // Servers that cannot stream answer with a document, whatever they were asked for.
        let streams = !media_type.is_some_and(|media_type| media_type.starts_with("application/json"));
        let first_word = settings.first_word.min(settings.total);
        Self {
            response,
            url: url.to_owned(),
            key: settings.key.clone(),
            streams,
            events: Events::default(),
            pieces: VecDeque::new(),
            alive: false,
            ended: false,
            text_bytes: 0,
            max_bytes: settings.max_answer_bytes,
            first_word: (begun + first_word, first_word),
            total: (begun + settings.total, settings.total),
        }
    }

    /// Reads on until there are words or the end.
    async fn read(&mut self) -> Result<Option<String>, LanguageModelError> {
        loop {
            if let Some(words) = self.pieces.pop_front() {
                return Ok(Some(words));
            }
            if self.ended {
                return Ok(None);
            }
            if !self.streams {
                self.read_document().await?;
                continue;
            }
            match self.response.chunk().await.map_err(|source| self.broken(source))? {
                Some(bytes) => {
                    for data in self.events.push(&bytes) {
                        self.take(&data)?;
                    }
                    if self.events.pending() > self.max_bytes.saturating_add(AROUND) {
                        return Err(self.too_large());
                    }
                }
                None => self.finish()?,
            }
        }
    }

    async fn read_document(&mut self) -> Result<(), LanguageModelError> {
        let mut body = Vec::new();
        while let Some(bytes) = self.response.chunk().await.map_err(|source| self.broken(source))? {
            body.extend_from_slice(&bytes);
            if body.len() > self.max_bytes.saturating_add(AROUND) {
                return Err(self.too_large());
            }
        }
        self.take(&String::from_utf8_lossy(&body))?;
        self.ended = true;
        Ok(())
    }

    /// The stream ended. If the answer had not, it broke off.
    fn finish(&mut self) -> Result<(), LanguageModelError> {
        if let Some(data) = self.events.finish().filter(|_| !self.ended) {
            // Half an event that was cut off is no news beside the cut itself.
            if data.trim() == DONE || serde_json::from_str::<Chunk>(&data).is_ok() {
                self.take(&data)?;
            }
        }
        if self.ended {
            Ok(())
        } else {
            Err(LanguageModelError::BrokeOff { url: self.url.clone(), source: None })
        }
    }

    /// Takes an event's data in.
    fn take(&mut self, data: &str) -> Result<(), LanguageModelError> {
        if self.ended || data.trim().is_empty() {
            return Ok(());
        }
        if data.trim() == DONE {
            self.ended = true;
            return Ok(());
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|source| LanguageModelError::NotUnderstood { url: self.url.clone(), source })?;
        if let Some(error) = &chunk.error {
            let message = refusal::message_of(error, &self.key);
            return Err(LanguageModelError::GaveUp { url: self.url.clone(), message });
        }
        let Said { text, alive, ended } = chunk.into_said();
        self.alive |= alive;
        self.text_bytes += text.len();
        if self.text_bytes > self.max_bytes {
            return Err(self.too_large());
        }
        if !text.is_empty() {
            self.pieces.push_back(text);
        }
        match ended.as_deref() {
            None | Some("") => Ok(()),
            // What comes after the reason, such as the cost, is of no interest.
            Some("stop" | "eos" | "end_turn") => {
                self.ended = true;
                Ok(())
            }
            Some(reason) => Err(LanguageModelError::Stopped {
                url: self.url.clone(),
                reason: reason.chars().take(40).collect(),
            }),
        }
    }

    fn broken(&self, source: reqwest::Error) -> LanguageModelError {
        LanguageModelError::BrokeOff { url: self.url.clone(), source: Some(source.without_url()) }
    }

    fn too_large(&self) -> LanguageModelError {
        LanguageModelError::TooLarge { url: self.url.clone(), limit_bytes: self.max_bytes }
    }
}

#[async_trait]
impl Writing for Answer {
    async fn next(&mut self) -> Result<Option<String>, LanguageModelError> {
        loop {
            let was_alive = self.alive;
            let (deadline, timeout) = if was_alive { self.total } else { self.first_word };
            let Ok(read) = timeout_at(deadline, self.read()).await else {
                // A model that thought aloud meanwhile has the whole time.
                if self.alive && !was_alive && self.first_word.0 < self.total.0 {
                    continue;
                }
                let url = self.url.clone();
                return Err(if was_alive {
                    LanguageModelError::TooSlow { url, timeout }
                } else {
                    LanguageModelError::Silent { url, timeout }
                });
            };
            return read;
        }
    }
}
