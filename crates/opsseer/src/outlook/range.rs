//! How far a forecast looks back and ahead, and in what steps.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// Steps that people read without reckoning, in seconds.
const STEPS: [i64; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900];

/// A span of history and what is foretold from it.
#[derive(Debug)]
pub(crate) struct Range {
    /// How far back, at most.
    pub(crate) history: TimeDelta,
    /// How far ahead, at most.
    pub(crate) ahead: TimeDelta,
    /// Values of the history, about.
    points: i64,
    /// A young series is not foretold for longer than this many times its age.
    ahead_of_age: i32,
}

/// Sees what has just begun.
pub(crate) const NEAR: Range =
    Range { history: TimeDelta::hours(2), ahead: TimeDelta::minutes(30), points: 480, ahead_of_age: 1 };

/// Knows the time of day and the day of the week.
pub(crate) const FAR: Range =
    Range { history: TimeDelta::days(7), ahead: TimeDelta::hours(6), points: 2_016, ahead_of_age: 1 };

/// When to ask for values, and how many steps are foretold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) from: DateTime<Utc>,
    pub(crate) step_ms: i64,
    pub(crate) steps_ahead: usize,
}

impl Grid {
    pub(crate) fn step(self) -> Duration {
        Duration::from_millis(self.step_ms.unsigned_abs())
    }
}

impl Range {
    /// The grid for a series whose first value is at `first`. No step is shorter than `finest`: between two scrapes
    /// nothing is known.
    pub(crate) fn grid(&self, now: DateTime<Utc>, first: DateTime<Utc>, finest: TimeDelta) -> Grid {
        let from = first.max(now - self.history);
        let age = (now - from).max(TimeDelta::seconds(1));
        let ahead = self.ahead.min(age * self.ahead_of_age);
        let wanted_ms = (age.num_milliseconds() / self.points).max(finest.num_milliseconds());
        let longest = STEPS[STEPS.len() - 1];
        let step = STEPS.into_iter().find(|step| step * 1000 >= wanted_ms).unwrap_or(longest);
        let steps = (ahead.num_seconds() / step).max(1);
        Grid { from, step_ms: step * 1000, steps_ahead: usize::try_from(steps).unwrap_or(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    #[test]
    fn a_long_history_is_looked_at_in_steps_that_people_know() {
        let near = NEAR.grid(at(0), at(-1_000_000), TimeDelta::seconds(10));
        assert_eq!((near.from, near.step_ms, near.steps_ahead), (at(-7_200), 15_000, 120));
        let far = FAR.grid(at(0), at(-1_000_000), TimeDelta::seconds(10));
        assert_eq!((far.from, far.step_ms, far.steps_ahead), (at(-604_800), 300_000, 72));
    }

    #[test]
    fn a_young_series_is_looked_at_finely_but_no_finer_than_it_is_scraped_and_not_foretold_for_long() {
        let young = NEAR.grid(at(0), at(-180), TimeDelta::milliseconds(500));
        assert_eq!((young.step_ms, young.steps_ahead), (1_000, 180));
        let seldom = NEAR.grid(at(0), at(-180), TimeDelta::seconds(30));
        assert_eq!((seldom.step_ms, seldom.steps_ahead), (30_000, 6));
        assert_eq!(NEAR.grid(at(0), at(0), TimeDelta::seconds(30)).steps_ahead, 1);
    }
}
