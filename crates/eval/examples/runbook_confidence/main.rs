//! Fits the confidence of runbook answers, and shows what it does in folders of every size.
//!
//! `cargo run --release -p opsseer-eval --example runbook_confidence -- RUNBOOKS PARAGRAPHS [MODELS]`: RUNBOOKS is a folder of
//! data sets of the suite `runbooks`, PARAGRAPHS a file of the suite `qa`, MODELS the folder of the models. Without MODELS
//! only the weights by words alone are fitted. Folders of 1 to 30 documents are drawn at random, always the same ones. Three
//! kinds of questions are asked of each: such as a document of it answers, such as another document of its author answers,
//! and such as are about something else. It prints how the confidence that is built in does, the weights that fit best,
//! and how each author fares with weights that were fitted on the others.

mod data;
mod fit;
mod rows;
mod table;

use std::{collections::BTreeSet, env, error::Error, fs, path::Path, sync::Arc};

use opsseer_ai::embed::{Embed, InferenceSettings, LocalEmbedder};

use crate::{rows::Row, table::Judged};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runbooks, paragraphs, models @ ..] = &arguments[..] else {
        return Err("RUNBOOKS PARAGRAPHS [MODELS]".into());
    };
    let mut folders: Vec<_> = fs::read_dir(runbooks)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut corpora = Vec::new();
    for folder in folders {
        corpora.push(data::runbooks(&folder.path())?);
    }
    corpora.push(data::paragraphs(Path::new(paragraphs))?);
    report("by words alone", &rows::rows(&corpora, None).await?);
    if let [models] = models {
        let model: Arc<dyn Embed> =
            Arc::new(LocalEmbedder::open(Path::new(models), InferenceSettings::default())?);
        report("with the model", &rows::rows(&corpora, Some(model)).await?);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this program's result")]
fn report(how: &str, rows: &[Row]) {
    let built_in = rows.iter().map(|row| (row, f64::from(row.confidence))).collect();
    table::print(&format!("{how}: the confidence that is built in"), &built_in);
    let all: Vec<&Row> = rows.iter().collect();
    println!("\n{how}: the weights that fit {} rows best\n", rows.len());
    for (name, weight) in fit::NAMES.iter().zip(fit::fit(&all)) {
        println!("{name}: {weight:.2}");
    }
    table::print(&format!("{how}: each author with weights of the others"), &held_out(rows));
}

fn held_out(rows: &[Row]) -> Judged<'_> {
    let authors: BTreeSet<&str> = rows.iter().map(|row| row.corpus.as_str()).collect();
    let mut judged = Vec::with_capacity(rows.len());
    for author in authors {
        let others: Vec<&Row> = rows.iter().filter(|row| row.corpus != author).collect();
        let weights = fit::fit(&others);
        let own = rows.iter().filter(|row| row.corpus == author);
        judged.extend(own.map(|row| (row, fit::probability(&weights, &row.evidence))));
    }
    judged
}
