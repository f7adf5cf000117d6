//! Many readers of one incident: how late they hear of a note, and what each costs the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use tokio::{sync::OnceCell, task::JoinSet, time::interval};

use super::{BenchError, Target, Times, machine, resolve, sse::Reader};
use crate::server::{Answer, Server};

/// Stands before a note's number.
const MARK: &str = "bench-note-";

/// Digits of a note's number.
const DIGITS: usize = 6;

/// How long the last note may be on its way.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections that are opened at a time.
const AT_A_TIME: usize = 50;

/// How many readers, and how many notes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Audience {
    /// Readers of one incident's stream.
    pub readers: usize,
    /// Notes that are written, one after the other.
    pub notes: usize,
    /// From one to the next, in milliseconds.
    pub every_ms: u64,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Heard {
    /// Readers and notes.
    #[serde(flatten)]
    pub audience: Audience,
    /// From just before a note is posted until a reader has it, over all readers and notes.
    pub delay: Times,
    /// From just before a note is posted until the server has answered.
    pub post: Times,
    /// Deliveries that did not come, or came out of order or twice.
    pub wrong: usize,
    /// The server's memory before the readers came and while they read, in MiB.
    pub resident_before_mib: Option<f64>,
    /// While they read, after the last note.
    pub resident_with_mib: Option<f64>,
    /// The difference, for each reader, in KiB.
    pub kib_each: Option<f64>,
}

/// Lets `audience` read incident `number`.
pub async fn measure(server: &Target, number: u64, audience: Audience) -> Result<Heard, BenchError> {
    let server = server.clone();
    // On a thread of its own, which only reads: see `Load::run`.
    let on_thread = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|source| BenchError::Thread { source })?.block_on(listen(&server, number, audience))
    };
    match tokio::task::spawn_blocking(on_thread).await {
        Ok(heard) => heard,
        Err(error) => Err(BenchError::Thread { source: error.into() }),
    }
}

async fn listen(target: &Target, number: u64, audience: Audience) -> Result<Heard, BenchError> {
    let address = resolve(&target.url).await?;
    let server = Server::new(&target.url)?;
    let incident: serde_json::Value = server.get(&format!("api/v1/incidents/{number}"), &[]).await?;
    let path = format!("/api/v1/incidents/{number}/stream?after={}", incident["last_event"]);
    let resident = || target.pid.and_then(machine::resident_bytes);
    let before = resident();
    let mut readers = Vec::with_capacity(audience.readers);
    while readers.len() < audience.readers {
        let more = AT_A_TIME.min(audience.readers - readers.len());
        let opened = futures::future::try_join_all((0..more).map(|_| Reader::open(address, &path))).await;
        readers.extend(opened.map_err(|source| BenchError::Connect { address, source })?);
    }

    let sent: Arc<Vec<OnceCell<Instant>>> = Arc::new((0..audience.notes).map(|_| OnceCell::new()).collect());
    let waiting = Arc::new(AtomicUsize::new(audience.readers));
    let mut reading = JoinSet::new();
    for reader in readers {
        let (sent, waiting) = (sent.clone(), waiting.clone());
        reading.spawn(async move {
            let heard = tokio::time::timeout(
                PATIENCE
                    + Duration::from_millis(audience.every_ms)
                        * u32::try_from(audience.notes).unwrap_or(u32::MAX),
                hear_all(reader, &sent, &waiting),
            );
            heard.await.unwrap_or_default()
        });
    }
    let posted = post_all(&server, number, audience, &sent).await?;
    // All have heard the last note by the time they end; they are still connected while memory is looked at.
    let end = tokio::time::Instant::now() + PATIENCE;
    while waiting.load(Ordering::Relaxed) > 0 && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let with = resident();
    let (mut delays, mut wrong) = (Vec::new(), 0);
    while let Some(one) = reading.join_next().await {
        let one = one.map_err(|error| BenchError::Thread { source: error.into() })?;
        wrong += one.wrong + audience.notes.saturating_sub(one.delays.len());
        delays.extend(one.delays);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    let mib = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / (1024.0 * 1024.0));
    let (before, with) = (mib(before), mib(with));
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = |(before, with): (f64, f64)| (with - before) * 1024.0 / audience.readers.max(1) as f64;
    Ok(Heard {
        audience,
        delay: Times::of(delays),
        post: Times::of(posted),
        wrong,
        resident_before_mib: before,
        resident_with_mib: with,
        kib_each: before.zip(with).map(each),
    })
}

#[derive(Default)]
struct OneHeard {
    delays: Vec<Duration>,
    wrong: usize,
}

/// Reads until the last note. What comes in another order counts as wrong.
async fn hear_all(mut reader: Reader, sent: &[OnceCell<Instant>], waiting: &AtomicUsize) -> OneHeard {
    let mut heard = OneHeard::default();
    while heard.delays.len() < sent.len() {
        let Ok(found) = reader.next(MARK.as_bytes(), DIGITS).await else { return heard };
        let now = Instant::now();
        for text in found {
            let note = text.parse::<usize>().ok();
            match note.and_then(|note| Some((note, sent.get(note)?.get()?))) {
                Some((note, at)) if note == heard.delays.len() => heard.delays.push(now.duration_since(*at)),
                _ => heard.wrong += 1,
            }
        }
    }
    waiting.fetch_sub(1, Ordering::Relaxed);
    heard
}

/// Posts one note after the other. Gives how long each took.
async fn post_all(
    server: &Server,
    number: u64,
    audience: Audience,
    sent: &[OnceCell<Instant>],
) -> Result<Vec<Duration>, BenchError> {
    let mut clock = interval(Duration::from_millis(audience.every_ms.max(1)));
    let mut took = Vec::new();
    for (note, at) in sent.iter().enumerate() {
        clock.tick().await;
        let body = json!({"by": "bench", "text": format!("{MARK}{note:0DIGITS$}")}).to_string();
        let began = *at.get_or_init(async || Instant::now()).await;
        match server.post(&format!("api/v1/incidents/{number}/notes"), body.into_bytes()).await {
            Answer::Accepted => took.push(began.elapsed()),
            other => return Err(BenchError::Action { what: "write a note", answer: format!("{other:?}") }),
        }
    }
    Ok(took)
}
