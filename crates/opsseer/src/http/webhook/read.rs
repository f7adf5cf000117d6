//! Reads the body of a webhook, within the memory that all webhooks together may take.
//!
//! Its share is taken before it is read and kept until it is answered. So however many large bodies come at once, they take
//! about `ingest.queue_bytes` together; what does not fit is told to come again.

use std::panic::resume_unwind;

use axum::{
    body::BodyDataStream,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use opsseer_core::AlertSource;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::body::{self, BodyError};
use crate::{
    app::App,
    config,
    http::error::ApiError,
    ingest::{Ingest, IngestError, Share, bytes_of},
};

/// What a body takes until it is understood, for each of its bytes: itself, what is read of its JSON, and its alerts. Measured
/// with an allocator that counts as 5.3 to 6.5 for Alertmanager's own bodies, less for long texts. Many very short alerts
/// take more, which is known only afterwards: `LARGE_AT_ONCE` bounds what that can be.
const BYTES_A_BYTE: usize = 6;

/// Large bodies that are being understood at any moment.
static LARGE_AT_ONCE: Semaphore = Semaphore::const_new(4);

/// A smaller body is understood in less time than it takes to hand it to another thread. In bytes.
const LARGE: usize = 64 * 1024;

/// The first share of a body that does not say how long it is, in bytes. The share doubles as the body goes on.
const FIRST_SHARE: usize = 64 * 1024;

/// Reads a webhook. Gives its body and the share of the memory that its alerts take, to be kept as long as they are.
pub(super) async fn read(
    app: &App,
    source: AlertSource,
    request: Request,
) -> Result<(body::Body, Share), ApiError> {
    let (text, share) = text(request, app.config.http.max_body_bytes, &app.ingest).await?;
    let (now, limits) = (app.clock.now(), app.config.ingest.clone());
    if text.len() <= LARGE {
        return understand(text, share, source, now, &limits);
    }
    let turn = LARGE_AT_ONCE.acquire().await.expect("never closed");
    let work = move || {
        // Here, not outside: the work goes on when the sender has left.
        let _turn = turn;
        understand(text, share, source, now, &limits)
    };
    match spawn_blocking(work).await {
        Ok(understood) => understood,
        Err(broken) => resume_unwind(broken.into_panic()),
    }
}

fn understand(
    text: Vec<u8>,
    mut share: Share,
    source: AlertSource,
    now: DateTime<Utc>,
    limits: &config::Ingest,
) -> Result<(body::Body, Share), ApiError> {
    let body = body::read(&text, source, now, limits)?;
    drop(text);
    if share.resize(bytes_of(&body.alerts)) { Ok((body, share)) } else { Err(IngestError::Full.into()) }
}

/// The text of a body, and a share that is large enough to understand it.
async fn text(request: Request, limit: usize, ingest: &Ingest) -> Result<(Vec<u8>, Share), ApiError> {
    let said = length(request.headers());
    let mut stream = request.into_body().into_data_stream();
    let read = text_of(&mut stream, said, limit, ingest).await;
    if read.as_ref().is_err_and(|error| error.status() != StatusCode::REQUEST_TIMEOUT) {
        pass_over(stream, limit).await;
    }
    read
}

async fn text_of(
    stream: &mut BodyDataStream,
    said: Option<usize>,
    limit: usize,
    ingest: &Ingest,
) -> Result<(Vec<u8>, Share), ApiError> {
    if said.is_some_and(|said| said > limit) {
        return Err(too_large());
    }
    let mut room = said.unwrap_or(FIRST_SHARE.min(limit));
    let mut share = ingest.reserve(room.saturating_mul(BYTES_A_BYTE))?;
    let mut text = Vec::with_capacity(room);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| broken_off(&error))?;
        let length = text.len() + piece.len();
        if length > limit {
            return Err(too_large());
        }
        if length > room {
            room = length.max(room.saturating_mul(2)).min(limit);
            if !share.resize(room.saturating_mul(BYTES_A_BYTE)) {
                return Err(IngestError::Full.into());
            }
            text.reserve_exact(room - text.len());
        }
        text.extend_from_slice(&piece);
    }
    Ok((text, share))
}

/// Takes what is still on its way of a body that is refused, and keeps none of it: a sender that is cut off in the middle
/// may never read why. Of one without end, no more than of the largest that is taken.
async fn pass_over(mut stream: BodyDataStream, limit: usize) {
    let mut passed = 0;
    while let Some(Ok(piece)) = stream.next().await {
        passed += piece.len();
        if passed > limit {
            return;
        }
    }
}

/// How long the body says it is, in bytes.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "the body is larger than http.max_body_bytes allows; nothing was kept",
    )
}

/// Nobody reads this, but the log shows it.
fn broken_off(error: &axum::Error) -> ApiError {
    ApiError::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_broken_off",
        format!("the sender broke off within the body ({error}); nothing was kept"),
    )
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        if error.is_too_large() {
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", error.to_string());
        }
        Self::bad_request("body_not_understood", error.to_string())
    }
}
