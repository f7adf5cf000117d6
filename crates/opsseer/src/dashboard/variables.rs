//! A dashboard's variables, with the values that it was saved with, in the expressions of its panels.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use thiserror::Error;

use super::model::{Dashboard, Variable};
use super::time::span_text;

/// What `$__all` is saved as.
const ALL: &str = "$__all";

/// Why an expression cannot be asked.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VariableError {
    /// The dashboard was saved without a value.
    #[error("the variable {0} has no saved value: give one by --var {0}=VALUE")]
    NoValue(String),
    /// The dashboard does not define it.
    #[error("the variable {0} is not defined in the dashboard: give it by --var {0}=VALUE")]
    Unknown(String),
}

/// The values of all variables.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    /// `None`: defined, but without a value.
    values: BTreeMap<String, Option<Vec<String>>>,
}

/// The lengths of time that stand for `$__interval` and its like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) step: TimeDelta,
    /// How often Prometheus scrapes.
    pub(super) scrape: TimeDelta,
}

impl Variables {
    /// The dashboard's saved values, replaced where `given` names others.
    pub fn new(dashboard: &Dashboard, given: &[(String, String)]) -> Self {
        let mut values: BTreeMap<String, Option<Vec<String>>> = dashboard
            .templating
            .list
            .iter()
            .map(|variable| (variable.name.clone(), saved(variable)))
            .collect();
        for (name, value) in given {
            values.insert(name.clone(), Some(vec![value.clone()]));
        }
        Self { values }
    }

    /// The text with its variables filled in. `spans` is what time-dependent ones stand for.
    pub(super) fn fill(&self, text: &str, spans: &Spans) -> Result<String, VariableError> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(['$', '[']) {
            let (before, at) = rest.split_at(start);
            filled.push_str(before);
            if let Some((name, format, after)) = reference(at) {
                filled.push_str(&self.value(name, format, spans)?);
                rest = after;
            } else {
                let (sign, after) = at.split_at(1);
                filled.push_str(sign);
                rest = after;
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, name: &str, format: &str, spans: &Spans) -> Result<String, VariableError> {
        let range = spans.to - spans.from;
        // As Grafana reckons it: a rate needs four scrapes, and one more than a step.
        let rate = (spans.step + spans.scrape).max(spans.scrape * 4);
        Ok(match name {
            "__interval" => span_text(spans.step),
            "__interval_ms" => spans.step.num_milliseconds().to_string(),
            "__rate_interval" => span_text(rate),
            "__rate_interval_ms" => rate.num_milliseconds().to_string(),
            "__range" => span_text(range),
            "__range_s" => range.num_seconds().to_string(),
            "__range_ms" => range.num_milliseconds().to_string(),
            "__from" => spans.from.timestamp_millis().to_string(),
            "__to" => spans.to.timestamp_millis().to_string(),
            _ => match self.values.get(name) {
                Some(Some(values)) => joined(values, format),
                Some(None) => return Err(VariableError::NoValue(name.to_owned())),
                None => return Err(VariableError::Unknown(name.to_owned())),
            },
        })
    }
}

fn saved(variable: &Variable) -> Option<Vec<String>> {
    let current = match &variable.current.value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if current.iter().any(|value| value == ALL) || (current.is_empty() && variable.include_all) {
        // Every value: written as what matches any.
        return Some(vec![variable.all_value.clone().unwrap_or_else(|| ".*".to_owned())]);
    }
    if !current.is_empty() {
        return Some(current);
    }
    match (variable.kind.as_str(), &variable.query) {
        ("constant" | "textbox", Value::String(text)) => Some(vec![text.clone()]),
        ("custom" | "interval", Value::String(text)) => {
            text.split(',').next().map(|first| vec![first.trim().to_owned()])
        }
        // Which data source is meant does not matter: there is one Prometheus.
        ("datasource", _) => Some(vec![String::new()]),
        _ => None,
    }
}

/// One value as it is; several as an alternative that a matcher reads.
fn joined(values: &[String], format: &str) -> String {
    match (values, format) {
        (_, "csv") => values.join(","),
        (_, "pipe") => values.join("|"),
        ([one], "regex") => regex::escape(one),
        ([one], _) => one.clone(),
        (many, _) => {
            let escaped: Vec<String> = many.iter().map(|value| regex::escape(value)).collect();
            format!("({})", escaped.join("|")).replace('\\', "\\\\")
        }
    }
}

/// `$name`, `${name}`, `${name:format}` or `[[name]]` at the start of a text: name, format, and what follows.
fn reference(text: &str) -> Option<(&str, &str, &str)> {
    let closed = |opening: &str, closing: &str| {
        let (inner, after) = text.strip_prefix(opening)?.split_once(closing)?;
        let (name, format) = inner.split_once(':').unwrap_or((inner, ""));
        is_name(name).then_some((name, format, after))
    };
    if let Some(found) = closed("${", "}").or_else(|| closed("[[", "]]")) {
        return Some(found);
    }
    let after = text.strip_prefix('$')?;
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
    let (name, rest) = after.split_at(end);
    is_name(name).then_some((name, "", rest))
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(given: &[(&str, &str)]) -> Variables {
        let json = r#"{"panels": [{"id": 1, "type": "stat"}], "templating": {"list": [
            {"name": "instance", "type": "query", "includeAll": true, "current": {"value": ["$__all"]}},
            {"name": "route", "type": "query", "multi": true, "current": {"value": ["/a.b", "/c"]}},
            {"name": "job", "type": "custom", "query": "toyprod, other"},
            {"name": "late", "type": "query", "query": "label_values(up, job)"}]}}"#;
        let given: Vec<(String, String)> =
            given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Variables::new(&Dashboard::parse(json).expect("a dashboard"), &given)
    }

    fn filled(variables: &Variables, text: &str) -> Result<String, VariableError> {
        let at = |second: i64| DateTime::from_timestamp(second, 0).expect("a time");
        let (step, scrape) = (TimeDelta::seconds(90), TimeDelta::seconds(15));
        variables.fill(text, &Spans { from: at(0), to: at(21_600), step, scrape })
    }

    #[test]
    fn saved_values_and_spans_stand_in_the_expression() {
        let known = variables(&[]);
        for (text, expected) in [
            (r#"up{instance=~"$instance"}"#, r#"up{instance=~".*"}"#),
            (r#"up{job="${job}"}[$__rate_interval]"#, r#"up{job="toyprod"}[105s]"#),
            ("rate(x[$__interval])", "rate(x[90s])"),
            ("increase(x[$__range]) / [[__range_s]]", "increase(x[21600s]) / 21600"),
            ("x[5m] $", "x[5m] $"),
            (r#"{r=~"$route"}"#, r#"{r=~"(/a\\.b|/c)"}"#),
            ("${route:csv}", "/a.b,/c"),
        ] {
            assert_eq!(filled(&known, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_named_and_can_be_given() {
        assert_eq!(filled(&variables(&[]), "$late"), Err(VariableError::NoValue("late".into())));
        assert_eq!(filled(&variables(&[]), "$typo"), Err(VariableError::Unknown("typo".into())));
        assert_eq!(filled(&variables(&[("late", "x")]), "$late").as_deref(), Ok("x"));
    }
}
