//! The chart as SVG: what stands where is worked out here, how it is written is in `templates/chart/chart.svg`.

use std::fmt::{self, Write as _};

use askama::Template;
use opsseer_connect::promql::Comparison;

use super::axis::ValueAxis;
use super::layout::{Plot, Set, WIDTH, legend_place};
use super::line::{Run, runs, usual_step};
use super::marks::{mark_labels, mark_row_height};
use super::sentence::description;
use super::{Chart, ChartSeries, MAX_SERIES, Mark, MarkKind, is_drawable};

/// A coordinate with one decimal.
struct Px(f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::number::rounded(self.0, 1))
    }
}

#[derive(Template)]
#[template(path = "chart/chart.svg")]
struct Picture {
    title: String,
    description: String,
    width: Px,
    height: Px,
    left: Px,
    right: Px,
    top: Px,
    bottom: Px,
    grid: Vec<Px>,
    lines: Vec<Line>,
    limit: Option<Px>,
    marks: Vec<MarkLine>,
    last: Option<Label>,
    /// Said in the middle when there is nothing to draw.
    nothing: Option<(Px, Px, &'static str)>,
    swatches: Vec<Swatch>,
    sets: [Labels; 2],
}

/// One series.
struct Line {
    /// Which colour and dashes.
    style: usize,
    path: String,
    dots: Vec<(Px, Px)>,
}

struct MarkLine {
    x: Px,
    class: &'static str,
}

/// A sample of a line in the legend.
struct Swatch {
    style: usize,
    left: Px,
    right: Px,
    y: Px,
}

struct Label {
    x: Px,
    y: Px,
    text: String,
}

struct LegendText {
    x: Px,
    y: Px,
    name: String,
    value: String,
}

struct MarkText {
    line_x: Px,
    line_top: Px,
    label: Label,
    anchor: &'static str,
    class: &'static str,
}

/// The text of one width.
struct Labels {
    class: &'static str,
    title: Label,
    values: Vec<Label>,
    times: Vec<Label>,
    utc: Label,
    limit: Option<Label>,
    marks: Vec<MarkText>,
    last: Option<Label>,
    legend: Vec<LegendText>,
}

pub(super) fn draw(chart: &Chart) -> String {
    let drawing = Drawing::new(chart);
    let picture = drawing.picture();
    // Writing into a String does not fail, and the template has no other way to.
    picture.render().unwrap_or_default()
}

/// Everything that the parts of the picture are made of.
struct Drawing<'a> {
    chart: &'a Chart,
    /// The series that are drawn, largest last value first.
    shown: Vec<&'a ChartSeries>,
    runs: Vec<Vec<Run>>,
    limit: Option<(f64, String)>,
    marks: Vec<&'a Mark>,
    /// Written beside the end of the line, if there is only one.
    last: Option<(f64, String)>,
    legend: Vec<(String, String)>,
    plot: Plot,
}

impl<'a> Drawing<'a> {
    fn new(chart: &'a Chart) -> Self {
        let mut shown = chart.by_last_value();
        shown.truncate(MAX_SERIES);
        let step = usual_step(&shown);
        let runs: Vec<Vec<Run>> =
            shown.iter().map(|series| runs(series, chart.from, chart.to, step)).collect();
        let limit = chart.threshold.filter(|(limit, _)| is_drawable(*limit));
        let limit = limit.map(|(limit, comparison)| (limit, limit_text(&chart.unit.text(limit), comparison)));
        let mut marks: Vec<&Mark> =
            chart.marks.iter().filter(|mark| (chart.from..=chart.to).contains(&mark.at)).collect();
        marks.sort_by_key(|mark| mark.at);
        let values = runs.iter().flatten().flatten().map(|(_, value)| *value);
        let axis = ValueAxis::covering(values.chain(limit.iter().map(|(limit, _)| *limit)), chart.unit);
        let last = match runs.as_slice() {
            [only] => {
                only.last().and_then(|run| run.last()).map(|(_, value)| (*value, chart.unit.text(*value)))
            }
            _ => None,
        };
        let mark_rows = |plot: &Plot, set| {
            let placed = mark_labels(set, &mark_places(plot, &marks));
            placed.iter().map(|label| label.row + 1).max().unwrap_or(0)
        };
        let plot =
            Plot::new(chart.from, chart.to, axis, last.as_ref().map(|(_, text)| text.as_str()), mark_rows);
        let legend = if chart.series.len() > 1 { legend(chart, &shown) } else { Vec::new() };
        Self { chart, shown, runs, limit, marks, last, legend, plot }
    }

    fn picture(&self) -> Picture {
        let plot = &self.plot;
        let middle = (f64::midpoint(plot.left, plot.right), f64::midpoint(plot.top, plot.bottom));
        let minutes = (self.chart.to - self.chart.from).num_minutes();
        let nothing =
            if (55..=65).contains(&minutes) { "no data in this hour" } else { "no data in this time" };
        let is_empty = self.runs.iter().all(Vec::is_empty);
        let drawn_swatches = self.legend.iter().take(self.shown.len()).enumerate();
        Picture {
            title: printable(&self.chart.title),
            description: printable(&description(self.chart)),
            width: Px(WIDTH),
            height: Px(plot.height(self.legend.len())),
            left: Px(plot.left),
            right: Px(plot.right),
            top: Px(plot.top),
            bottom: Px(plot.bottom),
            grid: plot.axis.ticks.iter().map(|(value, _)| Px(plot.y(*value))).collect(),
            lines: self.runs.iter().enumerate().map(|(style, runs)| line(plot, style, runs)).collect(),
            limit: self.limit.as_ref().map(|(limit, _)| Px(plot.y(*limit))),
            marks: self
                .marks
                .iter()
                .map(|mark| MarkLine { x: Px(plot.x(mark.at)), class: class_of(mark) })
                .collect(),
            last: self.end_of_line(),
            nothing: is_empty.then_some((Px(middle.0), Px(middle.1), nothing)),
            swatches: drawn_swatches
                .map(|(style, _)| {
                    let (x, y, _) = legend_place(plot, style);
                    Swatch { style, left: Px(x), right: Px(x + 22.0), y: Px(y) }
                })
                .collect(),
            sets: [self.labels(Set::Wide), self.labels(Set::Narrow)],
        }
    }

    /// A dot at the last point of the only line.
    fn end_of_line(&self) -> Option<Label> {
        let (at, value) = self.runs.first()?.last()?.last()?;
        let (_, text) = self.last.as_ref()?;
        Some(Label { x: Px(self.plot.x(*at)), y: Px(self.plot.y(*value)), text: text.clone() })
    }

    fn labels(&self, set: Set) -> Labels {
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
        let points = self.runs.iter().flatten().flatten();
        let drawn: Vec<(f64, f64)> =
            points.map(|(at, value)| (self.plot.x(*at), self.plot.y(*value))).collect();
        let marks: Vec<f64> = self.marks.iter().map(|mark| self.plot.x(mark.at)).collect();
        let (x, y) = self.plot.limit_label(set, text, *limit, &drawn, &marks);
        Some(Label { x: Px(x), y: Px(y), text: text.clone() })
    }

    fn mark_texts(&self, set: Set) -> Vec<MarkText> {
        let places = mark_places(&self.plot, &self.marks);
        let texts = mark_labels(set, &places).into_iter().map(|label| {
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
                class: class_of(self.marks[label.mark]),
            }
        });
        texts.collect()
    }

    fn legend_texts(&self, set: Set) -> Vec<LegendText> {
        let texts = self.legend.iter().enumerate().map(|(entry, (name, value))| {
            let (x, y, room) = legend_place(&self.plot, entry);
            let room = room - set.width_of(value) - set.font();
            LegendText {
                x: Px(x + 30.0),
                y: Px(y + set.font() * 0.35),
                name: set.fit_middle(&printable(name), room),
                value: value.clone(),
            }
        });
        texts.collect()
    }
}

fn mark_places<'a>(plot: &Plot, marks: &[&'a Mark]) -> Vec<(f64, &'a str)> {
    marks.iter().map(|mark| (plot.x(mark.at), mark.label.as_str())).collect()
}

fn line(plot: &Plot, style: usize, runs: &[Run]) -> Line {
    let mut line = Line { style, path: String::new(), dots: Vec::new() };
    for run in runs {
        if let [(at, value)] = run.as_slice() {
            line.dots.push((Px(plot.x(*at)), Px(plot.y(*value))));
            continue;
        }
        for (index, (at, value)) in run.iter().enumerate() {
            let to = if index == 0 { 'M' } else { 'L' };
            // Writing into a String does not fail.
            let _ = write!(line.path, "{to}{} {}", Px(plot.x(*at)), Px(plot.y(*value)));
        }
    }
    line
}

/// Names and last values of the series that are drawn, and how many are not.
fn legend(chart: &Chart, shown: &[&ChartSeries]) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = shown
        .iter()
        .map(|series| {
            let value =
                series.last().map_or_else(|| "no data".to_owned(), |(_, value)| chart.unit.text(value));
            (chart.distinct_name(series), value)
        })
        .collect();
    let hidden = chart.series.len() - shown.len();
    if hidden > 0 {
        entries.push((format!("and {hidden} more"), String::new()));
    }
    entries
}

fn limit_text(limit: &str, comparison: Comparison) -> String {
    match comparison {
        Comparison::Above | Comparison::AtLeast => format!("{limit} limit"),
        Comparison::Below | Comparison::AtMost => format!("{limit} lower limit"),
        Comparison::Equal => format!("alerts at {limit}"),
        Comparison::NotEqual => format!("alerts unless {limit}"),
    }
}

fn class_of(mark: &Mark) -> &'static str {
    match mark.kind {
        MarkKind::Fired => "fired",
        MarkKind::Resolved => "resolved",
        MarkKind::Change => "change",
    }
}

/// Labels come from outside. XML allows no control characters, not even escaped; the template escapes the rest.
fn printable(text: &str) -> String {
    let allowed =
        |c: char| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c };
    text.chars().map(allowed).collect()
}
