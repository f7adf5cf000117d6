//! Where things stand in the picture, in units of its `viewBox`.

use chrono::{DateTime, Utc};

use super::axis::{ValueAxis, time_ticks};
use super::look::Look;

pub(crate) const WIDTH: f64 = 720.0;

/// The height of the plot where nothing asks for another.
const PLOT_HEIGHT: f64 = 190.0;

/// A picture of a given height grows beyond it rather than have a lower plot.
const LEAST_PLOT_HEIGHT: f64 = 90.0;

const TITLE_HEIGHT: f64 = 31.0;
const TIME_AXIS_HEIGHT: f64 = 40.0;

/// No line of text holds more characters than this, whatever they are.
const MOST_CHARS: usize = 200;

/// How much wider bold letters are.
const BOLD: f64 = 1.12;

/// The picture has two sets of labels; a style sheet shows one of them, by the width at which the picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// For widths around that of the `viewBox`.
    Wide,
    /// For phones, where the picture is shown at about half its size.
    Narrow,
}

impl Set {
    /// The size of its letters, in units of the `viewBox`. The style sheet has the same.
    pub(crate) fn font(self) -> f64 {
        match self {
            Self::Wide => 12.0,
            Self::Narrow => 22.0,
        }
    }

    /// An upper estimate: fonts differ from machine to machine.
    pub(crate) fn width_of(self, text: &str) -> f64 {
        let em = |c: char| match c {
            ' ' | '.' | ',' | ':' | ';' | 'i' | 'l' | '|' | '/' | '(' | ')' => 0.36,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.96,
            c if c.is_ascii_uppercase() => 0.72,
            c if c.is_ascii() => 0.62,
            _ => 1.05,
        };
        text.chars().map(em).sum::<f64>() * self.font()
    }

    /// The text, shortened with an ellipsis at its end where it is wider than `room`.
    pub(crate) fn fit(self, text: &str, room: f64) -> String {
        self.keep(text, room, |kept| (kept, 0))
    }

    /// The same with the ellipsis in the middle, for names that differ at their ends.
    pub(crate) fn fit_middle(self, text: &str, room: f64) -> String {
        self.keep(text, room, |kept| (kept / 2, kept - kept / 2))
    }

    /// `split` says how many of the characters that are kept stand before and after the ellipsis.
    fn keep(self, text: &str, room: f64, split: impl Fn(usize) -> (usize, usize)) -> String {
        if self.width_of(text) <= room {
            return text.to_owned();
        }
        let chars: Vec<char> = text.chars().collect();
        for kept in (0..chars.len().min(MOST_CHARS)).rev() {
            let (before, after) = split(kept);
            let start: String = chars[..before].iter().collect();
            let end: String = chars[chars.len() - after..].iter().collect();
            let shown = format!("{}…{}", start.trim_end(), end.trim_start());
            if self.width_of(&shown) <= room {
                return shown;
            }
        }
        "…".to_owned()
    }
}

/// A box that a label takes up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Span {
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.left < other.right && other.left < self.right
    }

    pub(super) fn contains(self, x: f64) -> bool {
        self.left <= x && x <= self.right
    }
}

/// The part of the picture in which lines are drawn, and how times and values map into it.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) axis: ValueAxis,
}

impl Plot {
    /// For a picture of this look. `mark_rows` are the rows of labels above it; `last_value` is written to the right of
    /// it; `below` is what its legend takes up.
    pub(super) fn new(
        look: &Look,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        axis: ValueAxis,
        last_value: Option<&str>,
        below: f64,
        mark_rows: impl Fn(&Self, Set) -> usize,
    ) -> Self {
        let largest = look.largest_set();
        let labels = axis.ticks.iter().map(|(_, label)| label.as_str()).chain(["UTC"]);
        let widest = labels.map(|label| largest.width_of(label)).fold(0.0, f64::max);
        let right = last_value.map_or(18.0, |text| largest.width_of(text) * BOLD + 14.0);
        let mut plot = Self {
            left: widest + 12.0,
            right: WIDTH - right,
            top: TITLE_HEIGHT,
            bottom: 0.0,
            from,
            to,
            axis,
        };
        let height = |set: &Set| super::marks::mark_row_height(*set) * rows_as_f64(mark_rows(&plot, *set));
        plot.top += look.sets.iter().map(height).fold(0.0, f64::max);
        // The uppermost value stands half above its line, and must not meet the title.
        plot.top = plot.top.max(largest.font() * 1.9);
        let room = |height: f64| (height - plot.top - TIME_AXIS_HEIGHT - below).max(LEAST_PLOT_HEIGHT);
        plot.bottom = plot.top + look.height.map_or(PLOT_HEIGHT, room);
        plot
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a picture's range are few")]
    pub(super) fn x(&self, at: DateTime<Utc>) -> f64 {
        let all = (self.to - self.from).num_milliseconds().max(1) as f64;
        self.left + (at - self.from).num_milliseconds() as f64 / all * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value - self.axis.low) / (self.axis.high - self.axis.low);
        self.bottom - share * (self.bottom - self.top)
    }

    /// Where the legend begins.
    pub(super) fn foot(&self) -> f64 {
        self.bottom + TIME_AXIS_HEIGHT
    }

    /// The labels of the value axis, as many as have room above each other.
    pub(super) fn value_labels(&self, set: Set) -> Vec<(f64, &str)> {
        let distance = (self.bottom - self.top) / rows_as_f64(self.axis.ticks.len().saturating_sub(1).max(1));
        let every = (1..=self.axis.ticks.len())
            .find(|every| distance * rows_as_f64(*every) >= set.font() * 1.2)
            .unwrap_or(1);
        self.axis.ticks.iter().step_by(every).map(|(value, label)| (self.y(*value), label.as_str())).collect()
    }

    /// The labels of the time axis, as many as have room beside each other.
    pub(super) fn time_labels(&self, set: Set) -> Vec<(f64, String)> {
        let mut labels = Vec::new();
        for most in (1..=8).rev() {
            labels = time_ticks(self.from, self.to, most)
                .into_iter()
                .map(|(at, text)| (self.x(at), text))
                .collect();
            labels.retain(|(x, text)| {
                let half = set.width_of(text) / 2.0;
                x - half >= self.left - 2.0 && x + half <= WIDTH - 2.0
            });
            let has_room =
                |two: &[(f64, String)]| two[1].0 - two[0].0 >= set.width_of(&two[0].1) + set.font() * 1.5;
            if labels.windows(2).all(has_room) {
                break;
            }
        }
        labels
    }

    /// Where the label of the limit hides least of the lines: its left end, and its baseline.
    pub(super) fn limit_label(
        &self,
        set: Set,
        text: &str,
        limit: f64,
        drawn: &[(f64, f64)],
        marks: &[f64],
    ) -> (f64, f64) {
        let (y, font, width) = (self.y(limit), set.font(), set.width_of(text));
        let lefts =
            [self.left + 4.0, self.right - width - 4.0, f64::midpoint(self.left, self.right) - width / 2.0];
        let mut best = (usize::MAX, (lefts[0], y - 5.0));
        for left in lefts {
            for baseline in [y - 5.0, y + font] {
                let (top, bottom) = (baseline - font, baseline + font * 0.3);
                if top < self.top || bottom > self.bottom {
                    continue;
                }
                let span = Span { left: left - 2.0, right: left + width + 2.0 };
                let hidden =
                    drawn.iter().filter(|(x, y)| span.contains(*x) && (top..=bottom).contains(y)).count();
                let crossed = marks.iter().filter(|x| span.contains(**x)).count();
                let cost = hidden + 4 * crossed;
                if cost < best.0 {
                    best = (cost, (left, baseline));
                }
            }
        }
        best.1
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows are small")]
pub(super) fn rows_as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Unit;
    use crate::chart::test_data::at;

    #[test]
    fn time_labels_have_room_in_both_sets() {
        let axis = ValueAxis::covering([0.0, 1.0].into_iter(), Unit::Plain);
        for minutes in [1, 7, 60, 600, 60 * 24 * 40] {
            let plot =
                Plot::new(&Look::OF_PAGE, (at(0), at(minutes)), axis.clone(), Some("41.6 %"), 0.0, |_, _| 1);
            for set in [Set::Wide, Set::Narrow] {
                let labels = plot.time_labels(set);
                assert!(!labels.is_empty(), "{minutes} {set:?}");
                for two in labels.windows(2) {
                    assert!(two[1].0 - two[0].0 > set.width_of(&two[0].1), "{labels:?}");
                }
            }
        }
    }

    #[test]
    fn shortens_what_is_too_wide() {
        assert_eq!(Set::Wide.fit("short", 100.0), "short");
        let long = Set::Wide.fit(&"näme ".repeat(40), 100.0);
        assert!(long.ends_with('…') && Set::Wide.width_of(&long) <= 100.0, "{long}");
        let middle = Set::Wide.fit_middle("route=/orders/of/a/customer/17", 100.0);
        assert_eq!(middle, "route…mer/17");
    }
}
