//! The one place that draws a metric: an SVG that stands alone, and one sentence that says what it shows.
//!
//! The page, the timeline and, later, Slack and the postmortem show the same picture. It is shown by `<img>`, so it
//! brings its own styles, for light and dark and for narrow places, and needs neither script nor font from elsewhere.
//! Everything here is pure: the same chart gives the same picture.

mod axis;
mod data;
mod forecast;
mod labels;
mod layout;
mod legend;
mod line;
mod look;
mod marks;
mod number;
mod part;
mod path;
mod picture;
mod png;
mod sentence;
mod spark;
mod table;
mod unit;

use chrono::{DateTime, Utc};
use opsseer_connect::promql::Comparison;
use serde::{Deserialize, Serialize};

pub use data::{ChartData, ForecastData, LimitData, MarkData, PlotBox, SeriesData};
pub use forecast::ForecastBand;
pub use look::Theme;
pub use png::PngError;
pub use spark::Spark;
pub use unit::Unit;

pub(crate) use layout::{Set, WIDTH};
pub(crate) use look::{Colours, Look};
pub(crate) use path::Px;
pub(crate) use picture::printable;
pub(crate) use png::png_of;

/// More series than this are not drawn, only counted.
pub const MAX_SERIES: usize = 8;

/// What is to be drawn.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What the picture shows, as a heading.
    pub title: String,
    /// What the values are.
    pub unit: Unit,
    /// The left edge.
    pub from: DateTime<Utc>,
    /// Now. The right edge, unless a forecast goes on beyond it.
    pub to: DateTime<Utc>,
    /// The lines. Any number; the ones with the largest last values are drawn.
    pub series: Vec<ChartSeries>,
    /// The limit, and which side of it raises the alert.
    pub threshold: Option<(f64, Comparison)>,
    /// What happened meanwhile.
    pub marks: Vec<Mark>,
    /// What is expected after `to`.
    pub forecast: Option<ForecastBand>,
}

/// One line of the chart.
#[derive(Debug, Clone)]
pub struct ChartSeries {
    /// For the legend; may be empty when there is only one.
    pub name: String,
    /// Time and value in order of time. Values that are no finite numbers leave a gap.
    pub points: Vec<(DateTime<Utc>, f64)>,
}

/// A moment that the picture points out.
#[derive(Debug, Clone)]
pub struct Mark {
    /// When. Moments outside the picture are left out.
    pub at: DateTime<Utc>,
    /// What, in a word or two.
    pub label: String,
    /// Decides the colour.
    pub kind: MarkKind,
}

/// What kind of moment a mark points out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// An alert fired.
    Fired,
    /// It is over.
    Resolved,
    /// Something else that may explain the line, such as a deployment.
    Change,
    /// Something that the forecast expects, such as the crossing of the limit.
    Expected,
    /// Where what was measured ends. Pictures with a forecast have it by themselves.
    Now,
}

impl Chart {
    /// The picture for a page: one `<svg>` element, at most a few ten kilobytes, that follows its reader's theme and
    /// the width at which it is shown.
    pub fn svg(&self) -> String {
        picture::draw(self, &Look::OF_PAGE)
    }

    /// The picture of so many pixels in one theme, for where styles cannot ask their reader.
    pub fn svg_of_size(&self, width: u32, height: u32, theme: Theme) -> String {
        picture::draw(self, &Look::of_size(width, height, theme))
    }

    /// The same as PNG, with letters that the program brings along.
    pub fn png(&self, width: u32, height: u32, theme: Theme) -> Result<Vec<u8>, PngError> {
        png_of(&self.svg_of_size(width, height, theme), width, height, theme)
    }

    /// What the picture shows in one line without a full stop at its end, for example
    /// "41 % now, above the limit of 10 % since 03:11 UTC".
    pub fn sentence(&self) -> String {
        sentence::sentence(self)
    }

    /// The series from the largest last value to the smallest; those without any value come last.
    fn by_last_value(&self) -> Vec<&ChartSeries> {
        let mut series: Vec<&ChartSeries> = self.series.iter().collect();
        let last = |one: &ChartSeries| one.last().map_or(f64::NEG_INFINITY, |(_, value)| value);
        series.sort_by(|a, b| last(b).total_cmp(&last(a)));
        series
    }

    /// The parts of a series' name, between commas, that not all series have; all of it when nothing would be left.
    fn distinct_name(&self, series: &ChartSeries) -> String {
        let shared =
            |part: &&str| self.series.iter().all(|other| other.name.split(", ").any(|it| it == *part));
        let own: Vec<&str> = series.name.split(", ").filter(|part| !shared(part)).collect();
        match (own.as_slice(), series.name.as_str()) {
            ([], "") | ([""], _) => "(no labels)".to_owned(),
            ([], whole) => whole.to_owned(),
            (parts, _) => parts.join(", "),
        }
    }
}

impl ChartSeries {
    fn finite(&self) -> impl DoubleEndedIterator<Item = (DateTime<Utc>, f64)> {
        self.points.iter().copied().filter(|(_, value)| is_drawable(*value))
    }

    /// The last point that has a finite value.
    fn last(&self) -> Option<(DateTime<Utc>, f64)> {
        self.finite().next_back()
    }
}

/// Neither `NaN` nor infinite, nor so large that arithmetic with it would be.
fn is_drawable(value: f64) -> bool {
    value.abs() < 1e300
}

#[cfg(test)]
mod test_data;
#[cfg(test)]
mod tests;
