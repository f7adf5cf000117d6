//! The story on a terminal: plain, aligned text, with colour where a person looks at it.

use std::io::{self, Write};

use chrono::{DateTime, Local, Utc};
use indicatif::ProgressBar;

use super::pieces::Piece;
use super::stack::Service;
use super::story::{News, Step, Story};

/// Lines are broken before this column.
const WIDTH: usize = 100;

/// Where a step's words begin: two spaces, the clock, the seconds, the step's name.
const INDENT: usize = 2 + 8 + 2 + 8 + 2 + 17 + 2;

/// Writes what the demo has to say. Errors of the terminal are left alone: nobody could be told.
pub struct Printer<W> {
    out: W,
    colour: bool,
    waiting: ProgressBar,
}

#[derive(Clone, Copy)]
enum Paint {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
}

impl<W: Write> Printer<W> {
    /// `colour`: whether escape sequences are welcome. `waiting` is drawn while nothing happens.
    pub fn new(out: W, colour: bool, waiting: ProgressBar) -> Self {
        Self { out, colour, waiting }
    }

    /// A line, as it is.
    pub fn line(&mut self, text: &str) {
        let Self { out, waiting, .. } = self;
        let _: io::Result<()> = waiting.suspend(|| {
            writeln!(out, "{text}")?;
            out.flush()
        });
    }

    /// A line that stands out.
    pub fn heading(&mut self, text: &str) {
        let text = self.painted(text, Paint::Bold);
        self.line(&text);
    }

    /// What runs where, and what each piece is for.
    pub fn services(&mut self, services: &[Service]) {
        for service in services {
            let url = format!("http://{}", service.address);
            let explained = self.painted(service.piece.explained(), Paint::Dim);
            self.line(&format!("  {:<18} {url:<24} {explained}", service.piece.name()));
        }
        for service in services {
            if let Some(usual) = service.instead_of {
                let port = service.address.port();
                self.line(&format!("  Port {usual} is taken, so {} uses {port}.", service.piece.name()));
            }
        }
    }

    /// The head of the table that [`Printer::news`] fills.
    pub fn table_head(&mut self) {
        let head = format!("  {:<8}  {:>8}  what happened", "clock", "since");
        let head = self.painted(&head, Paint::Dim);
        self.line(&head);
    }

    /// What has just happened.
    pub fn news(&mut self, news: &News) {
        match news {
            News::Told(told) => {
                let name = self.painted(&format!("{:<17}", told.step.name()), paint_of(told.step));
                let mut lines = wrap(&told.detail, WIDTH - INDENT).into_iter();
                let first = lines.next().unwrap_or_default();
                let (clock, since) = (clock(told.at), since(Some(told.seconds)));
                self.line(&format!("  {clock}  {since:>8}  {name}  {first}"));
                for line in lines {
                    self.line(&format!("{:INDENT$}{line}", ""));
                }
                if let Some(place) = &told.place {
                    let place = self.painted(place, Paint::Dim);
                    self.line(&format!("{:INDENT$}{place}", ""));
                }
            }
            News::Also { at, seconds, text } => {
                for (i, line) in wrap(text, WIDTH - INDENT).iter().enumerate() {
                    let text = self.painted(line, Paint::Dim);
                    if i == 0 {
                        self.line(&format!("  {}  {:>8}  {:<17}  {text}", clock(*at), since(*seconds), ""));
                    } else {
                        self.line(&format!("{:INDENT$}{text}", ""));
                    }
                }
            }
        }
    }

    /// Says what is awaited, in a line that is overwritten.
    pub fn wait_for(&self, what: &str) {
        self.waiting.set_message(format!("waiting for: {what}"));
    }

    /// Takes the line away in which [`Printer::wait_for`] speaks.
    pub fn wait_for_nothing(&self) {
        self.waiting.finish_and_clear();
    }

    /// How it went. `log_of` tells where a piece's log is.
    pub fn verdict(&mut self, story: &Story, log_of: impl Fn(Piece) -> String) {
        self.line("");
        if story.is_well() {
            let number = story.incident().map_or(0, |incident| incident.number);
            let text = format!("Every step happened, in order, to one incident: INC-{number}.");
            let text = self.painted(&text, Paint::Green);
            self.line(&text);
            return;
        }
        let text = self.painted("The story is not whole.", Paint::Red);
        self.line(&text);
        for problem in story.problems() {
            self.line(&format!("  wrong: {problem}"));
        }
        let missing = story.missing();
        let names: Vec<&str> = missing.iter().map(|missing| missing.step.name()).collect();
        if !names.is_empty() {
            self.line(&format!("  missing: {}", names.join(", ")));
        }
        if let Some((first, cause)) = missing.first().and_then(|first| Some((first, first.likely_cause?))) {
            self.line(&format!("  {} is the first; the likely cause: {cause}", first.step.name()));
            self.line(&format!("  {}'s log: {}", first.read_log_of, log_of(first.read_log_of)));
        }
    }

    fn painted(&self, text: &str, paint: Paint) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Red => "1;31",
            Paint::Yellow => "1;33",
            Paint::Green => "1;32",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

fn paint_of(step: Step) -> Paint {
    match step {
        Step::ChaosBegan | Step::AlertFiring => Paint::Red,
        Step::AlertPending => Paint::Yellow,
        Step::ChaosOff | Step::AlertResolved | Step::IncidentResolved => Paint::Green,
        Step::WebhookReceived | Step::IncidentOpened | Step::RunbookStep | Step::Picture => Paint::Bold,
    }
}

/// The time of day, as the clock on the wall has it.
fn clock(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%H:%M:%S").to_string()
}

fn since(seconds: Option<f64>) -> String {
    seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default()
}

/// Breaks lines between words. A word that is longer than a line stays whole: it may be an address.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut words = paragraph.split_whitespace();
        let Some(first) = words.next() else { continue };
        let mut line = first.to_owned();
        for word in words {
            if line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            } else {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::profile::Profile;
    use super::*;

    fn printed(colour: bool, print: impl FnOnce(&mut Printer<Vec<u8>>)) -> String {
        let mut printer = Printer::new(Vec::new(), colour, ProgressBar::hidden());
        print(&mut printer);
        String::from_utf8(printer.out).expect("UTF-8")
    }

    fn story() -> Story {
        let at = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let mut story = Story::new(Profile::Fast, "burst".to_owned(), at, vec![]);
        story.tell(Step::ChaosBegan, at, "40 % fail", None);
        let at = at + chrono::TimeDelta::milliseconds(12_340);
        story.tell(
            Step::AlertPending,
            at,
            "word ".repeat(30),
            Some("http://127.0.0.1:9090/alerts".to_owned()),
        );
        story
    }

    #[test]
    fn steps_stand_in_columns_and_long_words_go_on_below() {
        let mut story = story();
        let text = printed(false, |printer| {
            printer.table_head();
            story.take_news().iter().for_each(|news| printer.news(news));
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines[1].ends_with("     0.0 s  chaos began        40 % fail"), "{text}");
        assert!(lines[2].contains("    12.3 s  alert pending      word word"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(lines[3].find("word"), Some(INDENT), "{text}");
        assert_eq!(lines[5].trim(), "http://127.0.0.1:9090/alerts");
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn lines_are_kept_and_long_words_stay_whole() {
        assert_eq!(
            wrap("1. one two\n\n  2. http://127.0.0.1:8888/incidents/1", 8),
            ["1. one", "two", "2.", "http://127.0.0.1:8888/incidents/1"]
        );
        assert_eq!(wrap("", 8), Vec::<String>::new());
    }

    #[test]
    fn colour_is_only_added_where_it_is_welcome() {
        let mut story = story();
        let text = printed(true, |printer| story.take_news().iter().for_each(|news| printer.news(news)));
        assert!(text.contains("\x1b[1;31mchaos began"), "{text:?}");
    }

    #[test]
    fn the_verdict_names_what_is_missing_why_and_where_to_look() {
        let story = story();
        let text =
            printed(false, |printer| printer.verdict(&story, |piece| format!("/run/{}", piece.log_file())));
        assert!(text.contains("missing: alert firing, webhook received"), "{text}");
        assert!(
            text.contains("alert firing is the first; the likely cause: the trouble was too short"),
            "{text}"
        );
        assert!(text.contains("Prometheus's log: /run/prometheus.log"), "{text}");
    }
}
