//! What of an answer may be shown: sentences that name their sources and state no number that does not stand there.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    numbers::Numbers,
    sources::{Source, Sources},
};

/// `[E12]`, `[E12, R1]`, `[E12; E13]`, `[E12 and R1]`.
static CITATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\[\s*[ER]\d+(?:(?:\s*[,;&]\s*|\s+and\s+|\s+)[ER]\d+)*\s*\]").expect("a fixed expression")
});

static LABEL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?i)[ER]\d+").expect("a fixed expression"));

/// Why a sentence is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It names no source.
    NoSource,
    /// It names one that was not given.
    UnknownSource,
    /// It states a number that stands in none of its sources.
    Number,
}

/// Whether a text is nothing but labels in brackets.
pub(super) fn is_citation(text: &str) -> bool {
    CITATION.find(text).is_some_and(|found| found.range() == (0..text.len()))
}

/// The sources that a sentence rests on, each once, in the order in which it names them; or why it is not shown.
pub(super) fn check<'a>(sentence: &str, sources: &'a Sources) -> Result<Vec<&'a Source>, Flaw> {
    let mut cited: Vec<&Source> = Vec::new();
    for citation in CITATION.find_iter(sentence) {
        for label in LABEL.find_iter(citation.as_str()) {
            let source = sources.find(&label.as_str().to_uppercase()).ok_or(Flaw::UnknownSource)?;
            if cited.iter().all(|known| known.label != source.label) {
                cited.push(source);
            }
        }
    }
    if cited.is_empty() {
        return Err(Flaw::NoSource);
    }
    let given: Vec<&Numbers> = cited.iter().map(|source| &source.numbers).collect();
    let words = CITATION.replace_all(sentence, " ");
    if Numbers::of(&words).stand_in(&given) { Ok(cited) } else { Err(Flaw::Number) }
}

#[cfg(test)]
mod tests {
    use opsseer_core::EventId;

    use super::*;
    use crate::written::sources::Place;

    fn sources() -> Sources {
        let source =
            |id: i64, text: &str| Source::new(format!("E{id}"), text.to_owned(), Place::Event(EventId(id)));
        Sources::new(vec![
            source(3, "the error rate is 41 %, above 10 %"),
            source(12, "2 alerts fired at 03:12:09"),
        ])
    }

    fn shown(sentence: &str) -> Result<Vec<String>, Flaw> {
        check(sentence, &sources()).map(|cited| cited.iter().map(|source| source.label.clone()).collect())
    }

    #[test]
    fn a_sentence_is_shown_with_the_sources_that_it_names() {
        assert_eq!(shown("The rate is 41 % [E3]."), Ok(vec!["E3".into()]));
        assert_eq!(shown("2 alerts [E12] and 41 % [e3, E12]."), Ok(vec!["E12".into(), "E3".into()]));
        assert_eq!(shown("Two alerts fired [E12 and E3]"), Ok(vec!["E12".into(), "E3".into()]));
    }

    #[test]
    fn a_sentence_that_cannot_be_checked_is_not_shown() {
        assert_eq!(shown("The database is down."), Err(Flaw::NoSource));
        assert_eq!(shown("The database is down (E3)."), Err(Flaw::NoSource));
        assert_eq!(shown("It is slow [E3] [E4]."), Err(Flaw::UnknownSource));
        assert_eq!(shown("It is slow [R1]."), Err(Flaw::UnknownSource));
        assert_eq!(shown("The rate is 42 % [E3]."), Err(Flaw::Number));
        assert_eq!(
            shown("The rate is 41 % [E12]."),
            Err(Flaw::Number),
            "it stands in another source than is named"
        );
        assert_eq!(
            shown("It is slow [E3] [E12-E14]."),
            Err(Flaw::Number),
            "a range names what was not given"
        );
    }
}
