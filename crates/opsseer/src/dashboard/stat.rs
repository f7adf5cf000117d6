//! `stat`: large numbers, in the colour of their threshold, with the shape of the line behind them.

use std::fmt::Write as _;

use super::model::Panel;
use super::panel::Value;
use super::query::Asked;
use super::shapes::{Cell, Sheet};
use crate::chart::Px;

/// More numbers than this are counted, not shown.
const MOST: usize = 12;

pub(super) fn draw(title: &str, panel: &Panel, values: &[Value], asked: &Asked) -> String {
    let mut sheet = Sheet::new(title, asked);
    let shown = &values[..values.len().min(MOST)];
    let has_line = panel.options.graph_mode != "none";
    let (font, cells) = (sheet.set.font(), sheet.cells(shown.len()));
    let name_height = if shown.iter().all(|value| value.name.is_empty()) { 0.0 } else { font * 1.6 };
    let lines: Vec<Option<String>> =
        cells.iter().zip(shown).map(|(cell, value)| line(*cell, value).filter(|_| has_line)).collect();
    let line_share = if lines.iter().any(Option::is_some) { 0.25 } else { 0.0 };
    let room = cells.first().map_or(0.0, |cell| cell.height * (1.0 - line_share) - name_height);
    // All numbers in the size that the widest of them allows, so that they can be compared.
    let sizes = cells
        .iter()
        .zip(shown)
        .map(|(cell, value)| sheet.size_within(&value.text, cell.width * 0.86, room * 0.6));
    let size = sizes.fold(f64::INFINITY, f64::min);
    for ((cell, value), line) in cells.into_iter().zip(shown).zip(lines) {
        let baseline = cell.top + room / 2.0 + size * 0.35;
        sheet.text((cell.middle(), baseline), size, "middle", value.tone.text_class(), &value.text);
        if !value.name.is_empty() {
            let name = sheet.fit(&value.name, cell.width * 0.92);
            sheet.text((cell.middle(), cell.top + room + font), font, "middle", "", &name);
        }
        if let Some(line) = line {
            sheet.stroke(line, value.tone.stroke_class(), 1.5);
        }
    }
    let hidden = values.len() - shown.len();
    if hidden > 0 {
        let at = (crate::chart::WIDTH - 4.0, sheet.height - 6.0);
        sheet.text(at, font, "end", "", &format!("and {hidden} more"));
    }
    let words: Vec<String> = shown.iter().map(Value::words).collect();
    sheet.svg(&words.join("; "))
}

/// The shape of the line, at the foot of its cell.
fn line(cell: Cell, value: &Value) -> Option<String> {
    let points: Vec<_> = value.points.iter().filter(|(_, value)| value.is_finite()).collect();
    let ((from, _), (to, _)) = (points.first()?, points.last()?);
    let low = points.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    if points.len() < 3 || high <= low {
        return None;
    }
    let (height, foot) = (cell.height * 0.2, cell.top + cell.height - 6.0);
    let mut path = String::new();
    for (index, (at, value)) in points.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a picture's range are few")]
        let share = (*at - *from).num_milliseconds() as f64 / (*to - *from).num_milliseconds().max(1) as f64;
        let x = cell.left + cell.width * (0.06 + 0.88 * share);
        let y = foot - height * ((value - low) / (high - low));
        let to = if index == 0 { 'M' } else { 'L' };
        // Writing into a String does not fail.
        let _ = write!(path, "{to}{} {}", Px(x), Px(y));
    }
    Some(path)
}
