//! Where sentences end.

use std::ops::Range;

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: [&str; 9] = ["e.g", "i.e", "etc", "vs", "cf", "approx", "ca", "incl", "resp"];

/// The sentences of `text` as byte ranges without the blanks around them. No sentence ends inside `code`.
pub(super) fn sentences(text: &str, code: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (offset, mark) in text.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?')) {
        let after = &text[offset + mark.len_utf8()..];
        let closing = after.len() - after.trim_start_matches(['"', '\'', ')', ']', '”', '’']).len();
        let end = offset + mark.len_utf8() + closing;
        let rest = &text[end..];
        let next = rest.trim_start().chars().next();
        let ends = rest.starts_with(char::is_whitespace)
            && next.is_some_and(|next| !next.is_lowercase())
            && !code.iter().any(|range| range.contains(&offset))
            && !(mark == '.' && is_abbreviation(&text[start..offset]));
        if ends {
            push_trimmed(text, start..end, &mut found);
            start = end;
        }
    }
    push_trimmed(text, start..text.len(), &mut found);
    found
}

/// Whether a full stop after this text belongs to its last word: `e.g.`, `J.`, `b.`, `2.`.
fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default().trim_start_matches(['(', '"']);
    let stands_alone = word == before.trim();
    ABBREVIATIONS.contains(&word.to_lowercase().as_str())
        || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
        || (stands_alone && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

fn push_trimmed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let sentence = &text[range.clone()];
    let start = range.start + (sentence.len() - sentence.trim_start().len());
    let end = start + sentence.trim().len();
    if start < end {
        found.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text, &[]).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn splits_at_ends_only() {
        assert_eq!(
            split(
                "Roll back v1.2.3 now. Then wait (e.g. Two minutes.) \"Still red?\" Call J. Doe! 2. Step b. Next"
            ),
            [
                "Roll back v1.2.3 now.",
                "Then wait (e.g. Two minutes.)",
                "\"Still red?\"",
                "Call J. Doe!",
                "2. Step b. Next"
            ]
        );
        assert_eq!(split("  no end at all "), ["no end at all"]);
        assert!(split(" \n ").is_empty());
    }

    #[test]
    fn leaves_code_whole() {
        let text = "Run a. B then stop. Done";
        let code = 4..8;
        assert_eq!(sentences(text, &[code]), [0..19, 20..24]);
    }
}
