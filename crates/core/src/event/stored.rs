//! The form in which a store or a bundle keeps an event.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{AlertSnapshot, EventKind};

/// A stored event that this version of OpsSeer cannot read.
#[derive(Debug, thiserror::Error)]
#[error("event of kind {kind:?}, version {version}, cannot be read")]
pub struct UnknownEvent {
    kind: String,
    version: i32,
    source: Option<serde_json::Error>,
}

impl EventKind {
    /// Reads what a store or a bundle holds.
    pub fn from_stored(version: i32, body: &str) -> Result<Self, UnknownEvent> {
        let unknown = |source| {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let kind = body.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
            UnknownEvent { kind, version, source }
        };
        if version != Self::VERSION {
            return Err(unknown(None));
        }
        Self::read(body).map_err(|source| unknown(Some(source)))
    }

    /// Most events of a long timeline are alerts that fire and end. These are read straight into their fields: an enum that
    /// bears its name among them is first read into a tree, which takes nearly three times as long.
    fn read(body: &str) -> Result<Self, serde_json::Error> {
        match serde_json::from_str::<Name<'_>>(body)?.kind.as_ref() {
            "alert_fired" => {
                let Fired { alert, first, reason } = serde_json::from_str(body)?;
                Ok(Self::AlertFired { alert, first, reason })
            }
            "alert_resolved" => {
                let Ended { alert, reason } = serde_json::from_str(body)?;
                Ok(Self::AlertResolved { alert, reason })
            }
            _ => serde_json::from_str(body),
        }
    }
}

/// The name of a stored kind.
#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// As [`EventKind::AlertFired`].
#[derive(Deserialize)]
struct Fired {
    alert: AlertSnapshot,
    first: bool,
    reason: String,
}

/// As [`EventKind::AlertResolved`].
#[derive(Deserialize)]
struct Ended {
    alert: AlertSnapshot,
    #[serde(default)]
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_stored_form_of_version_1_is_still_read() {
        // Written by version 1. Add to these; never change them.
        let stored = [
            json!({"kind": "opened", "title": "t", "severity": "page", "service": "s", "correlation_key": "service:s", "reason": "r"}),
            json!({"kind": "alert_fired", "first": true, "reason": "r", "alert": {"fingerprint": "f", "name": "n", "summary": null,
                   "severity": "ticket", "labels": {"a": "b"}, "annotations": {}, "starts_at": "2026-01-02T03:04:05Z", "generator_url": null}}),
            json!({"kind": "alert_resolved", "alert": {"fingerprint": "f", "name": "n", "summary": "s", "severity": "page",
                   "labels": {}, "annotations": {"a": "b"}, "starts_at": "2026-01-02T03:04:05Z", "generator_url": "http://p/"}}),
            json!({"kind": "acknowledged"}),
            json!({"kind": "note", "text": "hello"}),
            json!({"kind": "runbook_answered", "alert": "n", "quote": "q", "commands": ["c"], "file": "a.md", "heading": "h", "line_start": 1,
                   "line_end": 2, "revision": "r", "reason": "named after the alert"}),
            json!({"kind": "charted", "sentence": "s", "expr": "up", "from": "2026-01-02T03:04:05Z", "to": "2026-01-02T04:04:05Z",
                   "step_seconds": 15, "series": 1, "threshold": {"comparison": ">", "value": 0.1}}),
            json!({"kind": "step_failed", "step": "chart_metric", "error": "e", "retry_at": null}),
            json!({"kind": "forecast", "subject": "n", "sentence": "s", "expr": "up", "threshold": {"comparison": ">", "value": 0.1},
                   "now": 0.05, "beyond": false, "until": "2026-01-02T04:04:05Z", "step_seconds": 15, "method": "theta",
                   "outlook": {"outlook": "expected", "at": "2026-01-02T03:14:05Z", "earliest": "2026-01-02T03:10:05Z",
                   "latest": null, "probability": 0.9}}),
            json!({"kind": "suspects_ranked", "sentence": "s", "from": "2026-01-02T00:04:05Z", "to": "2026-01-02T03:04:05Z",
                   "step_seconds": 15, "series": 40, "left_out": 0, "method": "robust-1", "services": [{"service": "db",
                   "score": 0.5, "because": "b", "metrics": [{"metric": "m", "expr": "up", "before": 1.0, "during": 2.0,
                   "shift": 9.5, "follows": false, "sentence": "s", "points": [1.0, null, 2.0]}]}]}),
            json!({"kind": "change_seen", "change": "deploy", "title": "t", "service": "db", "version": "1.2", "source": "ci"}),
            json!({"kind": "budget_seen", "objective": "o", "target": 0.999, "window_seconds": 2_592_000, "sentence": "s",
                   "left": 0.5, "burn": [{"over_seconds": 3600, "rate": 14.4}], "exhausted_at": "2026-01-02T03:04:05Z"}),
            json!({"kind": "resolved", "reason": "r"}),
        ];
        for body in stored {
            let kind = EventKind::from_stored(1, &body.to_string()).expect("readable");
            assert_eq!(serde_json::to_value(&kind).expect("writable"), body);
            assert_eq!(body["kind"], kind.name());
        }
    }

    #[test]
    fn a_merge_that_was_stored_without_saying_so_was_of_what_went_on() {
        let id = "01890000-0000-7000-8000-000000000000";
        let merged = json!({"kind": "merged_into", "into": id, "number": 1, "reason": "r"});
        let restored = json!({"kind": "restored", "from": id, "number": 1, "alerts_firing": 1, "alerts_total": 1, "reason": "r"});
        let read = |body: serde_json::Value| EventKind::from_stored(1, &body.to_string()).expect("readable");
        assert!(matches!(read(merged), EventKind::MergedInto { was_open: true, .. }));
        assert!(matches!(read(restored), EventKind::Restored { goes_on: true, .. }));
    }

    #[test]
    fn an_event_of_a_later_version_is_refused_by_name() {
        let error = EventKind::from_stored(9, r#"{"kind": "telepathy"}"#).expect_err("must fail");
        assert_eq!(error.to_string(), "event of kind \"telepathy\", version 9, cannot be read");
    }
}
