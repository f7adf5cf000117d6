//! What a sender's body says, read as leniently as senders write.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde_json::{Map, Value};

/// A label value longer than this may be cut by the server; then its beginning is compared.
const MAY_BE_CUT: usize = 256;

/// An alert's labels as text, in the names' order. Prometheus knows no difference between an empty label and none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct LabelSet(BTreeMap<String, String>);

/// An alert of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentAlert {
    pub(super) labels: LabelSet,
    /// `firing` or `resolved`, where the body says so in a word that everybody knows. Where a body holds an alert
    /// more than once, its last word.
    pub(super) status: Option<&'static str>,
    /// The sender's own name for it; two names make two alerts, even of the same labels.
    pub(super) fingerprint: Option<String>,
}

impl SentAlert {
    /// Whether a row with this status says what the body said.
    pub(super) fn is_kept_in(&self, status: &str) -> bool {
        self.status.is_none_or(|sent| sent == status)
    }
}

impl LabelSet {
    pub(super) fn of(labels: &Map<String, Value>) -> Self {
        let mut set = BTreeMap::new();
        for (name, value) in labels {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if !text.is_empty() {
                set.insert(name.clone(), text);
            }
        }
        Self(set)
    }

    /// Whether `kept` is this set. A long value counts as kept if its beginning was.
    pub(super) fn is_kept_as(&self, kept: &Self) -> bool {
        let same_value = |sent: &str, kept: &str| {
            // A cut is marked with an ellipsis, perhaps followed by words.
            let beginning = kept.rsplit_once('…').map_or(kept, |(beginning, _)| beginning.trim_end());
            sent == kept || (beginning.len() >= MAY_BE_CUT && sent.starts_with(beginning))
        };
        self.0.len() == kept.0.len()
            && self
                .0
                .iter()
                .all(|(name, value)| kept.0.get(name).is_some_and(|other| same_value(value, other)))
    }
}

impl fmt::Display for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

/// The alerts of a body. None if it is not JSON or has no list of alerts: such a body has nothing that could be lost.
/// An element that is no object counts as an alert without labels: a server that accepts it answers for it.
pub(super) fn alerts_of(body: &[u8]) -> Vec<SentAlert> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let Some(alerts) = body.get("alerts").and_then(Value::as_array) else { return Vec::new() };
    let word_of_body = body.get("status").and_then(Value::as_str);
    let mut alerts: Vec<SentAlert> = alerts
        .iter()
        .map(|alert| SentAlert {
            labels: alert.get("labels").and_then(Value::as_object).map(LabelSet::of).unwrap_or_default(),
            status: alert.get("status").and_then(Value::as_str).or(word_of_body).and_then(meaning),
            fingerprint: alert
                .get("fingerprint")
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
        })
        .collect();
    let mut last_word = HashMap::new();
    for alert in alerts.iter_mut().rev() {
        let key = (alert.labels.clone(), alert.fingerprint.clone());
        alert.status = *last_word.entry(key).or_insert(alert.status);
    }
    alerts
}

/// Senders' words for the two states, Grafana's among them. Any other word says nothing that could be compared.
fn meaning(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "firing" | "alerting" | "no_data" => Some("firing"),
        "resolved" | "ok" | "normal" => Some("resolved"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(labels: &Value) -> LabelSet {
        LabelSet::of(labels.as_object().expect("an object"))
    }

    #[test]
    fn odd_values_are_compared_as_text_and_empty_ones_not_at_all() {
        let sent = set(&json!({"a": 1, "b": true, "c": null, "d": ""}));
        assert!(sent.is_kept_as(&set(&json!({"a": "1", "b": "true"}))));
        assert!(!sent.is_kept_as(&set(&json!({"a": "2", "b": "true"}))));
        assert!(!sent.is_kept_as(&set(&json!({"a": "1"}))));
        assert!(!sent.is_kept_as(&set(&json!({"a": "1", "b": "true", "e": "more"}))));
    }

    #[test]
    fn only_a_long_value_may_be_cut() {
        let long = "x".repeat(5_000);
        assert!(
            set(&json!({"a": long}))
                .is_kept_as(&set(&json!({"a": format!("{} … [cut: 5000 bytes]", &long[..1_000])})))
        );
        assert!(!set(&json!({"a": "checkout"})).is_kept_as(&set(&json!({"a": "check…"}))));
    }

    #[test]
    fn an_alert_without_a_status_has_that_of_its_body() {
        let body = json!({"status": "firing", "alerts": [{"labels": {"a": "b"}}, {"status": "normal", "labels": {}}]});
        let alerts = alerts_of(body.to_string().as_bytes());
        let statuses: Vec<_> = alerts.iter().map(|alert| alert.status).collect();
        assert_eq!(statuses, [Some("firing"), Some("resolved")]);
        assert_eq!(alerts[0].labels.to_string(), r#"{a="b"}"#);
    }

    #[test]
    fn an_alert_that_a_body_holds_twice_ends_as_the_body_says_last() {
        let body = json!({"alerts": [
            {"status": "firing", "labels": {"a": "b"}},
            {"status": "firing", "labels": {"a": "c"}},
            {"status": "resolved", "labels": {"a": "b"}},
        ]});
        let statuses: Vec<_> =
            alerts_of(body.to_string().as_bytes()).iter().map(|alert| alert.status).collect();
        assert_eq!(statuses, [Some("resolved"), Some("firing"), Some("resolved")]);
    }

    #[test]
    fn what_has_no_list_of_alerts_has_no_alerts() {
        for body in ["", "not json", "[]", r#"{"alerts": null}"#, r#"{"alerts": {}}"#] {
            assert_eq!(alerts_of(body.as_bytes()), [], "{body}");
        }
    }
}
