//! When requests are due. An open loop: the clock alone decides, never the answers, because a load that waits for
//! a slow service stops measuring just when it gets interesting.

use std::time::Duration;

/// Evenly spaced arrivals: the first at once, then `rate` a second while less than the duration has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    rate: f64,
    total: u64,
}

impl Schedule {
    /// `rate` in requests a second, 0 or more; 0 is no request at all.
    pub(super) fn new(rate: f64, duration: Duration) -> Self {
        // The small allowance keeps a rounding error in the last place from adding a request at the very end.
        let arrivals = (rate * duration.as_secs_f64() - 1e-6).ceil().max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and not negative")]
        let total = arrivals as u64;
        Self { rate, total }
    }

    /// When request `index`, counted from 0, is due after the start; `None` past the last one.
    pub(super) fn due(&self, index: u64) -> Option<Duration> {
        if index >= self.total {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact to 2^53; a day at the highest rate is below 2^29"
        )]
        let index = index as f64;
        Some(Duration::from_secs_f64(index / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(rate: f64, millis: u64) -> Schedule {
        Schedule::new(rate, Duration::from_millis(millis))
    }

    #[test]
    fn there_are_rate_times_duration_requests() {
        for (rate, millis, total) in
            [(50.0, 30_000, 1_500), (30.0, 100, 3), (0.5, 60_000, 30), (0.3, 1_000, 1), (0.0, 60_000, 0)]
        {
            assert_eq!(schedule(rate, millis).total, total, "{rate}/s for {millis} ms");
        }
    }

    #[test]
    fn the_first_is_due_at_once_and_the_rest_evenly_until_the_end() {
        let due = [0, 1, 6, 39, 40].map(|index| schedule(4.0, 10_000).due(index).map(|at| at.as_millis()));
        assert_eq!(due, [Some(0), Some(250), Some(1_500), Some(9_750), None]);
    }

    #[test]
    fn no_request_is_due_at_rate_nought() {
        assert_eq!(schedule(0.0, 10_000).due(0), None);
    }
}
