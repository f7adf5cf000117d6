//! Text to the token numbers of BERT models: its normalisation, its split into words, its word pieces.
//!
//! As in Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2018), with the vocabulary of a
//! `tokenizer.json`. Unlike there, `[SEP]` and the like in a text are ordinary words: a text from outside cannot set the
//! model's own marks.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::EmbedError;

/// A word of more characters is unknown, whatever its pieces.
const LONGEST_WORD: usize = 100;

/// A vocabulary and how to cut words into it.
pub(super) struct WordPiece {
    pieces: HashMap<String, i32>,
    /// Stands before each text.
    begin: i32,
    /// Stands after each text.
    end: i32,
    unknown: i32,
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: ModelPart,
    normalizer: NormalizerPart,
}

#[derive(Deserialize)]
struct ModelPart {
    r#type: String,
    unk_token: String,
    continuing_subword_prefix: String,
    vocab: HashMap<String, i32>,
}

#[derive(Deserialize)]
struct NormalizerPart {
    r#type: String,
    lowercase: bool,
}

impl WordPiece {
    /// Reads the vocabulary of a `tokenizer.json`.
    pub(super) fn open(file: &Path) -> Result<Self, EmbedError> {
        let text =
            std::fs::read(file).map_err(|source| EmbedError::Read { file: file.to_owned(), source })?;
        Self::from_json(&text).map_err(|reason| EmbedError::Unusable { file: file.to_owned(), reason })
    }

    fn from_json(text: &[u8]) -> Result<Self, String> {
        let read: TokenizerFile = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let ModelPart { r#type, unk_token, continuing_subword_prefix, vocab } = read.model;
        if r#type != "WordPiece" || continuing_subword_prefix != "##" {
            return Err(format!(
                "it is of type {type} with the prefix {continuing_subword_prefix:?}, not WordPiece with \"##\""
            ));
        }
        if read.normalizer.r#type != "BertNormalizer" || !read.normalizer.lowercase {
            return Err("its normaliser is not BERT's in lower case".to_owned());
        }
        let special =
            |token: &str| vocab.get(token).copied().ok_or_else(|| format!("its vocabulary has no {token}"));
        let (begin, end, unknown) = (special("[CLS]")?, special("[SEP]")?, special(&unk_token)?);
        Ok(Self { pieces: vocab, begin, end, unknown })
    }

    /// The token numbers of a text with the marks at both ends: at most `limit`. What is beyond them is not looked at.
    pub(super) fn encode(&self, text: &str, limit: usize) -> Vec<i32> {
        let room = limit.saturating_sub(1);
        let mut tokens = vec![self.begin];
        let mut word = String::new();
        for raw in text.chars().filter(|c| !is_dropped(*c)) {
            if tokens.len() >= room {
                break;
            }
            // One character can become several, and none when it is an accent alone.
            for c in std::iter::once(raw).nfd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase) {
                if is_space(c) {
                    self.push_word(&mut word, &mut tokens);
                } else if is_punctuation(c) || is_ideograph(c) {
                    self.push_word(&mut word, &mut tokens);
                    word.push(c);
                    self.push_word(&mut word, &mut tokens);
                } else {
                    word.push(c);
                }
            }
        }
        self.push_word(&mut word, &mut tokens);
        tokens.truncate(room);
        tokens.push(self.end);
        tokens
    }

    /// Cuts a word into the longest known pieces from its beginning; if that fails anywhere, the whole word is unknown.
    fn push_word(&self, word: &mut String, tokens: &mut Vec<i32>) {
        if word.is_empty() {
            return;
        }
        let before = tokens.len();
        if word.chars().count() > LONGEST_WORD || !self.push_pieces(word, tokens) {
            tokens.truncate(before);
            tokens.push(self.unknown);
        }
        word.clear();
    }

    fn push_pieces(&self, word: &str, tokens: &mut Vec<i32>) -> bool {
        let mut rest = word;
        let mut key = String::with_capacity(word.len() + 2);
        while !rest.is_empty() {
            let prefix = if rest.len() == word.len() { "" } else { "##" };
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
            let longest = ends.into_iter().find_map(|end| {
                key.clear();
                key.push_str(prefix);
                key.push_str(&rest[..end]);
                self.pieces.get(&key).map(|piece| (*piece, end))
            });
            let Some((piece, end)) = longest else { return false };
            tokens.push(piece);
            rest = &rest[end..];
        }
        true
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace()
}

/// Control characters and what stands for unreadable bytes; line ends and tabs are spaces.
fn is_dropped(c: char) -> bool {
    use GeneralCategory::{Control, Format, PrivateUse};

    !is_space(c) && (c == '\u{fffd}' || matches!(c.general_category(), Control | Format | PrivateUse))
}

fn is_accent(c: char) -> bool {
    !c.is_ascii() && c.general_category() == GeneralCategory::NonspacingMark
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || (!c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Punctuation)
}

/// The ranges that BERT calls Chinese characters: each is a word.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF | 0x3400..=0x4DBF | 0x20000..=0x2A6DF | 0x2A700..=0x2B73F
        | 0x2B740..=0x2B81F | 0x2B920..=0x2CEAF | 0xF900..=0xFAFF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r###"{"normalizer": {"type": "BertNormalizer", "lowercase": true}, "model": {"type": "WordPiece",
        "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "disk": 3, "##full": 4, "##s": 5, "/": 6, "cafe": 7, "中": 8, "[": 9,
                  "]": 10, "sep": 11}}}"###;

    fn encode(text: &str) -> Vec<i32> {
        WordPiece::from_json(FILE.as_bytes()).unwrap().encode(text, 8)
    }

    #[test]
    fn words_are_cut_into_the_longest_pieces() {
        assert_eq!(encode("DiskFull disks"), [1, 3, 4, 3, 5, 2]);
    }

    #[test]
    fn a_word_that_does_not_come_apart_is_one_unknown() {
        assert_eq!(encode("diskette disk"), [1, 0, 3, 2]);
        assert_eq!(encode(&"disk".repeat(26)), [1, 0, 2]);
    }

    #[test]
    fn punctuation_ideographs_accents_and_control_characters() {
        assert_eq!(encode("/disk/"), [1, 6, 3, 6, 2]);
        assert_eq!(encode("中disk中"), [1, 8, 3, 8, 2]);
        assert_eq!(encode("CAFÉ cafe\u{301}"), [1, 7, 7, 2]);
        assert_eq!(encode("di\u{0}s\u{200b}k\tdisk\n"), [1, 3, 3, 2]);
    }

    #[test]
    fn a_text_cannot_set_the_models_marks() {
        assert_eq!(encode("[SEP]"), [1, 9, 11, 10, 2]);
    }

    #[test]
    fn long_texts_are_cut_and_empty_ones_have_their_marks() {
        assert_eq!(encode(&"disk ".repeat(100)), [1, 3, 3, 3, 3, 3, 3, 2]);
        assert_eq!(encode(" "), [1, 2]);
    }

    #[test]
    fn another_kind_of_tokenizer_is_refused() {
        let other = FILE.replace("\"WordPiece\"", "\"BPE\"");
        let refused = WordPiece::from_json(other.as_bytes()).err().unwrap();
        assert!(refused.contains("BPE"), "{refused}");
    }
}
