//! The chart in words.

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::promql::Comparison;

use super::axis::time_text;
use super::line::usual_step;
use super::{Chart, ChartSeries};

/// A last value older than this many steps is no longer "now".
const STALE_STEPS: i32 = 3;

/// Longer names of series are cut.
const MAX_NAME_CHARS: usize = 80;

/// For the timeline: no full stop at the end.
pub(super) fn sentence(chart: &Chart) -> String {
    let Some((series, last_at, last)) = telling(chart) else { return nothing(chart) };
    let time = |at| time_text(at, chart.from, chart.to);
    let value = |value| chart.unit.text(value);
    let whose = match chart.series.len() {
        1 => String::new(),
        _ => format!("{}: ", shortened(&chart.distinct_name(series))),
    };
    let is_now = !is_stale(chart, last_at);
    let now = if is_now {
        format!("{} now", value(last))
    } else {
        format!("no data since {}; {} then", time(last_at), value(last))
    };
    let rest = chart.threshold.map_or_else(
        || extremes(chart, series, &time),
        |(limit, comparison)| against_limit(chart, series, limit, comparison, &time),
    );
    format!("{whose}{now}, {rest}")
}

fn extremes(chart: &Chart, series: &ChartSeries, time: &dyn Fn(DateTime<Utc>) -> String) -> String {
    let ((highest_at, highest), (lowest_at, lowest)) = (extreme(series, f64::gt), extreme(series, f64::lt));
    if highest > lowest {
        let (highest, lowest) = (chart.unit.text(highest), chart.unit.text(lowest));
        format!("highest {highest} at {}, lowest {lowest} at {}", time(highest_at), time(lowest_at))
    } else {
        "unchanged all the time".to_owned()
    }
}

/// Labels may be of any length; a sentence may not.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    name.chars().take(MAX_NAME_CHARS).chain(['…']).collect()
}

/// For those who do not see the picture: range, number of lines, the sentence, extremes and marks.
pub(super) fn description(chart: &Chart) -> String {
    let time = |at| time_text(at, chart.from, chart.to);
    let lines = match chart.series.len() {
        1 => "One line".to_owned(),
        count => format!("{count} lines"),
    };
    let now = telling(chart).map_or_else(|| "No data".to_owned(), |_| sentence(chart));
    let mut sentences =
        vec![format!("{lines} from {} to {}.", time(chart.from), time(chart.to)), format!("{now}.")];
    if let (Some((series, ..)), Some(_)) = (telling(chart), chart.threshold) {
        let (at, highest) = extreme(series, f64::gt);
        sentences.push(format!("The highest value is {} at {}.", chart.unit.text(highest), time(at)));
    }
    if chart.series.iter().any(|series| series.points.iter().any(|(_, value)| value.is_infinite())) {
        sentences.push("Some values are infinite and are not drawn.".to_owned());
    }
    sentences.extend(chart.forecast_words());
    let marks = chart.marks.iter().filter(|mark| (chart.from..=chart.end()).contains(&mark.at));
    sentences.extend(marks.map(|mark| format!("{} at {}.", mark.label, time(mark.at))));
    sentences.join(" ")
}

/// The series that tells most, with its last value: the one farthest on the side of the limit that raises the alert,
/// else the one with the largest last value. A line that ended long ago tells less than one that goes on.
fn telling(chart: &Chart) -> Option<(&ChartSeries, DateTime<Utc>, f64)> {
    let rank = |at: DateTime<Utc>, value: f64| {
        let goes_on = !is_stale(chart, at);
        match chart.threshold {
            Some((_, Comparison::Below | Comparison::AtMost)) => (goes_on, false, -value),
            Some((limit, comparison)) => (goes_on, comparison.holds(value, limit), value),
            None => (goes_on, false, value),
        }
    };
    let with_last =
        chart.series.iter().filter_map(|series| series.last().map(|(at, value)| (series, at, value)));
    with_last.max_by(|(_, at_a, a), (_, at_b, b)| {
        let (a, b) = (rank(*at_a, *a), rank(*at_b, *b));
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
    })
}

fn nothing(chart: &Chart) -> String {
    let (from, to) = (time_text(chart.from, chart.from, chart.to), time_text(chart.to, chart.from, chart.to));
    format!("no data between {from} and {to}")
}

fn is_stale(chart: &Chart, at: DateTime<Utc>) -> bool {
    let series: Vec<&ChartSeries> = chart.series.iter().collect();
    let step = usual_step(&series).unwrap_or(TimeDelta::minutes(1));
    chart.to - at > step * STALE_STEPS
}

/// The series has at least one finite value when this is asked.
fn extreme(series: &ChartSeries, beats: fn(&f64, &f64) -> bool) -> (DateTime<Utc>, f64) {
    let mut points = series.finite();
    let first = points.next().unwrap_or_default();
    points.fold(first, |best, point| if beats(&point.1, &best.1) { point } else { best })
}

fn against_limit(
    chart: &Chart,
    series: &ChartSeries,
    limit: f64,
    comparison: Comparison,
    time: &dyn Fn(DateTime<Utc>) -> String,
) -> String {
    let holds = |value: f64| comparison.holds(value, limit);
    let points: Vec<(DateTime<Utc>, f64)> = series.finite().collect();
    let Some(&(_, last)) = points.last() else { return String::new() };
    // The last point at which the answer was another one.
    let turn = points.iter().rposition(|(_, value)| holds(*value) != holds(last));
    let since = turn.and_then(|before| points.get(before + 1)).map(|(at, _)| time(*at));
    let limit = chart.unit.text(limit);
    match (holds(last), since) {
        (true, Some(since)) => format!("{} since {since}", beyond(comparison, &limit)),
        (true, None) => format!("{} all the time", beyond(comparison, &limit)),
        (false, Some(since)) => format!("back {} since {since}", within(comparison, &limit)),
        (false, None) => format!("{} all the time", within(comparison, &limit)),
    }
}

fn beyond(comparison: Comparison, limit: &str) -> String {
    match comparison {
        Comparison::Above => format!("above the limit of {limit}"),
        Comparison::AtLeast => format!("at or above the limit of {limit}"),
        Comparison::Below => format!("below the limit of {limit}"),
        Comparison::AtMost => format!("at or below the limit of {limit}"),
        Comparison::Equal => format!("at {limit}, which raises the alert,"),
        Comparison::NotEqual => format!("other than {limit}"),
    }
}

fn within(comparison: Comparison, limit: &str) -> String {
    match comparison {
        Comparison::Equal => format!("away from {limit}"),
        Comparison::NotEqual => format!("at {limit}"),
        _ => format!("within the limit of {limit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Unit;
    use crate::chart::test_data::{at, error_rate, series};

    fn said(threshold: Option<(f64, Comparison)>, lines: Vec<ChartSeries>) -> String {
        Chart { threshold, series: lines, unit: Unit::Plain, ..error_rate() }.sentence()
    }

    #[test]
    fn says_where_it_stands_and_since_when() {
        assert_eq!(error_rate().sentence(), "41.6 % now, above the limit of 10 % since 02:58 UTC");
        let above = Some((5.0, Comparison::Above));
        assert_eq!(said(above, vec![series("", |_| 5.0)]), "5 now, within the limit of 5 all the time");
        assert_eq!(said(above, vec![series("", |_| 6.0)]), "6 now, above the limit of 5 all the time");
        let fell = series("", |minute| if minute < 30 { 9.0 } else { 1.0 });
        assert_eq!(said(above, vec![fell]), "1 now, back within the limit of 5 since 02:42 UTC");
        let down = series("", |minute| if minute < 50 { 1.0 } else { 0.0 });
        let is_zero = Some((0.0, Comparison::Equal));
        assert_eq!(said(is_zero, vec![down]), "0 now, at 0, which raises the alert, since 03:02 UTC");
    }

    #[test]
    fn speaks_of_the_worst_line_by_name() {
        let lines = || vec![series("a", |_| 7.0), series("b", |_| 2.0), series("c", |_| 9.0)];
        let said_of = |comparison| said(Some((5.0, comparison)), lines());
        assert_eq!(said_of(Comparison::Above), "c: 9 now, above the limit of 5 all the time");
        assert_eq!(said_of(Comparison::Below), "b: 2 now, below the limit of 5 all the time");
        assert_eq!(said(None, lines()), "c: 9 now, unchanged all the time");
    }

    #[test]
    fn leaves_out_of_names_what_all_lines_share() {
        let lines = vec![series("job=x, route=/a, y=1", |_| 7.0), series("job=x, route=/b, y=1", |_| 2.0)];
        assert_eq!(said(None, lines), "route=/a: 7 now, unchanged all the time");
        let long = said(None, vec![series(&"ä".repeat(9000), |_| 7.0), series("b", |_| 2.0)]);
        assert!(long.ends_with("ä…: 7 now, unchanged all the time") && long.chars().count() < 130, "{long}");
    }

    #[test]
    fn says_when_there_is_nothing_and_when_it_stopped() {
        assert_eq!(said(None, vec![]), "no data between 02:12 UTC and 03:12 UTC");
        assert_eq!(said(None, vec![series("", |_| f64::NAN)]), "no data between 02:12 UTC and 03:12 UTC");
        let mut ended = series("", |minute| if minute == 7 { 3.0 } else { 2.0 });
        ended.points.truncate(20);
        let text = "no data since 02:31 UTC; 2 then, highest 3 at 02:19 UTC, lowest 2 at 02:12 UTC";
        assert_eq!(said(None, vec![ended]), text);
    }

    #[test]
    fn a_range_of_days_says_the_day() {
        let chart = Chart { from: at(-3 * 24 * 60), ..error_rate() };
        assert!(chart.sentence().ends_with("since 2 Jan 02:58 UTC"), "{}", chart.sentence());
    }

    #[test]
    fn describes_the_picture_to_those_who_do_not_see_it() {
        let text = "One line from 02:12 UTC to 03:12 UTC. 41.6 % now, above the limit of 10 % since 02:58 UTC. \
                    The highest value is 41.6 % at 03:12 UTC. deploy 1.42 at 02:56 UTC. fired at 03:00 UTC.";
        assert_eq!(description(&error_rate()), text);
    }
}
