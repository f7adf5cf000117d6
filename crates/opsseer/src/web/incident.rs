//! The incident page.

mod alerts;
mod do_this;
mod headline;
pub(crate) mod live;
mod picture;
mod story;
mod timeline;
mod words;

pub(crate) use headline::{State, alerts_words, owner_words, severity_word};
pub(crate) use words::{sentence_case, step_words};

use askama::Template;
use axum::{
    extract::{Path, Query, State as Shared, rejection::QueryRejection},
    response::Html,
};
use opsseer_core::{Event, EventId, Incident};
use opsseer_store::StoreError;
use serde::Deserialize;

use crate::{
    app::{App, SharedApp},
    web::{
        frame::Frame,
        incident::{
            alerts::AlertsCard,
            do_this::DoThis,
            headline::{Actions, Headline, tab_title},
            picture::PictureCard,
            story::Story,
            timeline::TimelineEvent,
        },
        problem::Problem,
        viewer::Viewer,
    },
};

/// Events of one page.
const EVENTS: usize = 60;
/// Alerts that are read at most.
const ALERTS: u32 = 200;

/// Which end of the timeline is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    /// Only events before this one; the newest if absent.
    before: Option<i64>,
}

/// Everything above and beside the timeline. Each part is an element with an id, which the live stream replaces.
struct Parts {
    headline: Headline,
    actions: Actions,
    do_this: DoThis,
    picture: PictureCard,
    alerts: AlertsCard,
}

impl Parts {
    async fn read(
        app: &App,
        incident: &Incident,
        story: &Story,
        viewer: &Viewer,
    ) -> Result<Self, StoreError> {
        let alerts = app.store.list_alerts_of(incident.id, ALERTS).await?;
        let now = app.clock.now();
        Ok(Self {
            headline: Headline::new(incident, viewer, now),
            actions: Actions::new(incident),
            do_this: DoThis::new(story, incident, now),
            picture: PictureCard::new(story, incident, now),
            alerts: AlertsCard::new(&alerts, now),
        })
    }

    fn render(&self) -> Result<Vec<String>, askama::Error> {
        Ok(vec![
            self.headline.render()?,
            self.actions.render()?,
            self.do_this.render()?,
            self.picture.render()?,
            self.alerts.render()?,
        ])
    }
}

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    frame: Frame,
    title: String,
    number: i64,
    last_event: EventId,
    parts: Parts,
    events: Vec<TimelineEvent>,
    newest: bool,
    earlier: Option<EventId>,
}

/// Shows an incident by its number (`42`, `INC-42`) or id.
pub(crate) async fn show_incident(
    Shared(app): Shared<SharedApp>,
    Path(asked): Path<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let incident = find(&app, &asked).await?;
    let (story, newest) = Story::read(&app.store, incident.id).await?;
    // Read again after the log: the parts may be ahead of the events, which the stream then brings, but never behind.
    let incident = find(&app, &asked).await?;
    let parts = Parts::read(&app, &incident, &story, &viewer).await?;
    let mut events = match query.before {
        None => newest,
        Some(before) => {
            let limit = u32::try_from(EVENTS + 1).unwrap_or(u32::MAX);
            app.store.list_events_before(incident.id, EventId(before), limit).await?
        }
    };
    let more = events.len() > EVENTS;
    events.truncate(EVENTS);
    let now = app.clock.now();
    let shown = |event: &Event| TimelineEvent::new(event, incident.opened_at, &viewer, now);
    let page = IncidentPage {
        title: tab_title(&incident),
        number: incident.number.0,
        last_event: story.last,
        parts,
        newest: query.before.is_none(),
        earlier: events.last().filter(|_| more).map(|event| event.id),
        events: events.iter().map(shown).collect(),
        frame: Frame::new(&app, viewer.clone(), format!("/incidents/{}", incident.number)).await?,
    };
    Ok(Html(page.render()?))
}

async fn find(app: &App, asked: &str) -> Result<Incident, Problem> {
    let reference = asked.parse().map_err(|_| Problem::no_incident(asked))?;
    app.store.find_incident(reference).await?.ok_or_else(|| Problem::no_incident(asked))
}
