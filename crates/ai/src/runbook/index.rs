//! Answers from a folder of Markdown files.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tantivy::TantivyError;
use tokio::sync::watch;

use super::document::Document;
use super::embedding::{self, Progress};
use super::find;
use super::folder::Problem;
use super::library::{Library, Snapshot};
use super::meaning::Known;
use super::question::Query;
use super::rank::{RankRunbooks, RankedPlace};
use super::reply::Searched;
use super::vectors::VectorFile;
use super::{AlertQuestion, Answer, AnswerError, AnswerRunbook, MatchedBy, RunbookSettings};
use crate::embed::{Embed, Vector};

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
    library: Arc<Library>,
    embedder: Option<Arc<dyn Embed>>,
    progress: watch::Receiver<Progress>,
}

impl RunbookIndex {
    /// Reads the folder. One that does not exist is empty, with a line in [`AnswerRunbook::problems`].
    ///
    /// Vectors that are not kept in `settings.index_dir` are worked out afterwards, on a thread that ends with the
    /// index.
    pub fn open(dir: &Path, settings: RunbookSettings) -> Result<Self, AnswerError> {
        let RunbookSettings { index_dir, embedder } = settings;
        let file = index_dir
            .zip(embedder.as_ref())
            .map(|(folder, embedder)| VectorFile::of(&folder, embedder.as_ref()));
        let known = file.as_ref().map_or_else(Known::new, VectorFile::load);
        let library = Arc::new(Library::open(dir, &known).map_err(search_error)?);
        let progress = match &embedder {
            Some(embedder) => {
                embedding::start(Arc::clone(embedder), file, library.watch()).map_err(AnswerError::Thread)?
            }
            None => watch::channel(Progress::Done).1,
        };
        Ok(Self { library, embedder, progress })
    }

    /// How far the vectors of the runbooks are.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until all vectors are there or the model has failed, and tells which.
    pub async fn settled(&self) -> Progress {
        let mut progress = self.progress.clone();
        match progress.wait_for(|progress| *progress != Progress::Working).await {
            Ok(settled) => settled.clone(),
            // The thread is gone: nothing more will come.
            Err(_) => self.progress(),
        }
    }

    /// The runbooks, in order of their file names. Looks at the folder.
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
        self.library.now().documents.iter().map(describe).collect()
    }

    /// Works on a thread that may wait for files.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Library) -> Result<T, AnswerError> + Send + 'static,
    ) -> Result<T, AnswerError> {
        let library = Arc::clone(&self.library);
        tokio::task::spawn_blocking(move || work(&library)).await.map_err(AnswerError::BrokeOff)?
    }

    /// The vectors of these texts; none if there is no model or it fails, for words alone find something too.
    async fn vectors(&self, texts: Vec<String>) -> Vec<Vector> {
        let Some(embedder) = self.embedder.as_ref().filter(|_| !texts.is_empty()) else { return Vec::new() };
        let count = texts.len();
        match embedder.embed(texts).await {
            Ok(vectors) if vectors.len() == count => vectors,
            Ok(vectors) => {
                tracing::warn!("the embedding model gave {} vectors for {count} texts", vectors.len());
                Vec::new()
            }
            Err(error) => {
                tracing::warn!("runbooks are searched by words alone: {error}");
                Vec::new()
            }
        }
    }

    async fn search(&self, query: Query) -> Result<Searched, AnswerError> {
        let vectors = self.vectors(query.meanings).await;
        let words = query.words;
        self.blocking(move |library| Searched::run(library.now(), library.commit(), &words, vectors)).await
    }
}

#[async_trait]
impl AnswerRunbook for RunbookIndex {
    async fn answer(&self, question: &AlertQuestion) -> Result<Answer, AnswerError> {
        let asked = question.clone();
        // The link and the name need no model.
        let certain = self
            .blocking(move |library| {
                let now = library.now();
                let Some((place, by)) = linked_or_named(&now, &asked) else { return Ok(None) };
                let words = Query::of_alert(&asked).words;
                let searched = Searched::run(now, library.commit(), &words, Vec::new())?;
                Ok(Some(searched.certain(&place, by)))
            })
            .await?;
        match certain.flatten() {
            Some(answer) => Ok(answer),
            None => Ok(self.search(Query::of_alert(question)).await?.step()),
        }
    }

    async fn ask(&self, question: &str, context: Option<&AlertQuestion>) -> Result<Answer, AnswerError> {
        let searched = self.search(Query::of_words(question, context)).await?;
        let mut passage = searched.passage(question);
        let vectors = self.vectors(passage.texts_to_compare()).await;
        passage.compare(&vectors);
        Ok(searched.told(&passage))
    }

    fn document_count(&self) -> usize {
        self.library.now().documents.len()
    }

    fn problems(&self) -> Vec<Problem> {
        self.library.now().problems.clone()
    }
}

#[async_trait]
impl RankRunbooks for RunbookIndex {
    async fn rank_for_alert(&self, question: &AlertQuestion) -> Result<Vec<RankedPlace>, AnswerError> {
        let searched = self.search(Query::of_alert(question)).await?;
        let mut places = searched.places();
        if let Some((place, by)) = linked_or_named(searched.now(), question) {
            places.insert(0, searched.certain_place(&place, by));
        }
        Ok(places)
    }

    async fn rank_for_question(&self, question: &str) -> Result<Vec<RankedPlace>, AnswerError> {
        Ok(self.search(Query::of_words(question, None)).await?.places())
    }

    fn place_count(&self) -> usize {
        self.library.now().topics.len()
    }
}

/// What the alert's link points to, or bears its name, if there is anything to quote in it.
fn linked_or_named(now: &Snapshot, question: &AlertQuestion) -> Option<(find::Place, MatchedBy)> {
    let says_something = |place: &find::Place| {
        let sections = &now.documents[place.document].sections;
        sections[place.scope.sections.clone()].iter().any(super::document::Section::says_something)
    };
    let linked = question.runbook_url.as_deref().and_then(|url| find::by_url(&now.documents, url));
    if let Some(place) = linked.filter(says_something) {
        return Some((place, MatchedBy::RunbookUrl));
    }
    let named = find::by_alert_name(&now.documents, &question.alert_name).filter(says_something);
    named.map(|place| (place, MatchedBy::AlertName))
}

pub(super) fn search_error(error: TantivyError) -> AnswerError {
    AnswerError::Search(Box::new(error))
}
