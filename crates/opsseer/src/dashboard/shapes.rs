//! The simple forms that pictures without axes are made of.

use askama::Template;

use super::query::Asked;
use crate::chart::{Colours, Look, Px, Set, Theme, WIDTH, printable};

/// A part of a picture, in units of its `viewBox`.
pub(super) enum Shape {
    Text {
        x: Px,
        y: Px,
        size: Px,
        anchor: &'static str,
        class: &'static str,
        text: String,
    },
    /// A stroke of a width.
    Stroke {
        d: String,
        class: &'static str,
        width: Px,
    },
}

/// What a threshold says about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Warn,
    Good,
    Plain,
}

impl Tone {
    pub(super) fn of_colour(colour: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| colour.contains(word));
        if has(&["red", "#F2495C", "#E02F44", "#C4162A"]) {
            Self::Bad
        } else if has(&["orange", "yellow"]) {
            Self::Warn
        } else if has(&["green"]) {
            Self::Good
        } else {
            Self::Plain
        }
    }

    /// The class of a text in this tone; strokes have the same, but for the plain one.
    pub(super) fn text_class(self) -> &'static str {
        match self {
            Self::Bad => "last fired",
            Self::Warn => "last expected",
            Self::Good => "last resolved",
            Self::Plain => "last",
        }
    }

    pub(super) fn stroke_class(self) -> &'static str {
        match self {
            Self::Bad => "fired",
            Self::Warn => "expected",
            Self::Good => "resolved",
            Self::Plain => "s0",
        }
    }
}

#[derive(Template)]
#[template(path = "chart/panel.svg")]
struct Picture {
    look: Look,
    title: String,
    description: String,
    width: Px,
    height: Px,
    shapes: Vec<Shape>,
}

/// A picture under construction: its heading stands, the rest is added.
pub(super) struct Sheet {
    look: Look,
    title: String,
    pub(super) set: Set,
    pub(super) height: f64,
    /// Below the heading.
    pub(super) top: f64,
    pub(super) shapes: Vec<Shape>,
}

/// A part of a sheet, for one of several values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Cell {
    pub(super) fn middle(self) -> f64 {
        self.left + self.width / 2.0
    }
}

impl Sheet {
    pub(super) fn new(title: &str, asked: &Asked) -> Self {
        let look = Look::of_size(asked.width, asked.height, asked.theme);
        let set = look.largest_set();
        let title = printable(title);
        let mut sheet = Self {
            look,
            title: title.clone(),
            set,
            height: look.height.unwrap_or(WIDTH / 2.0),
            top: set.font() + 14.0,
            shapes: Vec::new(),
        };
        let heading = set.fit(&title, (WIDTH - 8.0) * 0.95);
        sheet.text((4.0, set.font() + 3.0), set.font(), "start", "title", &heading);
        sheet
    }

    /// Adds a text of a size at a baseline.
    pub(super) fn text(
        &mut self,
        at: (f64, f64),
        size: f64,
        anchor: &'static str,
        class: &'static str,
        text: &str,
    ) {
        let text = printable(text);
        self.shapes.push(Shape::Text { x: Px(at.0), y: Px(at.1), size: Px(size), anchor, class, text });
    }

    pub(super) fn stroke(&mut self, d: String, class: &'static str, width: f64) {
        self.shapes.push(Shape::Stroke { d, class, width: Px(width) });
    }

    /// The largest size, up to `most`, at which a text is at most `room` wide.
    pub(super) fn size_within(&self, text: &str, room: f64, most: f64) -> f64 {
        let wide = self.set.width_of(text) / self.set.font();
        most.min(room / wide.max(0.1))
    }

    /// The text, shortened to `room` in the sheet's usual letters.
    pub(super) fn fit(&self, text: &str, room: f64) -> String {
        self.set.fit_middle(&printable(text), room)
    }

    /// Divides what is below the heading into so many cells beside and below each other.
    pub(super) fn cells(&self, count: usize) -> Vec<Cell> {
        let (room, count) = (self.height - self.top - 8.0, count.max(1));
        let fits = |columns: usize| {
            let rows = count.div_ceil(columns);
            // Values are about twice as wide as high.
            f64::min(WIDTH / as_f64(columns) / 2.0, room / as_f64(rows))
        };
        let columns = (1..=count).max_by(|a, b| fits(*a).total_cmp(&fits(*b)).then(b.cmp(a))).unwrap_or(1);
        let (width, height) = (WIDTH / as_f64(columns), room / as_f64(count.div_ceil(columns)));
        let cell = |index: usize| Cell {
            left: as_f64(index % columns) * width,
            top: self.top + as_f64(index / columns) * height,
            width,
            height,
        };
        (0..count).map(cell).collect()
    }

    /// The picture. `description` is for those who do not see it.
    pub(super) fn svg(self, description: &str) -> String {
        let picture = Picture {
            look: self.look,
            title: self.title,
            description: printable(description),
            width: Px(WIDTH),
            height: Px(self.height),
            shapes: self.shapes,
        };
        // Writing into a String does not fail, and the template has no other way to.
        picture.render().unwrap_or_default()
    }
}

/// A picture that says in words why there is none.
pub(super) fn notice(title: &str, asked: &Asked, words: &str) -> String {
    let mut sheet = Sheet::new(title, asked);
    let size = sheet.set.font() * 1.25;
    let lines = wrapped(&sheet, words, (WIDTH - 60.0) / 1.25);
    let first = f64::midpoint(sheet.top, sheet.height) - size * 1.4 * (as_f64(lines.len()) - 1.0) / 2.0;
    for (index, line) in lines.iter().enumerate() {
        sheet.text((WIDTH / 2.0, first + as_f64(index) * size * 1.4), size, "middle", "", line);
    }
    sheet.svg(words)
}

/// The words in lines of at most this width.
fn wrapped(sheet: &Sheet, words: &str, room: f64) -> Vec<String> {
    const MOST_LINES: usize = 8;
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let word = sheet.fit(word, room);
        let line = lines.last().map_or("", String::as_str);
        let longer = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
        if sheet.set.width_of(&longer) > room && !line.is_empty() {
            lines.push(word);
        } else if let Some(last) = lines.last_mut() {
            *last = longer;
        }
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("…".to_owned());
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "numbers of cells and lines are small")]
pub(super) fn as_f64(count: usize) -> f64 {
    count as f64
}
