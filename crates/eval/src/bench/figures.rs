//! From what the rounds gave to figures with their spread.

use std::time::Duration;

use serde::Serialize;

use super::{Kept, load::Measured};

/// How the figures were taken.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// How often each load had its turn.
    pub rounds: usize,
    /// How long a load ran before it was measured, in seconds.
    pub warm_up_seconds: f64,
    /// How long it was measured in each round, in seconds.
    pub seconds_per_round: f64,
    /// How many services the alerts were about, and so how many incidents they joined.
    pub services: u64,
    /// How the senders sent.
    pub loop_kind: &'static str,
}

/// What a load reached: medians over the rounds.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was asked of whom.
    pub name: String,
    /// Connections, each with one request in flight.
    pub senders: usize,
    /// Right answers a second.
    pub per_second: f64,
    /// In the slowest round.
    pub per_second_min: f64,
    /// In the fastest round.
    pub per_second_max: f64,
    /// In each round, in their order.
    pub per_second_rounds: Vec<f64>,
    /// Half of the answers took at most this long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 answers took at most this long, in milliseconds.
    pub p99_ms: f64,
    /// The longest that an answer took in any round, in milliseconds.
    pub max_ms: f64,
    /// Processor time of the server for an answer, in microseconds; with all work that it does beside.
    pub cpu_us_per_answer: Option<f64>,
    /// Answers a second as a share of the no-op's in the same round, with as many senders.
    pub ratio_to_healthz: Option<f64>,
    /// Answers that were not what they should be.
    pub wrong: u64,
    /// The first of them.
    pub first_wrong: Option<String>,
}

impl Figure {
    /// What makes it worthless.
    pub fn fault(&self) -> Option<String> {
        let Self { name, senders, wrong, first_wrong, .. } = self;
        if *wrong > 0 {
            let first = first_wrong.as_deref().unwrap_or_default();
            return Some(format!("{name}, {senders} senders: {wrong} wrong answers, the first: {first:?}"));
        }
        (self.per_second_min <= 0.0)
            .then(|| format!("{name}, {senders} senders: a round without a right answer"))
    }
}

/// A benchmark's result.
#[derive(Debug, Clone, Serialize)]
pub struct BenchReport {
    /// How it was taken.
    pub settings: Settings,
    /// The figures.
    pub figures: Vec<Figure>,
    /// Whether all that was acknowledged is there, on each server.
    pub kept: Vec<Kept>,
}

impl BenchReport {
    /// What makes the figures worthless, a line each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.figures.iter().filter_map(Figure::fault));
        for Kept { server, lost, kept_twice, rows_of_repeated, .. } in &self.kept {
            if *lost > 0 {
                faults.push(format!("{server}: {lost} alerts were answered with 202 and are not there"));
            }
            if *kept_twice > 0 {
                faults.push(format!("{server}: {kept_twice} alerts are kept more than once"));
            }
            if *rows_of_repeated > 1 {
                faults.push(format!("{server}: the repeated alert is kept {rows_of_repeated} times"));
            }
        }
        faults
    }
}

/// The rounds of one load.
pub(super) struct Series {
    name: String,
    senders: usize,
    /// The name of the load that this one is compared with.
    beside: Option<&'static str>,
    per_second: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    max_ms: f64,
    cpu_us: Vec<f64>,
    wrong: u64,
    first_wrong: Option<String>,
}

impl Series {
    pub(super) fn new(name: String, senders: usize, beside: Option<&'static str>) -> Self {
        Self {
            name,
            senders,
            beside,
            per_second: Vec::new(),
            p50_ms: Vec::new(),
            p99_ms: Vec::new(),
            max_ms: 0.0,
            cpu_us: Vec::new(),
            wrong: 0,
            first_wrong: None,
        }
    }

    pub(super) fn add(&mut self, mut round: Measured) {
        round.latencies.sort_unstable();
        let answers = as_f64(round.latencies.len());
        self.per_second.push(answers / round.seconds);
        self.p50_ms.push(quantile_ms(&round.latencies, 0.50));
        self.p99_ms.push(quantile_ms(&round.latencies, 0.99));
        self.max_ms = self.max_ms.max(quantile_ms(&round.latencies, 1.0));
        if let Some(cpu) = round.cpu.filter(|_| answers > 0.0) {
            self.cpu_us.push(cpu.as_secs_f64() * 1e6 / answers);
        }
        self.wrong += round.wrong;
        self.first_wrong = self.first_wrong.take().or(round.first_wrong);
    }
}

/// The figures of all loads, each with its ratio to the load that it is compared with.
pub(super) fn of(all: &[Series]) -> Vec<Figure> {
    all.iter()
        .map(|series| {
            let beside = series
                .beside
                .and_then(|name| all.iter().find(|s| s.name == name && s.senders == series.senders));
            // Round by round, because what slows one load in a round slows the one beside it as well.
            let ratios = beside.map(|beside| {
                let pairs = series.per_second.iter().zip(&beside.per_second);
                pairs.map(|(own, other)| own / other).collect::<Vec<_>>()
            });
            Figure {
                name: series.name.clone(),
                senders: series.senders,
                per_second: median(&series.per_second),
                per_second_min: series.per_second.iter().copied().fold(f64::INFINITY, f64::min),
                per_second_max: series.per_second.iter().copied().fold(0.0, f64::max),
                per_second_rounds: series.per_second.clone(),
                p50_ms: median(&series.p50_ms),
                p99_ms: median(&series.p99_ms),
                max_ms: series.max_ms,
                cpu_us_per_answer: (!series.cpu_us.is_empty()).then(|| median(&series.cpu_us)),
                ratio_to_healthz: ratios.map(|ratios| median(&ratios)),
                wrong: series.wrong,
                first_wrong: series.first_wrong.clone(),
            }
        })
        .collect()
}

/// How long something took, again and again.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    /// How often it was done.
    pub count: usize,
    /// Half of them took at most this long, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took at most this long, in milliseconds.
    pub p99_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
}

impl Times {
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let quantile = |share| quantile_ms(&times, share);
        Self { count: times.len(), p50_ms: quantile(0.50), p99_ms: quantile(0.99), max_ms: quantile(1.0) }
    }
}

/// The mean of the two in the middle, where there is no one in the middle. 0 of nothing.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The smallest of the sorted times that at least this share of them does not exceed (nearest rank), in milliseconds.
fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let rank = (share * as_f64(sorted.len())).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn as_f64(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = count as f64;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(answers: usize, latency_ms: u64) -> Measured {
        let latencies = vec![Duration::from_millis(latency_ms); answers];
        Measured { seconds: 2.0, latencies, cpu: Some(Duration::from_millis(10)), ..Measured::default() }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert!((quantile_ms(&times, 0.50) - 100.0).abs() < 1e-9);
        assert!((quantile_ms(&times, 0.99) - 198.0).abs() < 1e-9);
        assert!((quantile_ms(&times, 1.0) - 200.0).abs() < 1e-9);
        assert!(quantile_ms(&[], 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_figure_is_a_median_and_its_ratio_is_taken_round_by_round() {
        let mut own = Series::new("own".to_owned(), 8, Some("no-op"));
        let mut no_op = Series::new("no-op".to_owned(), 8, None);
        for (own_answers, no_op_answers) in [(100, 200), (50, 500), (300, 400)] {
            own.add(round(own_answers, 4));
            no_op.add(round(no_op_answers, 1));
        }
        let figures = of(&[own, no_op]);
        let own = &figures[0];
        assert!((own.per_second - 50.0).abs() < 1e-9);
        assert!((own.per_second_min - 25.0).abs() < 1e-9 && (own.per_second_max - 150.0).abs() < 1e-9);
        assert!((own.ratio_to_healthz.expect("has a neighbour") - 0.5).abs() < 1e-9);
        assert!((own.p99_ms - 4.0).abs() < 1e-9);
        assert!((own.cpu_us_per_answer.expect("known") - 100.0).abs() < 1e-9);
        assert_eq!(figures[1].ratio_to_healthz, None);
    }
}
