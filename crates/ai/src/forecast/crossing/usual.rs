//! How often a limit was crossed before.

use crate::forecast::past::as_f64;

/// Windows of one horizon's length that begin within one horizon.
const WINDOWS: usize = 8;

/// Horizons after which a window counts half.
const HALF_LIFE: f64 = 4.0;

/// The past values, from which it is told how often a stretch as long as the horizon crosses a limit.
#[derive(Debug, Clone, Default)]
pub(in crate::forecast) struct Usual(Vec<f64>);

impl Usual {
    pub(in crate::forecast) fn of(values: Vec<f64>) -> Self {
        Self(values)
    }

    /// The share of past stretches of `horizon` steps that had crossed by each of their steps, newer ones counting for
    /// more. It is drawn towards one half as if half a stretch had crossed and half had not, which matters where the
    /// history is short.
    pub(super) fn by_step(&self, horizon: usize, is_over: impl Fn(f64) -> bool) -> Vec<f64> {
        let values = &self.0;
        // For each value, where the next one is that lies over the limit.
        let mut next = vec![usize::MAX; values.len() + 1];
        for place in (0..values.len()).rev() {
            next[place] = if is_over(values[place]) { place } else { next[place + 1] };
        }
        let mut first = vec![0.0; horizon];
        let mut all = 0.0;
        let mut end = values.len();
        while end >= horizon && horizon > 0 {
            let age = as_f64(values.len() - end) / as_f64(horizon);
            let weight = 0.5_f64.powf(age / HALF_LIFE);
            all += weight;
            let start = end - horizon;
            if next[start] < end {
                first[next[start] - start] += weight;
            }
            let Some(earlier) = end.checked_sub((horizon / WINDOWS).max(1)) else { break };
            end = earlier;
        }
        // Windows that overlap say the same again: what counts is how often the horizon fits into the history.
        let fits = if all > 0.0 { as_f64(values.len()) / as_f64(horizon) } else { 0.0 };
        let mut crossed = 0.0;
        let share = |weight: f64| {
            crossed += weight;
            let seen = if all > 0.0 { crossed / all } else { 0.0 };
            (seen * fits + 0.5) / (fits + 1.0)
        };
        first.into_iter().map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_each_day_is_usual_and_what_never_did_is_not() {
        let values: Vec<f64> = (0..1_000).map(|step| f64::from(u8::from(step % 100 == 60))).collect();
        let usual = Usual::of(values);
        let daily = usual.by_step(100, |value| value > 0.5);
        assert!(daily[99] > 0.9 && daily[0] < 0.2, "{} {}", daily[99], daily[0]);
        assert!(daily.windows(2).all(|pair| pair[0] <= pair[1]));
        let never = usual.by_step(100, |value| value > 2.0);
        assert!(never[99] < 0.06, "{}", never[99]);
        assert!((Usual::default().by_step(3, |_| true)[2] - 0.5).abs() < 1e-12);
    }
}
