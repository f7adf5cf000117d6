//! One panel: asked, and drawn as its type is.

use chrono::{DateTime, Utc};
use opsseer_connect::prometheus::Metrics;
use opsseer_connect::promql::Comparison;
use serde_json::Value as Json;

use super::model::{Field, Panel};
use super::query::{self, Asked, Line};
use super::reduce::reduce;
use super::shapes::{Tone, notice};
use super::variables::Variables;
use super::{gauge, stat, table, units};
use crate::chart::{Chart, ChartSeries, Unit};

/// A panel's picture.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The picture, in one theme and for one size.
    pub svg: String,
    /// The heading, with its variables filled in.
    pub title: String,
    /// What the panel asks for and the picture lacks, a sentence each.
    pub notes: Vec<String>,
    /// Whether what was asked was not answered. The picture then says why.
    pub has_failed: bool,
}

/// A series in one number.
#[derive(Debug)]
pub(super) struct Value {
    /// Empty where there is only one.
    pub(super) name: String,
    pub(super) number: Option<f64>,
    /// As it is shown.
    pub(super) text: String,
    pub(super) tone: Tone,
    pub(super) points: Vec<(DateTime<Utc>, f64)>,
}

impl Value {
    pub(super) fn words(&self) -> String {
        if self.name.is_empty() { self.text.clone() } else { format!("{}: {}", self.name, self.text) }
    }
}

/// Draws a panel with what Prometheus answers. There is always a picture: where there is nothing to draw, it says why.
pub async fn draw(panel: &Panel, variables: &Variables, metrics: &dyn Metrics, asked: &Asked) -> Drawn {
    let mut notes = Vec::new();
    let spans = query::spans(panel, &super::model::Target::default(), asked);
    let title = variables.fill(&panel.title, &spans).unwrap_or_else(|_| panel.title.clone());
    let instead = |words: String, mut notes: Vec<String>, has_failed| {
        notes.push(words.clone());
        Drawn { svg: notice(&title, asked, &words), title: title.clone(), notes, has_failed }
    };
    if let Some(words) = not_drawable(panel) {
        return instead(words, notes, false);
    }
    let field = &panel.field_config.defaults;
    let unit = units::unit(&field.unit).unwrap_or_else(|| {
        notes.push(format!("The unit {:?} is not known; values are shown without it.", field.unit));
        Unit::Plain
    });
    notes.extend(left_out(panel));
    let lines = match query::lines(panel, variables, metrics, asked).await {
        Ok(lines) => lines,
        Err(error) => return instead(format!("There is no picture: {error}."), notes, true),
    };
    let svg = match panel.kind.as_str() {
        "table" if lines.is_empty() => notice(&title, asked, no_value(field)),
        "stat" => stat::draw(&title, panel, &values(panel, unit, lines, &mut notes), asked),
        "gauge" => gauge::draw(&title, panel, unit, &values(panel, unit, lines, &mut notes), asked),
        "table" => table::draw(&title, field, unit, &lines, asked),
        _ => chart(&title, field, unit, lines, asked, &mut notes),
    };
    Drawn { svg, title, notes, has_failed: false }
}

/// Why this panel cannot be drawn whatever Prometheus says.
fn not_drawable(panel: &Panel) -> Option<String> {
    if !["timeseries", "graph", "stat", "gauge", "table"].contains(&panel.kind.as_str()) {
        return Some(format!("Panels of the type {:?} are not drawn here.", panel.kind));
    }
    let sources =
        std::iter::once(&panel.datasource).chain(panel.targets.iter().map(|target| &target.datasource));
    let mut kinds = sources.filter_map(|source| source.get("type").and_then(Json::as_str));
    if let Some(other) = kinds.find(|kind| !["", "prometheus", "datasource"].contains(kind)) {
        return Some(format!("Its data source is {other:?}, not Prometheus."));
    }
    query::targets(panel).next().is_none().then(|| "It asks nothing of Prometheus.".to_owned())
}

/// What the panel asks for that is passed over.
fn left_out(panel: &Panel) -> Vec<String> {
    let custom = &panel.field_config.defaults.custom;
    let is_chart = matches!(panel.kind.as_str(), "timeseries" | "graph");
    let mut notes = Vec::new();
    let mut say = |holds: bool, words: &str| {
        if holds {
            notes.push(words.to_owned());
        }
    };
    say(!panel.field_config.overrides.is_empty(), "Its overrides are passed over.");
    say(!panel.transformations.is_empty(), "Its transformations are passed over.");
    say(panel.repeat.is_some(), "It is drawn once, not repeated for each value.");
    say(is_chart && !["", "none"].contains(&custom.stacking.mode.as_str()), "Its lines are not stacked.");
    say(is_chart && !["", "line"].contains(&custom.draw_style.as_str()), "It is drawn as lines.");
    notes
}

fn values(panel: &Panel, unit: Unit, lines: Vec<Line>, notes: &mut Vec<String>) -> Vec<Value> {
    let field = &panel.field_config.defaults;
    let mut calc = panel.options.reduce_options.calcs.first().map_or("lastNotNull", String::as_str);
    if let Err(words) = reduce(calc, &[]) {
        notes.push(format!("In its place the last value is shown: {words}."));
        calc = "lastNotNull";
    }
    let is_only = lines.len() == 1;
    let values = lines.into_iter().map(|line| {
        let number = reduce(calc, &line.points).ok().flatten();
        let text = number.map_or_else(
            || no_value(field).to_owned(),
            |number| field.mapped(number).unwrap_or_else(|| unit.text(number)),
        );
        Value {
            name: if is_only { String::new() } else { line.name },
            number,
            text,
            tone: number.map_or(Tone::Plain, |number| tone(field, number)),
            points: line.points,
        }
    });
    let mut values: Vec<Value> = values.collect();
    if values.is_empty() {
        let text = no_value(field).to_owned();
        values.push(Value { name: String::new(), number: None, text, tone: Tone::Plain, points: Vec::new() });
    }
    values
}

fn no_value(field: &Field) -> &str {
    field.no_value.as_deref().unwrap_or("no data")
}

/// What the panel's thresholds say about a value.
pub(super) fn tone(field: &Field, number: f64) -> Tone {
    let (low, high) = (field.min.unwrap_or(0.0), field.max.unwrap_or(100.0));
    let number =
        if field.thresholds.mode == "percentage" { 100.0 * (number - low) / (high - low) } else { number };
    let reached =
        field.thresholds.steps.iter().rev().find(|step| step.value.is_none_or(|from| number >= from));
    reached.map_or(Tone::Plain, |step| Tone::of_colour(&step.color))
}

fn chart(
    title: &str,
    field: &Field,
    unit: Unit,
    lines: Vec<Line>,
    asked: &Asked,
    notes: &mut Vec<String>,
) -> String {
    let chart = Chart {
        title: title.to_owned(),
        unit,
        from: asked.from,
        to: asked.to,
        series: lines.into_iter().map(|line| ChartSeries { name: line.name, points: line.points }).collect(),
        threshold: limit(field, notes),
        marks: Vec::new(),
        forecast: None,
    };
    chart.svg_of_size(asked.width, asked.height, asked.theme)
}

/// The threshold that the panel draws: where it turns worst.
fn limit(field: &Field, notes: &mut Vec<String>) -> Option<(f64, Comparison)> {
    if ["", "off"].contains(&field.custom.thresholds_style.mode.as_str()) {
        return None;
    }
    let steps = &field.thresholds.steps;
    let limits: Vec<f64> = steps.iter().filter_map(|step| step.value).collect();
    if limits.len() > 1 {
        notes.push("One of its thresholds is drawn.".to_owned());
    }
    // Red at the bottom: what is low is bad.
    let is_lower = steps.first().is_some_and(|first| Tone::of_colour(&first.color) == Tone::Bad);
    if is_lower {
        limits.first().map(|limit| (*limit, Comparison::Below))
    } else {
        limits.last().map(|limit| (*limit, Comparison::Above))
    }
}
