//! What can go wrong on purpose, and what is going wrong now.
//!
//! One [`Settings`] is in force at a time. `fail_rate` is a matter of its own: it applies in every mode. The mode
//! says what happens to the delay, and whether memory leaks or CPU burns beside it.

use std::fmt;

use serde::Serialize;

mod change;
mod hog;
mod live;
mod shape;

pub use change::{BadChange, Change};
pub use hog::LEAK_MAX_BYTES;
pub use live::{ChangeError, InForce, Live};

/// Longest delay of an order: past a minute every client has long given up.
pub const DELAY_MAX_MS: u32 = 60_000;
/// Longest `period_s`: an hour of slow rise is the slowest story worth telling.
pub const PERIOD_MAX_S: u32 = 3_600;
/// Fastest leak, in MiB a second: two seconds to its maximum.
pub const LEAK_RATE_MAX: u32 = 256;
/// Most threads that spin in `burn`. Threads beyond the machine's cores only share them.
pub const BURN_THREADS_MAX: u32 = 8;

/// Half a minute up, half a minute down: slow enough for a scrape every 15 s to follow.
const SINE_PERIOD_S: u32 = 60;
/// Long enough for a forecast to see the breach before it happens.
const RAMP_PERIOD_S: u32 = 120;
/// With bursts of a sixth (5 s), every two scrapes of 15 s meet one.
const SPIKE_PERIOD_S: u32 = 30;
/// Visible within a scrape or two, and two minutes until the maximum.
const LEAK_RATE_DEFAULT: u32 = 4;
/// One core is plain to see on any machine, and leaves the rest for the answer.
const BURN_THREADS_DEFAULT: u32 = 1;

/// The shape of the trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// No delay, no leak, no burning. Asking for it also ends the failures, unless the same request sets them.
    None,
    /// Every order is delayed by `delay_ms`.
    Constant,
    /// The delay swings between 0 and `delay_ms` once each `period_s`, beginning at 0.
    Sine,
    /// The delay climbs from 0 to `delay_ms` over `period_s`, and stays there.
    Ramp,
    /// Each `period_s` begins with a burst, a sixth of it long, of `delay_ms`; the rest is undelayed.
    Spike,
    /// Memory grows by `leak_mib_per_s` up to [`LEAK_MAX_BYTES`], and is freed when the mode ends. Delay as in
    /// `constant`.
    Leak,
    /// `burn_threads` threads spin. Delay as in `constant`.
    Burn,
}

impl Mode {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Constant, Self::Sine, Self::Ramp, Self::Spike, Self::Leak, Self::Burn];

    /// The name that requests, answers and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Constant => "constant",
            Self::Sine => "sine",
            Self::Ramp => "ramp",
            Self::Spike => "spike",
            Self::Leak => "leak",
            Self::Burn => "burn",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// The period where none is given; `None` for a mode without one.
    fn default_period_s(self) -> Option<u32> {
        match self {
            Self::Sine => Some(SINE_PERIOD_S),
            Self::Ramp => Some(RAMP_PERIOD_S),
            Self::Spike => Some(SPIKE_PERIOD_S),
            Self::None | Self::Constant | Self::Leak | Self::Burn => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A checked and consistent wish for trouble. The tuning of a mode is there exactly while that mode is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// The shape of the trouble.
    pub mode: Mode,
    /// The delay that the mode shapes, in milliseconds, 0 to [`DELAY_MAX_MS`]; 0 in [`Mode::None`].
    pub delay_ms: u32,
    /// The share of orders that fail with 500, 0 to 1, in every mode.
    pub fail_rate: f64,
    /// Seconds of one swing, climb or gap between bursts, in the modes that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_s: Option<u32>,
    /// MiB leaked each second, in [`Mode::Leak`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak_mib_per_s: Option<u32>,
    /// Threads that spin, in [`Mode::Burn`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_threads: Option<u32>,
}

impl Settings {
    /// Nothing goes wrong.
    pub const CALM: Self = Self {
        mode: Mode::None,
        delay_ms: 0,
        fail_rate: 0.0,
        period_s: None,
        leak_mib_per_s: None,
        burn_threads: None,
    };

    /// Whether an order fails, given a `draw` from [0, 1).
    pub fn fails(&self, draw: f64) -> bool {
        draw < self.fail_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_fail_rate_are_certain() {
        let never = Settings::CALM;
        let always = Settings { fail_rate: 1.0, ..Settings::CALM };
        let largest_draw = 1.0 - f64::EPSILON / 2.0;
        assert!(!never.fails(0.0));
        assert!(always.fails(largest_draw));
    }

    #[test]
    fn every_mode_is_found_by_its_own_name() {
        for mode in Mode::ALL {
            assert_eq!(Mode::named(mode.as_str()), Some(mode));
        }
        assert_eq!(Mode::named("Sine"), None);
    }
}
