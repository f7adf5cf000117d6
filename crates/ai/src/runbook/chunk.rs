//! The texts of a document that are given to the embedding model.

use std::ops::Range;

use super::document::Document;
use super::words::in_words;

/// A model of sentences blurs what is longer; so long were the best of 50 to 150 words tried. Pieces
/// that overlap found no more, and took a third longer (docs/models/runbooks.md).
const WORDS: usize = 60;

/// A rest of fewer words goes with the piece before it.
const FEWEST: usize = 15;

/// A piece of a section with the headings above it, which say what it is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) section: usize,
    pub(super) text: String,
}

/// The pieces of these sections, in order. Sections without text give none; if none has any, the title speaks for them.
pub(super) fn chunks(document: &Document, sections: &Range<usize>) -> Vec<Chunk> {
    let mut found = Vec::new();
    for section in sections.clone() {
        let blocks = &document.sections[section].blocks;
        let text = blocks.iter().filter(|block| !block.is_filler()).map(|block| block.text.as_str());
        let words: Vec<&str> = text.flat_map(str::split_whitespace).collect();
        let head = head(document, section);
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let whole = rest.len() < WORDS + FEWEST;
            let (part, later) = rest.split_at(if whole { rest.len() } else { WORDS });
            found.push(Chunk { section, text: format!("{head}{}", part.join(" ")) });
            rest = later;
        }
    }
    if found.is_empty() && !sections.is_empty() {
        let text = head(document, sections.start).trim_end().to_owned();
        found.push(Chunk { section: sections.start, text });
    }
    found
}

/// Title and headings as words, a full stop after each: names in `CamelCase` mean little to the model.
fn head(document: &Document, section: usize) -> String {
    let mut head = String::new();
    let path = document.heading_path(section);
    for heading in std::iter::once(document.title.as_str()).chain(path) {
        let words = in_words(heading);
        let sentence = format!("{words}. ");
        if !words.is_empty() && !head.ends_with(&sentence) {
            head.push_str(&sentence);
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn texts(text: &str) -> Vec<String> {
        let document = document_of("a.md", text);
        let all = 0..document.sections.len();
        chunks(&document, &all).into_iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn each_piece_says_what_it_is_about() {
        assert_eq!(
            texts("# KubePodNotReady\nHelp.\n## Meaning\nIt waits.\n\n- Long.\n## Later\nTODO\n"),
            ["Kube Pod Not Ready. Help.", "Kube Pod Not Ready. Meaning. It waits. Long."]
        );
        assert_eq!(texts("# DiskFull\n## Fix\nTODO"), ["Disk Full."]);
    }

    #[test]
    fn long_sections_become_pieces() {
        let words: Vec<String> = (0..100).map(|n| format!("w{n}")).collect();
        let pieces = texts(&words.join(" "));
        assert_eq!(pieces.len(), 2);
        assert!(pieces[0].starts_with("a. w0 ") && pieces[0].ends_with(" w59"));
        assert!(pieces[1].starts_with("a. w60 ") && pieces[1].ends_with(" w99"));
        assert_eq!(texts(&words[..74].join(" ")).len(), 1, "a few words are no piece of their own");
    }
}
