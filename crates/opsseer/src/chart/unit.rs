//! What a value is, how it is written, and how an expression tells.

use opsseer_connect::promql::metric_names;
use serde::{Deserialize, Serialize};

use super::number::{rounded, significant};

/// What the values of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A number of things: 1.2 k.
    Plain,
    /// Things per second: 35 /s.
    PerSecond,
    /// A part of one, written as a percentage: 0.41 is 41 %.
    Ratio,
    /// A percentage already: 41 is 41 %.
    Percent,
    /// A duration in seconds: 0.3 is 300 ms.
    Seconds,
    /// A duration in milliseconds.
    Milliseconds,
    /// A size in bytes: 512 MiB.
    Bytes,
    /// A rate of bytes: 12 MiB/s.
    BytesPerSecond,
}

/// A unit of the size that suits some values: the value divided by `factor` is written before `suffix`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) factor: f64,
    pub(super) suffix: &'static str,
}

const KIBI: f64 = 1024.0;

const COUNTS: [(f64, &str); 5] = [(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G"), (1e12, " T")];
const RATES: [(f64, &str); 5] = [(1.0, " /s"), (1e3, " k/s"), (1e6, " M/s"), (1e9, " G/s"), (1e12, " T/s")];
/// Up to two minutes in seconds, up to two hours in minutes, up to two days in hours.
const DURATIONS: [(f64, f64, &str); 7] = [
    (0.0, 1e-9, " ns"),
    (1e-6, 1e-6, " µs"),
    (1e-3, 1e-3, " ms"),
    (1.0, 1.0, " s"),
    (120.0, 60.0, " min"),
    (7200.0, 3600.0, " h"),
    (172_800.0, 86_400.0, " d"),
];
const BYTES: [(f64, &str); 6] = [
    (1.0, " B"),
    (KIBI, " KiB"),
    (KIBI * KIBI, " MiB"),
    (KIBI * KIBI * KIBI, " GiB"),
    (KIBI * KIBI * KIBI * KIBI, " TiB"),
    (KIBI * KIBI * KIBI * KIBI * KIBI, " PiB"),
];
const BYTE_RATES: [(f64, &str); 5] = [
    (1.0, " B/s"),
    (KIBI, " KiB/s"),
    (KIBI * KIBI, " MiB/s"),
    (KIBI * KIBI * KIBI, " GiB/s"),
    (KIBI * KIBI * KIBI * KIBI, " TiB/s"),
];

impl Unit {
    /// The unit that the words of a PromQL expression suggest. Prometheus's naming rules put the unit into the name
    /// (<https://prometheus.io/docs/practices/naming/>); a wrong guess only mislabels, so nothing is guessed from values.
    pub fn guess(expr: &str) -> Self {
        let names = metric_names(expr);
        let units: Vec<Option<Self>> = names.iter().map(|name| unit_of_name(name)).collect();
        let same =
            units.first().copied().flatten().filter(|unit| units.iter().all(|other| *other == Some(*unit)));
        let is_rate = ["rate(", "irate(", "deriv("].iter().any(|function| expr.contains(function));
        let times_100 = ["* 100", "*100", "100 *", "100*"].iter().any(|product| expr.contains(product));
        if matches!(same, Some(Self::Ratio | Self::Percent)) && !times_100 {
            return same.unwrap_or(Self::Plain);
        }
        if times_100 && (names.len() > 1 || same == Some(Self::Ratio) || expr.contains('/')) {
            return Self::Percent;
        }
        if is_average(&names, expr) || expr.contains("histogram_quantile") {
            return same.unwrap_or(Self::Plain);
        }
        let divides = expr.contains('/');
        match same {
            _ if divides && names.len() > 1 => Self::Ratio,
            _ if divides && is_rate && expr.matches("rate(").count() > 1 => Self::Ratio,
            Some(_) if divides => Self::Plain,
            Some(Self::Bytes) if is_rate => Self::BytesPerSecond,
            // Seconds per second are a share of the time: CPU.
            Some(Self::Seconds) if is_rate => Self::Plain,
            Some(unit) => unit,
            None if is_rate => Self::PerSecond,
            None => Self::Plain,
        }
    }

    /// A single value with its unit: "41.3 %", "300 ms", "512 MiB".
    pub fn text(self, value: f64) -> String {
        if value.is_nan() {
            return "no number".to_owned();
        }
        if value.is_infinite() {
            return if value > 0.0 { "infinite".to_owned() } else { "minus infinite".to_owned() };
        }
        let Scale { factor, suffix } = self.scale(value.abs());
        format!("{}{suffix}", significant(value / factor))
    }

    /// The size of unit that suits values up to `largest`.
    pub(super) fn scale(self, largest: f64) -> Scale {
        let of = |scales: &[(f64, &'static str)]| {
            let fitting = scales.iter().rev().find(|(factor, _)| largest >= *factor).unwrap_or(&scales[0]);
            Scale { factor: fitting.0, suffix: fitting.1 }
        };
        let duration = |seconds: f64, second: f64| {
            // Zero is written in seconds.
            let fitting = DURATIONS.iter().rev().find(|(from, _, _)| seconds >= *from && seconds > 0.0);
            let (_, factor, suffix) = fitting.unwrap_or(&DURATIONS[3]);
            Scale { factor: factor * second, suffix }
        };
        match self {
            Self::Plain => of(&COUNTS),
            Self::PerSecond => of(&RATES),
            Self::Ratio => Scale { factor: 0.01, suffix: " %" },
            Self::Percent => Scale { factor: 1.0, suffix: " %" },
            Self::Seconds => duration(largest, 1.0),
            Self::Milliseconds => duration(largest / 1e3, 1e3),
            Self::Bytes => of(&BYTES),
            Self::BytesPerSecond => of(&BYTE_RATES),
        }
    }
}

impl Scale {
    /// A tick's label: as many decimals as the step between ticks needs.
    pub(super) fn tick(self, value: f64, step: f64) -> String {
        let step = step / self.factor;
        let decimals = (0..9).find(|decimals| {
            let scaled = step * 10_f64.powi(*decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0) && scaled >= 0.5
        });
        let decimals = decimals.and_then(|decimals| usize::try_from(decimals).ok());
        let number =
            decimals.map_or_else(|| significant(value / self.factor), |it| rounded(value / self.factor, it));
        format!("{number}{}", self.suffix)
    }
}

/// The unit that stands in a metric's name.
fn unit_of_name(name: &str) -> Option<Unit> {
    let words: Vec<&str> = name.split(['_', ':']).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let pairs = |first: &[&str], second: &str| {
        words.windows(2).any(|two| first.contains(&two[0]) && two[1] == second)
    };
    if has(&["ratio"]) || pairs(&["error", "errors", "failure", "success"], "rate") {
        Some(Unit::Ratio)
    } else if has(&["percent", "percentage", "pct"]) {
        Some(Unit::Percent)
    } else if has(&["bytes"]) {
        Some(Unit::Bytes)
    } else if has(&["seconds"]) {
        Some(Unit::Seconds)
    } else if has(&["milliseconds", "ms", "millis"]) {
        Some(Unit::Milliseconds)
    } else {
        None
    }
}

/// `rate(x_sum[5m]) / rate(x_count[5m])`: a mean, in the unit of x.
fn is_average(names: &[String], expr: &str) -> bool {
    match names {
        [sum, count] => {
            let base = sum.strip_suffix("_sum");
            expr.contains('/') && base.is_some() && base == count.strip_suffix("_count")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_from_names_and_operations() {
        for (expr, unit) in [
            ("toyprod:error_rate:ratio_5m", Unit::Ratio),
            ("toyprod:p95_latency_seconds:5m", Unit::Seconds),
            ("svc:mem_usage:percent", Unit::Percent),
            ("svc:mem_usage_bytes", Unit::Bytes),
            ("up", Unit::Plain),
            ("sum(rate(toyprod_requests_total[5m]))", Unit::PerSecond),
            ("rate(node_network_receive_bytes_total[5m])", Unit::BytesPerSecond),
            (r#"sum(rate(r_total{status=~"5.."}[5m])) / sum(rate(r_total[5m]))"#, Unit::Ratio),
            (r#"100 * sum(rate(r_total{status=~"5.."}[5m])) / sum(rate(r_total[5m]))"#, Unit::Percent),
            ("node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", Unit::Ratio),
            ("histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))", Unit::Seconds),
            ("rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])", Unit::Seconds),
            ("rate(process_cpu_seconds_total[5m])", Unit::Plain),
            ("x_bytes / 1024", Unit::Plain),
            ("request_duration_milliseconds", Unit::Milliseconds),
            ("not ( promql", Unit::Plain),
        ] {
            assert_eq!(Unit::guess(expr), unit, "{expr}");
        }
    }

    #[test]
    fn writes_values_in_the_unit_that_suits_them() {
        for (unit, value, text) in [
            (Unit::Ratio, 0.412, "41.2 %"),
            (Unit::Percent, 95.0, "95 %"),
            (Unit::Seconds, 0.3, "300 ms"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Seconds, 90.0, "90 s"),
            (Unit::Seconds, 5400.0, "90 min"),
            (Unit::Milliseconds, 1500.0, "1.5 s"),
            (Unit::Bytes, 536_870_912.0, "512 MiB"),
            (Unit::BytesPerSecond, 1536.0, "1.5 KiB/s"),
            (Unit::Plain, 1234.0, "1.23 k"),
            (Unit::Plain, -1234.0, "-1.23 k"),
            (Unit::Plain, 0.25, "0.25"),
            (Unit::PerSecond, 35.0, "35 /s"),
            (Unit::Plain, f64::NAN, "no number"),
            (Unit::Bytes, f64::INFINITY, "infinite"),
        ] {
            assert_eq!(unit.text(value), text);
        }
    }

    #[test]
    fn ticks_share_a_unit_and_the_digits_they_need() {
        let scale = Unit::Seconds.scale(0.6);
        assert_eq!([0.0, 0.2, 0.4].map(|value| scale.tick(value, 0.2)), ["0 ms", "200 ms", "400 ms"]);
        let scale = Unit::Ratio.scale(0.01);
        assert_eq!([0.0, 0.0025, 0.005].map(|value| scale.tick(value, 0.0025)), ["0 %", "0.25 %", "0.5 %"]);
    }
}
