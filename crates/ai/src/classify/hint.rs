//! A guess at the cause from the words of an alert, by a table that people can read and extend.

use std::sync::LazyLock;

use super::words::Words;

/// A line of the table.
struct Line {
    says: &'static str,
    /// Any of these; of each, all.
    patterns: Vec<Vec<&'static str>>,
}

static TABLE: LazyLock<Vec<Line>> =
    LazyLock::new(|| read(include_str!("hints.txt")).expect("a test reads the table that is built in"));

/// The hint, with the words that it rests on: `the disk fills up ("disk", "full")`.
///
/// A name says best what an alert is about, then its text, then the names of its metrics.
pub(super) fn hint(words: &Words) -> Option<String> {
    let mut seen: Vec<&str> = Vec::new();
    let text = words.text.iter();
    let metrics = words.metrics.iter().flat_map(|metric| &metric.words);
    let places: [Vec<&String>; 3] = [words.name.iter().collect(), text.collect(), metrics.collect()];
    for place in places {
        seen.extend(place.into_iter().map(String::as_str));
        for line in TABLE.iter() {
            if let Some(matched) = line.patterns.iter().find_map(|pattern| matches(pattern, &seen)) {
                return Some(format!("{} (\"{}\")", line.says, matched.join("\", \"")));
            }
        }
    }
    None
}

/// The words that a pattern found, if it found all of its own.
fn matches<'a>(pattern: &[&str], words: &[&'a str]) -> Option<Vec<&'a str>> {
    pattern
        .iter()
        .map(|wanted| {
            words.iter().copied().find(|word| match wanted.strip_suffix('*') {
                Some(beginning) => word.starts_with(beginning),
                None => word == wanted,
            })
        })
        .collect()
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
        assert!(table.len() > 40);
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
    }
}
