//! What speaks for the best place of each question, in folders of many sizes.

use std::{collections::HashMap, error::Error, fs, sync::Arc, sync::Mutex};

use async_trait::async_trait;
use opsseer_ai::{
    embed::{Embed, EmbedError, Vector},
    runbook::{Evidence, MatchedBy, RankRunbooks, RankedPlace, RunbookIndex, RunbookSettings},
};

use crate::data::{Asked, Corpus, Question};

/// The sizes of the folders, in documents. The last one stands for all documents of a corpus.
pub(crate) const SIZES: [usize; 7] = [1, 2, 3, 5, 10, 30, usize::MAX];

/// So many folders of each size are drawn from a corpus, and more of the smallest, which hold fewer answers.
const FOLDERS: usize = 24;

/// So many questions of a kind are asked of one folder at most; all are asked of the largest.
const OF_A_KIND: usize = 12;

/// Whose question it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A document of the folder answers it.
    Own,
    /// A document of the same author answers it, which the folder lacks.
    Near,
    /// It is about something else altogether.
    Foreign,
}

/// The best place that a search found for a question.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) corpus: String,
    pub(crate) size: usize,
    pub(crate) kind: Kind,
    pub(crate) right: bool,
    pub(crate) evidence: Evidence,
    pub(crate) confidence: f32,
}

/// Asks questions of random folders of each size.
pub(crate) async fn rows(
    corpora: &[Corpus],
    embedder: Option<Arc<dyn Embed>>,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let embedder: Option<Arc<dyn Embed>> = embedder.map(|model| Arc::new(Remembering::of(model)) as _);
    let mut dice = Dice(7);
    let mut rows = Vec::new();
    for corpus in corpora {
        for size in SIZES.into_iter().filter(|size| *size == usize::MAX || *size < corpus.documents.len()) {
            let draws = if size == usize::MAX { 1 } else { FOLDERS * (1 + 3 / size) };
            for _ in 0..draws {
                // A folder that answers nothing shows nothing that another one does not.
                let asked = &corpus.questions[dice.below(corpus.questions.len())].right;
                let folder = Folder::draw(corpus, asked, size, &mut dice)?;
                let settings = RunbookSettings { index_dir: None, embedder: embedder.clone() };
                let index = RunbookIndex::open(folder.dir.path(), settings)?;
                index.settled().await;
                let all = if size == usize::MAX { usize::MAX } else { OF_A_KIND };
                for (kind, question) in folder.questions(corpora, corpus, all, &mut dice) {
                    let places = match &question.asked {
                        Asked::Alert(alert) => index.rank_for_alert(alert).await?,
                        Asked::Words(words) => index.rank_for_question(words).await?,
                    };
                    rows.extend(row(corpus, size, kind, question, &places));
                }
            }
        }
    }
    Ok(rows)
}

/// The place that a search finds first; what bears the alert's name is passed over.
fn row(corpus: &Corpus, size: usize, kind: Kind, question: &Question, places: &[RankedPlace]) -> Option<Row> {
    let best = places.iter().find(|place| matches!(place.matched_by, MatchedBy::Search { .. }))?;
    Some(Row {
        corpus: corpus.name.clone(),
        size,
        kind,
        right: kind == Kind::Own && best.file == question.right,
        evidence: best.evidence,
        confidence: best.confidence,
    })
}

/// Some documents of a corpus.
struct Folder {
    dir: tempfile::TempDir,
    files: Vec<String>,
}

impl Folder {
    /// One document and others by chance.
    fn draw(corpus: &Corpus, first: &str, size: usize, dice: &mut Dice) -> Result<Self, Box<dyn Error>> {
        let mut order: Vec<usize> = (0..corpus.documents.len()).collect();
        dice.shuffle(&mut order);
        order.sort_by_key(|at| corpus.documents[*at].file != first);
        order.truncate(size);
        let dir = tempfile::tempdir()?;
        let mut files = Vec::new();
        for document in order.into_iter().map(|at| &corpus.documents[at]) {
            let path = dir.path().join(&document.file);
            fs::create_dir_all(path.parent().ok_or("a file is in a folder")?)?;
            fs::write(path, &document.text)?;
            files.push(document.file.clone());
        }
        Ok(Self { dir, files })
    }

    fn questions<'a>(
        &self,
        corpora: &'a [Corpus],
        own: &'a Corpus,
        limit: usize,
        dice: &mut Dice,
    ) -> Vec<(Kind, &'a Question)> {
        let mut chosen = Vec::new();
        for kind in [Kind::Own, Kind::Near, Kind::Foreign] {
            let of = |corpus: &&Corpus| (corpus.name == own.name) == (kind != Kind::Foreign);
            let mut some: Vec<&Question> = corpora
                .iter()
                .filter(of)
                .flat_map(|corpus| &corpus.questions)
                .filter(|question| {
                    kind == Kind::Foreign || self.files.contains(&question.right) == (kind == Kind::Own)
                })
                .collect();
            dice.shuffle(&mut some);
            chosen.extend(some.into_iter().take(limit).map(|question| (kind, question)));
        }
        chosen
    }
}

/// A model that works out each text once.
struct Remembering {
    model: Arc<dyn Embed>,
    known: Mutex<HashMap<String, Vector>>,
}

impl Remembering {
    fn of(model: Arc<dyn Embed>) -> Self {
        Self { model, known: Mutex::default() }
    }

    fn recall(&self, text: &str) -> Option<Vector> {
        self.known.lock().expect("nobody panics while holding it").get(text).cloned()
    }
}

#[async_trait]
impl Embed for Remembering {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            if let Some(vector) = self.recall(&text) {
                vectors.push(vector);
                continue;
            }
            for vector in self.model.embed(vec![text.clone()]).await? {
                self.known
                    .lock()
                    .expect("nobody panics while holding it")
                    .insert(text.clone(), vector.clone());
                vectors.push(vector);
            }
        }
        Ok(vectors)
    }

    fn model(&self) -> &str {
        self.model.model()
    }

    fn dimensions(&self) -> usize {
        self.model.dimensions()
    }
}

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (end.max(1) as u64)).expect("it is below a usize")
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
