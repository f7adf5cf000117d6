//! When a budget is spent so fast that somebody must know: the alerts of an objective.
//!
//! Several burn rates over two windows each, as chapter 5 of Google's "Site Reliability Workbook" ("Alerting on SLOs")
//! describes: the long window says that the loss matters, the short one that it goes on.

use opsseer_core::Severity;

use super::{objective::Target, round, window::Window};

/// An alert of an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnAlert {
    /// Whether somebody is woken.
    pub severity: Severity,
    /// Over which the loss has to matter.
    pub long: Window,
    /// Over which it has to go on: a twelfth of the long one.
    pub short: Window,
    /// So many times the pace at which the budget lasts exactly the objective's window; at least 1.
    pub burn: f64,
}

/// A row: who is told, the long and the short window, and the part of the budget that may be spent in the long one.
type Row = (Severity, Window, Window, f64);

/// With 30 days these are burn rates of 14.4, 6, 3 and 1. The last part is what three days may spend at a burn of 1.
const ROWS: [Row; 4] = [
    (Severity::Page, Window::H1, Window::M5, 0.02),
    (Severity::Page, Window::H6, Window::M30, 0.05),
    (Severity::Ticket, Window::D1, Window::H2, 0.1),
    (Severity::Ticket, Window::D3, Window::H6, 0.0),
];

/// A pace that would need a larger part of events to fail than this could not be told from an outage, or could not be at
/// all: at an objective of 90 %, a burn of 14.4 would be 144 % of all events.
const LARGEST_RATIO: f64 = 0.8;

/// The alerts of an objective, the most urgent first.
///
/// The parts of the budget stay the same whatever the objective's window is, so the burn rates grow with it. None is below
/// 1, for at 1 the objective is still kept; the slowest is always 1, so that no loss of the objective goes unnoticed.
pub(super) fn alerts(target: Target, period: Window) -> [BurnAlert; 4] {
    ROWS.map(|(severity, long, short, part)| {
        let burn = (part * period.times(long)).max(1.0).min(LARGEST_RATIO / target.budget());
        BurnAlert { severity, long, short, burn: round(burn) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_burns(percent: f64, days: u32, expected: [f64; 4]) {
        let found =
            alerts(Target::new(percent).expect("a target"), Window::days(days)).map(|alert| alert.burn);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{percent} % in {days} days: {found} is not {expected}");
        }
    }

    #[test]
    fn thirty_days_give_the_workbooks_burn_rates() {
        assert_burns(99.9, 30, [14.4, 6.0, 3.0, 1.0]);
    }

    #[test]
    fn the_same_part_of_another_budget_is_another_burn_rate() {
        assert_burns(99.9, 28, [13.44, 5.6, 2.8, 1.0]);
        assert_burns(99.9, 90, [43.2, 18.0, 9.0, 1.0]);
    }

    #[test]
    fn nobody_is_told_of_a_pace_that_keeps_the_objective() {
        assert_burns(99.9, 7, [3.36, 1.4, 1.0, 1.0]);
    }

    #[test]
    fn a_lax_objective_still_has_alerts_that_can_fire() {
        assert_burns(90.0, 30, [8.0, 6.0, 3.0, 1.0]);
        for alert in alerts(Target::new(50.0).expect("a target"), Window::days(90)) {
            assert!(alert.burn * 0.5 < 1.0 && alert.burn >= 1.0, "{alert:?}");
        }
    }

    #[test]
    fn the_short_window_is_a_twelfth_of_the_long_one() {
        for alert in alerts(Target::new(99.0).expect("a target"), Window::days(30)) {
            assert!((alert.long.times(alert.short) - 12.0).abs() < 1e-9, "{alert:?}");
        }
    }
}
