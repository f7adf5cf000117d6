//! `table`: a row a series, with its labels and the last value of each query.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Field;
use super::panel::tone;
use super::query::{Asked, Line};
use super::reduce::reduce;
use super::shapes::{Sheet, Tone, as_f64};
use crate::chart::{Unit, WIDTH};

/// A row's labels, and its values by query.
type Rows = BTreeMap<Vec<String>, BTreeMap<String, f64>>;

pub(super) fn draw(title: &str, field: &Field, unit: Unit, lines: &[Line], asked: &Asked) -> String {
    let mut sheet = Sheet::new(title, asked);
    let (labels, queries, rows) = rows(lines);
    let font = sheet.set.font();
    let height = font * 1.75;
    let values = queries
        .iter()
        .map(|query| if queries.len() == 1 { "Value".to_owned() } else { format!("Value {query}") });
    let head: Vec<String> = labels.iter().cloned().chain(values).collect();
    let body: Vec<Vec<(String, Tone)>> = rows
        .iter()
        .map(|(key, numbers)| {
            let labels = key.iter().map(|label| (label.clone(), Tone::Plain));
            let values = queries.iter().map(|query| match numbers.get(query) {
                Some(number) => {
                    (field.mapped(*number).unwrap_or_else(|| unit.text(*number)), tone(field, *number))
                }
                None => (String::new(), Tone::Plain),
            });
            labels.chain(values).collect()
        })
        .collect();
    let widths = widths(&sheet, &head, &body);
    let lefts: Vec<f64> =
        widths.iter().scan(4.0, |left, width| Some(std::mem::replace(left, *left + width))).collect();
    let mut y = sheet.top + height * 0.7;
    for ((name, left), width) in head.iter().zip(&lefts).zip(&widths) {
        let name = sheet.fit(name, width - font);
        sheet.text((*left, y), font, "start", "title", &name);
    }
    let fitting = body_rows(&sheet, y, height);
    // A table that does not fit ends with a line that says so.
    let shown = if body.len() > fitting { fitting.saturating_sub(1) } else { body.len() };
    for row in &body[..shown] {
        let rule = y + height * 0.35;
        sheet.stroke(format!("M4 {rule:.1}H{:.1}", WIDTH - 4.0), "grid", 1.0);
        y += height;
        for (((text, tone), left), width) in row.iter().zip(&lefts).zip(&widths) {
            let text = sheet.fit(text, width - font);
            let class = if *tone == Tone::Plain { "" } else { tone.text_class() };
            sheet.text((*left, y), font, "start", class, &text);
        }
    }
    let hidden = body.len() - shown;
    if hidden > 0 {
        sheet.text((4.0, y + height), font, "start", "", &format!("and {hidden} more rows"));
    }
    let words = body.iter().take(shown).map(|row| {
        let cells = head.iter().zip(row).map(|(name, (text, _))| format!("{name} {text}"));
        cells.collect::<Vec<_>>().join(", ")
    });
    let words = words.collect::<Vec<_>>().join("; ");
    sheet.svg(&words)
}

fn rows(lines: &[Line]) -> (Vec<String>, Vec<String>, Rows) {
    let names: BTreeSet<&String> = lines.iter().flat_map(|line| line.labels.keys()).collect();
    let labels: Vec<String> = names.into_iter().filter(|name| *name != "__name__").cloned().collect();
    let mut queries: Vec<String> = Vec::new();
    let mut rows = Rows::new();
    for line in lines {
        if !queries.contains(&line.query) {
            queries.push(line.query.clone());
        }
        let key = labels.iter().map(|label| line.labels.get(label).cloned().unwrap_or_default()).collect();
        let row = rows.entry(key).or_default();
        if let Ok(Some(number)) = reduce("last", &line.points) {
            row.insert(line.query.clone(), number);
        }
    }
    (labels, queries, rows)
}

/// The columns share the width by what stands in them.
fn widths(sheet: &Sheet, head: &[String], body: &[Vec<(String, Tone)>]) -> Vec<f64> {
    let font = sheet.set.font();
    let wish = |column: usize| {
        let cells = body.iter().map(|row| row[column].0.as_str()).chain([head[column].as_str()]);
        cells.map(|text| sheet.set.width_of(text)).fold(0.0, f64::max).min(WIDTH / 2.0) + font * 2.0
    };
    let wishes: Vec<f64> = (0..head.len()).map(wish).collect();
    let all: f64 = wishes.iter().sum();
    let scale = f64::min(1.0, (WIDTH - 8.0) / all.max(1.0));
    wishes.into_iter().map(|wish| wish * scale).collect()
}

/// How many rows have room below the head.
fn body_rows(sheet: &Sheet, head: f64, height: f64) -> usize {
    let room = ((sheet.height - 6.0 - head) / height).floor();
    (1..=500).take_while(|count| as_f64(*count) <= room).count()
}
