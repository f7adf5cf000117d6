//! How long does it take to rank a thousand series? Made series of 1,440 points, one fault, on one thread.
//!
//! `cargo run --release -p opsseer-ai --example suspects_speed [SERIES]` prints a JSON object. The same series go through
//! a robust scorer in Python in `crates/eval/beside/suspects.py`; both describe the generator, print the sum of all values
//! to show that they mean the same, and name the service that comes first.
//!
//! Series k (from 0) belongs to service k mod 100 and is its metric k / 100 mod 10. Its value at step t is
//! 50 + 5 sin(2 pi t / 720) + 6 (u1 + u2 + u3 - 1.5), and 60 more from step 1,400 on if its service is 7. Each u is
//! x / 2^31, where x is the upper 31 bits of the next state of a 64-bit linear congruential generator (multiplier
//! 6364136223846793005, increment 1442695040888963407, seed k + 1).

use std::{env, time::Instant};

use opsseer_ai::suspects::{MetricKind, MetricSeries, Onset, RobustSuspector, Scene, Suspector};

const POINTS: u32 = 1_440;
const FAULT: u32 = 1_400;
const STEP_MS: i64 = 60_000;
const RUNS: u32 = 5;

const METRICS: [&str; 10] = [
    "request_duration_p95",
    "errors_per_second",
    "requests_per_second",
    "cpu_seconds",
    "memory_bytes",
    "queue_length",
    "threads",
    "network_bytes",
    "gc_pause",
    "open_files",
];

fn series(number: u32) -> MetricSeries {
    let mut state = u64::from(number) + 1;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap_or(0)) / 2_147_483_648.0
    };
    let service = number % 100;
    let value = |step: u32| {
        let wave = 5.0 * (std::f64::consts::TAU * f64::from(step) / 720.0).sin();
        let noise = 6.0 * (unit() + unit() + unit() - 1.5);
        let fault = if service == 7 && step >= FAULT { 60.0 } else { 0.0 };
        50.0 + wave + noise + fault
    };
    let metric = METRICS[(number / 100 % 10) as usize];
    MetricSeries {
        id: number as usize,
        service: format!("service-{service:02}"),
        metric: metric.to_owned(),
        kind: MetricKind::of_name(metric),
        peers: None,
        values: (0..POINTS).map(value).collect(),
    }
}

#[expect(clippy::print_stdout, reason = "an example's result")]
fn main() {
    let count: u32 = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let series: Vec<MetricSeries> = (0..count).map(series).collect();
    let sum: f64 = series.iter().flat_map(|series| &series.values).sum();
    let onset = Onset::Noticed(i64::from(FAULT + 5) * STEP_MS);
    let scene = Scene { start_ms: 0, step_ms: STEP_MS, series, onset, calls: Vec::new(), symptom: None };
    let mut best = f64::INFINITY;
    let mut first = String::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        let found = RobustSuspector.rank(&scene);
        best = best.min(started.elapsed().as_secs_f64());
        first = found.services.first().map(|one| one.service.clone()).unwrap_or_default();
    }
    println!(
        "{{\"series\": {count}, \"points\": {POINTS}, \"sum\": {sum:.3}, \"first\": \"{first}\", \"best_of\": {RUNS}, \
         \"seconds\": {best:.4}}}"
    );
}
