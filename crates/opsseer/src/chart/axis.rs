//! The ticks that a person would choose: 1, 2 or 5 times a power of ten for values, round times for time.

use chrono::{DateTime, TimeDelta, Utc};

use super::is_drawable;
use super::unit::{Scale, Unit};

/// About how many steps the value axis has.
const VALUE_STEPS: f64 = 4.0;

/// Steps between times, in seconds.
const TIME_STEPS: [i64; 20] = [
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 2_592_000,
];

/// The value axis: from `low` to `high`, both on a tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ValueAxis {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
    /// How the ticks are written.
    pub(super) scale: Scale,
}

impl ValueAxis {
    /// An axis on which all these values have room. Values that cannot be drawn are passed over.
    pub(super) fn covering(values: impl Iterator<Item = f64>, unit: Unit) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| is_drawable(*value)) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 0.0);
        }
        // From zero, so that heights can be compared; but not when the line would be a flat stroke far above it.
        let is_share = matches!(unit, Unit::Ratio | Unit::Percent);
        if low > 0.0 && (is_share || low < 0.6 * high || high - low < 1e-9 * high) {
            low = 0.0;
        }
        if high < 0.0 && (high > 0.6 * low || high - low < -1e-9 * low) {
            high = 0.0;
        }
        // Below this, arithmetic loses its digits.
        if high - low < 1e-300 {
            high = low + if is_share { unit.scale(1.0).factor * 10.0 } else { 1.0 };
        }
        let scale = unit.scale(low.abs().max(high.abs()));
        let rough = (high - low) / VALUE_STEPS / scale.factor;
        let is_size = matches!(unit, Unit::Bytes | Unit::BytesPerSecond);
        let step = if is_size { nice_size(rough) } else { nice(rough) } * scale.factor;
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let mut ticks = Vec::new();
        let mut index = first;
        while index <= last && ticks.len() < 12 {
            ticks.push((index * step, scale.tick(index * step, step)));
            index += 1.0;
        }
        Self { low: first * step, high: last * step, ticks, scale }
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `rough`.
fn nice(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| rough <= factor * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

/// The same for sizes, which grow by powers of two: 256 MiB, 512 MiB, 768 MiB.
fn nice_size(rough: f64) -> f64 {
    if rough < 1.0 { nice(rough) } else { rough.log2().ceil().exp2() }
}

/// Round times in UTC between `from` and `to`, at most `most` of them, with their labels.
pub(super) fn time_ticks(from: DateTime<Utc>, to: DateTime<Utc>, most: i64) -> Vec<(DateTime<Utc>, String)> {
    let seconds = (to - from).num_seconds().max(1);
    let fits = |step: &&i64| seconds / **step <= most;
    let longest = TIME_STEPS[TIME_STEPS.len() - 1];
    let step =
        TIME_STEPS.iter().find(fits).copied().unwrap_or_else(|| longest * (seconds / longest / most + 1));
    let format = match step {
        ..60 => "%H:%M:%S",
        60..86_400 if seconds <= 86_400 => "%H:%M",
        60..86_400 => "%-d %b %H:%M",
        _ => "%-d %b",
    };
    let first = from.timestamp().div_euclid(step) * step;
    (0..=most + 1)
        .filter_map(|index| DateTime::from_timestamp(first + index * step, 0))
        .filter(|at| (from..=to).contains(at))
        .map(|at| (at, at.format(format).to_string()))
        .collect()
}

/// A time as the sentence says it.
pub(super) fn time_text(at: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let format = if to - from > TimeDelta::hours(24) { "%-d %b %H:%M UTC" } else { "%H:%M UTC" };
    at.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], unit: Unit) -> Vec<String> {
        let axis = ValueAxis::covering(values.iter().copied(), unit);
        axis.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn value_ticks_are_round_and_cover_everything() {
        assert_eq!(labels(&[0.013, 0.42], Unit::Ratio), ["0 %", "20 %", "40 %", "60 %"]);
        assert_eq!(labels(&[0.02, 0.34], Unit::Seconds), ["0 ms", "100 ms", "200 ms", "300 ms", "400 ms"]);
        assert_eq!(labels(&[3e8, 9e8], Unit::Bytes), ["0 MiB", "256 MiB", "512 MiB", "768 MiB", "1024 MiB"]);
        assert_eq!(labels(&[-3.0, 4.0], Unit::Plain), ["-4", "-2", "0", "2", "4"]);
        assert_eq!(labels(&[1000.0, 1003.0], Unit::Plain), ["1 k", "1.001 k", "1.002 k", "1.003 k"]);
    }

    #[test]
    fn odd_values_still_give_an_axis() {
        assert_eq!(labels(&[], Unit::Ratio), ["0 %", "5 %", "10 %"]);
        assert_eq!(labels(&[0.0, f64::NAN, f64::INFINITY], Unit::Plain), ["0", "0.5", "1"]);
        assert_eq!(labels(&[7.0, 7.0], Unit::Plain), ["0", "2", "4", "6", "8"]);
        for values in
            [[-1.0, -1.0], [1e-300, 2e-300], [-9e299, 9e299], [f64::MIN, f64::MAX], [1e15, 1e15 + 1.0]]
        {
            let axis = ValueAxis::covering(values.into_iter(), Unit::Plain);
            assert!((2..=12).contains(&axis.ticks.len()), "{values:?} {axis:?}");
            assert!(axis.low < axis.high, "{values:?} {axis:?}");
        }
    }

    #[test]
    fn time_ticks_are_round_times() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let labels = |from, to, most| {
            time_ticks(at(from), at(to), most).into_iter().map(|(_, label)| label).collect::<Vec<_>>()
        };
        assert_eq!(
            labels("2026-01-02T02:12:18Z", "2026-01-02T03:12:18Z", 6),
            ["02:20", "02:30", "02:40", "02:50", "03:00", "03:10"]
        );
        assert_eq!(
            labels("2026-01-02T02:12:18Z", "2026-01-02T02:13:18Z", 4),
            ["02:12:30", "02:12:45", "02:13:00", "02:13:15"]
        );
        assert_eq!(
            labels("2026-01-01T20:00:00Z", "2026-01-03T02:00:00Z", 3),
            ["2 Jan 00:00", "2 Jan 12:00", "3 Jan 00:00"]
        );
        assert_eq!(labels("2026-01-02T03:00:00Z", "2026-01-02T03:00:00Z", 6), ["03:00:00"]);
        assert!(labels("1900-01-01T00:00:00Z", "2026-01-02T03:00:00Z", 6).len() <= 7);
    }
}
