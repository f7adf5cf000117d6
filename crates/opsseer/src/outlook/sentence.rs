//! A forecast in words.

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Forecast, Outlook};

use crate::{chart::Unit, event_words::percent};

/// What is to be expected, without a full stop, such as "passes 300 ms in about 6 min (80 %: 4 to 9 min), 92 % sure". Times
/// count from `from`.
pub(crate) fn sentence(forecast: &Forecast, from: DateTime<Utc>) -> String {
    let limit = limit_in_words(forecast);
    let within = about(forecast.until - from);
    match (&forecast.outlook, forecast.beyond) {
        (Outlook::Expected { at, earliest, latest, probability }, beyond) => {
            let passes = if beyond { format!("back {limit}") } else { format!("passes {limit}") };
            let range = match latest {
                Some(latest) => span(*earliest - from, *latest - from),
                None => format!("{} or later", about(*earliest - from)),
            };
            let sure = sure(*probability);
            format!("{passes} in about {} (80 %: {range}), {sure}", about(*at - from))
        }
        (Outlook::NotWithin { probability }, false) => {
            format!("does not pass {limit} within {within}, {}", sure(*probability))
        }
        (Outlook::NotWithin { probability }, true) => {
            format!("not back {limit} within {within}, {}", sure(*probability))
        }
        (Outlook::Unsure { probability }, false) => {
            format!("may pass {limit} within {within}: {} probable", told(*probability))
        }
        (Outlook::Unsure { probability }, true) => {
            format!("may be back {limit} within {within}: {} probable", told(*probability))
        }
        (Outlook::TooLittle { have, need }, _) => {
            let values = if *have == 1 { "value" } else { "values" };
            format!("no forecast: {have} {values}, {need} needed")
        }
    }
}

/// The limit with its unit; for a value beyond it, with the side that it has to come back to.
fn limit_in_words(forecast: &Forecast) -> String {
    let limit = Unit::guess(&forecast.expr).text(forecast.threshold.value);
    match (forecast.beyond, forecast.threshold.comparison.starts_with('>')) {
        (false, _) => limit,
        (true, true) => format!("below {limit}"),
        (true, false) => format!("above {limit}"),
    }
}

fn sure(probability: f64) -> String {
    format!("{} sure", told(probability))
}

fn told(probability: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a probability of two digits")]
    percent(probability as f32)
}

/// A time to come, in one unit and no more digits than a forecast deserves.
pub(crate) fn about(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", (seconds + 30) / 60),
        5_400..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

/// Two times, with the unit once where they share it.
fn span(from: TimeDelta, to: TimeDelta) -> String {
    let (from, to) = (about(from), about(to));
    match (from.split_once(' '), to.split_once(' ')) {
        _ if from == to => to,
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} to {to}"),
        _ => format!("{from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::Threshold;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn told_of(outlook: Outlook, beyond: bool) -> String {
        let forecast = Forecast {
            subject: "ToyProdHighLatency".into(),
            sentence: String::new(),
            expr: "toyprod:p95_latency_seconds:5m".into(),
            threshold: Threshold { comparison: ">".into(), value: 0.3 },
            now: 0.2,
            beyond,
            outlook,
            until: at(1_800),
            step_seconds: 15,
            method: String::new(),
        };
        sentence(&forecast, at(0))
    }

    #[test]
    fn says_when_with_how_sure_and_the_limit_in_its_unit() {
        let expected =
            |latest| Outlook::Expected { at: at(360), earliest: at(240), latest, probability: 0.92 };
        assert_eq!(
            told_of(expected(Some(at(540))), false),
            "passes 300 ms in about 6 min (80 %: 4 to 9 min), 92 % sure"
        );
        assert_eq!(
            told_of(expected(None), true),
            "back below 300 ms in about 6 min (80 %: 4 min or later), 92 % sure"
        );
    }

    #[test]
    fn what_is_not_expected_and_what_is_not_known_are_answers() {
        let not = Outlook::NotWithin { probability: 0.97 };
        assert_eq!(told_of(not.clone(), false), "does not pass 300 ms within 30 min, 97 % sure");
        assert_eq!(told_of(not, true), "not back below 300 ms within 30 min, 97 % sure");
        assert_eq!(
            told_of(Outlook::Unsure { probability: 0.35 }, false),
            "may pass 300 ms within 30 min: 35 % probable"
        );
        assert_eq!(
            told_of(Outlook::TooLittle { have: 1, need: 12 }, false),
            "no forecast: 1 value, 12 needed"
        );
    }

    #[test]
    fn times_share_a_unit_where_they_can() {
        let spans = |from, to| span(TimeDelta::seconds(from), TimeDelta::seconds(to));
        assert_eq!(spans(40, 80), "40 to 80 s");
        assert_eq!(spans(40, 240), "40 s to 4 min");
        assert_eq!(spans(241, 250), "4 min");
        assert_eq!(spans(7_200, 190_000), "2 h to 2 days");
    }
}
