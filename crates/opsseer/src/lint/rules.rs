//! Alert rules, from Prometheus' own files and from the `PrometheusRule` objects of its operator.

use std::{collections::BTreeMap, fs, path::Path};

use opsseer_ai::runbook::AlertQuestion;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::LintError;

/// An alert that may fire one day.
#[derive(Debug)]
pub(super) struct AlertRule {
    pub(super) file: String,
    pub(super) line: u32,
    /// What will be asked for when it fires.
    pub(super) question: AlertQuestion,
    /// Where its `runbook_url` stands.
    pub(super) url_line: Option<u32>,
}

#[derive(Deserialize)]
struct RulesFile {
    #[serde(default)]
    groups: Vec<Group>,
    /// Where the operator's objects have them.
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    /// A recording rule has none.
    alert: Option<Spanned<String>>,
    #[serde(default)]
    expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, Spanned<String>>,
}

/// All alert rules of a file. Recording rules are no alerts.
pub(super) fn read(path: &Path) -> Result<Vec<AlertRule>, LintError> {
    let text =
        fs::read_to_string(path).map_err(|source| LintError::Read { path: path.to_owned(), source })?;
    let read: RulesFile = serde_saphyr::from_str(&text)
        .map_err(|source| LintError::Rules { path: path.to_owned(), source: Box::new(source) })?;
    let groups = read.groups.into_iter().chain(read.spec.into_iter().flat_map(|spec| spec.groups));
    let rules = groups.flat_map(|group| group.rules);
    Ok(rules.filter_map(|rule| AlertRule::of(&path.display().to_string(), rule)).collect())
}

impl AlertRule {
    fn of(file: &str, rule: Rule) -> Option<Self> {
        let alert = rule.alert?;
        let annotation = |name: &str| rule.annotations.get(name).filter(|text| !text.value.trim().is_empty());
        let text = |name: &str| annotation(name).map(|text| text.value.clone());
        let url = annotation("runbook_url").or_else(|| annotation("runbook"));
        Some(Self {
            file: file.to_owned(),
            line: line_of(&alert),
            url_line: url.map(line_of),
            question: AlertQuestion {
                alert_name: alert.value,
                runbook_url: url.map(|url| url.value.clone()),
                summary: text("summary"),
                description: text("description").or_else(|| text("message")),
                labels: rule.labels,
                expr: Some(rule.expr).filter(|expr| !expr.is_empty()),
            },
        })
    }
}

fn line_of(text: &Spanned<String>) -> u32 {
    u32::try_from(text.referenced.line()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<AlertRule>, LintError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("rules.yml");
        fs::write(&file, text).expect("written");
        read(&file)
    }

    #[test]
    fn alerts_come_with_their_line_and_everything_that_an_alert_will_say() {
        let rules = read_text(
            "groups:\n  - name: db\n    interval: 30s\n    rules:\n      - record: db:lag\n        expr: max(lag)\n      - alert: DbLag\n        \
             expr: |\n          db:lag > 5\n        for: 2m\n        labels: {severity: page, tier: 1}\n        annotations:\n          \
             summary: it lags\n          runbook_url: https://wiki/db-lag\n",
        )
        .expect("readable");
        let [rule] = rules.as_slice() else { panic!("{rules:?}") };
        assert_eq!((rule.line, rule.url_line), (7, Some(14)));
        assert_eq!(rule.question.alert_name, "DbLag");
        assert_eq!(rule.question.runbook_url.as_deref(), Some("https://wiki/db-lag"));
        assert_eq!(rule.question.summary.as_deref(), Some("it lags"));
        assert_eq!(rule.question.labels["tier"], "1");
        assert_eq!(rule.question.expr.as_deref().map(str::trim), Some("db:lag > 5"));
    }

    #[test]
    fn the_operators_objects_are_read_too() {
        let text = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n    - name: a\n      rules:\n        - alert: A\n          expr: up == 0\n";
        let rules = read_text(text).expect("readable");
        assert_eq!((rules.len(), rules[0].line), (1, 7));
    }

    #[test]
    fn what_is_no_file_of_rules_is_refused_by_its_name() {
        let error = read_text("groups: [{rules: 7}]").expect_err("no rules");
        assert!(error.to_string().ends_with("rules.yml is not a file of Prometheus rules"), "{error}");
    }
}
