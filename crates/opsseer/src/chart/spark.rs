//! A small picture beside a name: the shape of one series before and during an incident.

use std::fmt::Write as _;

use askama::Template;
use chrono::{DateTime, Utc};

use super::path::Px;
use super::picture::printable;
use super::{ChartSeries, is_drawable, line};

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 40.0;

/// Room for the stroke and for the dot at the end.
const MARGIN: f64 = 4.0;

/// One series without axes, 160 by 40: what was before `mark` is quiet, what came after it is shaded.
#[derive(Debug, Clone, Default)]
pub struct Spark {
    /// Time and value in order of time. Values that are no finite numbers leave a gap.
    pub points: Vec<(DateTime<Utc>, f64)>,
    /// When it began.
    pub mark: Option<DateTime<Utc>>,
}

#[derive(Template)]
#[template(path = "chart/spark.svg")]
struct Picture<'a> {
    alt: String,
    /// Whether it brings its own styles.
    is_alone: bool,
    before: &'a str,
    during: &'a str,
    dots: Vec<(Px, Px, bool)>,
    /// The left edge of the shade.
    shade: Option<Px>,
    end: Option<(Px, Px)>,
}

impl Spark {
    /// A picture that stands alone, to be shown by `<img>`; light and dark. `alt` says what it shows.
    pub fn svg(&self, alt: &str) -> String {
        self.draw(alt, true)
    }

    /// The same as a part of a page, whose style sheet has the colours (classes `spark`, `before`, `during`, `shade`).
    pub fn inline(&self, alt: &str) -> String {
        self.draw(alt, false)
    }

    fn draw(&self, alt: &str, is_alone: bool) -> String {
        let (Some((from, _)), Some((to, _))) = (self.points.first(), self.points.last()) else {
            return picture(alt, is_alone, "", "", Vec::new(), None, None);
        };
        let values = || self.points.iter().map(|(_, value)| *value).filter(|value| is_drawable(*value));
        let (low, high) =
            values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a picture's range are few")]
        let x = |at: DateTime<Utc>| {
            let share = (at - from).num_milliseconds() as f64 / (*to - from).num_milliseconds().max(1) as f64;
            MARGIN + share * (WIDTH - 2.0 * MARGIN)
        };
        let y = |value: f64| {
            // A line that never moves stands in the middle.
            let share = if high > low { (value - low) / (high - low) } else { 0.5 };
            HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN)
        };
        let series = ChartSeries { name: String::new(), points: self.points.clone() };
        let runs = line::runs(&series, *from, *to, line::usual_step(&[&series]));
        let (mut before, mut during, mut dots) = (String::new(), String::new(), Vec::new());
        for run in &runs {
            if let [(at, value)] = run.as_slice() {
                dots.push((Px(x(*at)), Px(y(*value)), self.is_during(*at)));
            }
            for two in run.windows(2) {
                let path = if self.is_during(two[1].0) { &mut during } else { &mut before };
                stroke(path, (x(two[0].0), y(two[0].1)), (x(two[1].0), y(two[1].1)));
            }
        }
        let shade = self.mark.filter(|mark| mark < to).map(|mark| Px(x(mark.max(*from))));
        let end = runs.last().and_then(|run| run.last()).map(|(at, value)| (Px(x(*at)), Px(y(*value))));
        picture(alt, is_alone, &before, &during, dots, shade, end)
    }

    fn is_during(&self, at: DateTime<Utc>) -> bool {
        self.mark.is_some_and(|mark| at > mark)
    }
}

/// Adds a stroke to a path, which goes on where the last stroke ended.
fn stroke(path: &mut String, from: (f64, f64), to: (f64, f64)) {
    let start = format!("{} {}", Px(from.0), Px(from.1));
    if !path.ends_with(&start) {
        // Writing into a String does not fail.
        let _ = write!(path, "M{start}");
    }
    let _ = write!(path, "L{} {}", Px(to.0), Px(to.1));
}

fn picture(
    alt: &str,
    is_alone: bool,
    before: &str,
    during: &str,
    dots: Vec<(Px, Px, bool)>,
    shade: Option<Px>,
    end: Option<(Px, Px)>,
) -> String {
    let picture = Picture { alt: printable(alt), is_alone, before, during, dots, shade, end };
    // Writing into a String does not fail, and the template has no other way to.
    picture.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::at;

    fn spark(value: impl Fn(i64) -> f64, mark: Option<i64>) -> Spark {
        Spark { points: (0..=60).map(|minute| (at(minute), value(minute))).collect(), mark: mark.map(at) }
    }

    #[test]
    fn what_came_after_the_onset_is_shaded_and_set_apart() {
        let svg = spark(|minute| if minute > 40 { 9.0 } else { 1.0 }, Some(40)).svg("CPU of cart");
        assert!(svg.contains("CPU of cart") && svg.contains("<style>"), "{svg}");
        let path = |class: &str| {
            let start = svg.split(&format!("class=\"{class}\" d=\"")).nth(1).expect("a path");
            start.split('"').next().expect("its end").to_owned()
        };
        assert!(path("before").starts_with("M4 36L"), "{svg}");
        assert!(path("during").ends_with("156 4"), "{svg}");
        assert!(svg.contains("class=\"shade\" x=\"105.3\""), "{svg}");
    }

    #[test]
    fn within_a_page_it_has_no_styles_of_its_own() {
        let svg = spark(|_| 2.0, None).inline("<b>");
        assert!(!svg.contains("<style") && !svg.contains("<b>") && !svg.contains("xmlns"), "{svg}");
        assert!(svg.contains("L156 20"), "a flat line stands in the middle: {svg}");
    }

    #[test]
    fn no_values_break_it() {
        for value in [f64::NAN, f64::INFINITY, f64::MAX, -1e299, 0.0] {
            for mark in [None, Some(-50), Some(30), Some(500)] {
                let svg = spark(|minute| if minute % 2 == 0 { value } else { 1.0 }, mark).svg("");
                assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
        assert!(Spark::default().svg("").ends_with("</svg>"));
    }
}
