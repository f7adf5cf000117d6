//! Which runbook fits an alert, and which step of it to take.
//!
//! [`RunbookIndex`] answers from a folder of Markdown files: by the alert's own `runbook_url`, else by its name, else by
//! full-text search (BM25) with a floor below which "no runbook fits" is the answer. What it quotes is the file's own
//! text with its lines, never words of its own.

mod document;
mod find;
mod folder;
mod index;
mod markdown;
mod quote;
mod search;
mod sentence;
mod step;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use folder::Problem;
pub use index::{RunbookDocument, RunbookIndex};

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
    /// Full-text search.
    Search {
        /// How much of the question the document speaks of, 0 to 1: the share of the question's words, rare words
        /// counting more, that stand in the document.
        score: f32,
    },
}

/// Why no answer could be worked out. "No runbook fits" is not an error but `Ok(None)`.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The full-text index failed.
    #[error("cannot search the runbooks")]
    Search(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Finds the step to take for an alert.
pub trait AnswerRunbook: Send + Sync {
    /// The step, or `None` when no runbook fits. Reads files and may take milliseconds: call it off the async threads.
    fn answer(&self, question: &AlertQuestion) -> Result<Option<RunbookAnswer>, AnswerError>;

    /// How many documents are looked through.
    fn document_count(&self) -> usize;
}
