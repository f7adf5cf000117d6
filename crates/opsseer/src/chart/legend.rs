//! The legend below the picture: which line is which, what it is at now, and what is expected. It hides no data.

use super::layout::{Plot, WIDTH, rows_as_f64};
use super::{Chart, ChartSeries};

const ROW_HEIGHT: f64 = 27.0;
const COLUMNS: usize = 2;
const SWATCH: f64 = 30.0;

/// What an entry has a sample of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sample {
    /// The line of this number.
    Line(usize),
    /// The forecast of the line of this number.
    Forecast(usize),
    /// Nothing: it tells of lines that are not drawn.
    None,
}

/// A name with a value beside it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) sample: Sample,
}

/// Where an entry stands: the left end of its sample and the middle of its row; and the room for its text.
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) room: f64,
}

/// Names and last values of the series that are drawn, how many are not, and the forecast. Empty where there is nothing
/// to tell apart.
pub(super) fn entries(chart: &Chart, shown: &[&ChartSeries]) -> Vec<Entry> {
    let forecast = chart.drawn_forecast().zip(chart.forecast_value());
    if chart.series.len() < 2 && forecast.is_none() {
        return Vec::new();
    }
    let line = |(index, series): (usize, &&ChartSeries)| {
        let value = series.last().map_or_else(|| "no data".to_owned(), |(_, value)| chart.unit.text(value));
        let is_only = chart.series.len() == 1;
        let name = if is_only && series.name.is_empty() {
            "measured".to_owned()
        } else {
            chart.distinct_name(series)
        };
        Entry { name, value, sample: Sample::Line(index) }
    };
    let mut entries: Vec<Entry> = shown.iter().enumerate().map(line).collect();
    let hidden = chart.series.len() - shown.len();
    if hidden > 0 {
        let name = format!("and {hidden} more");
        entries.push(Entry { name, value: String::new(), sample: Sample::None });
    }
    if let Some((forecast, value)) = forecast {
        let continued = shown.iter().position(|series| series.name == forecast.name).unwrap_or(0);
        let name = "forecast, 80 % and 95 % bands".to_owned();
        entries.push(Entry { name, value, sample: Sample::Forecast(continued) });
    }
    entries
}

/// The height of all entries.
pub(super) fn height(entries: &[Entry]) -> f64 {
    if entries.is_empty() { 0.0 } else { rows_as_f64(rows(entries)) * ROW_HEIGHT + 8.0 }
}

fn rows(entries: &[Entry]) -> usize {
    let wide = entries.iter().filter(|entry| is_wide(entry)).count();
    (entries.len() - wide).div_ceil(COLUMNS) + wide
}

/// A forecast's words need a row of their own.
fn is_wide(entry: &Entry) -> bool {
    matches!(entry.sample, Sample::Forecast(_))
}

/// Wide entries come last.
pub(super) fn place(plot: &Plot, entries: &[Entry], index: usize) -> Place {
    let (row, column, columns) = if is_wide(&entries[index]) {
        (rows(entries) - (entries.len() - index), 0, 1)
    } else {
        (index / COLUMNS, index % COLUMNS, COLUMNS)
    };
    let width = (WIDTH - 8.0) / rows_as_f64(columns);
    Place {
        x: 4.0 + rows_as_f64(column) * width,
        y: plot.foot() + (rows_as_f64(row) + 0.5) * ROW_HEIGHT,
        room: width - SWATCH - 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::{error_rate, leak, series};

    fn names(chart: &Chart) -> Vec<(String, String)> {
        let shown = chart.by_last_value();
        entries(chart, &shown).into_iter().map(|entry| (entry.name, entry.value)).collect()
    }

    #[test]
    fn one_line_alone_needs_no_legend() {
        assert_eq!(names(&error_rate()), []);
    }

    #[test]
    fn a_forecast_is_told_apart_from_what_was_measured() {
        let told = names(&leak());
        assert_eq!(told[0].0, "measured");
        assert_eq!(told[1], ("forecast, 80 % and 95 % bands".into(), "1.04 GiB at 03:57 UTC".into()));
    }

    #[test]
    fn a_forecast_has_the_colour_of_the_line_that_it_continues() {
        let mut chart = leak();
        chart.series = vec![series("a", |_| 1.0), series("b", |_| 2.0)];
        if let Some(forecast) = &mut chart.forecast {
            forecast.name = "a".into();
        }
        let shown = chart.by_last_value();
        let last = entries(&chart, &shown).pop().expect("an entry");
        assert_eq!(last.sample, Sample::Forecast(1), "a is drawn second, as its last value is the smaller");
    }
}
