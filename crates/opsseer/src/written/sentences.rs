//! Sentences, out of words that come one by one.

/// Text without an end of a sentence is cut here, in bytes; nobody reads on.
const LONGEST: usize = 2000;

/// A full stop after these ends no sentence.
const ABBREVIATIONS: [&str; 9] = ["e.g", "i.e", "etc", "vs", "approx", "ca", "cf", "resp", "incl"];

/// How some models mark what they think before they answer.
const THOUGHT: (&str, &str) = ("<think>", "</think>");

/// Puts sentences together.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    /// What has not become a sentence yet.
    pending: String,
    /// Whether the answer proper has begun.
    begun: bool,
}

impl Sentences {
    /// Takes words in. Gives the sentences that are whole now. The labels after a full stop belong to it.
    pub(super) fn push(&mut self, words: &str) -> Vec<String> {
        self.pending.push_str(words);
        self.take(false)
    }

    /// What is left at the end of the text.
    pub(super) fn finish(&mut self) -> Vec<String> {
        let mut sentences = self.take(true);
        if self.begun {
            sentences.extend(cleaned(&std::mem::take(&mut self.pending)));
        }
        sentences
    }

    fn take(&mut self, ended: bool) -> Vec<String> {
        let mut sentences = Vec::new();
        if !self.begun && !self.skip_thought() {
            return sentences;
        }
        while let Some(end) = end_of_sentence(&self.pending, ended) {
            let rest = self.pending.split_off(end);
            sentences.extend(cleaned(&std::mem::replace(&mut self.pending, rest)));
        }
        sentences
    }

    /// Whether the answer proper begins where `pending` does.
    fn skip_thought(&mut self) -> bool {
        let text = self.pending.trim_start();
        if let Some(thought) = text.strip_prefix(THOUGHT.0) {
            let Some(end) = thought.find(THOUGHT.1) else { return false };
            self.pending = thought[end + THOUGHT.1.len()..].to_owned();
            self.begun = true;
        } else {
            self.begun = !THOUGHT.0.starts_with(text);
        }
        self.begun
    }
}

/// Where the first sentence ends, its labels included. `None` while that is not known.
fn end_of_sentence(text: &str, ended: bool) -> Option<usize> {
    for (at, letter) in text.char_indices() {
        if at >= LONGEST {
            return Some(at);
        }
        let stop = match letter {
            '\n' => at,
            '.' | '!' | '?' => at + 1,
            _ => continue,
        };
        if text[..at].trim().is_empty() || (letter == '.' && is_no_stop(&text[..at])) {
            continue;
        }
        match after(text, stop, letter, ended) {
            After::Goes => {}
            After::Unknown => return None,
            After::Ends(end) => return Some(end),
        }
    }
    None
}

/// A list's number, or an abbreviation.
fn is_no_stop(before: &str) -> bool {
    let last = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    let word = last.trim_start_matches(['(', '"']).to_lowercase();
    line.bytes().all(|byte| byte.is_ascii_digit()) || ABBREVIATIONS.contains(&word.as_str())
}

enum After {
    /// The sentence goes on.
    Goes,
    /// What comes next decides.
    Unknown,
    Ends(usize),
}

fn after(text: &str, stop: usize, letter: char, ended: bool) -> After {
    let mut end = stop + closers(&text[stop..]);
    let unknown = |end: usize| if ended { After::Ends(end) } else { After::Unknown };
    match text[end..].chars().next() {
        None => return unknown(end),
        Some(next) if next.is_whitespace() || next == '[' => {}
        Some(_) => return After::Goes,
    }
    let mut labelled = false;
    loop {
        let rest = &text[end..];
        let gap = rest.len() - rest.trim_start().len();
        let Some(next) = rest[gap..].chars().next() else { return unknown(end) };
        let new_line = letter == '\n' || rest[..gap].contains('\n');
        if next != '[' {
            let goes_on = letter == '.' && !labelled && !new_line && next.is_lowercase();
            return if goes_on { After::Goes } else { After::Ends(end) };
        }
        let Some(close) = rest[gap..].find(']') else {
            return if rest.len() - gap > 80 { After::Ends(end) } else { unknown(end) };
        };
        if !super::check::is_citation(&rest[gap..=gap + close]) {
            return After::Ends(end);
        }
        end += gap + close + 1;
        labelled = true;
        match text[end..].chars().next() {
            None => return unknown(end),
            Some('.') => end += 1,
            Some(_) => {}
        }
    }
}

/// Quotation marks and emphasis that end after the full stop, in bytes.
fn closers(text: &str) -> usize {
    text.len() - text.trim_start_matches(['"', '\'', ')', '*', '_', '”', '’', '`']).len()
}

/// Without the marks of a list or of emphasis. `None` if nothing is left.
fn cleaned(sentence: &str) -> Option<String> {
    let text = sentence.trim();
    let text = text.trim_start_matches(['-', '*', '•', '#', '>', ' ']);
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let text = match text[digits..].strip_prefix(['.', ')']).filter(|_| digits > 0) {
        Some(rest) if rest.starts_with(' ') => rest,
        _ => text,
    };
    let text = text.replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ");
    text.chars().any(char::is_alphanumeric).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole, and letter by letter: it must make no difference.
    fn split(text: &str) -> Vec<String> {
        let read = |pieces: &[String]| {
            let mut sentences = Sentences::default();
            let mut all: Vec<String> = pieces.iter().flat_map(|piece| sentences.push(piece)).collect();
            all.extend(sentences.finish());
            all
        };
        let whole = read(&[text.to_owned()]);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(read(&letters), whole, "{text:?}");
        whole
    }

    #[test]
    fn the_labels_belong_to_the_sentence_before_them_wherever_the_full_stop_stands() {
        assert_eq!(
            split("It is slow [E1]. It failed. [E2] [R1]\nStop it.[E3, E4]. Done"),
            ["It is slow [E1].", "It failed. [E2] [R1]", "Stop it.[E3, E4].", "Done"]
        );
    }

    #[test]
    fn a_full_stop_inside_a_sentence_does_not_end_it() {
        assert_eq!(
            split("It is 0.3 s, e.g. on db.example [E1]. See approx. 4 hosts! Why? Run `a.sh`. Then wait."),
            [
                "It is 0.3 s, e.g. on db.example [E1].",
                "See approx. 4 hosts!",
                "Why?",
                "Run `a.sh`.",
                "Then wait."
            ]
        );
    }

    #[test]
    fn lists_and_headings_lose_their_marks() {
        assert_eq!(
            split("## What to do\n\n1. **Stop** it [R1]\n2. Wait.\n- Look [E1]\n"),
            ["What to do", "Stop it [R1]", "Wait.", "Look [E1]"]
        );
    }

    #[test]
    fn what_a_model_thinks_first_is_no_part_of_the_answer() {
        assert_eq!(split("<think>Perhaps [E1].\nNo.</think>\n\nIt is slow [E1]."), ["It is slow [E1]."]);
        assert!(split("<think>It is slow [E1].").is_empty());
        assert_eq!(split("<thin ice [E1]."), ["<thin ice [E1]."]);
    }

    #[test]
    fn text_without_an_end_is_cut() {
        let sentences = split(&"word ".repeat(1000));
        assert!(
            sentences.len() == 3 && sentences.iter().all(|one| one.len() <= LONGEST),
            "{}",
            sentences.len()
        );
    }
}
