//! `gauge`: where a number stands between its least and its most.

use std::f64::consts::PI;

use super::model::{Field, Panel};
use super::panel::{Value, tone};
use super::query::Asked;
use super::shapes::{Cell, Sheet, Tone};
use crate::chart::{Px, Unit};

/// More than this are counted, not shown.
const MOST: usize = 6;

pub(super) fn draw(title: &str, panel: &Panel, unit: Unit, values: &[Value], asked: &Asked) -> String {
    let mut sheet = Sheet::new(title, asked);
    let shown = &values[..values.len().min(MOST)];
    let field = &panel.field_config.defaults;
    let (low, high) = ends(field, unit, shown);
    for (cell, value) in sheet.cells(shown.len()).into_iter().zip(shown) {
        dial(&mut sheet, cell, field, unit, (low, high), value);
    }
    let hidden = values.len() - shown.len();
    if hidden > 0 {
        let (at, font) = ((crate::chart::WIDTH - 4.0, sheet.height - 6.0), sheet.set.font());
        sheet.text(at, font, "end", "", &format!("and {hidden} more"));
    }
    let of = format!(", of {} to {}", unit.text(low), unit.text(high));
    let words: Vec<String> = shown.iter().map(|value| value.words() + &of).collect();
    sheet.svg(&words.join("; "))
}

/// The least and the most: as the panel says; else from zero to what its unit or its values suggest.
fn ends(field: &Field, unit: Unit, values: &[Value]) -> (f64, f64) {
    let numbers = || values.iter().filter_map(|value| value.number).filter(|number| number.is_finite());
    let low = field.min.unwrap_or_else(|| numbers().fold(0.0, f64::min));
    let thresholds = field.thresholds.steps.iter().filter_map(|step| step.value);
    let high = field.max.unwrap_or_else(|| match unit {
        Unit::Ratio => 1.0,
        Unit::Percent => 100.0,
        _ => numbers().chain(thresholds).fold(low, f64::max),
    });
    if high > low { (low, high) } else { (low, low + 1.0) }
}

fn dial(sheet: &mut Sheet, cell: Cell, field: &Field, unit: Unit, (low, high): (f64, f64), value: &Value) {
    let font = sheet.set.font();
    let name_height = if value.name.is_empty() { 0.0 } else { font * 1.6 };
    let base = cell.top + cell.height - name_height - font * 1.8;
    let radius = f64::min(cell.width * 0.36, (base - cell.top - 6.0) * 0.95).max(10.0);
    let (middle, width) = ((cell.middle(), base), radius * 0.16);
    let share = |number: f64| ((number - low) / (high - low)).clamp(0.0, 1.0);
    sheet.stroke(arc(middle, radius - width, 0.0, 1.0), "grid", width);
    let number = value.number.filter(|number| number.is_finite());
    if let Some(number) = number.filter(|number| share(*number) > 0.0) {
        sheet.stroke(arc(middle, radius - width, 0.0, share(number)), value.tone.stroke_class(), width);
    }
    // The thresholds' own ring.
    let steps = &field.thresholds.steps;
    for (index, step) in steps.iter().enumerate() {
        let from = share(step.value.unwrap_or(low));
        let to = steps.get(index + 1).and_then(|next| next.value).map_or(1.0, share);
        let tone = Tone::of_colour(&step.color);
        if steps.len() > 1 && tone != Tone::Plain && to > from {
            sheet.stroke(arc(middle, radius, from, to), tone.stroke_class(), 3.0);
        }
    }
    let size = sheet.size_within(&value.text, radius * 1.3, radius * 0.42);
    let class = number.map_or(Tone::Plain, |number| tone(field, number)).text_class();
    sheet.text((middle.0, base - radius * 0.08), size, "middle", class, &value.text);
    for (end, x) in [(low, middle.0 - radius + width), (high, middle.0 + radius - width)] {
        sheet.text((x, base + font * 1.2), font, "middle", "", &unit.text(end));
    }
    if name_height > 0.0 {
        let name = sheet.fit(&value.name, cell.width * 0.92);
        sheet.text((middle.0, base + font * 2.8), font, "middle", "", &name);
    }
}

/// A part of the half circle above `middle`, between shares of it from the left.
fn arc(middle: (f64, f64), radius: f64, from: f64, to: f64) -> String {
    let at = |share: f64| {
        let angle = PI * (1.0 - share);
        (Px(middle.0 + radius * angle.cos()), Px(middle.1 - radius * angle.sin()))
    };
    let ((from_x, from_y), (to_x, to_y)) = (at(from), at(to));
    format!("M{from_x} {from_y}A{0} {0} 0 0 1 {to_x} {to_y}", Px(radius))
}
