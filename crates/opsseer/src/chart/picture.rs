//! The chart as SVG: what stands where is worked out here, how it is written is in `templates/chart/chart.svg`.

use askama::Template;
use opsseer_connect::promql::Comparison;

use super::axis::ValueAxis;
use super::data::PlotBox;
use super::forecast::Edge;
use super::labels::{Label, Labels};
use super::layout::{Plot, WIDTH};
use super::legend::{self, Entry, Sample};
use super::line::{Run, runs, usual_step};
use super::look::{Colours, Look, Theme};
use super::marks::mark_labels;
use super::path::{Line, Px, area, line};
use super::sentence::description;
use super::{Chart, MAX_SERIES, Mark, MarkKind, is_drawable};

#[derive(Template)]
#[template(path = "chart/chart.svg")]
struct Picture {
    look: Look,
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
    ahead: Option<Ahead>,
    limit: Option<Px>,
    marks: Vec<MarkLine>,
    last: Option<Label>,
    /// Said in the middle when there is nothing to draw.
    nothing: Option<(Px, Px, &'static str)>,
    swatches: Vec<Swatch>,
    sets: Vec<Labels>,
}

/// The forecast.
struct Ahead {
    style: usize,
    line: String,
    band80: String,
    band95: String,
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
    shape: SwatchShape,
}

enum SwatchShape {
    Line,
    Forecast { top: Px, height: Px },
}

pub(super) fn draw(chart: &Chart, look: &Look) -> String {
    let picture = Drawing::new(chart, look).picture(look);
    // Writing into a String does not fail, and the template has no other way to.
    picture.render().unwrap_or_default()
}

/// Where the lines stand in the picture for pages.
pub(super) fn plot_box(chart: &Chart) -> PlotBox {
    let drawing = Drawing::new(chart, &Look::OF_PAGE);
    let (plot, scale) = (&drawing.plot, drawing.plot.axis.scale);
    let tenths = |units: f64| (units * 10.0).round() / 10.0;
    PlotBox {
        width: WIDTH,
        height: tenths(drawing.height()),
        left: tenths(plot.left),
        right: tenths(plot.right),
        top: tenths(plot.top),
        bottom: tenths(plot.bottom),
        end: plot.to.timestamp_millis(),
        low: plot.axis.low,
        high: plot.axis.high,
        factor: scale.factor,
        suffix: scale.suffix.to_owned(),
    }
}

/// Everything that the parts of the picture are made of.
pub(super) struct Drawing<'a> {
    pub(super) chart: &'a Chart,
    pub(super) runs: Vec<Vec<Run>>,
    /// The expected line, from the last measured point on.
    pub(super) ahead: Run,
    pub(super) limit: Option<(f64, String)>,
    pub(super) marks: Vec<Mark>,
    /// Written beside the end of the line, if there is only one and no forecast goes on from there.
    pub(super) last: Option<(f64, String)>,
    pub(super) legend: Vec<Entry>,
    pub(super) plot: Plot,
}

impl<'a> Drawing<'a> {
    fn new(chart: &'a Chart, look: &Look) -> Self {
        let mut shown = chart.by_last_value();
        shown.truncate(MAX_SERIES);
        let step = usual_step(&shown);
        let runs: Vec<Vec<Run>> =
            shown.iter().map(|series| runs(series, chart.from, chart.to, step)).collect();
        let limit = chart.threshold.filter(|(limit, _)| is_drawable(*limit));
        let limit = limit.map(|(limit, comparison)| (limit, limit_text(&chart.unit.text(limit), comparison)));
        let (marks, axis) = (marks(chart), axis(chart, &runs, limit.as_ref().map(|(limit, _)| *limit)));
        let last = match runs.as_slice() {
            [only] if chart.drawn_forecast().is_none() => {
                only.last().and_then(|run| run.last()).map(|(_, value)| (*value, chart.unit.text(*value)))
            }
            _ => None,
        };
        let legend = legend::entries(chart, &shown);
        let mark_rows = |plot: &Plot, set| {
            let placed = mark_labels(set, plot.left - 4.0, &mark_places(plot, &marks));
            placed.iter().map(|label| label.row + 1).max().unwrap_or(0)
        };
        let beside = last.as_ref().map(|(_, text)| text.as_str());
        let below = legend::height(&legend);
        let plot = Plot::new(look, (chart.from, chart.end()), axis, beside, below, mark_rows);
        let mut drawing = Self { chart, runs, ahead: Vec::new(), limit, marks, last, legend, plot };
        drawing.ahead = drawing.expected_line();
        drawing
    }

    /// The forecast joined to the line that it continues.
    fn expected_line(&self) -> Run {
        let Some(forecast) = self.chart.drawn_forecast() else { return Vec::new() };
        let line = forecast.line();
        let measured = self.runs.get(self.style_ahead()).and_then(|runs| runs.last()?.last()).copied();
        let joint = measured.filter(|(at, _)| line.first().is_some_and(|(first, _)| at < first));
        joint.into_iter().chain(line).collect()
    }

    /// The number of the line that the forecast continues.
    fn style_ahead(&self) -> usize {
        let forecast = self.legend.iter().find_map(|entry| match entry.sample {
            Sample::Forecast(line) => Some(line),
            _ => None,
        });
        forecast.unwrap_or(0)
    }

    fn height(&self) -> f64 {
        self.plot.foot() + legend::height(&self.legend)
    }

    fn picture(&self, look: &Look) -> Picture {
        let plot = &self.plot;
        let middle = (f64::midpoint(plot.left, plot.right), f64::midpoint(plot.top, plot.bottom));
        let minutes = (self.chart.to - self.chart.from).num_minutes();
        let nothing =
            if (55..=65).contains(&minutes) { "no data in this hour" } else { "no data in this time" };
        let is_empty = self.runs.iter().all(Vec::is_empty) && self.ahead.is_empty();
        Picture {
            look: *look,
            title: printable(&self.chart.title),
            description: printable(&description(self.chart)),
            width: Px(WIDTH),
            height: Px(self.height()),
            left: Px(plot.left),
            right: Px(plot.right),
            top: Px(plot.top),
            bottom: Px(plot.bottom),
            grid: plot.axis.ticks.iter().map(|(value, _)| Px(plot.y(*value))).collect(),
            lines: self.runs.iter().enumerate().map(|(style, runs)| line(plot, style, runs)).collect(),
            ahead: self.ahead(),
            limit: self.limit.as_ref().map(|(limit, _)| Px(plot.y(*limit))),
            marks: self
                .marks
                .iter()
                .map(|mark| MarkLine { x: Px(plot.x(mark.at)), class: class_of(mark) })
                .collect(),
            last: self.end_of_line(),
            nothing: is_empty.then_some((Px(middle.0), Px(middle.1), nothing)),
            swatches: self.swatches(),
            sets: look.sets.iter().map(|set| self.labels(*set)).collect(),
        }
    }

    fn ahead(&self) -> Option<Ahead> {
        let forecast = self.chart.drawn_forecast()?;
        let line = line(&self.plot, 0, std::slice::from_ref(&self.ahead)).path;
        // Nothing is uncertain about the point that the forecast starts from.
        let joint = self.ahead.first().filter(|(at, _)| *at < forecast.points[0].0);
        let joint = joint.map(|(at, value)| (*at, *value, *value));
        let area = |band: Vec<Edge>| area(&self.plot, &joint.into_iter().chain(band).collect::<Vec<Edge>>());
        Some(Ahead {
            style: self.style_ahead(),
            line,
            band80: area(forecast.band80()),
            band95: area(forecast.band95()),
        })
    }

    fn swatches(&self) -> Vec<Swatch> {
        let samples = self.legend.iter().enumerate().filter_map(|(index, entry)| {
            let legend::Place { x, y, .. } = legend::place(&self.plot, &self.legend, index);
            let (style, shape) = match entry.sample {
                Sample::Line(style) => (style, SwatchShape::Line),
                Sample::Forecast(style) => {
                    (style, SwatchShape::Forecast { top: Px(y - 8.0), height: Px(16.0) })
                }
                Sample::None => return None,
            };
            Some(Swatch { style, left: Px(x), right: Px(x + 22.0), y: Px(y), shape })
        });
        samples.collect()
    }

    /// A dot at the last point of the only line.
    fn end_of_line(&self) -> Option<Label> {
        let [only] = self.runs.as_slice() else { return None };
        let (at, value) = only.last()?.last()?;
        Some(Label { x: Px(self.plot.x(*at)), y: Px(self.plot.y(*value)), text: String::new() })
    }
}

/// The axis on which everything has room.
fn axis(chart: &Chart, runs: &[Vec<Run>], limit: Option<f64>) -> ValueAxis {
    let mut values: Vec<f64> = runs.iter().flatten().flatten().map(|(_, value)| *value).collect();
    values.extend(limit);
    if let Some(forecast) = chart.drawn_forecast() {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        values.extend(forecast.values_to_show(low, high, chart.unit));
    }
    ValueAxis::covering(values.into_iter(), chart.unit)
}

/// The marks within the picture in order of time, with that of the moment at which the forecast begins.
fn marks(chart: &Chart) -> Vec<Mark> {
    let mut marks = chart.marks.clone();
    if chart.drawn_forecast().is_some() {
        marks.push(Mark { at: chart.to, label: "now".to_owned(), kind: MarkKind::Now });
    }
    marks.retain(|mark| (chart.from..=chart.end()).contains(&mark.at));
    marks.sort_by_key(|mark| mark.at);
    marks
}

pub(super) fn mark_places<'a>(plot: &Plot, marks: &'a [Mark]) -> Vec<(f64, &'a str)> {
    marks.iter().map(|mark| (plot.x(mark.at), mark.label.as_str())).collect()
}

fn limit_text(limit: &str, comparison: Comparison) -> String {
    match comparison {
        Comparison::Above | Comparison::AtLeast => format!("{limit} limit"),
        Comparison::Below | Comparison::AtMost => format!("{limit} lower limit"),
        Comparison::Equal => format!("alerts at {limit}"),
        Comparison::NotEqual => format!("alerts unless {limit}"),
    }
}

pub(super) fn class_of(mark: &Mark) -> &'static str {
    match mark.kind {
        MarkKind::Fired => "fired",
        MarkKind::Resolved => "resolved",
        MarkKind::Change => "change",
        MarkKind::Expected => "expected",
        MarkKind::Now => "now",
    }
}

/// Labels come from outside. XML allows no control characters, not even escaped; the template escapes the rest.
pub(crate) fn printable(text: &str) -> String {
    let allowed =
        |c: char| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c };
    text.chars().map(allowed).collect()
}
