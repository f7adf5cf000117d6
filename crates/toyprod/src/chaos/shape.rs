//! The delay as a function of the settings and the time since they began. Nothing else decides it.

use std::{f64::consts::TAU, time::Duration};

use super::{Mode, Settings};

/// The share of a spike's period that is slow. A sixth is well above the 5 % of requests that a p95 leaves out,
/// so that bursts show in it.
const BURST_SHARE: f64 = 1.0 / 6.0;

impl Settings {
    /// How long an order waits when it arrives `elapsed` after the mode began.
    pub fn delay(&self, elapsed: Duration) -> Duration {
        let full = Duration::from_millis(u64::from(self.delay_ms));
        full.mul_f64(self.delay_share(elapsed))
    }

    /// The part of `delay_ms` in force, 0 to 1.
    fn delay_share(&self, elapsed: Duration) -> f64 {
        let periods = match self.period_s {
            Some(period_s) => elapsed.as_secs_f64() / f64::from(period_s),
            None => 0.0,
        };
        match self.mode {
            Mode::Constant | Mode::Leak | Mode::Burn => 1.0,
            Mode::Sine => (1.0 - (TAU * periods).cos()) / 2.0,
            Mode::Ramp => periods.min(1.0),
            Mode::Spike if periods.fract() < BURST_SHARE => 1.0,
            Mode::None | Mode::Spike => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay_ms(mode: Mode, at_s: f64) -> u128 {
        let settings = Settings { mode, delay_ms: 400, period_s: mode.default_period_s(), ..Settings::CALM };
        settings.delay(Duration::from_secs_f64(at_s)).as_millis()
    }

    #[test]
    fn none_never_delays() {
        assert_eq!([delay_ms(Mode::None, 0.0), delay_ms(Mode::None, 1e6)], [0, 0]);
    }

    #[test]
    fn constant_leak_and_burn_are_steady() {
        for mode in [Mode::Constant, Mode::Leak, Mode::Burn] {
            assert_eq!([delay_ms(mode, 0.0), delay_ms(mode, 77.7)], [400, 400], "{mode}");
        }
    }

    #[test]
    fn sine_starts_at_nothing_peaks_at_half_and_comes_back() {
        let seen = [0.0, 15.0, 30.0, 45.0, 60.0, 90.0].map(|at| delay_ms(Mode::Sine, at));
        assert_eq!(seen, [0, 200, 400, 200, 0, 400]);
    }

    #[test]
    fn ramp_climbs_and_stays() {
        let seen = [0.0, 30.0, 60.0, 120.0, 3_600.0].map(|at| delay_ms(Mode::Ramp, at));
        assert_eq!(seen, [0, 100, 200, 400, 400]);
    }

    #[test]
    fn spike_is_slow_for_the_first_sixth_of_each_period() {
        let seen = [0.0, 4.9, 5.1, 29.9, 30.1, 36.0].map(|at| delay_ms(Mode::Spike, at));
        assert_eq!(seen, [400, 400, 0, 0, 400, 0]);
    }
}
