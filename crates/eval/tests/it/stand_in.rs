//! A server that takes webhooks as OpsSeer does, except for one fault.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use url::Url;

/// What a stand-in does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It keeps the first alert of a body only.
    KeepsFirstOnly,
    /// It keeps an alert again each time it comes.
    KeepsTwice,
    /// It knows no end of an alert.
    NeverResolves,
    /// It refuses without a word.
    RefusesSilently,
    /// It fails on a body that it cannot read.
    Fails,
    /// It hangs up on a body that it cannot read.
    HangsUp,
    /// It writes the alerts of a body down, then refuses it.
    WritesHalf,
    /// It forgets all but the newest alert.
    Forgets,
    /// It accepts alerts and does not keep every fifth.
    LosesEveryFifth,
    /// It has no room.
    Overloaded,
}

#[derive(Clone)]
struct Memory {
    fault: Fault,
    alerts: Arc<Mutex<Vec<Value>>>,
    taken: Arc<AtomicUsize>,
}

/// Starts one on a free port. It ends with the test's runtime.
pub(crate) async fn start(fault: Fault) -> Url {
    let memory = Memory { fault, alerts: Arc::default(), taken: Arc::default() };
    let app = Router::new()
        .route("/webhook/{sender}", post(take))
        .route("/api/v1/alerts", get(list))
        .route("/healthz", get("ok"))
        .with_state(memory);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}").parse().expect("an address")
}

async fn take(State(memory): State<Memory>, body: Bytes) -> Response {
    if memory.fault == Fault::Overloaded {
        return (StatusCode::SERVICE_UNAVAILABLE, "try again later").into_response();
    }
    let taken = memory.taken.fetch_add(1, Ordering::Relaxed);
    if memory.fault == Fault::LosesEveryFifth && taken % 5 == 4 {
        return (StatusCode::ACCEPTED, Json(json!({"incidents": []}))).into_response();
    }
    let Some(alerts) = alerts_in(&body) else {
        return match memory.fault {
            Fault::Fails => (StatusCode::INTERNAL_SERVER_ERROR, "thread panicked").into_response(),
            Fault::RefusesSilently => StatusCode::BAD_REQUEST.into_response(),

            Fault::HangsUp => broken_off(),
            _ => refuse("the body has no list `alerts`"),
        };
    };
    let mut kept = memory.alerts.lock().expect("not poisoned");
    for (i, alert) in alerts.iter().enumerate() {
        let known = kept.iter().position(|known| known["labels"] == alert["labels"]);
        match (memory.fault, known) {
            (Fault::KeepsFirstOnly, _) if i > 0 => {}
            (Fault::KeepsTwice, _) | (_, None) => kept.push(alert.clone()),
            (Fault::NeverResolves, Some(_)) => {}
            (_, Some(known)) => kept[known] = alert.clone(),
        }
    }
    if memory.fault == Fault::Forgets {
        let newest = kept.len().saturating_sub(1);
        kept.drain(..newest);
    }
    if memory.fault == Fault::WritesHalf && alerts.len() > 1 {
        return refuse("one alert a body is enough");
    }
    (StatusCode::ACCEPTED, Json(json!({"incidents": []}))).into_response()
}

fn alerts_in(body: &[u8]) -> Option<Vec<Value>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("alerts")?.as_array().cloned()
}

fn refuse(detail: &str) -> Response {
    let problem = json!({"type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail});
    (StatusCode::BAD_REQUEST, [("content-type", "application/problem+json")], problem.to_string())
        .into_response()
}

#[derive(serde::Deserialize)]
struct Place {
    cursor: Option<usize>,
}

async fn list(State(memory): State<Memory>, Query(place): Query<Place>) -> Json<Value> {
    let kept = memory.alerts.lock().expect("not poisoned");
    let from = place.cursor.unwrap_or(0).min(kept.len());
    // Few alerts on a page, so that pages matter, but not hundreds of pages.
    let page = (kept.len() / 10).max(2);
    let to = (from + page).min(kept.len());
    let next = (to < kept.len()).then(|| to.to_string());
    Json(json!({"alerts": &kept[from..to], "next_cursor": next}))
}

/// An answer whose body breaks off: the connection is closed before it ends.
fn broken_off() -> Response {
    let pieces = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("broken off"))]);
    (StatusCode::ACCEPTED, [("content-length", "100")], axum::body::Body::from_stream(pieces)).into_response()
}
