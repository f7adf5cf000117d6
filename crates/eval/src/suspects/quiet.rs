//! Times when nothing was broken: who is accused then is accused wrongly.

use opsseer_ai::suspects::{Onset, Scene, Suspector, SuspectsVerdict};

use super::data::{DataSet, until};

/// A fault and what comes after it are no quiet time, from a little before to half an hour after.
const BEFORE_S: f64 = 60.0;
const AFTER_S: f64 = 1_800.0;

/// The suspector is asked every so many rows, once there are enough to know what is usual.
const EVERY: usize = 5;
const FIRST: usize = 120;

/// Somebody who asks has noticed something some minutes ago.
const ROWS_SINCE: usize = 4;

/// How often it was asked, and what it said.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Tally {
    asked: u32,
    false_alarms: u32,
    /// The time that the questions cover.
    days: f64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.false_alarms += other.false_alarms;
        self.days += other.days;
    }

    /// `None` if there was no quiet time.
    pub(super) fn false_alarms_a_day(&self) -> Option<f64> {
        (self.days > 0.0).then(|| f64::from(self.false_alarms) / self.days)
    }

    /// The share of the questions that were answered so; 0 if there were none.
    pub(super) fn share(&self) -> f64 {
        f64::from(self.false_alarms) / f64::from(self.asked.max(1))
    }

    pub(super) fn in_words(&self) -> String {
        format!(
            "In {:.1} hours without a fault it was asked {} times, every {EVERY} rows, and wrongly said {} times that \
             something stands out.",
            self.days * 24.0,
            self.asked,
            self.false_alarms
        )
    }
}

/// Asks in the quiet times of every table that has faults at known times.
pub(super) fn ask(set: &DataSet, suspector: &dyn Suspector) -> Tally {
    let mut tally = Tally::default();
    for (file, table) in &set.tables {
        let faults: Vec<f64> =
            set.cases.iter().filter(|case| case.file == *file).filter_map(|case| case.inject_time).collect();
        if faults.is_empty() {
            continue;
        }
        let is_quiet =
            |time: f64| !faults.iter().any(|fault| (fault - BEFORE_S..fault + AFTER_S).contains(&time));
        for end in (FIRST..table.times.len()).step_by(EVERY).filter(|&end| is_quiet(table.times[end - 1])) {
            let scene = until(table, end);
            let since = super::table::milliseconds(table.times[end - ROWS_SINCE]);
            let found = suspector.rank(&Scene { onset: Onset::Noticed(since), ..scene });
            tally.asked += 1;
            tally.false_alarms += u32::from(found.verdict == SuspectsVerdict::StandsOut);
            #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^52 milliseconds")]
            let step_ms = table.step_ms() as f64;
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let rows = EVERY as f64;
            tally.days += rows * step_ms / 86_400_000.0;
        }
    }
    tally
}
