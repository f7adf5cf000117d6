//! The numbers behind a picture, as JSON: for the read-out on the page, the table, and to draw the picture again over a
//! shorter time.

use chrono::{DateTime, Utc};
use opsseer_connect::promql::Comparison;
use serde::{Deserialize, Serialize};

use super::picture::plot_box;
use super::unit::Unit;
use super::{Chart, ChartSeries, ForecastBand, Mark, MarkKind, is_drawable};

/// More series than this are not kept. The picture draws fewer still.
const MAX_SERIES: usize = 40;

/// A chart as plain data. Times are milliseconds since 1970 in UTC; a value that is no finite number is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartData {
    /// The heading.
    pub title: String,
    /// What the values are.
    pub unit: Unit,
    /// The left edge.
    pub from: i64,
    /// Now; the right edge, unless there is a forecast.
    pub to: i64,
    /// The lines as drawn: the largest last value first.
    pub series: Vec<SeriesData>,
    /// The limit.
    pub limit: Option<LimitData>,
    /// What happened meanwhile.
    pub marks: Vec<MarkData>,
    /// What is expected.
    pub forecast: Option<ForecastData>,
    /// Where the lines stand in the picture.
    pub plot: PlotBox,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesData {
    /// Its whole name.
    pub name: String,
    /// Its name in the legend.
    pub label: String,
    /// Time and value.
    pub points: Vec<(i64, Option<f64>)>,
}

/// The limit, and which side of it raises the alert.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LimitData {
    /// Its value.
    pub value: f64,
    /// What raises the alert.
    pub comparison: Comparison,
}

/// A moment that is pointed out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarkData {
    /// When.
    pub at: i64,
    /// What, in a word or two.
    pub label: String,
    /// Of what kind.
    pub kind: MarkKind,
}

/// What is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastData {
    /// The series that it continues.
    pub name: String,
    /// Time, expected value, then the lower and upper edges of 80 % and of 95 %.
    pub points: Vec<(i64, [Option<f64>; 5])>,
}

/// Where the lines stand in the picture, in units of its `viewBox`, and how its values are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlotBox {
    /// The picture's width.
    pub width: f64,
    /// The picture's height.
    pub height: f64,
    /// The left edge of the lines: the time `from`.
    pub left: f64,
    /// Their right edge: the time `end`.
    pub right: f64,
    /// Their upper edge: the value `high`.
    pub top: f64,
    /// Their lower edge: the value `low`.
    pub bottom: f64,
    /// The time at the right edge.
    pub end: i64,
    /// The value at the lower edge.
    pub low: f64,
    /// The value at the upper edge.
    pub high: f64,
    /// A value is divided by this and written before `suffix`.
    pub factor: f64,
    /// Its unit with a space before it, for example " ms".
    pub suffix: String,
}

impl Chart {
    /// The numbers of the picture, to be kept beside it as `application/json`.
    pub fn data(&self) -> ChartData {
        let mut series = self.by_last_value();
        series.truncate(MAX_SERIES);
        let series = series.into_iter().map(|one| SeriesData {
            name: one.name.clone(),
            label: if self.series.len() > 1 { self.distinct_name(one) } else { one.name.clone() },
            points: one.points.iter().map(|(at, value)| (at.timestamp_millis(), finite(*value))).collect(),
        });
        let marks = self.marks.iter().map(|mark| MarkData {
            at: mark.at.timestamp_millis(),
            label: mark.label.clone(),
            kind: mark.kind,
        });
        let limit = self.threshold.filter(|(value, _)| is_drawable(*value));
        ChartData {
            title: self.title.clone(),
            unit: self.unit,
            from: self.from.timestamp_millis(),
            to: self.to.timestamp_millis(),
            series: series.collect(),
            limit: limit.map(|(value, comparison)| LimitData { value, comparison }),
            marks: marks.collect(),
            forecast: self.forecast.as_ref().map(ForecastData::from),
            plot: plot_box(self),
        }
    }
}

impl From<&ForecastBand> for ForecastData {
    fn from(band: &ForecastBand) -> Self {
        let edge = |values: &[f64], index: usize| values.get(index).copied().and_then(finite);
        let points = band.points.iter().enumerate().map(|(index, (at, value))| {
            let edges = [&band.low80, &band.high80, &band.low95, &band.high95];
            let [low80, high80, low95, high95] = edges.map(|values| edge(values, index));
            (at.timestamp_millis(), [finite(*value), low80, high80, low95, high95])
        });
        Self { name: band.name.clone(), points: points.collect() }
    }
}

impl ChartData {
    /// The JSON text, one line.
    pub fn to_json(&self) -> String {
        // Plain data with text keys does not fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The chart that these numbers are of.
    pub fn chart(&self) -> Chart {
        let series = self.series.iter().map(|one| ChartSeries {
            name: one.name.clone(),
            points: one.points.iter().map(|(at, value)| (time(*at), value.unwrap_or(f64::NAN))).collect(),
        });
        let marks = self.marks.iter();
        Chart {
            title: self.title.clone(),
            unit: self.unit,
            from: time(self.from),
            to: time(self.to),
            series: series.collect(),
            threshold: self.limit.map(|limit| (limit.value, limit.comparison)),
            marks: marks
                .map(|mark| Mark { at: time(mark.at), label: mark.label.clone(), kind: mark.kind })
                .collect(),
            forecast: self.forecast.as_ref().map(ForecastData::band),
        }
    }
}

impl ForecastData {
    fn band(&self) -> ForecastBand {
        let column = |index: usize| -> Vec<f64> {
            self.points.iter().map(|(_, values)| values[index].unwrap_or(f64::NAN)).collect()
        };
        ForecastBand {
            name: self.name.clone(),
            points: self
                .points
                .iter()
                .map(|(at, values)| (time(*at), values[0].unwrap_or(f64::NAN)))
                .collect(),
            low80: column(1),
            high80: column(2),
            low95: column(3),
            high95: column(4),
        }
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Times outside what can be told are put at its end.
fn time(millis: i64) -> DateTime<Utc> {
    let edge = if millis < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_millis(millis).unwrap_or(edge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::{at, leak, series};

    #[test]
    fn the_same_picture_can_be_drawn_from_the_numbers() {
        let mut chart = leak();
        chart.series[0].points[7].1 = f64::NAN;
        let read: ChartData = serde_json::from_str(&chart.data().to_json()).expect("JSON");
        assert_eq!(read.chart().svg(), chart.svg());
    }

    #[test]
    fn the_lines_are_where_the_picture_has_them() {
        let chart = leak();
        let plot = chart.data().plot;
        assert!(chart.svg().contains(&format!("viewBox=\"0 0 {} {}\"", plot.width, plot.height)));
        assert_eq!(plot.end, at(105).timestamp_millis());
        assert_eq!((plot.factor, plot.suffix.as_str()), (1_073_741_824.0, " GiB"));
        assert!(plot.left < plot.right && plot.top < plot.bottom && plot.low < plot.high);
    }

    #[test]
    fn what_no_one_would_read_is_left_out() {
        let many = (0..90_u8).map(|index| series(&index.to_string(), move |_| f64::from(index))).collect();
        let data = Chart { series: many, ..leak() }.data();
        assert_eq!(data.series.len(), MAX_SERIES);
        assert_eq!(data.series[0].label, "89", "in the order of the legend");
    }
}
