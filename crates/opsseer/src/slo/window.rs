//! Lengths of time that rules look back over, as PromQL writes them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};

/// A length of time in whole minutes, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    minutes: u32,
}

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;

impl Window {
    /// 5 minutes.
    pub const M5: Self = Self { minutes: 5 };
    /// 30 minutes.
    pub const M30: Self = Self { minutes: 30 };
    /// 1 hour.
    pub const H1: Self = Self { minutes: HOUR };
    /// 2 hours.
    pub const H2: Self = Self { minutes: 2 * HOUR };
    /// 6 hours.
    pub const H6: Self = Self { minutes: 6 * HOUR };
    /// 1 day.
    pub const D1: Self = Self { minutes: DAY };
    /// 3 days.
    pub const D3: Self = Self { minutes: 3 * DAY };

    /// So many days.
    pub(super) const fn days(days: u32) -> Self {
        Self { minutes: days * DAY }
    }

    /// How long it is.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.minutes as u64 * 60)
    }

    /// How long it is, in seconds.
    pub fn seconds(self) -> u32 {
        self.minutes * 60
    }

    /// How often the other one fits into it.
    pub fn times(self, other: Self) -> f64 {
        f64::from(self.minutes) / f64::from(other.minutes)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            minutes if minutes % DAY == 0 => write!(f, "{}d", minutes / DAY),
            minutes if minutes % HOUR == 0 => write!(f, "{}h", minutes / HOUR),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads the window of an objective: whole days or weeks, from 7 days to 90.
impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |unit| text.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok());
        let days = number('d').or_else(|| number('w').and_then(|weeks| weeks.checked_mul(7)));
        match days {
            Some(days @ 7..=90) => Ok(Self::days(days)),
            _ => Err(format!("{text:?} is no window: write whole days or weeks, from 7d to 90d")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_written_as_promql_wants_them() {
        let all = [Window::M5, Window::M30, Window::H1, Window::H6, Window::D1, Window::days(30)];
        assert_eq!(all.map(|window| window.to_string()), ["5m", "30m", "1h", "6h", "1d", "30d"]);
        assert!((Window::days(30).times(Window::H1) - 720.0).abs() < 1e-9);
    }

    #[test]
    fn an_objective_spans_whole_days() {
        assert_eq!("30d".parse(), Ok(Window::days(30)));
        assert_eq!("4w".parse(), Ok(Window::days(28)));
        for wrong in ["", "d", "6d", "91d", "720h", "30 d", "-30d", "1.5w", "9999999999w"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }
}
