//! The first step of a section, as its author wrote it.

use std::ops::Range;

use super::document::{Block, BlockKind, Document, Section};
use super::sentence::sentences;
use super::step::{Scope, by_promise};

/// The longest quote, in words.
pub(super) const MAX_WORDS: usize = 60;

/// A section with fewer words of its own than this only introduces its subsections.
const INTRODUCTION_WORDS: usize = 12;

/// Code in these languages shows what comes out, not what to run.
const OUTPUT_LANGUAGES: [&str; 2] = ["log", "output"];

/// A line with at most this many words that announces an output says nothing else.
const ANNOUNCEMENT_WORDS: usize = 4;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) text: String,
    pub(super) commands: Vec<String>,
    pub(super) heading: String,
    pub(super) line_start: u32,
    pub(super) line_end: u32,
}

/// The step to take in this part of the document; `None` when it holds nothing but headings.
pub(super) fn quote(document: &Document, scope: &Scope) -> Option<Quote> {
    let mut quotes =
        by_promise(document, scope).into_iter().filter_map(|section| quote_section(document, section));
    let first = quotes.next()?;
    if first.is_step() { Some(first) } else { Some(quotes.find(Quote::is_step).unwrap_or(first)) }
}

impl Quote {
    /// "If that does not help, see the following:" alone is no step.
    fn is_step(&self) -> bool {
        !self.commands.is_empty() || !self.text.ends_with(':')
    }
}

fn quote_section(document: &Document, section: usize) -> Option<Quote> {
    let own = &document.sections[section];
    let with_child = document
        .subtree(section)
        .skip(1)
        .map(|child| &document.sections[child])
        .find(|child| child.says_something())
        .filter(|_| only_introduces(own));
    let says_something = own.says_something();
    let heading = match with_child {
        Some(child) if !says_something => &child.heading,
        _ => &own.heading,
    };
    let mut writer = Writer::default();
    let own_blocks = own.blocks.iter().filter(|_| says_something);
    for block in own_blocks.chain(with_child.into_iter().flat_map(|child| &child.blocks)) {
        if !block.is_filler() && !block.is_reference() && !writer.take(block) {
            break;
        }
    }
    let heading = if heading.trim().is_empty() { &document.title } else { heading };
    writer.finish(heading.trim())
}

fn only_introduces(section: &Section) -> bool {
    let words: usize = section.blocks.iter().map(|block| block.text.split_whitespace().count()).sum();
    let ends_open = section.blocks.last().is_some_and(|block| block.text.ends_with(':'));
    let holds_steps = section.blocks.iter().any(|block| block.kind != BlockKind::Prose);
    !section.says_something() || ends_open || (words < INTRODUCTION_WORDS && !holds_steps)
}

/// These sentences of a section, from one to another (each named by its block and its number in it), with the code
/// between them and right after them.
pub(super) fn quote_sentences(
    document: &Document,
    section: usize,
    first: (usize, usize),
    last: (usize, usize),
) -> Option<Quote> {
    let own = &document.sections[section];
    let mut writer = Writer::default();
    for (number, block) in own.blocks.iter().enumerate().skip(first.0) {
        if number > last.0 && !block.is_code() {
            break;
        }
        let start = if number == first.0 { first.1 } else { 0 };
        let end = if number == last.0 { last.1 + 1 } else { usize::MAX };
        if block.is_code() || (!block.is_filler() && !block.is_reference()) {
            writer.take_some(block, start..end);
        }
    }
    let heading = if own.heading.trim().is_empty() { &document.title } else { &own.heading };
    writer.finish(heading.trim())
}

/// A line of the quote with the lines of the file that it comes from.
struct Line {
    text: String,
    first: u32,
    last: u32,
}

/// Takes blocks until the words are used up.
#[derive(Default)]
struct Writer {
    lines: Vec<Line>,
    words: usize,
    commands: Vec<String>,
    /// The lines of the file that the commands stand on.
    command_lines: Option<(u32, u32)>,
    /// Nothing more fits, but for the code that belongs to the last words.
    full: bool,
    /// The last words announce an output: "Example output:".
    output_follows: bool,
}

impl Writer {
    /// False when nothing of this block or after it belongs to the quote.
    fn take(&mut self, block: &Block) -> bool {
        self.take_some(block, 0..usize::MAX)
    }

    /// The same, of text only the sentences with these numbers.
    fn take_some(&mut self, block: &Block, numbers: Range<usize>) -> bool {
        if block.is_code() {
            if self.output_follows {
                self.drop_announcement();
            } else if !OUTPUT_LANGUAGES.contains(&block.language.as_str()) {
                self.command(block.text.clone(), block.line_at(0), block.last_line);
            }
            return true;
        }
        !self.full && self.sentences(block, numbers)
    }

    fn sentences(&mut self, block: &Block, numbers: Range<usize>) -> bool {
        let number = match block.kind {
            BlockKind::Item { number: Some(number) } if numbers.start == 0 => format!("{number}. "),
            _ => String::new(),
        };
        let mut line: Option<Line> = None;
        let wanted = sentences(&block.text, &block.inline_code).into_iter().enumerate();
        for (_, range) in wanted.filter(|(at, _)| numbers.contains(at)) {
            let prefix = if line.is_none() { number.as_str() } else { "" };
            let mut sentence = format!("{prefix}{}", one_blank(&block.text[range.clone()]));
            let words = sentence.split_whitespace().count();
            if self.words + words > MAX_WORDS {
                self.full = true;
                if self.words > 0 {
                    break;
                }
                sentence = first_words(&sentence, MAX_WORDS);
            }
            self.words += words.min(MAX_WORDS);
            let (first, last) = (block.line_at(range.start), block.line_at(range.end - 1));
            for code in block.inline_code.iter().filter(|code| range.contains(&code.start)) {
                let text = &block.text[code.clone()];
                if is_command(text) {
                    self.command(text.to_owned(), block.line_at(code.start), block.line_at(code.end - 1));
                }
            }
            match &mut line {
                Some(line) => {
                    line.text.push(' ');
                    line.text.push_str(&sentence);
                    line.last = last;
                }
                None => line = Some(Line { text: sentence, first, last }),
            }
            if self.full {
                break;
            }
        }
        let took_some = line.is_some();
        if let Some(line) = line {
            let end = line.text.to_lowercase();
            self.output_follows =
                end.ends_with(':') && ["example", "output", "result"].iter().any(|word| end.contains(word));
            self.lines.push(line);
        }
        took_some
    }

    /// The output that the last line announces is not quoted, so neither is "Example output:".
    fn drop_announcement(&mut self) {
        self.output_follows = false;
        let words = |line: &Line| line.text.split_whitespace().count();
        if let Some(line) = self.lines.pop_if(|line| words(line) <= ANNOUNCEMENT_WORDS) {
            self.words -= words(&line);
        }
    }

    fn command(&mut self, text: String, first: u32, last: u32) {
        self.commands.push(text);
        let (start, end) = self.command_lines.unwrap_or((first, last));
        self.command_lines = Some((start.min(first), end.max(last)));
    }

    fn finish(mut self, heading: &str) -> Option<Quote> {
        // "Then run the following:" without what follows helps nobody.
        let last_command = self.command_lines.map_or(0, |(_, last)| last);
        while self.lines.len() > 1
            && self.lines.last().is_some_and(|line| line.text.ends_with(':') && last_command <= line.last)
        {
            self.lines.pop();
        }
        let text_lines =
            self.lines.first().map(|line| line.first).zip(self.lines.last().map(|line| line.last));
        let (line_start, line_end) = match (text_lines, self.command_lines) {
            (Some(text), Some(code)) => (text.0.min(code.0), text.1.max(code.1)),
            (Some(lines), None) | (None, Some(lines)) => lines,
            (None, None) => return None,
        };
        let text = self.lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
        Some(Quote { text, commands: self.commands, heading: heading.to_owned(), line_start, line_end })
    }
}

fn one_blank(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first_words(text: &str, count: usize) -> String {
    let mut cut = text.split_whitespace().take(count).collect::<Vec<_>>().join(" ");
    cut.push('…');
    cut
}

/// Inline code that one would run: a program's name and something after it. `Pending` and `up == 0` are not.
fn is_command(code: &str) -> bool {
    let mut words = code.split_whitespace();
    let program = words.next().is_some_and(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c == '/' || c == '.')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
    });
    let argument = words
        .next()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric() || "-$<{/.\"'".contains(c)));
    program && argument
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::folder::document_of;

    fn quoted(text: &str) -> Quote {
        let document = document_of("a.md", text);
        quote(&document, &Scope::whole(&document)).expect("something to quote")
    }

    #[test]
    fn quotes_the_step_with_its_code() {
        let quote = quoted(
            "# Payments\n\n## Do this first\n\nRoll the **payments** service back to\nthe [last](x) good version:\n\n\
             ```sh\nkubectl rollout undo deployment/payments\n```\n\nThen watch `payments_errors` for two minutes.\n\n## Later\n- no\n",
        );
        assert_eq!(
            quote,
            Quote {
                text: "Roll the payments service back to the last good version:\nThen watch payments_errors for two minutes.".into(),
                commands: vec!["kubectl rollout undo deployment/payments".into()],
                heading: "Do this first".into(),
                line_start: 5,
                line_end: 12,
            }
        );
    }

    #[test]
    fn never_cuts_a_sentence_that_could_be_left_out() {
        let sentence = |name: &str| format!("{name} {}end.", "word ".repeat(28));
        let text = format!(
            "## Fix\n{} {}\n{}\n\n    run after\n\nNot this.",
            sentence("One"),
            sentence("Two"),
            sentence("Three")
        );
        let quote = quoted(&text);
        assert_eq!(quote.text.split_whitespace().count(), 60);
        assert!(quote.text.ends_with("end.") && quote.text.contains("Two"), "{}", quote.text);
        assert_eq!(quote.commands, ["run after"]);
        assert_eq!((quote.line_start, quote.line_end), (2, 5));
    }

    #[test]
    fn cuts_a_single_sentence_visibly() {
        let quote = quoted(&format!("- {}", "word ".repeat(100)));
        assert_eq!(quote.text.split_whitespace().count(), MAX_WORDS);
        assert!(quote.text.ends_with("word…"));
    }

    #[test]
    fn numbers_steps_and_leaves_outputs_and_open_ends_out() {
        let long = "word ".repeat(56);
        let quote = quoted(&format!(
            "## Steps\n\n1. Look: run `kubectl get pods` now.\n\n   Example output:\n\n   ```\n   NAME READY\n   ```\n2. {long}\n"
        ));
        assert_eq!(quote.text, "1. Look: run kubectl get pods now.");
        assert_eq!(quote.commands, ["kubectl get pods"]);
        assert_eq!((quote.line_start, quote.line_end), (3, 3));
    }

    #[test]
    fn passes_over_what_is_still_to_be_written() {
        let quote = quoted("# A\n## Diagnosis\nLook here.\n## Mitigation\n\nTODO\n");
        assert_eq!((quote.heading.as_str(), quote.text.as_str()), ("Diagnosis", "Look here."));
    }

    #[test]
    fn further_reading_is_no_step() {
        let more = "If it stays, see:\n\n- [Help](http://a)\n- [Chat](http://b)\n";
        assert_eq!(quoted(&format!("## Fix\n\nRestart it.\n\n{more}")).text, "Restart it.");
        assert_eq!(
            quoted(&format!("## Diagnosis\nLook at the log.\n## Fix\n\n{more}")).text,
            "Look at the log."
        );
        assert_eq!(quoted(more).text, "If it stays, see:");
    }

    #[test]
    fn goes_into_subsections_when_the_section_only_introduces_them() {
        let quote = quoted(
            "## Resolution\n\nIt depends:\n\n### Disk full\n\nDelete old logs.\n\n### Else\n\nWait.\n",
        );
        assert_eq!(quote.text, "It depends:\nDelete old logs.");
        assert_eq!(quote.heading, "Resolution");
        let quote = quoted("## Resolution\n\n### Disk full\n\nDelete old logs.\n");
        assert_eq!(quote.heading, "Disk full");
    }

    #[test]
    fn code_alone_is_a_step_too() {
        let quote = quoted("# X\n## Fix\n```\nreboot now\n```\n");
        assert_eq!((quote.text.as_str(), quote.line_start, quote.line_end), ("", 3, 5));
        assert_eq!(quote.commands, ["reboot now"]);
        assert_eq!(quoted("plain words, no heading").heading, "a");
    }

    #[test]
    fn headings_alone_are_nothing_to_quote() {
        let document = document_of("a.md", "# A\n## Mitigation\n");
        assert_eq!(quote(&document, &Scope::whole(&document)), None);
    }

    #[test]
    fn knows_a_command_when_it_sees_one() {
        for command in ["systemctl restart postgresql", "./run --now", "kubectl get <pod>"] {
            assert!(is_command(command), "{command}");
        }
        for other in ["Pending", "up == 0", "rate(x[5m]) > 0", "Working : yes", "max_connections"] {
            assert!(!is_command(other), "{other}");
        }
    }
}
