//! JSON-lines files, the form of every suite's cases.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

use crate::EvalError;

/// One case and where it stands.
#[derive(Debug)]
pub(crate) struct Line<T> {
    /// The line, from 1.
    pub(crate) number: usize,
    pub(crate) value: T,
}

/// Reads every line that is not blank. A file without any is an error: a suite over nothing would pass.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<Line<T>>, EvalError> {
    let text =
        fs::read_to_string(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(line).map_err(|source| EvalError::Line {
            path: path.to_owned(),
            line: number,
            source,
        })?;
        lines.push(Line { number, value });
    }
    if lines.is_empty() {
        return Err(EvalError::NoCases { path: path.to_owned() });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Line<u32>>, EvalError> {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("cases.jsonl");
        fs::write(&path, text).expect("write");
        read(&path)
    }

    #[test]
    fn blank_lines_are_passed_over_but_counted() {
        let lines = read_text("1\n\n3\n").expect("readable");
        let places: Vec<_> = lines.iter().map(|line| (line.number, line.value)).collect();
        assert_eq!(places, [(1, 1), (3, 3)]);
    }

    #[test]
    fn a_bad_line_is_named_and_an_empty_file_is_no_pass() {
        let error = read_text("1\n\nx\n").expect_err("line 3 is no number").to_string();
        assert!(error.contains("cases.jsonl, line 3"), "{error}");
        assert!(read_text("\n").expect_err("empty").to_string().ends_with("cases.jsonl holds no cases"));
    }
}
