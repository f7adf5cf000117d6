//! What the server sends: the pieces of an answer, or an answer that is whole.

use serde::Deserialize;

/// A piece of an answer, or all of it where the server does not stream.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    /// One for each answer asked for. None in the piece that tells what it cost.
    #[serde(default)]
    choices: Vec<Choice>,
    /// Instead of an answer, or in the middle of one.
    pub(super) error: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    /// In a stream.
    delta: Option<Message>,
    /// In an answer that is whole.
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Message {
    content: Option<String>,
    /// What the model refuses with.
    refusal: Option<String>,
    /// What a model thinks before it answers; servers do not agree on the name.
    #[serde(alias = "reasoning", alias = "thinking")]
    reasoning_content: Option<String>,
}

/// What a piece says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Words of the answer. May be empty.
    pub(super) text: String,
    /// Whether the model works: it said something, or thought something.
    pub(super) alive: bool,
    /// Why nothing comes after this: `stop`, `length`, `content_filter`.
    pub(super) ended: Option<String>,
}

impl Chunk {
    pub(super) fn into_said(self) -> Said {
        let Some(choice) = self.choices.into_iter().next() else { return Said::default() };
        let message = choice.delta.or(choice.message).unwrap_or_default();
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let alive =
            filled(&message.content) || filled(&message.refusal) || filled(&message.reasoning_content);
        let text = message.content.filter(|text| !text.is_empty()).or(message.refusal).unwrap_or_default();
        Said { text, alive, ended: choice.finish_reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Said {
        serde_json::from_str::<Chunk>(json).expect("a chunk").into_said()
    }

    #[test]
    fn the_first_piece_that_only_names_the_role_is_no_sign_of_life_but_a_thought_is_one() {
        assert_eq!(
            said(r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#),
            Said::default()
        );
        let thought = said(r#"{"choices":[{"delta":{"reasoning":"hm","content":null}}]}"#);
        assert_eq!(thought, Said { alive: true, ..Said::default() });
        assert_eq!(said(r#"{"choices":[],"usage":{"total_tokens":9}}"#), Said::default());
    }

    #[test]
    fn an_answer_that_is_whole_is_read_as_one_piece() {
        let whole =
            said(r#"{"choices":[{"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}"#);
        assert_eq!(whole, Said { text: "Yes.".into(), alive: true, ended: Some("stop".into()) });
    }
}
