use std::{io, path::PathBuf};

/// Why a suite could not be run at all. What a suite finds wrong with a server stands in its report instead.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file of the data folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of a JSON-lines file does not have the form that the suite expects.
    #[error("{}, line {line} is not what this suite expects", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A JSON-lines file has no lines.
    #[error("{} holds no cases", path.display())]
    NoCases {
        /// The file.
        path: PathBuf,
    },
    /// A folder holds no data of the kind that the suite reads.
    #[error("{} holds no {wanted}, nor does a folder in it", folder.display())]
    NoData {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// A file of a report cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A report would stand in the way of its own folder.
    #[error("a report's name needs an ending, such as {}.md: its charts go into the folder {}", path.display(), path.display())]
    PageName {
        /// The name.
        path: PathBuf,
    },
    /// A report cannot be told as JSON.
    #[error("cannot tell the report of {suite} as JSON")]
    Encode {
        /// The suite.
        suite: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A saved run is not what `--json` prints.
    #[error("{} is no saved run; `opsseer eval SUITE --json` prints one", path.display())]
    SavedRun {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A saved run is of another suite.
    #[error("the saved run is one of the suite {saved:?}, not of {suite:?}")]
    OtherSuite {
        /// The saved run's suite.
        saved: String,
        /// The suite that was run.
        suite: &'static str,
    },
    /// A saved run was asked other questions, so nothing can be compared.
    #[error("the saved run and this one have no question in common: they are not of the same data")]
    NothingShared,
    /// A file that the index names is not there.
    #[error("{}, line {line} names {file}, which cannot be read", index.display())]
    Case {
        /// The index.
        index: PathBuf,
        /// The line of the index, from 1.
        line: usize,
        /// The file that it names.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client")]
    Client {
        /// Why.
        source: reqwest::Error,
    },
    /// A question that the suite asks about the server got no usable answer.
    #[error("cannot ask {url}")]
    Ask {
        /// The address asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// A question that the suite asks about the server was answered with something else.
    #[error("{url} answered {status}: {text}")]
    Answer {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of what it answered.
        text: String,
    },
    /// A list never ends.
    #[error("{url} gave the cursor {cursor:?} twice, so its pages never end")]
    EndlessPages {
        /// The address asked.
        url: String,
        /// The cursor.
        cursor: String,
    },
    /// The suite's result would mean nothing on a server that has seen alerts before.
    #[error("the server keeps alerts already; this suite needs a fresh one")]
    NotFresh,
    /// The classifier cannot be trained on the data.
    #[error("cannot train the classifier")]
    Train {
        /// Why.
        source: opsseer_ai::classify::TrainError,
    },
    /// An alert of the data cannot be classified.
    #[error("cannot classify {case}")]
    Classify {
        /// The alert.
        case: String,
        /// Why.
        source: opsseer_ai::classify::ClassifyError,
    },
    /// Runbooks cannot be searched.
    #[error("cannot search the runbooks of {}", folder.display())]
    Runbooks {
        /// Their folder.
        folder: PathBuf,
        /// Why.
        source: opsseer_ai::runbook::AnswerError,
    },
    /// The embedding model failed. Without it the suite would measure something else than was asked for.
    #[error("the embedding model failed: {reason}")]
    Embeddings {
        /// Why.
        reason: String,
    },
    /// A line of a file of series is none.
    #[error("{}, line {line} is no row of a series, or names values that are not there", path.display())]
    Series {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A row of a competition has no continuation to compare with.
    #[error("test.csv.gz has no row {id:?}, which train.csv.gz has")]
    NoTestRow {
        /// The row's name.
        id: String,
    },
    /// A case of a fault does not say when it began.
    #[error("{}, line {line} has neither inject_time nor normal_file", path.display())]
    NoOnset {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Not every paragraph became a place that can be found: there are too many of them.
    #[error("{paragraphs} paragraphs became {places} places that can be found; 5000 are the most")]
    Paragraphs {
        /// Those of the data.
        paragraphs: usize,
        /// Those that can be found.
        places: usize,
    },
}
