//! The same data as a table, for those who do not see the picture or want the exact figures.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Chart, ChartSeries, MAX_SERIES};

#[derive(Template)]
#[template(path = "chart/table.html")]
struct Table {
    title: String,
    names: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
    /// How many series are not in the table.
    hidden: usize,
    expected: Vec<(String, [String; 3])>,
}

impl Chart {
    /// The numbers in a closed `<details>`: a row a time, a column a series; what is expected has a table of its own.
    pub fn table(&self) -> String {
        let mut shown = self.by_last_value();
        shown.truncate(MAX_SERIES);
        let mut rows: BTreeMap<DateTime<Utc>, Vec<Option<f64>>> = BTreeMap::new();
        for (column, series) in shown.iter().enumerate() {
            let inside = series.points.iter().filter(|(at, _)| (self.from..=self.to).contains(at));
            for (at, value) in inside {
                rows.entry(*at).or_insert_with(|| vec![None; shown.len()])[column] = Some(*value);
            }
        }
        let text = |value: &Option<f64>| value.map_or_else(String::new, |value| self.unit.text(value));
        let rows = rows.iter().map(|(at, values)| (self.moment(*at), values.iter().map(text).collect()));
        let table = Table {
            title: self.title.clone(),
            names: shown.iter().map(|series| self.column_name(series)).collect(),
            rows: rows.collect(),
            hidden: self.series.len() - shown.len(),
            expected: self.expected_rows(),
        };
        // Writing into a String does not fail, and the template has no other way to.
        table.render().unwrap_or_default()
    }

    fn column_name(&self, series: &ChartSeries) -> String {
        if self.series.len() == 1 && series.name.is_empty() {
            return "Value".to_owned();
        }
        self.distinct_name(series)
    }

    fn expected_rows(&self) -> Vec<(String, [String; 3])> {
        let Some(forecast) = self.drawn_forecast() else { return Vec::new() };
        let band = |low: &[f64], high: &[f64], index: usize| match (low.get(index), high.get(index)) {
            (Some(low), Some(high)) => format!("{} to {}", self.unit.text(*low), self.unit.text(*high)),
            _ => String::new(),
        };
        let rows = forecast.points.iter().enumerate().map(|(index, (at, value))| {
            let band80 = band(&forecast.low80, &forecast.high80, index);
            let band95 = band(&forecast.low95, &forecast.high95, index);
            (self.moment(*at), [self.unit.text(*value), band80, band95])
        });
        rows.collect()
    }

    fn moment(&self, at: DateTime<Utc>) -> String {
        let is_long = self.end() - self.from > TimeDelta::hours(24);
        at.format(if is_long { "%-d %b %H:%M:%S" } else { "%H:%M:%S" }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::{error_rate, leak, series};

    #[test]
    fn every_point_is_a_row_with_its_time_and_unit() {
        let html = error_rate().table();
        assert_eq!(html.matches("<tr>").count(), 62, "{html}");
        assert!(html.contains("<th scope=\"row\">03:12:18</th><td>41.6 %</td>"), "{html}");
        assert!(!html.contains("Expected"), "{html}");
    }

    #[test]
    fn series_that_lack_a_time_have_an_empty_cell_and_hostile_names_are_text() {
        let mut short = series("<script>", |_| 2.0);
        short.points.truncate(1);
        let chart = Chart { series: vec![short, series("b", |_| 3.0)], ..error_rate() };
        let html = chart.table();
        assert!(html.contains("<td>300 %</td><td>200 %</td>") && html.contains("<td>300 %</td><td></td>"));
        assert!(!html.contains("<script>"), "{html}");
    }

    #[test]
    fn what_is_expected_comes_with_its_bands() {
        let html = leak().table();
        assert!(html.contains("<td>1.04 GiB</td><td>934 MiB to 1.17 GiB</td><td>876 MiB to 1.23 GiB</td>"));
    }
}
