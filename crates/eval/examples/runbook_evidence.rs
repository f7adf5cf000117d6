//! Writes what speaks for the best place of every question and whether it is the right one, a JSON line each: the data
//! that the confidence of runbook answers is fitted on.
//!
//! `cargo run --release -p opsseer-eval --example runbook_evidence -- RUNBOOKS MODELS [FOREIGN]`: RUNBOOKS is a folder of
//! data sets of the suite `runbooks`; MODELS the folder of the models, `-` for none; FOREIGN a file of questions, one a
//! line, that no runbook answers.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path, sync::Arc};

use opsseer_ai::{
    embed::{Embed, InferenceSettings, LocalEmbedder},
    runbook::{AlertQuestion, MatchedBy, RankRunbooks, RankedPlace, RunbookIndex, RunbookSettings},
};
use serde_json::{Value, json};

type Failed = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runbooks, models, foreign @ ..] = &arguments[..] else {
        return Err("RUNBOOKS MODELS [FOREIGN]".into());
    };
    let embedder: Option<Arc<dyn Embed>> = match models.as_str() {
        "-" => None,
        models => Some(Arc::new(LocalEmbedder::open(Path::new(models), InferenceSettings::default())?)),
    };
    let foreign = foreign.first().map(fs::read_to_string).transpose()?.unwrap_or_default();
    let mut folders: Vec<_> = fs::read_dir(runbooks)?.collect::<Result<Vec<_>, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut queries: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for folder in &folders {
        let text = fs::read_to_string(folder.path().join("queries.jsonl"))?;
        let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        queries.insert(folder.file_name().to_string_lossy().into_owned(), rows);
    }
    for folder in &folders {
        let name = folder.file_name().to_string_lossy().into_owned();
        let settings = RunbookSettings { index_dir: None, embedder: embedder.clone() };
        let index = RunbookIndex::open(&folder.path().join("docs"), settings)?;
        index.settled().await;
        for (of, rows) in &queries {
            for row in rows {
                let right = if *of == name { row["runbook"].as_str() } else { None };
                tell(&name, of, "alert", right, &index.rank_for_alert(&alert(row)).await?);
                if let Some(words) = row["query_hard"].as_str().filter(|_| row["hard_ok"] == true) {
                    tell(&name, of, "words", right, &index.rank_for_question(words).await?);
                }
            }
        }
        for question in foreign.lines() {
            tell(&name, "foreign", "words", None, &index.rank_for_question(question).await?);
        }
    }
    Ok(())
}

fn alert(row: &Value) -> AlertQuestion {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    AlertQuestion {
        alert_name: text("alertname").unwrap_or_default(),
        summary: text("summary"),
        description: text("description"),
        expr: text("expr"),
        labels: serde_json::from_value(row["labels"].clone()).unwrap_or_default(),
        runbook_url: None,
    }
}

/// The place that a search finds first; what bears the alert's name is passed over.
#[expect(clippy::print_stdout, reason = "this program's result")]
fn tell(corpus: &str, of: &str, form: &str, right: Option<&str>, places: &[RankedPlace]) {
    let Some(best) = places.iter().find(|place| matches!(place.matched_by, MatchedBy::Search { .. })) else {
        return;
    };
    let is_right = right.is_some_and(|right| right.split('#').next() == Some(&best.file));
    println!(
        "{}",
        json!({"corpus": corpus, "of": of, "form": form, "right": is_right, "evidence": best.evidence, "confidence": best.confidence})
    );
}
