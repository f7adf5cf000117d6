//! A guess at the cause from the words of an alert, by a table that people can read and extend.

use std::sync::LazyLock;

use super::words::Words;

/// A line of the table.
struct Line {
    says: &'static str,
    /// Any of these; of each, all.
    patterns: Vec<Vec<&'static str>>,
}

/// How many words on the next word of a pattern may stand.
const CLOSE: usize = 5;

static TABLE: LazyLock<Vec<Line>> =
    LazyLock::new(|| read(include_str!("hints.txt")).expect("a test reads the table that is built in"));

/// The hint, with the words that it rests on: `the disk fills up ("disk", "full")`.
///
/// A name says best what an alert is about, then its text, then the names of its metrics.
pub(super) fn hint(words: &Words) -> Option<String> {
    let metrics = words.metrics.iter().map(|metric| metric.words.as_slice());
    for place in [words.name.as_slice(), &words.text].into_iter().chain(metrics) {
        for line in TABLE.iter() {
            if let Some(matched) = line.patterns.iter().find_map(|pattern| matches(pattern, place)) {
                return Some(format!("{} (\"{}\")", line.says, matched.join("\", \"")));
            }
        }
    }
    None
}

/// The words that a pattern finds, if it finds all of its own in their order and close together: "the disk of the
/// primary is full" has `disk full` in it.
fn matches<'a>(pattern: &[&str], words: &'a [String]) -> Option<Vec<&'a str>> {
    (0..words.len()).find_map(|start| {
        let mut found = vec![fits(pattern[0], &words[start])?];
        let mut at = start + 1;
        for wanted in &pattern[1..] {
            let near = &words[at..words.len().min(at + CLOSE)];
            let next = near.iter().position(|word| fits(wanted, word).is_some())?;
            found.push(near[next].as_str());
            at += next + 1;
        }
        Some(found)
    })
}

fn fits<'a>(wanted: &str, word: &'a str) -> Option<&'a str> {
    let fits = match wanted.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == wanted,
    };
    fits.then_some(word)
}

fn read(text: &'static str) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (says, patterns) = line.split_once(": ").ok_or_else(|| format!("no patterns: {line:?}"))?;
        let patterns: Vec<Vec<&str>> =
            patterns.split("; ").map(|pattern| pattern.split_whitespace().collect()).collect();
        if patterns.iter().any(Vec::is_empty) {
            return Err(format!("an empty pattern: {line:?}"));
        }
        lines.push(Line { says, patterns });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::{super::AlertText, *};

    fn hint_of(name: &str, summary: &str) -> Option<String> {
        let alert = AlertText { name: name.to_owned(), summary: summary.to_owned(), ..AlertText::default() };
        hint(&Words::of(&alert))
    }

    #[test]
    fn the_built_in_table_is_sound() {
        let table = read(include_str!("hints.txt")).expect("sound");
        assert!(table.len() > 40, "{} lines", table.len());
        assert!(read("the disk fills up").is_err());
        assert!(read("the disk fills up: disk; ; full").is_err());
    }

    #[test]
    fn the_hint_shows_the_words_it_rests_on_and_the_name_counts_before_the_text() {
        let hint = hint_of("HostOutOfDiskSpace", "Memory usage may follow").expect("a hint");
        assert_eq!(hint, "the disk fills up (\"disk\", \"space\")");
        let hint = hint_of("MysqlProblem", "replication has stopped").expect("a hint");
        assert!(hint.starts_with("replication has stopped"), "{hint}");
        assert_eq!(hint_of("TeaTime", "The kettle sings"), None);
        let far = "The disk was looked at by somebody, and afterwards the moon was full";
        assert_eq!(hint_of("TeaTime", far), None);
    }
}
