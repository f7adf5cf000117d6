//! The documents and the questions that the confidence is fitted on.

use std::{error::Error, fs, path::Path};

use opsseer_ai::runbook::AlertQuestion;
use serde_json::Value;

/// Documents by one author, and questions of which it is known which of them answers.
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) documents: Vec<Document>,
    pub(crate) questions: Vec<Question>,
}

pub(crate) struct Document {
    /// Relative to the folder, `/` between folders.
    pub(crate) file: String,
    pub(crate) text: String,
}

pub(crate) struct Question {
    pub(crate) asked: Asked,
    /// The file of the document that answers it.
    pub(crate) right: String,
}

/// What is asked, in one of the two ways in which it can be.
pub(crate) enum Asked {
    Alert(Box<AlertQuestion>),
    Words(String),
}

/// A data set of the suite `runbooks`: each alert is asked whole, and by its words alone.
pub(crate) fn runbooks(folder: &Path) -> Result<Corpus, Box<dyn Error>> {
    let mut documents = Vec::new();
    read_documents(&folder.join("docs"), "", &mut documents)?;
    documents.sort_by(|a, b| a.file.cmp(&b.file));
    let mut questions = Vec::new();
    for line in fs::read_to_string(folder.join("queries.jsonl"))?.lines() {
        let row: Value = serde_json::from_str(line)?;
        let right = row["runbook"].as_str().and_then(|right| right.split('#').next()).unwrap_or_default();
        let mut ask = |asked| questions.push(Question { asked, right: right.to_owned() });
        ask(Asked::Alert(Box::new(alert(&row))));
        if let Some(words) = row["query_hard"].as_str().filter(|_| row["hard_ok"] == true) {
            ask(Asked::Words(words.to_owned()));
        }
    }
    Ok(Corpus { name: name_of(folder), documents, questions })
}

fn read_documents(folder: &Path, prefix: &str, found: &mut Vec<Document>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read_documents(&entry.path(), &format!("{file}/"), found)?;
        } else if file.to_lowercase().ends_with(".md") {
            found.push(Document { file, text: fs::read_to_string(entry.path())? });
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

/// A file in the form of `SQuAD`: each paragraph is a document.
pub(crate) fn paragraphs(file: &Path) -> Result<Corpus, Box<dyn Error>> {
    let squad: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let (mut documents, mut questions) = (Vec::new(), Vec::new());
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for paragraph in list(&squad["data"]).iter().flat_map(|article| list(&article["paragraphs"])) {
        let file = format!("{:05}.md", documents.len());
        for asked in list(&paragraph["qas"]).iter().filter_map(|asked| asked["question"].as_str()) {
            questions.push(Question { asked: Asked::Words(asked.trim().to_owned()), right: file.clone() });
        }
        let text = plain(paragraph["context"].as_str().unwrap_or_default());
        documents.push(Document { file, text });
    }
    Ok(Corpus { name: name_of(file), documents, questions })
}

/// Running text that Markdown reads as it is.
fn plain(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => markdown.push(' '),
            c if c.is_ascii_punctuation() => markdown.extend(['\\', c]),
            c => markdown.push(c),
        }
    }
    markdown
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
