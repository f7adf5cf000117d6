//! The webhook bodies of Alertmanager and of Grafana's unified alerting, which took over its form.
//!
//! Sources: Prometheus documentation, "Configuration", `webhook_config`; Grafana documentation, "Webhook notifier".
//! Read with a light hand where nothing is lost by it (a missing `startsAt`, a number as a label), and strictly where
//! an alert would be lost: a body is taken whole or refused whole.

mod form;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use opsseer_core::{Alert, AlertSource, AlertStatus, Fingerprint, Identity, Labels};

use self::form::{AlertForm, Place, Texts, Value};
use crate::config::Ingest;

/// Why a body cannot be taken. `path` names the place, such as `alerts[2].labels`.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body must be a JSON object with a list \"alerts\"; it is {0}")]
    NotObject(&'static str),
    #[error("{path} must be {expected}; it is {found}")]
    Type { path: String, expected: &'static str, found: &'static str },
    #[error("\"alerts\" is empty: there is nothing to keep")]
    NoAlerts,
    #[error("the body holds {found} alerts; at most {allowed} are taken at once (ingest.max_alerts)")]
    TooMany { found: usize, allowed: usize },
    #[error("{path} holds {found} names; at most {MAX_NAMES} are taken")]
    TooManyNames { path: String, found: usize },
    #[error("{path} has a name of {found} bytes; at most {MAX_NAME_BYTES} are taken")]
    LongName { path: String, found: usize },
    #[error("commonAnnotations, counted once for each alert, are larger than {allowed} bytes")]
    CommonTooLarge { allowed: usize },
    #[error("{path} holds a NUL character")]
    Nul { path: String },
    #[error("{path} is {found:?}; it must be \"firing\" or \"resolved\"")]
    Status { path: String, found: String },
    #[error("{path} is {found:?}; it must be a time such as 2026-01-31T08:15:00Z")]
    Time { path: String, found: String },
}

/// Labels or annotations that one alert may have. Real ones have a few dozen.
const MAX_NAMES: usize = 256;

/// The longest name of a label or annotation, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// The longest address of a rule that is kept, in bytes: Prometheus puts the whole expression into it.
const MAX_URL_BYTES: usize = 16 * 1024;

/// The longest group key that is kept as it is, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// Annotations that all alerts of a body share are kept with each: this bounds what a small body can grow to, in bytes.
const MAX_COMMON_BYTES: usize = 32 * 1024 * 1024;

/// What was read of a body.
#[derive(Debug)]
pub(crate) struct Body {
    /// Its alerts, at least one.
    pub(crate) alerts: Vec<Alert>,
    /// Alerts that its sender left out, because they were more than its own limit.
    pub(crate) truncated: u64,
}

impl BodyError {
    /// Whether the body is too large, rather than wrong.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::TooMany { .. } | Self::CommonTooLarge { .. })
    }
}

/// Reads all alerts of a body.
pub(crate) fn parse(
    body: &[u8],
    source: AlertSource,
    now: DateTime<Utc>,
    limits: &Ingest,
) -> Result<Vec<Alert>, BodyError> {
    Ok(read(body, source, now, limits)?.alerts)
}

/// Reads a body.
pub(crate) fn read(
    body: &[u8],
    source: AlertSource,
    now: DateTime<Utc>,
    limits: &Ingest,
) -> Result<Body, BodyError> {
    let body = form::read(body, limits.max_alerts).map_err(|error| BodyError::NotJson(error.to_string()))?;
    let body = match body {
        Place::Is(body) => body,
        Place::Else(other) => return Err(BodyError::NotObject(other.type_name())),
    };
    let alerts = match body.alerts {
        Place::Is(alerts) => alerts,
        Place::Else(other) => {
            let found = other.type_name();
            return Err(BodyError::Type { path: "alerts".to_owned(), expected: "a list", found });
        }
    };
    if alerts.found == 0 {
        return Err(BodyError::NoAlerts);
    }
    if alerts.found > limits.max_alerts {
        return Err(BodyError::TooMany { found: alerts.found, allowed: limits.max_alerts });
    }
    let envelope = Envelope {
        source,
        now,
        limits,
        status: match body.status {
            Value::Text(status) => Some(status),
            _ => None,
        },
        group_key: text(body.group_key, "", "groupKey")?.filter(|key| !key.is_empty()).map(shortened_key),
        common_annotations: texts(body.common_annotations, "", "commonAnnotations")?,
    };
    let common: usize =
        envelope.common_annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
    if common.saturating_mul(alerts.found) > MAX_COMMON_BYTES {
        return Err(BodyError::CommonTooLarge { allowed: MAX_COMMON_BYTES });
    }
    let truncated = match body.truncated_alerts {
        Value::Number(count) => count.as_u64().unwrap_or(0),
        _ => 0,
    };
    let numbered = alerts.kept.into_iter().enumerate();
    let alerts: Result<_, _> =
        numbered.map(|(i, alert)| envelope.alert(&format!("alerts[{i}]"), alert)).collect();
    Ok(Body { alerts: alerts?, truncated })
}

/// What the alerts of a body share.
struct Envelope<'a> {
    source: AlertSource,
    now: DateTime<Utc>,
    limits: &'a Ingest,
    status: Option<String>,
    group_key: Option<String>,
    common_annotations: Labels,
}

impl Envelope<'_> {
    fn alert(&self, path: &str, alert: Place<AlertForm>) -> Result<Alert, BodyError> {
        let alert = match alert {
            Place::Is(alert) => alert,
            Place::Else(other) => {
                let found = other.type_name();
                return Err(BodyError::Type { path: path.to_owned(), expected: "an object", found });
            }
        };
        let mut labels = texts(alert.labels, path, "labels")?;
        let mut annotations = texts(alert.annotations, path, "annotations")?;
        for (name, value) in &self.common_annotations {
            annotations.entry(name.clone()).or_insert_with(|| value.clone());
        }
        // Grafana's fields that lead a person to the picture.
        for (field, value, annotation) in [
            ("dashboardURL", alert.dashboard_url, "dashboard_url"),
            ("panelURL", alert.panel_url, "panel_url"),
            ("silenceURL", alert.silence_url, "silence_url"),
            ("valueString", alert.value_string, "value"),
        ] {
            if let Some(text) = text(value, path, field)?.filter(|text| !text.is_empty()) {
                annotations.entry(annotation.to_owned()).or_insert(text);
            }
        }
        let given_start = time(alert.starts_at, path, "startsAt")?;
        let starts_at = given_start.unwrap_or(self.now);
        let ends_at = time(alert.ends_at, path, "endsAt")?.filter(|end| *end >= starts_at);
        let status = self.status_of(alert.status, path, ends_at)?;
        // Identity comes before cutting: two alerts that differ only beyond the cut are still two.
        let identity = Identity::of(&labels);
        let given = text(alert.fingerprint, path, "fingerprint")?;
        let fingerprint = Fingerprint::given_or_computed(given.as_deref(), &identity);
        let generator_url = text(alert.generator_url, path, "generatorURL")?.filter(|url| !url.is_empty());
        if let Some(url) = generator_url.as_ref().filter(|url| url.len() > MAX_URL_BYTES) {
            // A part of an address leads nowhere: better none, and said.
            annotations
                .insert("generatorURL".to_owned(), format!("[left out by OpsSeer: {} bytes]", url.len()));
        }
        let generator_url = generator_url.filter(|url| url.len() <= MAX_URL_BYTES);
        cut("label", &mut labels, self.limits.max_label_bytes);
        cut("annotation", &mut annotations, self.limits.max_annotation_bytes);
        Ok(Alert {
            fingerprint,
            identity,
            source: self.source,
            status,
            labels,
            annotations,
            starts_at,
            start_is_guessed: given_start.is_none(),
            ends_at,
            generator_url,
            group_key: self.group_key.clone(),
            note: None,
        })
    }

    /// The alert's own word; else the body's; else what its end says.
    fn status_of(
        &self,
        own: Value,
        path: &str,
        ends_at: Option<DateTime<Utc>>,
    ) -> Result<AlertStatus, BodyError> {
        match text(own, path, "status")?.as_deref().or(self.status.as_deref()) {
            // "alerting", "no_data" and "pending" are Grafana's words for its states.
            Some("firing" | "alerting" | "no_data") => Ok(AlertStatus::Firing),
            Some("resolved" | "ok" | "normal") => Ok(AlertStatus::Resolved),
            Some(other) => Err(BodyError::Status {
                path: format!("{path}.status"),
                found: other.chars().take(80).collect(),
            }),
            None if ends_at.is_some_and(|end| end <= self.now) => Ok(AlertStatus::Resolved),
            None => Ok(AlertStatus::Firing),
        }
    }
}

/// A map from text to text. Missing or null is empty; numbers and booleans are taken as their text.
fn texts(given: Place<Texts>, path: &str, field: &str) -> Result<Labels, BodyError> {
    let given = match given {
        Place::Is(given) => given,
        Place::Else(Value::Missing | Value::Null) => return Ok(Labels::new()),
        Place::Else(other) => {
            let (path, found) = (join(path, field), other.type_name());
            return Err(BodyError::Type { path, expected: "an object", found });
        }
    };
    if given.found > MAX_NAMES {
        return Err(BodyError::TooManyNames { path: join(path, field), found: given.found });
    }
    let mut labels = Labels::new();
    for (name, value) in given.kept {
        let here = || format!("{}.{}", join(path, field), name.replace('\0', "\\0"));
        if name.len() > MAX_NAME_BYTES {
            return Err(BodyError::LongName { path: join(path, field), found: name.len() });
        }
        let text = match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Missing | Value::Null => String::new(),
            Value::List | Value::Object => {
                return Err(BodyError::Type { path: here(), expected: "text", found: value.type_name() });
            }
        };
        if text.contains('\0') || name.contains('\0') {
            return Err(BodyError::Nul { path: here() });
        }
        labels.insert(name, text);
    }
    Ok(labels)
}

fn text(given: Value, path: &str, field: &str) -> Result<Option<String>, BodyError> {
    match given {
        Value::Missing | Value::Null => Ok(None),
        Value::Text(text) if text.contains('\0') => Err(BodyError::Nul { path: join(path, field) }),
        Value::Text(text) => Ok(Some(text)),
        other => Err(BodyError::Type { path: join(path, field), expected: "text", found: other.type_name() }),
    }
}

/// A time, if there is one. Alertmanager writes "never" as year 1, others as 1970.
fn time(given: Value, path: &str, field: &str) -> Result<Option<DateTime<Utc>>, BodyError> {
    let Some(text) = text(given, path, field)?.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(time) if time.year() <= 1970 => Ok(None),
        Ok(time) => Ok(Some(time.to_utc().trunc_subsecs(6))),
        Err(_) => Err(BodyError::Time { path: join(path, field), found: text.chars().take(80).collect() }),
    }
}

/// A key is only compared, so a hash of a long one serves as well.
fn shortened_key(key: String) -> String {
    if key.len() <= MAX_KEY_BYTES {
        return key;
    }
    let whole = Labels::from([("groupKey".to_owned(), key.clone())]);
    format!("{}…{}", &key[..key.floor_char_boundary(MAX_KEY_BYTES)], Identity::of(&whole).as_str())
}

/// Shortens what is too long, with a mark.
fn cut(what: &'static str, texts: &mut Labels, limit: usize) {
    for text in texts.values_mut().filter(|text| text.len() > limit) {
        metrics::counter!("opsseer_values_cut_total", "what" => what).increment(1);
        let whole = text.len();
        text.truncate(text.floor_char_boundary(limit));
        text.push_str(" … [cut by OpsSeer: ");
        text.push_str(&whole.to_string());
        text.push_str(" bytes]");
        text.shrink_to_fit();
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::config::Config;

    fn limits() -> Ingest {
        Config::with_overrides("").expect("sound").ingest
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
    }

    fn parsed(body: &Value) -> Result<Vec<Alert>, BodyError> {
        parse(body.to_string().as_bytes(), AlertSource::Alertmanager, now(), &limits())
    }

    fn refusal(body: &Value) -> String {
        parsed(body).expect_err("must be refused").to_string()
    }

    #[test]
    fn every_alert_of_a_body_is_read() {
        let alerts = parsed(&json!({"status": "firing", "groupKey": "g", "commonAnnotations": {"runbook_url": "r.md"}, "alerts": [
            {"labels": {"alertname": "A"}, "startsAt": "2026-01-02T03:04:05.123456789+01:00", "endsAt": "0001-01-01T00:00:00Z"},
            {"status": "resolved", "labels": {"alertname": "B"}, "annotations": {"runbook_url": "own.md"}, "fingerprint": "b1"},
            {"labels": {"alertname": "C", "n": 3, "on": true}, "endsAt": "1970-01-01T00:00:00Z"},
        ]})).expect("understood");
        assert_eq!(alerts.len(), 3);
        assert_eq!(alerts[0].starts_at.to_rfc3339(), "2026-01-02T02:04:05.123456+00:00");
        assert_eq!((alerts[0].status, alerts[0].ends_at), (AlertStatus::Firing, None));
        assert_eq!(alerts[0].annotations["runbook_url"], "r.md");
        assert_eq!((alerts[1].status, alerts[1].fingerprint.as_str()), (AlertStatus::Resolved, "b1"));
        assert_eq!(alerts[1].annotations["runbook_url"], "own.md");
        assert_eq!((alerts[2].labels["n"].as_str(), alerts[2].starts_at), ("3", now()));
    }

    #[test]
    fn a_refused_body_names_the_place() {
        assert!(
            parse(b"{\"alerts\": [", AlertSource::Alertmanager, now(), &limits())
                .expect_err("must be refused")
                .to_string()
                .starts_with("the body is not JSON: EOF")
        );
        assert_eq!(
            refusal(&json!([])),
            "the body must be a JSON object with a list \"alerts\"; it is a list"
        );
        assert_eq!(refusal(&json!({"alerts": null})), "alerts must be a list; it is null");
        assert_eq!(refusal(&json!({"alerts": []})), "\"alerts\" is empty: there is nothing to keep");
        assert_eq!(
            refusal(&json!({"alerts": [{}, {"labels": {"a": "x\u{0}y"}}]})),
            "alerts[1].labels.a holds a NUL character"
        );
        assert_eq!(refusal(&json!({})), "alerts must be a list; it is missing");
        assert_eq!(refusal(&json!({"alerts": {}})), "alerts must be a list; it is an object");
        assert_eq!(
            refusal(&json!({"alerts": [{"labels": "a=b"}]})),
            "alerts[0].labels must be an object; it is text"
        );
        assert_eq!(refusal(&json!({"alerts": [7]})), "alerts[0] must be an object; it is a number");
        assert_eq!(
            refusal(&json!({"alerts": [{"labels": {"a": ["b"]}}]})),
            "alerts[0].labels.a must be text; it is a list"
        );
        assert_eq!(
            refusal(&json!({"alerts": [{"startsAt": "yesterday"}]})),
            "alerts[0].startsAt is \"yesterday\"; it must be a time such as 2026-01-31T08:15:00Z"
        );
        assert_eq!(
            refusal(&json!({"alerts": [{"status": "maybe"}]})),
            "alerts[0].status is \"maybe\"; it must be \"firing\" or \"resolved\""
        );
    }

    #[test]
    fn an_endless_nest_is_refused_and_not_followed() {
        let deep = "[".repeat(100_000);
        assert!(matches!(
            parse(deep.as_bytes(), AlertSource::Grafana, now(), &limits()),
            Err(BodyError::NotJson(_))
        ));
    }

    #[test]
    fn too_many_alerts_are_refused_with_the_limit() {
        let limits = Ingest { max_alerts: 2, ..limits() };
        let body = json!({"alerts": [{}, {}, {}]}).to_string();
        let error =
            parse(body.as_bytes(), AlertSource::Grafana, now(), &limits).expect_err("must be refused");
        assert_eq!(error, BodyError::TooMany { found: 3, allowed: 2 });
    }

    #[test]
    fn a_long_value_is_cut_with_a_mark_and_the_alert_stays_itself() {
        let long = "é".repeat(20_000);
        let alerts = parsed(&json!({"alerts": [
            {"labels": {"a": format!("{long}1")}, "annotations": {"summary": long}},
            {"labels": {"a": format!("{long}2")}},
        ]}))
        .expect("understood");
        assert!(alerts[0].annotations["summary"].ends_with("[cut by OpsSeer: 40000 bytes]"));
        assert!(alerts[0].labels["a"].len() < 2200);
        assert_ne!(alerts[0].identity, alerts[1].identity);
    }

    #[test]
    fn what_would_grow_without_bound_is_refused_or_cut() {
        let many: Map<String, Value> = (0..300).map(|i| (format!("l{i}"), json!("x"))).collect();
        assert_eq!(
            refusal(&json!({"alerts": [{"labels": many}]})),
            "alerts[0].labels holds 300 names; at most 256 are taken"
        );
        assert_eq!(
            refusal(&json!({"alerts": [{"annotations": {"n".repeat(300): "x"}}]})),
            "alerts[0].annotations has a name of 300 bytes; at most 256 are taken"
        );
        let shared =
            json!({"commonAnnotations": {"a": "x".repeat(16_000)}, "alerts": vec![json!({}); 5_000]});
        assert!(refusal(&shared).starts_with("commonAnnotations, counted once for each alert"));
        let long = "k".repeat(5_000);
        let alert = &parsed(&json!({"groupKey": long, "alerts": [{"generatorURL": format!("http://p/{}", "x".repeat(20_000))}]}))
            .expect("understood")[0];
        assert!(alert.group_key.as_ref().is_some_and(|key| key.len() < 1_100));
        assert_eq!(alert.generator_url, None);
        assert_eq!(alert.annotations["generatorURL"], "[left out by OpsSeer: 20009 bytes]");
    }

    #[test]
    fn grafanas_links_are_kept_as_annotations() {
        let alerts = parsed(&json!({"state": "alerting", "alerts": [
            {"status": "firing", "labels": {}, "panelURL": "http://g/p", "valueString": "[ value=1 ]"},
        ]}))
        .expect("understood");
        assert_eq!(alerts[0].annotations["panel_url"], "http://g/p");
        assert_eq!(alerts[0].annotations["value"], "[ value=1 ]");
    }
}
