//! What the project wants to reach on its public data, so that the page says what was missed and by how much.

use crate::suite::Better;

/// A figure and what it should be.
struct Goal {
    suite: &'static str,
    part: &'static str,
    key: &'static str,
    at: f64,
}

/// How far a figure may be off its goal, either way, that should be neither greater nor smaller: a band's cover.
const WITHIN: f64 = 0.02;

/// The goals, set before the first run. They are to be passed, not tuned to.
const GOALS: [Goal; 15] = [
    Goal { suite: "runbooks", part: "easy", key: "r1", at: 0.99 },
    Goal { suite: "runbooks", part: "easy", key: "mrr", at: 0.995 },
    Goal { suite: "runbooks", part: "hard", key: "r1", at: 0.92 },
    Goal { suite: "runbooks", part: "hard", key: "mrr", at: 0.95 },
    Goal { suite: "qa", part: "", key: "quote_contains", at: 0.70 },
    Goal { suite: "alerts", part: "category", key: "accuracy", at: 0.75 },
    Goal { suite: "alerts", part: "category", key: "macro_f1", at: 0.68 },
    Goal { suite: "alerts", part: "severity", key: "accuracy", at: 0.70 },
    Goal { suite: "forecast", part: "breach.q98", key: "f1", at: 0.95 },
    Goal { suite: "forecast", part: "breach.max7d", key: "f1", at: 0.60 },
    Goal { suite: "forecast", part: "", key: "coverage80", at: 0.80 },
    Goal { suite: "forecast", part: "", key: "coverage95", at: 0.95 },
    Goal { suite: "suspects", part: "service", key: "ac1", at: 0.75 },
    Goal { suite: "suspects", part: "service", key: "ac3", at: 0.88 },
    Goal { suite: "suspects", part: "service", key: "avg5", at: 0.85 },
];

/// The goal of a figure and what became of it, such as "0.990: missed by 0.012"; empty if it has none.
pub(crate) fn verdict(suite: &str, part: &str, key: &str, better: Better, value: Option<f64>) -> String {
    let is_it = |goal: &&Goal| goal.suite == suite && goal.part == part && goal.key == key;
    let (Some(Goal { at, .. }), Some(value)) = (GOALS.iter().find(is_it), value) else {
        return String::new();
    };
    let short = match better {
        Better::Lower => value - at,
        Better::Higher => at - value,
        Better::Neither => (value - at).abs() - WITHIN,
    };
    // What is missed by less than is shown is met: a reader would see two equal figures.
    if short < 0.0005 { format!("{at:.3}: met") } else { format!("{at:.3}: missed by {short:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_said_with_its_size() {
        let easy = |value| verdict("runbooks", "easy", "r1", Better::Higher, Some(value));
        assert_eq!(easy(0.978), "0.990: missed by 0.012");
        assert_eq!(easy(0.9997), "0.990: met");
        let cover = |value| verdict("forecast", "", "coverage80", Better::Neither, Some(value));
        assert_eq!(
            (cover(0.785), cover(0.85)),
            ("0.800: met".to_owned(), "0.800: missed by 0.030".to_owned())
        );
        assert_eq!(verdict("runbooks", "easy", "r5", Better::Higher, Some(0.1)), "");
        assert_eq!(verdict("runbooks", "easy", "r1", Better::Higher, None), "");
    }
}
