//! The data sets of the suite `runbooks`.

use std::{collections::BTreeMap, path::PathBuf};

use opsseer_ai::runbook::{AlertQuestion, AnswerError};
use serde::Deserialize;

use crate::{EvalError, jsonl, suite::folders::DataSet};

/// Runbooks with the alerts that they are for.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) name: String,
    folder: PathBuf,
    pub(crate) queries: Vec<Query>,
}

/// An alert whose runbook is known.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    /// Tells it from the others; its line if it has none.
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) alertname: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    expr: Option<String>,
    /// The path under `docs`, with `#anchor` where the answer is a section.
    pub(crate) runbook: String,
    #[serde(default, rename = "query_hard")]
    words: Option<String>,
    #[serde(default)]
    hard_ok: Option<bool>,
}

impl Corpus {
    pub(crate) fn read(set: DataSet) -> Result<Self, EvalError> {
        let lines = jsonl::read::<Query>(&set.folder.join("queries.jsonl"))?;
        let named = |line: jsonl::Line<Query>| {
            let id = if line.value.id.is_empty() {
                format!("{}-{}", set.name, line.number)
            } else {
                line.value.id.clone()
            };
            Query { id, ..line.value }
        };
        Ok(Self { queries: lines.into_iter().map(named).collect(), name: set.name, folder: set.folder })
    }

    pub(crate) fn failed(&self, source: AnswerError) -> EvalError {
        EvalError::Runbooks { folder: self.docs(), source }
    }

    pub(crate) fn docs(&self) -> PathBuf {
        self.folder.join("docs")
    }
}

impl Query {
    /// The whole alert, but not its link.
    pub(crate) fn alert(&self) -> AlertQuestion {
        AlertQuestion {
            alert_name: self.alertname.clone(),
            runbook_url: None,
            summary: self.summary.clone(),
            description: self.description.clone(),
            labels: self.labels.clone(),
            expr: self.expr.clone(),
        }
    }

    /// What it says in words, where that can be answered at all.
    pub(crate) fn hard(&self) -> Option<&str> {
        self.words.as_deref().filter(|text| !text.trim().is_empty() && self.hard_ok != Some(false))
    }
}
