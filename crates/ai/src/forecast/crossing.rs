//! When does a metric cross a line?
//!
//! Two opinions are joined: the share of the courses that the metric may take which cross the limit, and the share of
//! past stretches of the same length which crossed it. The second tempers the first where the forecast is too sure of
//! itself; they are joined as logarithms of odds, as opinions that share their evidence should be.

mod usual;

use super::{Forecast, past::as_f64};

pub(super) use usual::Usual;

/// The weight of the past stretches' opinion.
const USUAL: f64 = 0.2;

/// A crossing is expected from this probability, if it never happened before. A missed one costs more than a warning
/// that comes to nothing, so this is less than one half.
const EXPECTED: f64 = 0.3;

/// What is added to [`EXPECTED`] for a crossing that always happened: of what is usual, one wants to be surer to speak.
const EXPECTED_IF_USUAL: f64 = 0.2;

/// "Not within the horizon" is said with this much certainty.
const SURE: f64 = 0.95;

/// The side of the limit that the metric may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Greater than the limit.
    Above,
    /// Less than the limit.
    Below,
}

/// When a limit is crossed.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// The probability that the limit has been crossed by each step. It never falls.
    pub by_step: Vec<f64>,
    /// What that amounts to.
    pub verdict: Verdict,
}

/// What a reader is told of a crossing. Steps count from 0, the first step of the forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is likely enough to happen within the horizon that a person wants to know: more likely than not, or at least
    /// 0.3 for what has not happened before.
    Expected {
        /// By this step it has happened in half of the courses in which it happens at all.
        step: usize,
        /// The beginning of the range in which it happens with 80 % probability, if it happens.
        earliest: usize,
        /// The end of that range; `None` if it lies behind the horizon.
        latest: Option<usize>,
        /// That it happens within the horizon.
        probability: f64,
    },
    /// It does not happen within the horizon.
    NotWithin {
        /// That it does not, at least 0.95.
        probability: f64,
    },
    /// Neither can be said.
    Unsure {
        /// That it happens within the horizon.
        probability: f64,
    },
}

impl Forecast {
    /// When the metric comes to that side of the limit. Time to recover is the crossing the other way.
    pub fn crossing(&self, limit: f64, direction: Direction) -> Crossing {
        let is_over = |value: f64| match direction {
            Direction::Above => value > limit,
            Direction::Below => value < limit,
        };
        let horizon = self.point.len();
        let mut first = vec![0_usize; horizon];
        for path in &self.paths {
            if let Some(step) = path.iter().position(|value| is_over(*value)) {
                first[step] += 1;
            }
        }
        let usual = self.usual.by_step(horizon, is_over);
        let mut crossed = 0;
        let join = |(count, usual): (usize, &f64)| {
            crossed += count;
            let share = (as_f64(crossed) + 0.5) / (as_f64(self.paths.len()) + 1.0);
            from_odds((1.0 - USUAL) * odds(share) + USUAL * odds(*usual))
        };
        let by_step: Vec<f64> = first.into_iter().zip(&usual).map(join).collect();
        let verdict = verdict(&by_step, usual.last().copied().unwrap_or(0.5));
        Crossing { by_step, verdict }
    }
}

/// The logarithm of the odds of a probability, which is neither 0 nor 1.
fn odds(probability: f64) -> f64 {
    (probability / (1.0 - probability)).ln()
}

fn from_odds(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

fn verdict(by_step: &[f64], usual: f64) -> Verdict {
    let Some(&probability) = by_step.last() else { return Verdict::Unsure { probability: 0.5 } };
    if 1.0 - probability >= SURE {
        return Verdict::NotWithin { probability: 1.0 - probability };
    }
    if probability < EXPECTED + EXPECTED_IF_USUAL * usual {
        return Verdict::Unsure { probability };
    }
    // Of all that may come, what crosses within the horizon; where it surely crosses, all of it.
    let within = by_step.iter().map(|reached| reached / probability);
    let reaches = |share: f64| within.clone().position(|reached| reached >= share);
    let certain = probability >= SURE;
    Verdict::Expected {
        step: reaches(0.5).unwrap_or(0),
        earliest: reaches(0.1).unwrap_or(0),
        latest: if certain || probability >= 0.9 { reaches(0.9) } else { None },
        probability,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_tells_the_range_and_when_it_is_not_known() {
        let rising: Vec<f64> = (1..=10).map(|step| f64::from(step) / 10.0 * 0.98).collect();
        let Verdict::Expected { step, earliest, latest, probability } = verdict(&rising, 0.0) else {
            panic!("not expected");
        };
        assert_eq!((step, earliest, latest), (4, 0, Some(8)));
        assert!((probability - 0.98).abs() < 1e-12);
        let half: Vec<f64> = rising.iter().map(|reached| reached / 2.0).collect();
        assert!(matches!(verdict(&half, 0.0), Verdict::Expected { latest: None, .. }));
        assert!(matches!(verdict(&half, 1.0), Verdict::Unsure { .. }));
        assert!(
            matches!(verdict(&[0.01, 0.04], 0.5), Verdict::NotWithin { probability } if probability > 0.95)
        );
        assert!(matches!(verdict(&[], 0.5), Verdict::Unsure { .. }));
    }

    #[test]
    fn odds_are_turned_back() {
        assert!((from_odds(odds(0.3)) - 0.3).abs() < 1e-12);
    }
}
