//! What is wrong with runbooks before anybody needs them: alerts without one, runbooks that no alert reaches, dead links,
//! sections that the answerer cannot use. Reads files only, never the network.

mod links;
mod page;
mod reach;
mod rules;
mod sections;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use opsseer_ai::runbook::{AnswerError, AnswerRunbook};
use serde::Serialize;

use rules::AlertRule;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody will stand without help: fix it.
    Error,
    /// Somebody will find less than there is.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Something to put right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file: a rules file as it was named, a runbook relative to the runbook folder.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// How bad it is.
    pub level: Level,
    /// What kind of finding: stable, for programs.
    pub code: &'static str,
    /// What is wrong and what to do, in words.
    pub message: String,
}

/// What was looked through and what was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Alert rules that were read.
    pub alerts: usize,
    /// Runbooks that were read.
    pub runbooks: usize,
    /// By file and line.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings have this level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Why nothing could be said.
#[derive(Debug, thiserror::Error)]
pub enum LintError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A rules file is no YAML of rules.
    #[error("{path} is not a file of Prometheus rules")]
    Rules {
        /// Which.
        path: PathBuf,
        /// Where it stops being one.
        source: Box<serde_saphyr::Error>,
    },
    /// The answerer failed.
    #[error("cannot ask the runbooks for {alert}")]
    Answer {
        /// For which alert.
        alert: String,
        /// Why.
        source: AnswerError,
    },
}

/// Looks through the runbooks in `folder`, and at how `answerer`, which reads the same folder, serves the alerts of
/// `rules_files`. Without any of these, nothing is said about who reaches what.
pub async fn lint(
    folder: &Path,
    rules_files: &[PathBuf],
    answerer: &dyn AnswerRunbook,
) -> Result<Report, LintError> {
    let pages = page::read_all(folder)?;
    let mut alerts: Vec<AlertRule> = Vec::new();
    for file in rules_files {
        alerts.extend(rules::read(file)?);
    }
    let mut findings = Vec::new();
    links::check(folder, &pages, &mut findings);
    sections::check(&pages, &mut findings);
    if !rules_files.is_empty() {
        reach::check(&pages, &alerts, answerer, &mut findings).await?;
    }
    findings.sort();
    Ok(Report { alerts: alerts.len(), runbooks: pages.len(), findings })
}
