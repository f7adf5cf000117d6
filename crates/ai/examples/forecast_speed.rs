//! How long do a thousand forecasts take? Made series of 1,440 points, horizon 60, on two threads.
//!
//! `cargo run --release -p opsseer-ai --example forecast_speed [SERIES]` prints a JSON object. The same series go
//! through other people's forecasters in `crates/eval/beside/forecast.py`; both describe the generator, and print the sum of
//! all values to show that they mean the same.
//!
//! Series k (from 0) has the period p = 60, 144, 360 or 720 for k mod 4 = 0 to 3. Its value at step t is
//! 50 + 10 sin(2 pi t / p) + 0.005 (k mod 5) t + 6 (u1 + u2 + u3 - 1.5), and 40 more at every step where t mod 97 = 13 if
//! k mod 10 = 9. Each u is x / 2^31, where x is the upper 31 bits of the next state of a 64-bit linear congruential
//! generator (multiplier 6364136223846793005, increment 1442695040888963407, seed k + 1).

use std::{env, thread, time::Instant};

use opsseer_ai::forecast::{Bounds, Forecaster, History, LocalForecaster};

const POINTS: u32 = 1_440;
const HORIZON: usize = 60;
const THREADS: u32 = 2;

fn series(number: u32) -> Vec<f64> {
    let period = [60.0, 144.0, 360.0, 720.0][number as usize % 4];
    let mut state = u64::from(number) + 1;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap_or(0)) / 2_147_483_648.0
    };
    let value = |step: u32| {
        let at = f64::from(step);
        let wave = 10.0 * (std::f64::consts::TAU * at / period).sin();
        let noise = 6.0 * (unit() + unit() + unit() - 1.5);
        let spike = if number % 10 == 9 && step % 97 == 13 { 40.0 } else { 0.0 };
        50.0 + wave + 0.005 * f64::from(number % 5) * at + noise + spike
    };
    (0..POINTS).map(value).collect()
}

#[expect(clippy::print_stdout, reason = "an example's result")]
fn main() {
    let count: u32 = env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let all: Vec<Vec<f64>> = (0..count).map(series).collect();
    let sum: f64 = all.iter().flatten().sum();
    let bounds = Bounds { lowest: Some(0.0), highest: None };
    let started = Instant::now();
    let forecast = |thread: u32| {
        for values in all.iter().skip(thread as usize).step_by(THREADS as usize) {
            let history = History { start: 0, step_ms: 60_000, values: values.clone(), bounds };
            let forecast = LocalForecaster::new().forecast(&history, HORIZON);
            assert_eq!(forecast.point.len(), HORIZON, "every step is forecast");
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || forecast(thread));
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{{\"series\": {count}, \"points\": {POINTS}, \"horizon\": {HORIZON}, \"threads\": {THREADS}, \"sum\": {sum:.3}, \
         \"local_seconds\": {seconds:.2}}}"
    );
}
