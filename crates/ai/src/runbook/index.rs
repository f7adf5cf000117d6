//! The runbook folder as it is now, and answers from it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tantivy::TantivyError;

use super::document::Document;
use super::find::{self, Place};
use super::folder::{self, Listing, Problem};
use super::quote::quote;
use super::search::SearchIndex;
use super::step::scope_around;
use super::words::search_texts;
use super::{AlertQuestion, AnswerError, AnswerRunbook, MatchedBy, RunbookAnswer};

/// One runbook, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookDocument {
    /// Relative to the runbook folder, `/` between folders.
    pub file: String,
    /// Its first heading, its front matter's title, or its name.
    pub title: String,
    /// The first 12 hexadecimal digits of the SHA-256 of its content.
    pub revision: String,
    /// Its headings in order.
    pub headings: Vec<String>,
}

/// Answers from a folder of Markdown files.
///
/// The folder is looked at on every call; when a file has come, gone or changed, it is read again. If that fails, the
/// runbooks as they were before go on answering, and the log says so once.
pub struct RunbookIndex {
    dir: PathBuf,
    current: RwLock<Arc<Snapshot>>,
    /// Held while the folder is read again, so that it is done once.
    reading: Mutex<()>,
}

/// The folder as it was at some time.
struct Snapshot {
    listing: Listing,
    documents: Arc<Vec<Document>>,
    search: Arc<SearchIndex>,
    problems: Vec<Problem>,
}

impl Snapshot {
    fn read(listing: Listing) -> Result<Self, TantivyError> {
        let (documents, problems) = folder::read(&listing);
        for problem in &problems {
            tracing::warn!(file = %problem.file, "runbook left out: {problem}");
        }
        let search = Arc::new(SearchIndex::build(&documents)?);
        Ok(Self { listing, documents: Arc::new(documents), search, problems })
    }
}

impl RunbookIndex {
    /// Reads the folder. One that does not exist is empty, with a line in [`Self::problems`].
    pub fn open(dir: &Path) -> Result<Self, AnswerError> {
        let snapshot = Snapshot::read(folder::list(dir)).map_err(search_error)?;
        Ok(Self { dir: dir.to_owned(), current: RwLock::new(Arc::new(snapshot)), reading: Mutex::new(()) })
    }

    /// The runbooks, in order of their file names.
    pub fn documents(&self) -> Vec<RunbookDocument> {
        let describe = |document: &Document| RunbookDocument {
            file: document.file.clone(),
            title: document.title.clone(),
            revision: document.revision.clone(),
            headings: document
                .sections
                .iter()
                .filter(|section| section.level > 0)
                .map(|section| section.heading.clone())
                .collect(),
        };
        self.now().documents.iter().map(describe).collect()
    }

    /// What is in the folder but cannot be used, and why.
    pub fn problems(&self) -> Vec<Problem> {
        self.now().problems.clone()
    }

    /// The folder as it is now, read again if anything in it has changed.
    fn now(&self) -> Arc<Snapshot> {
        let listing = folder::list(&self.dir);
        if self.known().listing == listing {
            return self.known();
        }
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.known();
        if before.listing == listing {
            return before;
        }
        let after = Arc::new(self.read_again(listing, &before));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&after);
        after
    }

    fn known(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn read_again(&self, listing: Listing, before: &Snapshot) -> Snapshot {
        // A folder that has gone is most often one that is being replaced.
        let gone = listing.unreadable && !before.documents.is_empty();
        let failure = if gone {
            listing.problems.first().map(|problem| problem.reason.clone()).unwrap_or_default()
        } else {
            match Snapshot::read(folder::list(&self.dir)) {
                Ok(snapshot) => {
                    tracing::info!(runbooks = snapshot.documents.len(), "runbooks read again");
                    return snapshot;
                }
                Err(error) => error.to_string(),
            }
        };
        tracing::warn!(folder = %self.dir.display(), "cannot read the runbooks again, the old ones stay: {failure}");
        let reason = format!("{failure}; the runbooks as they were before are still used");
        Snapshot {
            listing,
            documents: Arc::clone(&before.documents),
            search: Arc::clone(&before.search),
            problems: vec![Problem { file: ".".to_owned(), reason }],
        }
    }
}

impl AnswerRunbook for RunbookIndex {
    fn document_count(&self) -> usize {
        self.now().documents.len()
    }

    fn answer(&self, question: &AlertQuestion) -> Result<Option<RunbookAnswer>, AnswerError> {
        let now = self.now();
        let answer = |place: Place, matched_by| {
            let document = &now.documents[place.document];
            let quote = quote(document, &place.scope)?;
            Some(RunbookAnswer {
                quote: quote.text,
                commands: quote.commands,
                file: document.file.clone(),
                heading: quote.heading,
                line_start: quote.line_start,
                line_end: quote.line_end,
                revision: document.revision.clone(),
                matched_by,
            })
        };
        let linked = question.runbook_url.as_deref().and_then(|url| find::by_url(&now.documents, url));
        if let Some(found) = linked.and_then(|place| answer(place, MatchedBy::RunbookUrl)) {
            return Ok(Some(found));
        }
        let named = find::by_alert_name(&now.documents, &question.alert_name);
        if let Some(found) = named.and_then(|place| answer(place, MatchedBy::AlertName)) {
            return Ok(Some(found));
        }
        let hit = now.search.best(&search_texts(question)).map_err(search_error)?;
        Ok(hit.and_then(|hit| {
            let scope = scope_around(&now.documents[hit.document], hit.section);
            answer(Place { document: hit.document, scope }, MatchedBy::Search { score: hit.share })
        }))
    }
}

fn search_error(error: TantivyError) -> AnswerError {
    AnswerError::Search(Box::new(error))
}
