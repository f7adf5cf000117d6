//! The incident page's stream: each new event, rendered as the page renders it, with the parts that it may have changed.

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{
        IntoResponse, Sse,
        sse::{Event as Message, KeepAlive},
    },
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use opsseer_core::{Event, EventId, IncidentId};
use opsseer_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::{
    app::SharedApp,
    live::follow,
    web::{
        incident::{Parts, find, headline::tab_title, story::Story, timeline::TimelineEvent},
        problem::Problem,
        pulse::{LiveError, log, message, pulses},
        viewer::Viewer,
    },
};

/// Events that one message brings at most.
const BATCH: usize = 100;

/// Where the reader is.
#[derive(Debug, Deserialize)]
pub(crate) struct LiveQuery {
    /// The newest event that the page shows; the newest of all if absent.
    after: Option<i64>,
}

#[derive(Serialize)]
struct Change {
    /// New events, newest first.
    items: Vec<String>,
    parts: Vec<String>,
    title: String,
}

/// Follows an incident from the event in `Last-Event-ID`, or in `after`.
pub(crate) async fn follow_incident(
    State(app): State<SharedApp>,
    Path(asked): Path<String>,
    query: Result<Query<LiveQuery>, QueryRejection>,
    headers: HeaderMap,
    viewer: Viewer,
) -> Result<impl IntoResponse, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let incident = find(&app, &asked).await?;
    let after = last_event_id(&headers).or(query.after).map_or(incident.last_event, EventId);
    let (story, _) = Story::read(&app.store, incident.id).await?;
    let events = follow(app.store.clone(), incident.id, after);
    let changes = changes(app.clone(), incident.id, events, story, viewer);
    let messages = stream::select(changes, pulses(app.clone())).inspect_err(log);
    Ok(Sse::new(messages.take_until(app.ending.clone().cancelled_owned())).keep_alive(KeepAlive::default()))
}

fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

fn changes(
    app: SharedApp,
    incident: IncidentId,
    events: impl Stream<Item = Result<Event, StoreError>> + Send,
    story: Story,
    viewer: Viewer,
) -> impl Stream<Item = Result<Message, LiveError>> + Send {
    // What is there at once is told at once: a replay of many events is one message.
    let batches = Box::pin(events.ready_chunks(BATCH));
    stream::try_unfold(
        (app, batches, story, viewer),
        move |(app, mut batches, mut story, viewer)| async move {
            let Some(batch) = batches.next().await else { return Ok(None) };
            let events = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
            for event in &events {
                story.fold(event);
            }
            let told = tell(&app, incident, &events, &story, &viewer).await?;
            Ok(told.map(|message| (message, (app, batches, story, viewer))))
        },
    )
}

/// One message about `events`; none if the incident is no more.
async fn tell(
    app: &SharedApp,
    incident: IncidentId,
    events: &[Event],
    story: &Story,
    viewer: &Viewer,
) -> Result<Option<Message>, LiveError> {
    let Some(incident) = app.store.find_incident(incident.into()).await? else { return Ok(None) };
    let Some(last) = events.last() else { return Ok(None) };
    let now = app.clock.now();
    let item = |event: &Event| TimelineEvent::new(event, incident.opened_at, viewer, now).render();
    let change = Change {
        items: events.iter().rev().map(item).collect::<Result<_, _>>()?,
        parts: Parts::read(app, &incident, story, viewer).await?.render()?,
        title: tab_title(&incident),
    };
    Ok(Some(message("change", &change)?.id(last.id.to_string())))
}
