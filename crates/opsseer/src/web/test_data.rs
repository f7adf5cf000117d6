//! One incident for the tests of all pages: INC-42 began at 03:12:09 on 2 March 2026.

use chrono::{DateTime, Utc};
use opsseer_core::{
    Actor, Alert, AlertSnapshot, AlertSource, AlertStatus, AssetRef, BudgetSeen, BurnRate, ChangeSeen,
    ChangeType, Charted, ContainerCurve, ContainersSeen, Event, EventId, EventKind, Fingerprint, Forecast,
    Identity, Incident, IncidentId, IncidentNumber, Labels, Outlook, RunbookAnswered, Severity,
    SuspectMetric, SuspectService, SuspectsRanked, Threshold,
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

/// Of a latency that is 240 ms, with a limit of 300 ms, made at 03:16:21 for half an hour.
pub(crate) fn forecast(subject: &str, outlook: Outlook) -> EventKind {
    EventKind::Forecast(Forecast {
        subject: subject.into(),
        sentence: "passes 300 ms in about 6 min, 92 % sure".into(),
        expr: "toyprod:p95_latency_seconds:5m".into(),
        threshold: Threshold { comparison: ">".into(), value: 0.3 },
        now: 0.24,
        beyond: false,
        outlook,
        until: at("03:46:21"),
        step_seconds: 15,
        method: "theta, damped trend".into(),
    })
}

/// Payments with two metrics, the second of which merely follows, and its database with one.
pub(crate) fn suspects() -> EventKind {
    EventKind::SuspectsRanked(SuspectsRanked {
        sentence: "payments moved first: its errors rose".into(),
        services: vec![
            SuspectService {
                service: "payments".into(),
                score: 0.62,
                because: "nothing that it calls moved earlier".into(),
                metrics: vec![moved("errors", "payments_error_ratio", (0.002, 0.41)), cpu()],
            },
            SuspectService {
                service: "payments-db".into(),
                score: 0.21,
                because: "its memory rose too".into(),
                metrics: vec![moved("memory", "db_memory_bytes", (536_870_912.0, 1_073_741_824.0))],
            },
        ],
        nothing: None,
        from: at("02:12:09"),
        to: at("03:16:09"),
        step_seconds: 15,
        series: 312,
        left_out: 0,
        method: "robust".into(),
    })
}

fn cpu() -> SuspectMetric {
    SuspectMetric { follows: true, ..moved("CPU", "svc:cpu_usage:percent", (12.0, 31.0)) }
}

/// A metric that moved from one level to another at 03:11:09.
fn moved(metric: &str, expr: &str, (before, during): (f64, f64)) -> SuspectMetric {
    let points = [Some(before), Some(before), None, Some(during), Some(during)];
    SuspectMetric {
        metric: metric.into(),
        expr: expr.into(),
        before,
        during,
        shift: 41.4,
        onset: Some(at("03:11:09")),
        follows: false,
        sentence: String::new(),
        points: points.into(),
    }
}

pub(crate) fn changed(title: &str) -> EventKind {
    EventKind::ChangeSeen(ChangeSeen {
        change: ChangeType::Deploy,
        title: title.into(),
        service: Some("payments".into()),
        version: Some("1.42.0".into()),
        link: Some("https://ci.example/42".into()),
        source: "ci".into(),
    })
}

/// Of 99.9 % over 30 days; gone at 05:26:21, if anything is left.
pub(crate) fn budget(objective: &str, left: Option<f64>) -> EventKind {
    EventKind::BudgetSeen(BudgetSeen {
        objective: objective.into(),
        target: 0.999,
        window_seconds: 2_592_000,
        sentence: "61 % of the budget is left".into(),
        left,
        burn: vec![
            BurnRate { over_seconds: 3_600, rate: 14.4 },
            BurnRate { over_seconds: 21_600, rate: 0.8 },
        ],
        exhausted_at: left.filter(|left| *left > 0.0).map(|_| at("05:26:21")),
    })
}

/// Of two containers, after a kill.
pub(crate) fn containers() -> ContainersSeen {
    let curve =
        |now, peak| ContainerCurve { now: Some(now), peak, points: vec![Some(now), None, Some(peak)] };
    let mib = 1024.0 * 1024.0;
    ContainersSeen {
        service: "payments".into(),
        sentence: "payments: the kernel killed a process of it once for want of memory".into(),
        from: at("02:42:00"),
        to: at("03:18:00"),
        replicas: Some(2),
        cpu: Some(curve(0.5, 0.9)),
        cpu_limit_cores: Some(1.0),
        throttled: Some(curve(0.2, 0.4)),
        memory: Some(curve(64.0 * mib, 255.0 * mib)),
        memory_limit_bytes: Some(256.0 * mib),
        fullest: Some(curve(0.25, 0.99)),
        restarts: 2,
        oom_kills: 1,
        started_at: Some(at("03:15:00")),
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
