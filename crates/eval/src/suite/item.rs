use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The longest text that is kept of a question or an answer, in characters.
const LONGEST: usize = 300;

/// One question of a suite, what is right, and what was answered.
///
/// Saved runs hold all but the question, so that they can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Tells it from the part's other items; the same in every run.
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(skip)]
    pub(crate) asked: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) right: String,
    #[serde(default)]
    pub(crate) answered: Option<String>,
    pub(crate) scores: BTreeMap<String, f64>,
    pub(crate) loss: f64,
}

impl Item {
    /// An item without scores yet. `id` is the same in every run on the same data.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            group: None,
            asked: String::new(),
            right: String::new(),
            answered: None,
            scores: BTreeMap::new(),
            loss: 0.0,
        }
    }

    /// The group it belongs to: its corpus, its service, its kind of fault.
    #[must_use]
    pub fn in_group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// The question, for people. Long texts are cut.
    #[must_use]
    pub fn asked(mut self, text: impl AsRef<str>) -> Self {
        self.asked = cut(text.as_ref());
        self
    }

    /// What is right: a document, a label, an answer. The measures of labels read it.
    #[must_use]
    pub fn right(mut self, text: impl AsRef<str>) -> Self {
        self.right = cut(text.as_ref());
        self
    }

    /// What was answered. Left out if nothing was: a refusal.
    #[must_use]
    pub fn answered(mut self, text: impl AsRef<str>) -> Self {
        self.answered = Some(cut(text.as_ref()));
        self
    }

    /// A score of the answer, by the key that the measures read. An item without a score does not count in its mean.
    #[must_use]
    pub fn score(mut self, key: impl Into<String>, value: f64) -> Self {
        self.scores.insert(key.into(), value);
        self
    }

    /// How bad the answer is: 0 if nothing is wrong with it; the greatest are the worst misses. A wrong answer given
    /// with confidence should be worse than a hesitant one, and both worse than a refusal.
    #[must_use]
    pub fn loss(mut self, loss: f64) -> Self {
        self.loss = loss;
        self
    }

    /// What is right.
    pub fn right_answer(&self) -> &str {
        &self.right
    }

    /// What was answered; `None` if nothing was.
    pub fn given_answer(&self) -> Option<&str> {
        self.answered.as_deref()
    }

    /// The score of this key, if it has it.
    pub fn score_of(&self, key: &str) -> Option<f64> {
        self.scores.get(key).copied().filter(|score| score.is_finite())
    }
}

fn cut(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_item_is_read_back_but_for_its_question() {
        let item = Item::new("a-1").in_group("g").asked("why?").right("yes").answered("no").score("r1", 0.0);
        let text = serde_json::to_string(&item.clone().loss(0.5)).expect("JSON");
        let read: Item = serde_json::from_str(&text).expect("readable");
        assert_eq!(read, Item { asked: String::new(), loss: 0.5, ..item });
        assert!(!text.contains("why?"), "{text}");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let item = Item::new("a").asked("ä".repeat(1000));
        assert_eq!(item.asked.chars().count(), LONGEST + 1);
        assert!(item.asked.ends_with('…'));
    }
}
