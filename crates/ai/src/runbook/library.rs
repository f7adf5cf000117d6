//! The runbook folder as it is now.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::TantivyError;
use tokio::sync::watch;

use super::document::Document;
use super::folder::{self, Listing, Problem};
use super::git;
use super::meaning::{Known, Meanings};
use super::search::SearchIndex;
use super::topic::{Topic, topics_of};

/// The runbooks of a folder, read again when anything in it has changed.
///
/// The folder is looked at on every call; when a file has come, gone or changed, it is read again. If that fails, the
/// runbooks as they were before go on answering, and the log says so once.
pub(super) struct Library {
    dir: PathBuf,
    current: watch::Sender<Arc<Snapshot>>,
    /// Held while the folder is read again, so that it is done once.
    reading: Mutex<()>,
}

/// The folder as it was at some time.
pub(super) struct Snapshot {
    listing: Listing,
    pub(super) documents: Arc<Vec<Document>>,
    pub(super) topics: Arc<Vec<Topic>>,
    pub(super) search: Arc<SearchIndex>,
    pub(super) meanings: Arc<Meanings>,
    pub(super) problems: Vec<Problem>,
}

impl Snapshot {
    fn read(listing: Listing, known: &Known) -> Result<Self, TantivyError> {
        let (documents, problems) = folder::read(&listing);
        for problem in &problems {
            tracing::warn!(file = %problem.file, "runbook left out: {problem}");
        }
        let topics = topics_of(&documents);
        let search = Arc::new(SearchIndex::build(&documents, &topics)?);
        let meanings = Arc::new(Meanings::of(&documents, &topics, known));
        Ok(Self {
            listing,
            documents: Arc::new(documents),
            topics: Arc::new(topics),
            search,
            meanings,
            problems,
        })
    }
}

impl Library {
    /// Reads the folder. One that does not exist is empty, with a problem that says so. `known` are the vectors kept
    /// from the last run.
    pub(super) fn open(dir: &Path, known: &Known) -> Result<Self, TantivyError> {
        let snapshot = Snapshot::read(folder::list(dir), known)?;
        let (current, _) = watch::channel(Arc::new(snapshot));
        Ok(Self { dir: dir.to_owned(), current, reading: Mutex::new(()) })
    }

    /// The folder as it was when it was last looked at, and each time that it has changed.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    /// The commit that the git checkout around the folder stands at.
    pub(super) fn commit(&self) -> Option<String> {
        git::commit_of(&self.dir)
    }

    /// The folder as it is now, read again if anything in it has changed.
    pub(super) fn now(&self) -> Arc<Snapshot> {
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
        self.current.send_replace(Arc::clone(&after));
        after
    }

    fn known(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.borrow())
    }

    fn read_again(&self, listing: Listing, before: &Snapshot) -> Snapshot {
        // A folder that has gone is most often one that is being replaced.
        let gone = listing.unreadable && !before.documents.is_empty();
        let failure = if gone {
            listing.problems.first().map(|problem| problem.reason.clone()).unwrap_or_default()
        } else {
            match Snapshot::read(folder::list(&self.dir), &before.meanings.known()) {
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
            topics: Arc::clone(&before.topics),
            search: Arc::clone(&before.search),
            meanings: Arc::clone(&before.meanings),
            problems: vec![Problem { file: ".".to_owned(), reason }],
        }
    }
}
