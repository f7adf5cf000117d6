//! The numbers that a text states: what a sentence claims must stand in what it cites.

use std::{collections::HashSet, sync::LazyLock};

use regex::Regex;

/// One alternative a kind, in the order in which they are tried. A name takes the digits that belong to it (`p95`,
/// `payments-7f9c`), so that they are no numbers of their own; so do a date and a time.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<at>\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?:Z\b)?)?";
    let time = r"(?<time>\d{1,2}:\d{2}(?::\d{2})?)";
    let dotted = r"(?<dotted>\d+(?:\.\d+){2,})";
    let number = r"(?<number>\p{N}+(?:[.,]\p{N}+)*(?:[eE][+-]?\d+\b)?)";
    let name = r"(?<name>[\p{L}_][\p{L}\p{N}_]*(?:[-.]+[\p{L}\p{N}_]+)*)";
    Regex::new(&format!("{date}|{time}|{dotted}|{number}|{name}")).expect("a fixed expression")
});

/// "One" is left out: mostly it is no number.
const WORDS: [(&str, &str); 29] = [
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("thirteen", "13"),
    ("fourteen", "14"),
    ("fifteen", "15"),
    ("sixteen", "16"),
    ("seventeen", "17"),
    ("eighteen", "18"),
    ("nineteen", "19"),
    ("twenty", "20"),
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
    ("hundred", "100"),
    ("thousand", "1000"),
    ("million", "1000000"),
];

/// What a text states in digits, or in words for digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stated {
    /// 41, 0.3, 10,000, three.
    Number(String),
    Date(String),
    Time(String),
    /// An address, a version.
    Dotted(String),
    /// A name that holds digits.
    Name(String),
}

/// Everything that a text states in numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers(HashSet<Stated>);

impl Numbers {
    pub(super) fn of(text: &str) -> Self {
        let mut stated = HashSet::new();
        for found in TOKENS.captures_iter(text) {
            let group = |name: &str| found.name(name).map(|part| part.as_str());
            stated.extend(group("date").map(|date| Stated::Date(date.to_owned())));
            stated.extend(group("at").or(group("time")).map(|time| Stated::Time(two_digits(time))));
            stated.extend(group("dotted").map(|dotted| Stated::Dotted(dotted.to_owned())));
            stated.extend(group("number").map(|number| Stated::Number(plain(number))));
            if let Some(name) = group("name") {
                if name.chars().any(char::is_numeric) {
                    stated.insert(Stated::Name(name.to_lowercase()));
                } else {
                    stated.extend(name.split(['-', '.']).filter_map(in_digits).map(Stated::Number));
                }
            }
        }
        Self(stated)
    }

    /// Whether `self` states nothing that none of `sources` states.
    pub(super) fn stand_in(&self, sources: &[&Self]) -> bool {
        self.0.iter().all(|stated| sources.iter().any(|source| source.states(stated)))
    }

    fn states(&self, stated: &Stated) -> bool {
        match stated {
            // Seconds may be left out.
            Stated::Time(time) => self.0.iter().any(
                |own| matches!(own, Stated::Time(own) if own.strip_prefix(time.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))),
            ),
            other => self.0.contains(other),
        }
    }
}

/// "3:12" is "03:12".
fn two_digits(time: &str) -> String {
    if time.find(':') == Some(1) { format!("0{time}") } else { time.to_owned() }
}

/// Without the marks between thousands, without zeros that say nothing: 10,000 is 10000, 0.50 is 0.5, 07 is 7.
fn plain(number: &str) -> String {
    let mut parts = number.split(',');
    let first = parts.next().unwrap_or_default();
    let thousands = number.contains(',')
        && (1..=3).contains(&first.len())
        && parts.all(|part| part.split('.').next().is_some_and(|group| group.len() == 3));
    let number = if thousands { number.replace(',', "") } else { number.replace(',', ".") };
    let number = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.contains(['.', 'e', 'E']) => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        _ => number,
    };
    let short = number.trim_start_matches('0');
    if short.is_empty() || !short.starts_with(|first: char| first.is_numeric()) {
        format!("0{short}")
    } else {
        short.to_owned()
    }
}

fn in_digits(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    WORDS.iter().find(|(name, _)| *name == word).map(|(_, digits)| (*digits).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(sentence: &str, source: &str) -> bool {
        Numbers::of(sentence).stand_in(&[&Numbers::of(source)])
    }

    const SOURCE: &str = "2026-03-02 03:12:09 UTC: error rate of payments-7f9c is 41.50 %, above 0.3; 12,000 requests, three \
                          hosts, p95 at 300ms, 10.0.0.7";

    #[test]
    fn what_stands_in_the_source_may_be_said_in_other_words() {
        for sentence in [
            "It began at 03:12 on 2026-03-02.",
            "It began at 3:12:09.",
            "The rate is 41.5 % and the limit 0.3.",
            "12000 requests failed on 3 hosts.",
            "Three hosts answer slower than 300 ms at P95.",
            "payments-7f9c at 10.0.0.7 is slow; no one looks.",
        ] {
            assert!(stands(sentence, SOURCE), "{sentence}");
        }
    }

    #[test]
    fn a_number_that_is_only_part_of_something_else_does_not_stand_there() {
        for sentence in [
            "12 alerts fired.",
            "It began at 09:12.",
            "It began at 03:1.",
            "95 requests failed.",
            "7 hosts failed.",
            "The rate is 41 %.",
            "Two hosts failed.",
            "p99 is high.",
            "payments-7f9d failed.",
            "12 % failed.",
            "½ of all failed.",
            "A hundred requests failed.",
            "2026 requests failed.",
        ] {
            assert!(!stands(sentence, SOURCE), "{sentence}");
        }
        assert!(stands("It is slow.", ""));
    }
}
