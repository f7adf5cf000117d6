//! Which alerts a silence is about.

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// A condition on one label. An alert without the label counts as having it empty.
///
/// Its text form is Alertmanager's own: `service="toyprod"`, `instance=~"a|b"`, `team!="web"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// Its value, or an RE2 expression that must match the whole of it.
    pub value: String,
    /// Whether `value` is an expression.
    pub is_regex: bool,
    /// Whether the value must match, or must not. Alertmanager before 0.22 knows only "must".
    #[serde(default = "must_match")]
    pub is_equal: bool,
}

fn must_match() -> bool {
    true
}

impl Matcher {
    /// The label has exactly this value.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), is_regex: false, is_equal: true }
    }

    /// The label has exactly one of these values, whatever characters they hold. One value needs no expression.
    pub fn one_of<'a>(name: impl Into<String>, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<&str> = values.into_iter().collect();
        if let [value] = values[..] {
            return Self::equal(name, value);
        }
        let value = values.into_iter().map(regex::escape).collect::<Vec<_>>().join("|");
        Self { name: name.into(), value, is_regex: true, is_equal: true }
    }

    /// Whether an alert with these labels meets the condition. An expression that cannot be read is met by none;
    /// Alertmanager would have refused it.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.name).map_or("", String::as_str);
        if self.is_regex {
            self.expression().is_ok_and(|expression| expression.is_match(value) == self.is_equal)
        } else {
            (value == self.value) == self.is_equal
        }
    }

    /// The expression, which Alertmanager anchors at both ends.
    pub(super) fn expression(&self) -> Result<Regex, regex::Error> {
        Regex::new(&format!("^(?:{})$", self.value))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (true, true) => "=~",
            (false, false) => "!=",
            (false, true) => "!~",
        };
        let value = self.value.replace('\\', r"\\").replace('\n', r"\n").replace('"', "\\\"");
        write!(f, "{}{operator}\"{value}\"", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn matcher(name: &str, value: &str, is_regex: bool, is_equal: bool) -> Matcher {
        Matcher { name: name.into(), value: value.into(), is_regex, is_equal }
    }

    #[test]
    fn reads_as_people_write_it_for_amtool() {
        assert_eq!(Matcher::equal("service", "toyprod").to_string(), r#"service="toyprod""#);
        assert_eq!(Matcher::one_of("service", ["a", "b"]).to_string(), r#"service=~"a|b""#);
        assert_eq!(matcher("a", "b", false, false).to_string(), r#"a!="b""#);
        assert_eq!(matcher("a", "b.*", true, false).to_string(), r#"a!~"b.*""#);
        assert_eq!(Matcher::equal("path", "C:\\\"x\"\n").to_string(), r#"path="C:\\\"x\"\n""#);
    }

    #[test]
    fn one_of_several_values_means_these_and_no_others() {
        let one = Matcher::one_of("instance", ["10.0.0.1:80", "a+b"]);
        assert!(one.matches(&labels(&[("instance", "10.0.0.1:80")])));
        assert!(one.matches(&labels(&[("instance", "a+b")])));
        for other in ["10x0.0.1:80", "10.0.0.1:8080", "aab", ""] {
            assert!(!one.matches(&labels(&[("instance", other)])), "{other}");
        }
        assert_eq!(Matcher::one_of("instance", ["10.0.0.1:80"]), Matcher::equal("instance", "10.0.0.1:80"));
    }

    #[test]
    fn a_missing_label_counts_as_empty() {
        let without = labels(&[("alertname", "A")]);
        assert!(Matcher::equal("team", "").matches(&without));
        assert!(!Matcher::equal("team", "web").matches(&without));
        assert!(matcher("team", "web", false, false).matches(&without));
        assert!(matcher("team", ".+", true, false).matches(&without));
    }

    #[test]
    fn an_expression_matches_the_whole_value_and_a_broken_one_nothing() {
        assert!(!matcher("job", "toy", true, true).matches(&labels(&[("job", "toyprod")])));
        assert!(matcher("job", "toy.*", true, true).matches(&labels(&[("job", "toyprod")])));
        for is_equal in [true, false] {
            assert!(!matcher("job", "(", true, is_equal).matches(&labels(&[("job", "(")])));
        }
    }

    #[test]
    fn a_matcher_of_an_old_alertmanager_is_read() {
        let old: Matcher =
            serde_json::from_str(r#"{"name":"a","value":"b","isRegex":false}"#).expect("readable");
        assert_eq!(old, Matcher::equal("a", "b"));
        let sent = serde_json::to_string(&old).expect("writable");
        assert_eq!(sent, r#"{"name":"a","value":"b","isRegex":false,"isEqual":true}"#);
    }
}
