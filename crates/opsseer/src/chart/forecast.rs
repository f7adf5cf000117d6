//! Where a line is heading: how a forecast is drawn, and in what words it is said.

use chrono::{DateTime, Utc};

use super::axis::time_text;
use super::{Chart, Unit, is_drawable};

/// How far beyond what was measured a band may stretch the value axis, as a part of the axis without it. A wide band
/// is cut off at the picture's edge instead of pressing the line flat.
const STRETCH: f64 = 0.75;

/// What is expected after the last measured point. All lists are as long as `points`; what one lacks is not drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForecastBand {
    /// The name of the series that it continues; may be empty when there is only one.
    pub name: String,
    /// Time and expected value, in order of time.
    pub points: Vec<(DateTime<Utc>, f64)>,
    /// The lower edge of what is expected with 80 %.
    pub low80: Vec<f64>,
    /// Its upper edge.
    pub high80: Vec<f64>,
    /// The lower edge of what is expected with 95 %.
    pub low95: Vec<f64>,
    /// Its upper edge.
    pub high95: Vec<f64>,
}

/// Lower and upper edge of a band at a moment.
pub(super) type Edge = (DateTime<Utc>, f64, f64);

impl ForecastBand {
    /// The expected values that can be drawn.
    pub(super) fn line(&self) -> Vec<(DateTime<Utc>, f64)> {
        self.points.iter().copied().filter(|(_, value)| is_drawable(*value)).collect()
    }

    pub(super) fn band80(&self) -> Vec<Edge> {
        self.band(&self.low80, &self.high80)
    }

    pub(super) fn band95(&self) -> Vec<Edge> {
        self.band(&self.low95, &self.high95)
    }

    fn band(&self, low: &[f64], high: &[f64]) -> Vec<Edge> {
        let edges = self.points.iter().zip(low.iter().zip(high));
        let edges = edges.filter(|(_, (low, high))| is_drawable(**low) && is_drawable(**high));
        edges.map(|((at, _), (low, high))| (*at, low.min(*high), low.max(*high))).collect()
    }

    /// What the value axis has to show of it, beside values between `low` and `high`: the expected line, and the bands
    /// as far as they do not press everything else flat, and not where such values never are: what is never negative
    /// will not be, and no part is more than the whole.
    pub(super) fn values_to_show(&self, low: f64, high: f64, unit: Unit) -> Vec<f64> {
        let line: Vec<f64> = self.line().into_iter().map(|(_, value)| value).collect();
        let low = line.iter().copied().fold(low, f64::min);
        let high = line.iter().copied().fold(high, f64::max);
        let room = (high - low) * STRETCH;
        let whole = match unit {
            Unit::Ratio => 1.0,
            Unit::Percent => 100.0,
            _ => f64::INFINITY,
        };
        let floor = if low >= 0.0 { f64::max(0.0, low - room) } else { low - room };
        let ceiling = if high <= whole { f64::min(whole, high + room) } else { high + room };
        let edges = self.band80().into_iter().chain(self.band95());
        let edges = edges.flat_map(|(_, from, to)| [from.max(floor), to.min(ceiling)]);
        edges.chain(line).filter(|value| is_drawable(*value)).collect()
    }
}

impl Chart {
    /// The forecast, if there is anything of it to draw.
    pub(super) fn drawn_forecast(&self) -> Option<&ForecastBand> {
        self.forecast.as_ref().filter(|forecast| forecast.line().iter().any(|(at, _)| *at > self.to))
    }

    /// The right edge of the picture: now, or the forecast's end.
    pub(super) fn end(&self) -> DateTime<Utc> {
        let line = self.drawn_forecast().map(ForecastBand::line).unwrap_or_default();
        line.last().map_or(self.to, |(at, _)| self.to.max(*at))
    }

    /// The expected value at the forecast's end, for the legend: "62 % at 03:42 UTC".
    pub(super) fn forecast_value(&self) -> Option<String> {
        let (at, value) = self.drawn_forecast()?.line().last().copied()?;
        Some(format!("{} at {}", self.unit.text(value), time_text(at, self.from, self.end())))
    }

    /// The forecast in a sentence, for those who do not see the picture.
    pub(super) fn forecast_words(&self) -> Option<String> {
        let forecast = self.drawn_forecast()?;
        let at_end = self.forecast_value()?;
        let edge = |band: Vec<Edge>, share: &str| {
            let words = |(_, low, high): &Edge| {
                format!(", with {share} between {} and {}", self.unit.text(*low), self.unit.text(*high))
            };
            band.last().map(words).unwrap_or_default()
        };
        Some(format!(
            "The forecast is {at_end}{}{}.",
            edge(forecast.band80(), "80 %"),
            edge(forecast.band95(), "95 %")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::test_data::{at, leak};

    #[test]
    fn a_wide_band_does_not_press_the_line_flat() {
        let forecast = ForecastBand {
            points: vec![(at(1), 2.0), (at(2), 3.0)],
            low80: vec![1.5, -1e9],
            high80: vec![2.5, 1e9],
            low95: vec![f64::NAN, 0.0],
            high95: vec![4.0, f64::INFINITY],
            ..ForecastBand::default()
        };
        let shown = forecast.values_to_show(1.0, 2.0, Unit::Plain);
        let (low, high) = shown.iter().fold((0.0_f64, 0.0_f64), |(l, h), v| (l.min(*v), h.max(*v)));
        assert!(low.abs() < 1e-9 && (high - 4.5).abs() < 1e-9, "nothing was ever negative: {shown:?}");
        let shown = forecast.values_to_show(-1.0, 0.5, Unit::Ratio);
        assert!(shown.iter().all(|value| (-4.0..=6.0).contains(value)), "{shown:?}");
        assert_eq!(forecast.band95(), vec![], "an edge that is no number is no band");
    }

    #[test]
    fn is_said_in_words() {
        let words = leak().forecast_words().expect("a forecast");
        assert_eq!(
            words,
            "The forecast is 1.04 GiB at 03:57 UTC, with 80 % between 934 MiB and 1.17 GiB, with 95 % between \
             876 MiB and 1.23 GiB."
        );
        let mut passed = leak();
        passed.to = at(1000);
        assert_eq!(passed.forecast_words(), None, "what lies in the past is no forecast");
    }
}
