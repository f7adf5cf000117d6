//! How long a change of an incident's status takes when very many alerts fire, and when others see it.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use super::{BenchError, Target, Times, resolve, sse::Reader};
use crate::server::{Answer, Server};

/// Bodies on their way at a time while the alerts are made.
const AT_A_TIME: u64 = 16;

/// How long the work that follows may take before it is measured beside it.
const SETTLING: Duration = Duration::from_mins(1);

/// A change that nobody sees by then was not shown.
const SEEN_BY: Duration = Duration::from_secs(5);

/// What is open, and how often it is changed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Open {
    /// Open incidents, each of a service of its own.
    pub incidents: u64,
    /// Firing alerts of each.
    pub alerts_each: u64,
    /// Changes of each kind.
    pub changes: u64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// What was open.
    #[serde(flatten)]
    pub open: Open,
    /// Each kind of change.
    pub changes: Vec<Change>,
}

/// One kind of change.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// What was done.
    pub what: &'static str,
    /// From just before the request until its answer.
    pub request: Times,
    /// Until a reader of the incident's stream has it.
    pub seen_on_stream: Times,
    /// Until a reader of the list has its row. The list gathers changes for 0.2 s on purpose.
    pub seen_on_list: Times,
    /// Changes that a reader did not see within 5 s.
    pub unseen: usize,
}

/// Makes the alerts on a fresh server, then changes incidents one after the other.
pub async fn measure(server: &Target, open: Open) -> Result<Changed, BenchError> {
    self::open(server, open).await?;
    let http = Server::new(&server.url)?;
    let mut changes = Vec::new();
    // The newest incidents: the list shows those.
    let newest =
        |from: u64| (open.incidents.saturating_sub(from + open.changes) + 1..=open.incidents - from).rev();
    for (what, verb, shown, from) in [
        ("acknowledged by API", Verb::Ack, "acknowledged", 0),
        ("resolved by API", Verb::Resolve, "resolved", 0),
        ("resolved by webhook", Verb::Webhook, "resolved", open.changes),
    ] {
        let mut change = Samples::default();
        for number in newest(from) {
            change.add(one_change(server, &http, open, number, verb, shown).await?);
        }
        changes.push(change.into_change(what));
    }
    Ok(Changed { open, changes })
}

/// Makes the alerts, and waits until the work that follows is done.
pub async fn open(server: &Target, open: Open) -> Result<(), BenchError> {
    fire_all(&Server::new(&server.url)?, open).await?;
    // If it is still going on after that, it goes on beside the measurement, which only makes the figures worse.
    let _ = crate::crash::settle(&server.url, SETTLING).await?;
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Ack,
    Resolve,
    Webhook,
}

#[derive(Default)]
struct Samples {
    request: Vec<Duration>,
    stream: Vec<Duration>,
    list: Vec<Duration>,
    unseen: usize,
}

#[derive(Clone, Copy)]
struct Sample {
    request: Duration,
    stream: Option<Duration>,
    list: Option<Duration>,
}

impl Samples {
    fn add(&mut self, sample: Sample) {
        self.request.push(sample.request);
        self.unseen += usize::from(sample.stream.is_none()) + usize::from(sample.list.is_none());
        self.stream.extend(sample.stream);
        self.list.extend(sample.list);
    }

    fn into_change(self, what: &'static str) -> Change {
        Change {
            what,
            request: Times::of(self.request),
            seen_on_stream: Times::of(self.stream),
            seen_on_list: Times::of(self.list),
            unseen: self.unseen,
        }
    }
}

async fn one_change(
    target: &Target,
    http: &Server,
    open: Open,
    number: u64,
    verb: Verb,
    shown: &str,
) -> Result<Sample, BenchError> {
    let address = resolve(&target.url).await?;
    let incident: serde_json::Value = http.get(&format!("api/v1/incidents/{number}"), &[]).await?;
    let service = incident["service"].as_str().unwrap_or_default().to_owned();
    let stream = format!("/api/v1/incidents/{number}/stream?after={}", incident["last_event"]);
    let connect = |source| BenchError::Connect { address, source };
    let stream = Reader::open(address, &stream).await.map_err(connect)?;
    let mut list = Reader::open(address, "/live").await.map_err(connect)?;
    // The first message holds every row; what is measured begins after it.
    let row = format!("incident-{number}\\\"");
    let first = timeout(SEEN_BY, seen(&mut list, &row)).await;
    let (told, mut hears) = mpsc::channel(2);
    let mut watching = JoinSet::new();
    let event = format!("event: {shown}\n");
    for (place, mut reader, mark) in [(0_usize, stream, event), (1, list, row)] {
        let told = told.clone();
        watching.spawn(async move {
            if seen(&mut reader, &mark).await {
                // Nobody waits any more once it is too late.
                let _ = told.send((place, Instant::now())).await;
            }
        });
    }
    let began = Instant::now();
    act(http, open, number, &service, verb).await?;
    let request = began.elapsed();
    let mut at = [None, None];
    let all = async {
        while at.contains(&None) {
            let Some((place, when)) = hears.recv().await else { break };
            at[place] = Some(when.duration_since(began));
        }
    };
    let in_time = timeout(SEEN_BY, all).await;
    watching.abort_all();
    let _ = (first, in_time);
    Ok(Sample { request, stream: at[0], list: at[1] })
}

/// Reads until the mark. False if the stream ends before.
async fn seen(reader: &mut Reader, mark: &str) -> bool {
    loop {
        match reader.next(mark.as_bytes(), 0).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

async fn act(http: &Server, open: Open, number: u64, service: &str, verb: Verb) -> Result<(), BenchError> {
    let by = json!({"by": "bench"}).to_string().into_bytes();
    let (what, answer) = match verb {
        Verb::Ack => ("acknowledge", http.post(&format!("api/v1/incidents/{number}/ack"), by).await),
        Verb::Resolve => ("resolve", http.post(&format!("api/v1/incidents/{number}/resolve"), by).await),
        Verb::Webhook => (
            "resolve by webhook",
            http.post("webhook/alertmanager", body(service, open.alerts_each, true)).await,
        ),
    };
    match answer {
        Answer::Accepted => Ok(()),
        other => Err(BenchError::Action { what, answer: format!("{other:?}") }),
    }
}

async fn fire_all(http: &Server, open: Open) -> Result<(), BenchError> {
    let mut from = 0;
    while from < open.incidents {
        let to = (from + AT_A_TIME).min(open.incidents);
        let bodies = (from..to).map(|one| body(&format!("service-{one:05}"), open.alerts_each, false));
        let posts = bodies.map(|body| http.post("webhook/alertmanager", body));
        for answer in futures::future::join_all(posts).await {
            if !matches!(answer, Answer::Accepted) {
                return Err(BenchError::Action { what: "open an incident", answer: format!("{answer:?}") });
            }
        }
        from = to;
    }
    Ok(())
}

fn body(service: &str, alerts: u64, resolved: bool) -> Vec<u8> {
    let status = if resolved { "resolved" } else { "firing" };
    let alert = |pod: u64| {
        json!({
            "status": status,
            "labels": {"alertname": "HighErrorRate", "service": service, "instance": format!("pod-{pod}"), "severity": "page"},
            "annotations": {"summary": format!("{service} answers with errors")},
            "startsAt": "2026-01-02T03:04:05Z",
            "endsAt": if resolved { "2026-01-02T04:04:05Z" } else { "0001-01-01T00:00:00Z" },
        })
    };
    let group = format!("{{}}:{{service=\"{service}\"}}");
    let alerts: Vec<_> = (0..alerts).map(alert).collect();
    json!({"version": "4", "groupKey": group, "status": status, "receiver": "opsseer", "alerts": alerts})
        .to_string()
        .into_bytes()
}
