//! The texts of a picture, for one of its widths.

use super::layout::{Set, WIDTH};
use super::legend;
use super::marks::{mark_labels, mark_row_height};
use super::path::Px;
use super::picture::{Drawing, class_of, mark_places, printable};

pub(super) struct Label {
    pub(super) x: Px,
    pub(super) y: Px,
    pub(super) text: String,
}

pub(super) struct LegendText {
    pub(super) x: Px,
    pub(super) y: Px,
    pub(super) name: String,
    pub(super) value: String,
}

pub(super) struct MarkText {
    pub(super) line_x: Px,
    pub(super) line_top: Px,
    pub(super) label: Label,
    pub(super) anchor: &'static str,
    pub(super) class: &'static str,
}

/// The text of one width.
pub(super) struct Labels {
    pub(super) class: &'static str,
    pub(super) title: Label,
    pub(super) values: Vec<Label>,
    pub(super) times: Vec<Label>,
    pub(super) utc: Label,
    pub(super) limit: Option<Label>,
    pub(super) marks: Vec<MarkText>,
    pub(super) last: Option<Label>,
    pub(super) legend: Vec<LegendText>,
}

impl Drawing<'_> {
    pub(super) fn labels(&self, set: Set) -> Labels {
        let (plot, font) = (&self.plot, set.font());
        let centred = |y: f64| Px(y + font * 0.35);
        let axis_y = plot.bottom + font + 8.0;
        let values = plot.value_labels(set).into_iter();
        let times = plot.time_labels(set).into_iter();
        Labels {
            class: match set {
                Set::Wide => "w",
                Set::Narrow => "n",
            },
            title: Label {
                x: Px(4.0),
                y: Px(font + 3.0),
                text: set.fit(&printable(&self.chart.title), (WIDTH - 8.0) * 0.95),
            },
            values: values
                .map(|(y, text)| Label { x: Px(plot.left - 8.0), y: centred(y), text: text.to_owned() })
                .collect(),
            times: times.map(|(x, text)| Label { x: Px(x), y: Px(axis_y), text }).collect(),
            utc: Label { x: Px(plot.left - 8.0), y: Px(axis_y), text: "UTC".to_owned() },
            limit: self.limit_label(set),
            marks: self.mark_texts(set),
            last: self.last.as_ref().map(|(value, text)| {
                let y = plot.y(*value).clamp(plot.top + font * 0.3, plot.bottom - font * 0.3);
                Label { x: Px(plot.right + 8.0), y: centred(y), text: text.clone() }
            }),
            legend: self.legend_texts(set),
        }
    }

    fn limit_label(&self, set: Set) -> Option<Label> {
        let (limit, text) = self.limit.as_ref()?;
        let points = self.runs.iter().flatten().flatten().copied().chain(self.ahead.iter().copied());
        let drawn: Vec<(f64, f64)> =
            points.map(|(at, value)| (self.plot.x(at), self.plot.y(value))).collect();
        let marks: Vec<f64> = self.marks.iter().map(|mark| self.plot.x(mark.at)).collect();
        let (x, y) = self.plot.limit_label(set, text, *limit, &drawn, &marks);
        Some(Label { x: Px(x), y: Px(y), text: text.clone() })
    }

    fn mark_texts(&self, set: Set) -> Vec<MarkText> {
        let places = mark_places(&self.plot, &self.marks);
        let texts = mark_labels(set, self.plot.left - 4.0, &places).into_iter().map(|label| {
            let x = places[label.mark].0;
            let row = f64::from(u8::try_from(label.row).unwrap_or(u8::MAX));
            let y = self.plot.top - 5.0 - row * mark_row_height(set);
            MarkText {
                line_x: Px(x),
                line_top: Px(y - set.font() * 0.75),
                label: Label {
                    x: Px(if label.after { x + 5.0 } else { x - 5.0 }),
                    y: Px(y),
                    text: printable(&label.text),
                },
                anchor: if label.after { "start" } else { "end" },
                class: class_of(&self.marks[label.mark]),
            }
        });
        texts.collect()
    }

    fn legend_texts(&self, set: Set) -> Vec<LegendText> {
        let texts = self.legend.iter().enumerate().map(|(index, entry)| {
            let place = legend::place(&self.plot, &self.legend, index);
            let room = place.room - set.width_of(&entry.value) - set.font();
            LegendText {
                x: Px(place.x + 30.0),
                y: Px(place.y + set.font() * 0.35),
                name: set.fit_middle(&printable(&entry.name), room),
                value: entry.value.clone(),
            }
        });
        texts.collect()
    }
}
