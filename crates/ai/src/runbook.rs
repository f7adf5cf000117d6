//! Which runbook fits an alert, and which step of it to take.
//!
//! [`RunbookIndex`] answers from a folder of Markdown files: by the alert's own `runbook_url`, else by its name, else by
//! a search for words (BM25) and meaning (sentence embeddings). How sure it may be is calibrated; below a threshold "no
//! runbook fits" is the answer. What it quotes is the file's own text with its lines, never words of its own.

mod chunk;
mod confidence;
mod document;
mod embedding;
mod find;
mod folder;
mod git;
mod index;
mod library;
mod markdown;
mod meaning;
mod passage;
mod question;
mod quote;
mod rank;
mod reply;
mod search;
mod sentence;
mod step;
mod topic;
mod vectors;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::embed::Embed;

pub use confidence::ENOUGH;
pub use embedding::Progress;
pub use folder::Problem;
pub use index::{RunbookDocument, RunbookIndex};
pub use rank::{Evidence, RankRunbooks, RankedPlace};

/// What is known of an alert when its runbook is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertQuestion {
    /// The alert's name, for example `ToyProdHighErrorRate`.
    pub alert_name: String,
    /// The link that the rule's author gave.
    pub runbook_url: Option<String>,
    /// The annotation `summary`.
    pub summary: Option<String>,
    /// The annotation `description`.
    pub description: Option<String>,
    /// All labels of the alert.
    pub labels: BTreeMap<String, String>,
    /// The PromQL expression of the rule, where it is known.
    pub expr: Option<String>,
}

/// The step to take, with the place where it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunbookAnswer {
    /// At most 60 words of the file in its own order, without Markdown marks, a line for each list item or paragraph.
    /// May be empty when the step consists of code alone.
    pub quote: String,
    /// The code that belongs to the quoted words, verbatim: first to last as written.
    pub commands: Vec<String>,
    /// The file, relative to the runbook folder, with `/` between folders.
    pub file: String,
    /// The heading under which the step stands; the document's title when it has none.
    pub heading: String,
    /// The first line quoted, counted from 1.
    pub line_start: u32,
    /// The last line quoted, commands included.
    pub line_end: u32,
    /// The first 12 hexadecimal digits of the SHA-256 of the file's content.
    pub revision: String,
    /// The commit that the git checkout around the folder stood at, as 40 (or 64) hexadecimal digits. `None` when it is
    /// no checkout. A file that was changed since differs from its text in that commit.
    pub commit: Option<String>,
    /// How probable it is that this answers the question, 0 to 1.
    pub confidence: f32,
    /// How the file was found.
    pub matched_by: MatchedBy,
}

/// How a runbook was found for an alert.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The alert's `runbook_url` points to it.
    RunbookUrl,
    /// Its file, its title or one of its headings bears the alert's name.
    AlertName,
    /// Search for words and meaning.
    Search {
        /// How much of the question the place speaks of, 0 to 1: the share of the question's words, rare words counting
        /// more, that stand there.
        score: f32,
    },
}

/// What the runbooks say to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer; `None` when no runbook is likely enough to hold one.
    pub found: Option<RunbookAnswer>,
    /// The nearest places, at most three, best first, whether or not one of them is good enough.
    pub nearest: Vec<NearPlace>,
    /// How probable it is that the best place answers the question, 0 to 1. Calibrated: of the answers given with 0.8,
    /// about eight in ten are right.
    pub confidence: f32,
}

/// A place in the runbooks that is near a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearPlace {
    /// The file, relative to the runbook folder, with `/` between folders.
    pub file: String,
    /// The heading under which it stands; the document's title when it has none.
    pub heading: String,
    /// The first line of the excerpt, counted from 1.
    pub line_start: u32,
    /// Its last line.
    pub line_end: u32,
    /// At most 60 words of the place.
    pub excerpt: String,
    /// How probable it is that this place answers the question, 0 to 1.
    pub confidence: f32,
}

/// Where and with what a [`RunbookIndex`] works.
#[derive(Clone, Default)]
pub struct RunbookSettings {
    /// The folder that keeps the vectors of the sections between runs. Without it they are worked out at each start.
    pub index_dir: Option<PathBuf>,
    /// Finds sections by their meaning. Without it they are found by their words alone.
    pub embedder: Option<Arc<dyn Embed>>,
}

/// Why no answer could be worked out. "No runbook fits" is not an error but an [`Answer`] without `found`.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The full-text index failed.
    #[error("cannot search the runbooks")]
    Search(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The search ended without a result: a fault of the program, which its log describes.
    #[error("the search of the runbooks broke off")]
    BrokeOff(#[source] tokio::task::JoinError),
    /// The thread that works out the vectors of the sections could not be started.
    #[error("cannot start the thread that indexes the runbooks")]
    Thread(#[source] std::io::Error),
}

/// Finds what the runbooks say.
#[async_trait]
pub trait AnswerRunbook: Send + Sync {
    /// The step to take for an alert.
    async fn answer(&self, question: &AlertQuestion) -> Result<Answer, AnswerError>;

    /// What the runbooks say to a question in words. `context` is the alert of the incident in which it is asked.
    async fn ask(&self, question: &str, context: Option<&AlertQuestion>) -> Result<Answer, AnswerError>;

    /// How many documents are looked through. Looks at the folder, which takes milliseconds when it holds thousands of
    /// files.
    fn document_count(&self) -> usize;

    /// What is in the folder but cannot be used, and why. Looks at the folder like [`Self::document_count`].
    fn problems(&self) -> Vec<Problem>;
}
