//! An incident's timeline as it grows: server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::sse::{self, KeepAlive, Sse},
    routing::get,
};
use futures::{Stream, StreamExt};
use opsseer_core::{Event, EventId};
use opsseer_store::StoreError;
use serde::Deserialize;

use crate::{
    app::SharedApp,
    http::{error::ApiError, incidents::find},
    live,
};

/// A silent connection says so this often, so that both ends notice when it is gone.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Where to begin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamQuery {
    /// Only events with a larger id. The header `Last-Event-ID`, which a reconnecting browser sends, wins.
    pub after: Option<i64>,
}

/// The streams: apart from the other routes, because they have no time-out.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/api/v1/incidents/{id}/stream", get(stream_timeline))
}

async fn stream_timeline(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    query: Result<Query<StreamQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, ApiError> {
    let after = begin_after(&headers, query?.0.after)?;
    let incident = find(&app, &id).await?;
    let events =
        live::follow(app.store.clone(), incident.id, after).take_until(app.ending.clone().cancelled_owned());
    Ok(Sse::new(events.filter_map(async |event| encode(event).map(Ok)))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The place after which a reader wants to go on.
pub(crate) fn begin_after(headers: &HeaderMap, asked: Option<i64>) -> Result<EventId, ApiError> {
    let Some(header) = headers.get("last-event-id") else { return Ok(EventId(asked.unwrap_or(0))) };
    let parsed = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    parsed
        .map(EventId)
        .ok_or_else(|| ApiError::bad_request("invalid_header", "Last-Event-ID must be an event's id"))
}

fn encode(event: Result<Event, StoreError>) -> Option<sse::Event> {
    let event = event.inspect_err(|error| tracing::error!(error = %error, "a stream lost the store")).ok()?;
    sse::Event::default()
        .id(event.id.to_string())
        .event(event.kind.name())
        .json_data(&event)
        .inspect_err(|error| tracing::error!(error = %error, event = %event.id, "an event cannot be sent"))
        .ok()
}
