//! One incident for the tests of all pages: INC-42 began at 03:12:09 on 2 March 2026.

use chrono::{DateTime, Utc};
use opsseer_core::{
    Actor, Alert, AlertSnapshot, AlertSource, AlertStatus, AssetRef, Charted, Event, EventId, EventKind,
    Fingerprint, Identity, Incident, IncidentId, IncidentNumber, Labels, RunbookAnswered, Severity,
    Threshold,
};
use opsseer_store::StoredAlert;
use uuid::Uuid;

use crate::web::viewer::Viewer;

pub(crate) fn at(clock: &str) -> DateTime<Utc> {
    format!("2026-03-02T{clock}Z").parse().expect("a time")
}

pub(crate) fn viewer(name: &str) -> Viewer {
    Viewer::named(name).expect("a name")
}

pub(crate) fn incident() -> Incident {
    Incident {
        severity: Severity::Page,
        title: "payments: error rate above 10 %".into(),
        service: Some("payments".into()),
        opened_at: at("03:12:09"),
        alerts_firing: 1,
        alerts_total: 1,
        updated_at: at("03:12:18"),
        ..Incident::unborn(IncidentId(Uuid::nil()), IncidentNumber(42))
    }
}

/// Something that OpsSeer's correlation did at 03:16:21.
pub(crate) fn event(kind: EventKind) -> Event {
    event_by(Actor::correlation(), kind)
}

pub(crate) fn event_by(actor: Actor, kind: EventKind) -> Event {
    let at = at("03:16:21");
    Event {
        id: EventId(7),
        incident: IncidentId(Uuid::nil()),
        at,
        recorded_at: at,
        actor,
        kind,
        assets: vec![],
    }
}

pub(crate) fn asset(media_type: &str) -> AssetRef {
    AssetRef {
        sha256: "0123abcd".into(),
        media_type: media_type.into(),
        bytes: 9,
        alt: "The error rate over an hour".into(),
    }
}

pub(crate) fn runbook() -> RunbookAnswered {
    RunbookAnswered {
        alert: "PaymentsHighErrorRate".into(),
        quote: "Roll the payments service back to the last good version.".into(),
        commands: vec!["kubectl rollout undo deployment/payments".into()],
        file: "payments.md".into(),
        heading: "Rollback".into(),
        line_start: 41,
        line_end: 47,
        revision: "3f9c2e1".into(),
        commit: None,
        confidence: None,
        reason: "named after the alert".into(),
    }
}

pub(crate) fn chart() -> Charted {
    Charted {
        sentence: "The error rate is 41 %, above 10 %".into(),
        expr: "toyprod:error_rate:ratio_5m > 0.1".into(),
        from: at("02:16:21"),
        to: at("03:16:21"),
        step_seconds: 15,
        series: 1,
        threshold: Some(Threshold { comparison: ">".into(), value: 0.1 }),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn stored_alert(name: &str) -> StoredAlert {
    let labels = labels(&[("alertname", name), ("service", "payments"), ("severity", "page")]);
    let identity = Identity::of(&labels);
    StoredAlert {
        id: Uuid::nil(),
        incident: Some(IncidentId(Uuid::nil())),
        first_seen_at: at("03:12:18"),
        last_seen_at: at("03:12:18"),
        alert: Alert {
            fingerprint: Fingerprint::given_or_computed(None, &identity),
            identity,
            source: AlertSource::Alertmanager,
            status: AlertStatus::Firing,
            labels,
            annotations: self::labels(&[("summary", "error rate above 10 %")]),
            starts_at: at("03:12:09"),
            start_is_guessed: false,
            ends_at: None,
            generator_url: Some("http://prometheus:9090/graph".into()),
            group_key: None,
            note: None,
        },
    }
}

pub(crate) fn alert() -> AlertSnapshot {
    AlertSnapshot::from(&stored_alert("PaymentsHighErrorRate").alert)
}

pub(crate) fn merged(from: IncidentId, number: i64) -> EventKind {
    EventKind::Merged {
        from,
        number: IncidentNumber(number),
        title: "db: slow".into(),
        correlation_key: "service:db".into(),
        alerts_firing: 1,
        alerts_total: 2,
        severity: Severity::Ticket,
        silences: Vec::new(),
        reason: "same cause".into(),
    }
}

pub(crate) fn unmerged(from: IncidentId, number: i64) -> EventKind {
    EventKind::Unmerged {
        from,
        number: IncidentNumber(number),
        alerts_firing: 1,
        alerts_total: 2,
        silences: Vec::new(),
        reason: "not the same".into(),
    }
}
