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
use opsseer_core::{AlertSnapshot, Event, EventId, EventKind, IncidentId, Labels};
use opsseer_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::{
    app::SharedApp,
    live::follow,
    web::{
        incident::{
            Parts, find,
            headline::tab_title,
            story::{NEWEST, Story},
            timeline::{
                Telling, TimelineEvent,
                run::{entries, leading_run},
            },
        },
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
    /// New lines of the timeline, newest first. One that tells of many events takes the place of those of them that
    /// are there.
    items: Vec<String>,
    /// Lines that say something else now.
    again: Vec<String>,
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
    let (story, mut newest) = Story::read(&app.store, incident.id).await?;
    let events = follow(app.store.clone(), incident.id, after);
    newest.retain(|event| event.id <= after);
    let told = Told { story, run: leading_run(&newest).iter().map(lightened).collect() };
    let changes = changes(app.clone(), incident.id, events, told, viewer);
    let messages = stream::select(changes, pulses(app.clone())).inspect_err(log);
    Ok(Sse::new(messages.take_until(app.ending.clone().cancelled_owned())).keep_alive(KeepAlive::default()))
}

fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// What the reader has been told.
struct Told {
    story: Story,
    /// The changes of alerts that the timeline begins with, newest first, as far as a line of many tells of them.
    run: Vec<Event>,
}

fn changes(
    app: SharedApp,
    incident: IncidentId,
    events: impl Stream<Item = Result<Event, StoreError>> + Send,
    told: Told,
    viewer: Viewer,
) -> impl Stream<Item = Result<Message, LiveError>> + Send {
    // What is there at once is told at once: a replay of many events is one message.
    let batches = Box::pin(events.ready_chunks(BATCH));
    stream::try_unfold((app, batches, told, viewer), move |(app, mut batches, mut told, viewer)| async move {
        let Some(batch) = batches.next().await else { return Ok(None) };
        let events = batch.into_iter().collect::<Result<Vec<_>, _>>()?;
        let message = told.tell(&app, incident, events, &viewer).await?;
        Ok(message.map(|message| (message, (app, batches, told, viewer))))
    })
}

impl Told {
    /// One message about `events`; none if the incident is no more.
    async fn tell(
        &mut self,
        app: &SharedApp,
        incident: IncidentId,
        events: Vec<Event>,
        viewer: &Viewer,
    ) -> Result<Option<Message>, LiveError> {
        let Some(incident) = app.store.find_incident(incident.into()).await? else { return Ok(None) };
        let Some(last) = events.last().map(|event| event.id) else { return Ok(None) };
        for event in &events {
            self.story.fold(event);
        }
        let story = &self.story;
        let telling = Telling { incident: &incident, story, viewer, now: app.clock.now() };
        let settled = events.iter().filter_map(|event| story.settled_by(event));
        let again =
            settled.map(|event| TimelineEvent::new(event, telling).render()).collect::<Result<_, _>>()?;
        // New changes of alerts may go on with a run that the page shows.
        let new = events.len();
        let newest_first: Vec<Event> = events.into_iter().rev().chain(self.run.drain(..)).collect();
        let (mut lines, mut read) = (Vec::new(), 0);
        while read < new {
            let (next, count) = entries(&newest_first[read..], 1, telling);
            for entry in next {
                lines.push(entry.render()?);
            }
            read += count;
        }
        self.run = leading_run(&newest_first).iter().take(NEWEST as usize).map(lightened).collect();
        let change = Change {
            items: lines,
            again,
            parts: Parts::read(app, &incident, story, viewer).await?.render()?,
            title: tab_title(&incident),
        };
        Ok(Some(message("change", &change)?.id(last.to_string())))
    }
}

/// A change of an alert without its labels and annotations: a thousand readers may each hold hundreds.
fn lightened(event: &Event) -> Event {
    let light = |alert: &AlertSnapshot| AlertSnapshot {
        fingerprint: alert.fingerprint.clone(),
        name: alert.name.clone(),
        summary: alert.summary.clone(),
        severity: alert.severity,
        labels: Labels::new(),
        annotations: Labels::new(),
        starts_at: alert.starts_at,
        generator_url: None,
    };
    let kind = match &event.kind {
        EventKind::AlertFired { alert, first, .. } => {
            EventKind::AlertFired { alert: light(alert), first: *first, reason: String::new() }
        }
        EventKind::AlertResolved { alert, .. } => {
            EventKind::AlertResolved { alert: light(alert), reason: None }
        }
        other => other.clone(),
    };
    Event {
        kind,
        id: event.id,
        incident: event.incident,
        at: event.at,
        recorded_at: event.recorded_at,
        actor: event.actor.clone(),
        assets: Vec::new(),
    }
}
