//! Reads `slo.toml`.

use std::{collections::BTreeSet, ops::Range};

use serde::Deserialize;
use toml::Spanned;

use super::{
    events::EventExpr,
    objective::{Indicator, Objective, Target},
    window::Window,
};

/// The window of an objective that does not say another.
const USUAL_WINDOW: Window = Window::days(30);

/// A single failure at night wakes nobody, and neither do two.
const USUAL_MIN_BAD_EVENTS: u32 = 3;

/// Names and words longer than this, in bytes, fit into no alert.
const LONGEST_TEXT: usize = 300;

/// Bounds of buckets outside of these have no one spelling: Prometheus writes them with an exponent.
const BOUNDS: Range<f64> = 0.0001..1_000_000.0;

/// Something in the file that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// What is wrong and what would be right, in words.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    slo: Vec<Spanned<RawObjective>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObjective {
    name: Spanned<String>,
    service: Spanned<String>,
    description: Spanned<String>,
    objective: Spanned<f64>,
    window: Option<Spanned<String>>,
    bad: Option<Spanned<String>>,
    good: Option<Spanned<String>>,
    total: Option<Spanned<String>>,
    latency: Option<Spanned<RawLatency>>,
    min_bad_events: Option<u32>,
    runbook_url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLatency {
    histogram: Spanned<String>,
    below: Spanned<f64>,
    matchers: Option<Spanned<String>>,
}

/// What is wrong, and which part of the text it is about.
type Place = (Range<usize>, String);

pub(super) fn parse(text: &str) -> Result<Vec<Objective>, Fault> {
    let line_of = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    let fault = |(place, what): Place| Fault { line: line_of(place.start), what };
    let file: RawFile = toml::from_str(text)
        .map_err(|error| fault((error.span().unwrap_or_default(), error.message().to_owned())))?;
    if file.slo.is_empty() {
        return Err(fault((0..0, "there is no [[slo]]; at least one is needed".to_owned())));
    }
    let mut seen = BTreeSet::new();
    let mut objectives = Vec::with_capacity(file.slo.len());
    for raw in file.slo {
        let name = raw.get_ref().name.span();
        let objective = read(raw).map_err(fault)?;
        if !seen.insert((objective.service.clone(), objective.name.clone())) {
            let what = format!("{} has two objectives named {}", objective.service, objective.name);
            return Err(fault((name, what)));
        }
        objectives.push(objective);
    }
    Ok(objectives)
}

fn read(raw: Spanned<RawObjective>) -> Result<Objective, Place> {
    let place = raw.span();
    let raw = raw.into_inner();
    let target = at(&raw.objective, |percent| Target::new(*percent))?;
    let window = raw.window.as_ref().map(|text| at(text, |text| text.parse())).transpose()?;
    Ok(Objective {
        name: at(&raw.name, |text| name(text))?,
        service: at(&raw.service, |text| words(text))?,
        description: at(&raw.description, |text| words(text))?,
        target,
        window: window.unwrap_or(USUAL_WINDOW),
        min_bad_events: raw.min_bad_events.unwrap_or(USUAL_MIN_BAD_EVENTS),
        runbook_url: raw.runbook_url.as_ref().map(|text| at(text, |text| words(text))).transpose()?,
        indicator: indicator(&raw, place)?,
    })
}

fn indicator(raw: &RawObjective, place: Range<usize>) -> Result<Indicator, Place> {
    let events = |text| at(text, |text: &String| EventExpr::parse(text));
    let (indicator, last) = match (&raw.bad, &raw.good, &raw.total, &raw.latency) {
        (Some(bad), None, Some(total), None) => {
            (Indicator::Bad { bad: events(bad)?, total: events(total)? }, bad.span())
        }
        (None, Some(good), Some(total), None) => {
            (Indicator::Good { good: events(good)?, total: events(total)? }, good.span())
        }
        (None, None, None, Some(latency)) => return bucket(latency),
        _ => {
            let what = "an objective has either bad and total, or good and total, or latency";
            return Err((place, what.to_owned()));
        }
    };
    match &indicator {
        Indicator::Bad { bad: part, total } | Indicator::Good { good: part, total }
            if part.unit != total.unit =>
        {
            Err((
                last,
                "it counts by the second and total does not, or the other way round: use the same function"
                    .into(),
            ))
        }
        _ => Ok(indicator),
    }
}

/// The short form: events of a histogram in the bucket up to a bound are good.
fn bucket(latency: &Spanned<RawLatency>) -> Result<Indicator, Place> {
    let raw = latency.get_ref();
    let metric = at(&raw.histogram, |name| {
        let metric = name.strip_suffix("_bucket").unwrap_or(name);
        let is_name = metric.starts_with(|c: char| c.is_ascii_alphabetic() || "_:".contains(c))
            && metric.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c));
        is_name.then(|| metric.to_owned()).ok_or_else(|| format!("{name:?} is no name of a histogram"))
    })?;
    let le = at(&raw.below, |bound| le_matcher(*bound))?;
    let given = raw.matchers.as_ref().map(|text| text.get_ref().trim()).unwrap_or_default();
    let given = given.trim_end_matches(',');
    let more = if given.is_empty() { String::new() } else { format!("{given},") };
    let place = raw.matchers.as_ref().map_or_else(|| latency.span(), Spanned::span);
    let events = |text: String| EventExpr::parse(&text).map_err(|what| (place.clone(), what));
    Ok(Indicator::Bucket {
        within: events(format!("sum(rate({metric}_bucket{{{more}{le}}}[window]))"))?,
        total: events(format!("sum(rate({metric}_count{{{given}}}[window]))"))?,
    })
}

/// A whole number is a bound of two spellings: "1" in the older text format, "1.0" in `OpenMetrics` and since Prometheus 3.
fn le_matcher(bound: f64) -> Result<String, String> {
    if !BOUNDS.contains(&bound) {
        return Err(format!(
            "a bound of {bound} is out of range: it must be from {} to {}; write bad and total instead",
            BOUNDS.start, BOUNDS.end
        ));
    }
    if bound.fract() == 0.0 {
        return Ok(format!("le=~\"{bound}(\\\\.0)?\""));
    }
    Ok(format!("le=\"{bound}\""))
}

/// Names are parts of rule groups and commands, so they are plain.
fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && text.len() <= 63 && text.chars().all(plain) && !text.starts_with('-') {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no name: up to 63 of a to z, 0 to 9 and - are allowed"))
}

/// A line of text that goes into labels and annotations. Braces in twos would be a template there.
fn words(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty()
        || text.len() > LONGEST_TEXT
        || text.chars().any(char::is_control)
        || text.contains("{{")
    {
        return Err(format!("it must be one line of 1 to {LONGEST_TEXT} bytes without {{{{"));
    }
    Ok(text.to_owned())
}

/// Makes something of a value; what is wrong with it is told at its place.
fn at<T, U>(value: &Spanned<T>, read: impl FnOnce(&T) -> Result<U, String>) -> Result<U, Place> {
    read(value.get_ref()).map_err(|what| (value.span(), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Ours.\n\n[[slo]]\nname = \"orders\"\nservice = \"shop\"\ndescription = \"Orders work.\"\nobjective = 99.9\n\
        bad = 'sum(rate(r_total{code=~\"5..\"}[window]))'\ntotal = 'sum(rate(r_total[window]))'\n";

    #[test]
    fn an_objective_has_sensible_defaults() {
        let [objective] = parse(GOOD).expect("usable").try_into().expect("one");
        assert_eq!(
            (objective.name(), objective.service(), objective.description()),
            ("orders", "shop", "Orders work.")
        );
        assert_eq!((objective.window(), objective.min_bad_events), (Window::days(30), 3));
        assert!((objective.target().percent() - 99.9).abs() < 1e-9);
    }

    #[test]
    fn a_histogram_and_a_bound_are_enough() {
        let with = |latency: &str| {
            let text = format!(
                "[[slo]]\nname = \"fast\"\nservice = \"shop\"\ndescription = \"d\"\nobjective = 99\nlatency = {latency}\n"
            );
            parse(&text).map(|all| all[0].error_ratio_expr(Window::M5))
        };
        let expr =
            with("{ histogram = \"h_seconds\", below = 0.3, matchers = 'route=\"/\"' }").expect("usable");
        assert!(expr.contains("rate(h_seconds_bucket{route=\"/\",le=\"0.3\"}[5m])"), "{expr}");
        assert!(expr.contains("rate(h_seconds_count{route=\"/\"}[5m])"), "{expr}");
        let expr = with("{ histogram = \"h_seconds_bucket\", below = 1 }").expect("usable");
        assert!(expr.contains("rate(h_seconds_bucket{le=~\"1(\\\\.0)?\"}[5m])"), "{expr}");
        for (latency, words) in [
            ("{ histogram = \"h\", below = 0 }", "a bound of 0 is out of range"),
            ("{ histogram = \"h{}\", below = 1 }", "no name of a histogram"),
            ("{ histogram = \"h\", below = 1, matchers = 'route=' }", "not PromQL"),
            ("{ histogram = \"h\", below = 1, bucket = 2 }", "unknown field `bucket`"),
        ] {
            let fault = with(latency).expect_err(latency);
            assert!(fault.line == 6 && fault.what.contains(words), "{latency}: {fault}");
        }
    }

    #[test]
    fn each_fault_is_told_with_its_line() {
        for (from, to, line, words) in [
            ("objective = 99.9", "objective = 100", 7, "an objective of 100 % cannot be watched"),
            ("objective = 99.9", "objective = \"99.9\"", 7, "expected f64"),
            ("objective = 99.9", "objectve = 99.9", 7, "unknown field `objectve`"),
            ("objective = 99.9\n", "", 3, "missing field `objective`"),
            ("name = \"orders\"", "name = \"Orders!\"", 4, "is no name"),
            ("service = \"shop\"", "service = \" \"", 5, "it must be one line"),
            ("Orders work.", "{{ $value }}", 6, "without {{"),
            ("objective = 99.9", "objective = 99.9\nwindow = \"1h\"", 8, "\"1h\" is no window"),
            ("[window]))'\ntotal", "[5m]))'\ntotal", 8, "has no [window]"),
            ("total = 'sum(rate(r_total[window]))'", "total = 'sum(rate(r_total[window])'", 9, "not PromQL"),
            ("bad = ", "total = ", 9, "duplicate key `total`"),
            ("bad = ", "good = 'sum(increase(r_total[window]))'\n# ", 8, "use the same function"),
            ("bad = ", "latency = { histogram = \"h\", below = 1 }\n# ", 3, "an objective has either"),
            ("# Ours.", "title = 1", 1, "unknown field `title`"),
            ("[[slo]]", "[[slo]", 3, ""),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD, "{from}");
            let fault = parse(&text).expect_err(to);
            assert!(fault.line == line && fault.what.contains(words), "{to}: {fault}");
        }
        assert_eq!(parse("").expect_err("empty").what, "there is no [[slo]]; at least one is needed");
    }

    #[test]
    fn two_objectives_of_a_service_have_two_names() {
        let fault = parse(&format!("{GOOD}\n{GOOD}")).expect_err("twice");
        assert_eq!((fault.line, fault.what.as_str()), (14, "shop has two objectives named orders"));
        assert_eq!(parse(&format!("{GOOD}\n{}", GOOD.replace("shop", "bank"))).expect("usable").len(), 2);
    }
}
