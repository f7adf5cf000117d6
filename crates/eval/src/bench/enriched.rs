//! How long after an alert its runbook answer, its class and similar incidents are on the page, and whether a storm of
//! them keeps the page waiting.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use super::{BenchError, Target, Times, resolve, sse::Reader};
use crate::server::{Answer, Server};

/// Answers that are not there by then are missing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Alerts of a storm, each of a service of its own, on their way at a time.
const AT_A_TIME: u64 = 16;

/// What makes the alerts: rules as teams write them, whose words runbooks share.
const RULES: [(&str, &str); 6] = [
    ("HighErrorRate", "answers more than a tenth of its requests with errors"),
    ("PodCrashLooping", "restarts again and again"),
    ("DiskWillFillUp", "runs out of disk space within hours"),
    ("ReplicationLagging", "has a replica that falls behind"),
    ("CertificateExpiresSoon", "has a certificate that ends within days"),
    ("QueueGrows", "does not keep up with its queue"),
];

/// How much is measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Enriching {
    /// Alerts one after the other, each of a new service.
    pub alerts: u64,
    /// Alerts at once while a page is read.
    pub storm: u64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Enriched {
    /// How much was measured.
    #[serde(flatten)]
    pub enriching: Enriching,
    /// Headings of runbooks that are searched.
    pub sections: usize,
    /// Whether there was a model of meaning.
    pub embeddings: bool,
    /// From just before the webhook is sent until a reader of the incident has the answer.
    pub runbook: Times,
    /// The same for the class.
    pub class: Times,
    /// The same for similar incidents.
    pub similar: Times,
    /// The same for the last of the three.
    pub all: Times,
    /// Alerts of which an answer was missing.
    pub missing: usize,
    /// Reading an incident's page while the storm is taken in.
    pub page_in_storm: Times,
    /// The same page before it.
    pub page_before: Times,
}

/// Measures a fresh server that searches runbooks with so many `sections`.
pub async fn measure(
    server: &Target,
    enriching: Enriching,
    (sections, embeddings): (usize, bool),
) -> Result<Enriched, BenchError> {
    let http = Server::new(&server.url)?;
    let mut samples: [Vec<Duration>; 4] = Default::default();
    let mut missing = 0;
    for number in 1..=enriching.alerts {
        let answers = one_alert(server, &http, number).await?;
        missing += usize::from(answers.contains(&None));
        let last = answers.iter().copied().flatten().max();
        for (samples, time) in samples.iter_mut().zip(answers.into_iter().chain([last])) {
            samples.extend(time);
        }
    }
    let page_before = pages(&http, async { Ok(()) }).await?;
    let page_in_storm = pages(&http, storm(&http, enriching)).await?;
    let [runbook, class, similar, all] = samples.map(Times::of);
    Ok(Enriched {
        enriching,
        sections,
        embeddings,
        runbook,
        class,
        similar,
        all,
        missing,
        page_in_storm,
        page_before,
    })
}

/// Opens the incident of this number, the next one of the server. Gives after what time each answer came.
async fn one_alert(target: &Target, http: &Server, number: u64) -> Result<[Option<Duration>; 3], BenchError> {
    let address = resolve(&target.url).await?;
    let began = Instant::now();
    send(http, number).await?;
    let connect = |source| BenchError::Connect { address, source };
    let mut stream =
        Reader::open(address, &format!("/api/v1/incidents/{number}/stream")).await.map_err(connect)?;
    let mut answers = [None; 3];
    let all = async {
        while answers.contains(&None) {
            // As much of the kind's name as tells it from the others.
            let Ok(kinds) = stream.next(b"event: ", 10).await else { return };
            for kind in kinds {
                let place = match kind.as_str() {
                    "runbook_an" | "runbook_mi" => 0,
                    "classified" => 1,
                    "similar_fo" => 2,
                    _ => continue,
                };
                answers[place].get_or_insert_with(|| began.elapsed());
            }
        }
    };
    // What is missing by then is counted.
    let _ = timeout(PATIENCE, all).await;
    Ok(answers)
}

/// Reads an incident's page again and again while something goes on, and at least fifty times.
async fn pages(
    http: &Server,
    meanwhile: impl Future<Output = Result<(), BenchError>>,
) -> Result<Times, BenchError> {
    let is_over = Cell::new(false);
    let goes_on = async {
        let done = meanwhile.await;
        is_over.set(true);
        done
    };
    let reads = async {
        let mut times = Vec::new();
        while !is_over.get() || times.len() < 50 {
            let began = Instant::now();
            http.get_text("incidents/1", &[]).await?;
            times.push(began.elapsed());
        }
        Ok(Times::of(times))
    };
    Ok(futures::future::try_join(reads, goes_on).await?.0)
}

async fn storm(http: &Server, enriching: Enriching) -> Result<(), BenchError> {
    let (mut from, end) = (enriching.alerts + 1, enriching.alerts + enriching.storm);
    while from <= end {
        let to = (from + AT_A_TIME).min(end + 1);
        for sent in futures::future::join_all((from..to).map(|number| send(http, number))).await {
            sent?;
        }
        from = to;
    }
    Ok(())
}

async fn send(http: &Server, number: u64) -> Result<(), BenchError> {
    let place = usize::try_from(number).unwrap_or_default() % RULES.len();
    let (rule, what) = RULES[place];
    let service = format!("service-{number:05}");
    let body = json!({
        "version": "4",
        "groupKey": format!("{{}}:{{service=\"{service}\"}}"),
        "status": "firing",
        "receiver": "opsseer",
        "alerts": [{
            "status": "firing",
            "labels": {"alertname": rule, "service": service, "severity": "page"},
            "annotations": {"summary": format!("{service} {what}")},
            "startsAt": "2026-01-02T03:04:05Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }],
    });
    match http.post("webhook/alertmanager", body.to_string().into_bytes()).await {
        Answer::Accepted => Ok(()),
        other => Err(BenchError::Action { what: "open an incident", answer: format!("{other:?}") }),
    }
}
