//! The suite's labelled alerts.

use std::path::Path;

use opsseer_ai::classify::{AlertText, Category, Example, SeverityOpinion};
use serde::Deserialize;

use crate::{
    EvalError, jsonl,
    suite::folders::{DataSet, data_sets},
};

const FILE: &str = "alerts.jsonl";

/// A line of `alerts.jsonl`.
#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    #[serde(flatten)]
    alert: AlertText,
    #[serde(default)]
    category: Option<Category>,
    #[serde(default)]
    severity: Option<SeverityOpinion>,
    service: Option<String>,
    fold: Option<usize>,
}

/// A labelled alert of the data.
pub(super) struct Case {
    pub(super) id: String,
    /// Cross-validation trains on the other folds.
    pub(super) fold: Option<usize>,
    pub(super) example: Example,
}

/// Reads the alerts of the data set at `data`, or of all in its sub-folders. An alert without a service belongs to its
/// data set.
pub(super) fn read(data: &Path) -> Result<Vec<Case>, EvalError> {
    let sets = data_sets(data, FILE, |name| name == FILE)?;
    let prefix_ids = sets.len() > 1;
    let mut cases = Vec::new();
    for DataSet { name, folder } in sets {
        for line in jsonl::read::<Line>(&folder.join(FILE))? {
            let Line { id, alert, category, severity, service, fold } = line.value;
            let id = id.unwrap_or_else(|| format!("line {}", line.number));
            let id = if prefix_ids { format!("{name}: {id}") } else { id };
            let group = service.unwrap_or_else(|| name.clone());
            cases.push(Case { id, fold, example: Example { alert, category, severity, group } });
        }
    }
    Ok(cases)
}

/// The examples of `opsseer train classifier --data DIR`.
pub fn examples(data: &Path) -> Result<Vec<Example>, EvalError> {
    Ok(read(data)?.into_iter().map(|case| case.example).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn labels_may_be_missing_but_not_unknown() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let write = |text: &str| fs::write(folder.path().join(FILE), text).expect("write");
        write("{\"alertname\": \"A\", \"category\": null, \"severity\": \"info\", \"fold\": 2}\n");
        let cases = read(folder.path()).expect("readable");
        assert_eq!((cases[0].id.as_str(), cases[0].fold), ("line 1", Some(2)));
        assert_eq!(cases[0].example.category, None);
        assert_eq!(cases[0].example.severity, Some(SeverityOpinion::Info));
        write("{\"alertname\": \"A\", \"category\": \"Kitchens\"}\n");
        assert!(read(folder.path()).is_err());
    }
}
