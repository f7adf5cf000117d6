use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::DateTime;
use opsseer_eval::crash::{Load, Plan, Sent, Verdict, settle, verify};
use serde_json::{Value, json};
use url::Url;

/// What a stand-in does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Every third body is answered and not kept.
    Loses,
    /// It takes a repetition for a new beginning.
    Repeats,
    /// An alert that has ended is shown as it was.
    StaysFiring,
    /// The work that follows is done twice.
    WorksTwice,
    /// The work that follows is not done.
    NeverWorks,
    /// It refuses every other body for a time.
    Overloaded,
}

#[derive(Clone)]
struct StandIn {
    wrong: Wrong,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    bodies: usize,
    last_event: i64,
    alerts: Vec<Value>,
    /// The timeline of each service's incident, in the order of their opening.
    incidents: Vec<(String, Vec<Value>)>,
}

impl Memory {
    fn tell(&mut self, service: &str, mut event: Value) {
        self.last_event += 1;
        event["id"] = self.last_event.into();
        let place = self.incidents.iter().position(|(known, _)| known == service);
        let place = place.unwrap_or_else(|| {
            self.incidents.push((service.to_owned(), Vec::new()));
            self.incidents.len() - 1
        });
        self.incidents[place].1.push(event);
    }

    fn take(&mut self, alert: &Value, wrong: Wrong) {
        let (labels, fires) = (&alert["labels"], alert["status"] == "firing");
        let service = labels["service"].as_str().expect("text").to_owned();
        let known = self.alerts.iter().position(|row| row["labels"] == *labels);
        let was_firing = known.is_some_and(|place| self.alerts[place]["status"] == "firing");
        match known {
            None => self.alerts.push(json!({"labels": labels, "status": alert["status"]})),
            Some(place) if fires || wrong != Wrong::StaysFiring => {
                self.alerts[place]["status"] = alert["status"].clone();
            }
            Some(_) => {}
        }
        let snapshot = json!({"labels": labels, "starts_at": alert["startsAt"]});
        if fires && (!was_firing || wrong == Wrong::Repeats) {
            if !self.incidents.iter().any(|(other, _)| *other == service) {
                self.tell(&service, json!({"kind": "opened"}));
            }
            self.tell(&service, json!({"kind": "alert_fired", "first": known.is_none(), "alert": snapshot}));
            if known.is_none()
                && self.alerts.iter().filter(|row| row["labels"]["service"] == service).count() <= 5
            {
                self.work(&service, &labels["alertname"], wrong);
            }
        } else if !fires && was_firing {
            self.tell(&service, json!({"kind": "alert_resolved", "alert": snapshot}));
        }
    }

    fn work(&mut self, service: &str, name: &Value, wrong: Wrong) {
        let answered = self.incidents.iter().filter(|(other, _)| other == service);
        let answered = answered.flat_map(|(_, events)| events).any(|event| event["alert"] == *name);
        let times = match wrong {
            Wrong::NeverWorks => 0,
            Wrong::WorksTwice => 2,
            _ => 1,
        };
        for _ in 0..times {
            self.tell(service, json!({"kind": "charted"}));
            if !answered {
                self.tell(service, json!({"kind": "runbook_answered", "alert": name}));
                self.tell(service, json!({"kind": "classified", "alert": name}));
            }
        }
    }

    fn incident(&self, number: usize) -> Value {
        let (service, events) = &self.incidents[number - 1];
        let count = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
        let firsts = events.iter().filter(|event| event["first"] == true).count();
        json!({"number": number, "service": service, "status": "open", "alerts_total": firsts,
            "alerts_firing": count("alert_fired").saturating_sub(count("alert_resolved")),
            "last_event": events.last().expect("not empty")["id"]})
    }
}

async fn take(State(server): State<StandIn>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut memory = server.memory.lock().expect("not poisoned");
    memory.bodies += 1;
    if server.wrong == Wrong::Overloaded && memory.bodies.is_multiple_of(2) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"detail": "too many are waiting"})));
    }
    if server.wrong != Wrong::Loses || !memory.bodies.is_multiple_of(3) {
        for alert in body["alerts"].as_array().expect("a list") {
            memory.take(alert, server.wrong);
        }
    }
    (StatusCode::ACCEPTED, Json(json!({"incidents": []})))
}

async fn start(wrong: Wrong) -> Url {
    let read = |show: fn(&Memory) -> Value| {
        get(move |State(server): State<StandIn>| async move {
            Json(show(&server.memory.lock().expect("not poisoned")))
        })
    };
    let router = Router::new()
        .route("/webhook/alertmanager", post(take))
        .route("/api/v1/alerts", read(|memory| json!({"alerts": memory.alerts})))
        .route(
            "/api/v1/incidents",
            read(|memory| {
                let all: Vec<Value> =
                    (1..=memory.incidents.len()).map(|number| memory.incident(number)).collect();
                json!({"incidents": all, "next_cursor": null})
            }),
        )
        .route(
            "/api/v1/incidents/{number}",
            get(|State(server): State<StandIn>, Path(number): Path<usize>| async move {
                Json(server.memory.lock().expect("not poisoned").incident(number))
            }),
        )
        .route(
            "/api/v1/incidents/{number}/timeline",
            get(|State(server): State<StandIn>, Path(number): Path<usize>| async move {
                let memory = server.memory.lock().expect("not poisoned");
                Json(json!({"events": memory.incidents[number - 1].1, "next_after": null}))
            }),
        )
        .route("/metrics", get(|| async { "opsseer_jobs{state=\"done\"} 7\n" }))
        .with_state(StandIn { wrong, memory: Arc::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}").parse().expect("an address")
}

/// Sends for a while, and looks.
async fn run(wrong: Wrong) -> (Sent, Verdict) {
    let server = start(wrong).await;
    let plan = Plan {
        senders: 2,
        seed: 7,
        began: DateTime::UNIX_EPOCH,
        pause: Duration::ZERO,
        service_lasts: Duration::from_mins(1),
        time_out: Duration::from_secs(20),
    };
    let load = Load::start(&plan, std::slice::from_ref(&server)).expect("a client");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while load.sent().accepted < 100 {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", load.sent());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (sent, ledger) = load.finish().await;
    assert!(settle(&server, Duration::from_secs(20)).await.expect("answers"));
    (sent, verify(&server, &ledger).await.expect("answers"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_everything_once_has_no_faults() {
    let (sent, verdict) = run(Wrong::Nothing).await;
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!((verdict.acknowledged, verdict.shown.incidents), (verdict.shown.alerts, 4));
    assert!(verdict.shown.charts > 0 && verdict.shown.runbook_answers > 0);
    assert_eq!((sent.webhooks, sent.retried), (sent.accepted, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_refused_for_a_time_is_sent_again_until_it_is_accepted() {
    let (sent, verdict) = run(Wrong::Overloaded).await;
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert!(sent.retried > 0 && sent.webhooks == sent.accepted, "{sent:?}");
    assert_eq!((sent.answered_5xx, sent.unclean), (BTreeMap::from([(503, sent.retried)]), 0));
    assert_eq!(sent.first_503.as_deref(), Some("too many are waiting"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_or_done_twice_is_named() {
    for (wrong, words) in [
        (Wrong::Loses, "which no timeline tells"),
        (Wrong::Repeats, "which fired already"),
        (Wrong::StaysFiring, "was accepted as resolved and is firing"),
        (Wrong::WorksTwice, "1 runbook answer for HighErrorRate was asked for and 2 are there"),
        (Wrong::NeverWorks, "pictures were asked for and 0 are there"),
    ] {
        let (_, verdict) = run(wrong).await;
        assert!(verdict.faults.iter().any(|fault| fault.contains(words)), "{wrong:?}: {:#?}", verdict.faults);
    }
}
