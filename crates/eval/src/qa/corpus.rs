//! Files in the form of `SQuAD`.

use std::{fs, path::Path};

use serde::Deserialize;
use tempfile::TempDir;

use crate::{EvalError, suite::folders};

/// All paragraphs with all questions.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    pub(super) paragraphs: Vec<String>,
    pub(super) questions: Vec<Question>,
}

#[derive(Debug)]
pub(super) struct Question {
    pub(super) id: String,
    /// The file that it is from.
    pub(super) source: String,
    pub(super) text: String,
    pub(super) answers: Vec<String>,
    /// The file name of its paragraph.
    pub(super) paragraph: String,
}

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    #[serde(default)]
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    question: String,
    #[serde(default)]
    answers: Vec<Gold>,
}

#[derive(Deserialize)]
struct Gold {
    text: String,
}

impl Corpus {
    /// Questions without an answer (`SQuAD` 2 has some) are left out.
    pub(super) fn read(data: &Path) -> Result<Self, EvalError> {
        let is_json = |name: &str| name.to_lowercase().ends_with(".json");
        let mut corpus = Self::default();
        for set in folders::data_sets(data, "*.json", is_json)? {
            let entries = fs::read_dir(&set.folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let entries = entries.map_err(|source| EvalError::Read { path: set.folder.clone(), source })?;
            let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
            files.retain(|path| path.is_file() && is_json(&path.to_string_lossy()));
            files.sort();
            for path in files {
                let text = fs::read_to_string(&path)
                    .map_err(|source| EvalError::Read { path: path.clone(), source })?;
                let squad = serde_json::from_str(&text).map_err(|source| EvalError::Line {
                    line: source.line(),
                    path: path.clone(),
                    source,
                })?;
                let source = path.file_stem().unwrap_or_default().to_string_lossy();
                corpus.add(squad, &source);
            }
        }
        Ok(corpus)
    }

    fn add(&mut self, squad: Squad, source: &str) {
        for paragraph in squad.data.into_iter().flat_map(|article| article.paragraphs) {
            let name = file_name(self.paragraphs.len());
            for asked in paragraph.qas.into_iter().filter(|asked| !asked.answers.is_empty()) {
                self.questions.push(Question {
                    id: asked.id,
                    source: source.to_owned(),
                    text: asked.question.trim().to_owned(),
                    answers: asked.answers.into_iter().map(|gold| gold.text).collect(),
                    paragraph: name.clone(),
                });
            }
            self.paragraphs.push(paragraph.context);
        }
    }

    /// A folder with a file for each paragraph.
    pub(super) fn write(&self) -> Result<TempDir, EvalError> {
        let folder = tempfile::tempdir()
            .map_err(|source| EvalError::Read { path: "a temporary folder".into(), source })?;
        for (number, paragraph) in self.paragraphs.iter().enumerate() {
            let path = folder.path().join(file_name(number));
            fs::write(&path, as_markdown(paragraph)).map_err(|source| EvalError::Read { path, source })?;
        }
        Ok(folder)
    }
}

fn file_name(number: usize) -> String {
    format!("{number:05}.md")
}

/// Running text that Markdown reads as it is: no headings, lists, links or marks.
fn as_markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            c if c.is_control() => markdown.push(' '),
            c if c.is_ascii_punctuation() => markdown.extend(['\\', c]),
            c => markdown.push(c),
        }
    }
    markdown.trim().to_owned()
}
