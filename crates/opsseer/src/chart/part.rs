//! A closer look at a part of a chart.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Chart, ForecastBand};

/// A picture of less would show a point or two.
const SHORTEST: TimeDelta = TimeDelta::seconds(5);

impl Chart {
    /// The same chart over a part of its time, with axes of its own. Moments outside it are moved to its edges.
    #[must_use]
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        // What was measured is always there to compare with.
        let latest = (self.to - SHORTEST).max(self.from);
        let from = from.clamp(self.from, latest);
        let end = to.min(self.end()).max(from + SHORTEST);
        let mut part = Self { from, to: end.min(self.to), ..self.clone() };
        let edge = part.to;
        for series in &mut part.series {
            series.points.retain(|(at, _)| (from..=edge).contains(at));
        }
        part.forecast = part.forecast.filter(|_| end > self.to).map(|forecast| forecast.until(end));
        part
    }
}

impl ForecastBand {
    fn until(mut self, end: DateTime<Utc>) -> Self {
        let kept = self.points.iter().take_while(|(at, _)| *at <= end).count();
        self.points.truncate(kept);
        for edge in [&mut self.low80, &mut self.high80, &mut self.low95, &mut self.high95] {
            edge.truncate(kept);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::chart::test_data::{at, error_rate, leak};

    #[test]
    fn a_part_has_the_points_and_the_axis_of_its_own_time() {
        let part = error_rate().between(at(10), at(20));
        assert_eq!((part.from, part.to), (at(10), at(20)));
        assert_eq!(part.series[0].points.len(), 11);
        assert!(part.data().plot.high < error_rate().data().plot.high);
    }

    #[test]
    fn a_part_that_reaches_beyond_now_keeps_the_forecast_up_to_there() {
        let part = leak().between(at(50), at(80));
        assert_eq!((part.from, part.to, part.end()), (at(50), at(60), at(80)));
        let before = leak().between(at(20), at(40));
        assert_eq!((before.to, before.forecast), (at(40), None));
    }

    #[test]
    fn odd_wishes_are_moved_to_what_there_is() {
        for (from, to) in [(at(99), at(90)), (at(-500), at(500)), (at(60), at(60)), (at(0), at(0))] {
            let part = leak().between(from, to);
            assert!(part.from < part.to, "{from} {to}");
            assert!(part.svg().ends_with("</svg>"));
        }
    }
}
