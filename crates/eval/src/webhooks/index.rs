//! `index.jsonl`: which bodies there are, and who sends them.

use std::{fs, path::Path};

use serde::Deserialize;

use crate::{EvalError, jsonl};

#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    kind: Kind,
}

/// Who sends a body.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Alertmanager,
    GrafanaUnified,
}

impl Kind {
    /// Where it is sent to.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Alertmanager => "webhook/alertmanager",
            Self::GrafanaUnified => "webhook/grafana",
        }
    }
}

/// A body and where it came from.
pub(super) struct Body {
    pub(super) file: String,
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// Reads the index and every body that it names, in its order.
pub(super) fn read(folder: &Path) -> Result<Vec<Body>, EvalError> {
    let index = folder.join("index.jsonl");
    let mut bodies = Vec::new();
    for line in jsonl::read::<Entry>(&index)? {
        let Entry { file, kind } = line.value;
        match fs::read(folder.join(&file)) {
            Ok(bytes) => bodies.push(Body { file, kind, bytes }),
            Err(source) => return Err(EvalError::Case { index, line: line.number, file, source }),
        }
    }
    Ok(bodies)
}
