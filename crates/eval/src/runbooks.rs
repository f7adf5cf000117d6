//! The suite `runbooks`: does the right runbook come first for an alert, and is nothing answered where nothing fits?
//!
//! Each data set is a folder of runbooks (`docs/`) with alerts whose runbook is known (`queries.jsonl`). `easy` gives
//! the whole alert but not its link; `hard` gives only what it says in words, without its name. The alerts of every
//! other data set are then asked too: those no runbook answers, so the right answer is a refusal.

mod data;
mod order;
mod refusal;

use std::{path::Path, sync::Arc, time::Instant};

use opsseer_ai::{
    embed::Embed,
    runbook::{Progress, RunbookIndex, RunbookSettings},
};

use crate::{
    EvalError,
    suite::{Outcome, Part, folders},
};

pub(crate) use data::Corpus;

/// Runs the suite over the data set at `data`, or over each of those in its folders.
pub async fn run(data: &Path, embedder: Option<Arc<dyn Embed>>) -> Result<Outcome, EvalError> {
    let mut corpora = Vec::new();
    for set in folders::data_sets(data, "queries.jsonl", |name| name == "queries.jsonl")? {
        corpora.push(Corpus::read(set)?);
    }
    let (mut easy, mut hard) = (Vec::new(), Vec::new());
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    let mut places = Vec::new();
    let (mut asked, mut took) = (0_u32, 0.0);
    for corpus in &corpora {
        let index = open(&corpus.docs(), embedder.as_ref()).await?;
        places.push(order::Places::of(&index));
        let started = Instant::now();
        for query in &corpus.queries {
            easy.push(order::easy(&index, corpus, query).await?);
            asked += 1;
            if let Some(item) = order::hard(&index, corpus, query).await? {
                hard.push(item);
                asked += 1;
            }
        }
        took += started.elapsed().as_secs_f64() * 1_000.0;
        kept.extend(refusal::own(&index, corpus).await?);
        for other in corpora.iter().filter(|other| other.name != corpus.name) {
            refused.extend(refusal::foreign(&index, corpus, other).await?);
        }
    }
    let model = embedder.map(|embedder| embedder.model().to_owned());
    let mut outcome = Outcome::new("runbooks", model)
        .part(
            Part::new("easy", "the whole alert, without its link", order::measures(&places), easy)
                .grouped_by("corpus"),
        )
        .part(
            Part::new("hard", "only what the alert says, without its name", order::measures(&places), hard)
                .grouped_by("corpus"),
        )
        .part(
            Part::new("kept", "good answers that are given", refusal::kept_measures(), kept)
                .grouped_by("corpus"),
        )
        .extra("ms_per_query", took / f64::from(asked.max(1)));
    if refused.is_empty() {
        outcome = outcome.remark(
            "Refusals were not measured: that takes a second data set, whose alerts the first does not answer.",
        );
    } else {
        let part = Part::new(
            "foreign",
            "alerts of other systems, which no runbook here answers",
            refusal::foreign_measures(),
            refused,
        );
        outcome = outcome.part(part.grouped_by("corpus"));
    }
    Ok(outcome)
}

/// The runbooks of a folder with all their vectors.
pub(crate) async fn open(docs: &Path, embedder: Option<&Arc<dyn Embed>>) -> Result<RunbookIndex, EvalError> {
    let settings = RunbookSettings { index_dir: None, embedder: embedder.map(Arc::clone) };
    let failed = |source| EvalError::Runbooks { folder: docs.to_owned(), source };
    let index = RunbookIndex::open(docs, settings).map_err(failed)?;
    match index.settled().await {
        Progress::Failing(reason) => Err(EvalError::Embeddings { reason }),
        Progress::Working | Progress::Done => Ok(index),
    }
}
