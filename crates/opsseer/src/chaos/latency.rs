//! Latencies counted in buckets of less than 1 % width: any number of them in a fixed 13 KB.

use std::time::Duration;

use serde::Serialize;

/// Buckets to each doubling. 2^(1/128) is a width of 0.54 %.
const PER_DOUBLING: f64 = 128.0;
/// 26 doublings of a microsecond reach 67 s, past every time-out here. What is longer counts as that.
const BUCKETS: usize = 26 * 128;

/// How many requests took how long.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Vec<u32>,
    total: u64,
    longest: Duration,
}

/// The figures of a phase, in milliseconds, from when a request was due to the last byte of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LatencyMs {
    /// Half of the requests were faster.
    pub p50: f64,
    /// 95 % were faster.
    pub p95: f64,
    /// 99 % were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
}

impl Latencies {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, longest: Duration::ZERO }
    }

    pub(super) fn add(&mut self, latency: Duration) {
        self.counts[bucket(latency)] += 1;
        self.total += 1;
        self.longest = self.longest.max(latency);
    }

    /// `None` before the first request.
    pub(super) fn summary(&self) -> Option<LatencyMs> {
        Some(LatencyMs {
            p50: self.percentile_ms(50)?,
            p95: self.percentile_ms(95)?,
            p99: self.percentile_ms(99)?,
            max: round_ms(self.longest.as_secs_f64() * 1e3),
        })
    }

    /// The nearest-rank percentile: the smallest latency that at least `percent` of a hundred do not exceed.
    fn percentile_ms(&self, percent: u64) -> Option<f64> {
        let rank = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            seen += u64::from(count);
            if count > 0 && seen >= rank {
                return Some(round_ms(middle_ms(index)));
            }
        }
        None
    }
}

fn bucket(latency: Duration) -> usize {
    let micros = (latency.as_secs_f64() * 1e6).max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a few thousand")]
    let index = (micros.log2() * PER_DOUBLING) as usize;
    index.min(BUCKETS - 1)
}

fn middle_ms(bucket: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below a few thousand")]
    let exponent = (bucket as f64 + 0.5) / PER_DOUBLING;
    exponent.exp2() / 1e3
}

/// Three decimals: whole microseconds.
fn round_ms(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent() {
        let mut latencies = Latencies::new();
        for ms in 1..=1_000 {
            latencies.add(Duration::from_millis(ms));
        }
        let summary = latencies.summary().unwrap();
        for (found, exact) in [(summary.p50, 500.0), (summary.p95, 950.0), (summary.p99, 990.0)] {
            assert!((found / exact - 1.0).abs() < 0.01, "{found} for {exact}");
        }
        assert!((summary.max - 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn a_few_slow_ones_do_not_move_the_median() {
        let mut latencies = Latencies::new();
        for _ in 0..95 {
            latencies.add(Duration::from_millis(2));
        }
        for _ in 0..5 {
            latencies.add(Duration::from_secs(9));
        }
        let summary = latencies.summary().unwrap();
        assert!(summary.p50 < 2.1 && summary.p95 < 2.1 && summary.p99 > 8_900.0, "{summary:?}");
    }

    #[test]
    fn the_extremes_have_a_bucket() {
        let mut latencies = Latencies::new();
        latencies.add(Duration::ZERO);
        latencies.add(Duration::from_hours(1));
        assert!(latencies.summary().is_some());
        assert!(Latencies::new().summary().is_none());
    }
}
