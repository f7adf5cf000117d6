//! The incident page.

pub(crate) mod alerts;
mod ask;
mod budget;
mod changes;
mod class;
mod containers;
mod do_this;
mod headline;
pub(crate) mod live;
mod outlook;
mod picture;
mod similar;
mod standing;
mod story;
mod suspects;
mod timeline;
mod tools;
mod words;

pub(crate) use do_this::step_to_take;
pub(crate) use headline::{State, alerts_words, owner_words, severity_word};
pub(crate) use standing::{muted_until, silenced_until};
pub(crate) use words::{counted, lines_words, looked_through_words, sentence_case, step_words, times_words};

use askama::Template;
use axum::{
    extract::{Path, Query, State as Shared, rejection::QueryRejection},
    response::Html,
};
use opsseer_core::{EventId, Incident};
use opsseer_store::StoreError;
use serde::Deserialize;

use crate::{
    app::{App, SharedApp},
    summary::in_brief,
    web::{
        frame::Frame,
        incident::{
            alerts::AlertsCard,
            ask::{AskCard, Finds},
            budget::{BudgetCard, Scarcest},
            changes::ChangesCard,
            class::ClassCard,
            containers::ContainersCard,
            do_this::DoThis,
            headline::{Actions, Headline, tab_title},
            outlook::OutlookCard,
            picture::PictureCard,
            similar::SimilarCard,
            standing::Standing,
            story::{NEWEST, Story},
            suspects::SuspectsCard,
            timeline::{
                Telling,
                run::{Entry, entries},
            },
            tools::Tools,
        },
        problem::Problem,
        viewer::Viewer,
        written::WrittenCard,
    },
};

/// Lines of the timeline on one page.
const LINES: usize = 60;
/// Events that are read for a page of earlier ones: thousands of changes of alerts may be one line.
const EARLIER: u32 = 5000;

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
    summary: SummaryLine,
    do_this: DoThis,
    outlook: OutlookCard,
    suspects: SuspectsCard,
    picture: PictureCard,
    changes: ChangesCard,
    containers: ContainersCard,
    budget: BudgetCard,
    ask: AskCard,
    alerts: AlertsCard,
    similar: SimilarCard,
    class: ClassCard,
}

/// The incident in a few sentences.
#[derive(Template)]
#[template(ext = "html", source = r#"<p class="summary" id="summary">{{ text }}</p>"#)]
struct SummaryLine {
    text: String,
}

impl Parts {
    async fn read(
        app: &App,
        incident: &Incident,
        story: &Story,
        viewer: &Viewer,
    ) -> Result<Self, StoreError> {
        let alerts = app.store.list_alerts_of(incident.id, alerts::READ).await?;
        let now = app.clock.now();
        let standing = Standing::new(incident, story, viewer, now);
        let words_only = app.meaning.words_only();
        Ok(Self {
            headline: Headline::new(incident, standing, Scarcest::of(story, now), viewer, now),
            actions: Actions::new(incident, now),
            summary: SummaryLine { text: in_brief(incident, &story.facts).text() },
            do_this: DoThis::new(story, incident, now),
            outlook: OutlookCard::new(story, incident, now),
            suspects: SuspectsCard::new(story, incident, now),
            picture: PictureCard::new(story, incident, now),
            changes: ChangesCard::new(story, incident, now),
            containers: ContainersCard::new(story, incident, now),
            budget: BudgetCard::new(story, incident, app.objectives.is_some(), now),
            ask: AskCard::new(incident, story, viewer, Finds::of(app), now),
            alerts: AlertsCard::new(&alerts, incident, story, now),
            similar: SimilarCard::new(story, incident, now),
            class: ClassCard::new(story, incident, viewer, words_only, now),
        })
    }

    fn render(&self) -> Result<Vec<String>, askama::Error> {
        Ok(vec![
            self.headline.render()?,
            self.actions.render()?,
            self.summary.render()?,
            self.do_this.render()?,
            self.outlook.render()?,
            self.suspects.render()?,
            self.picture.render()?,
            self.changes.render()?,
            self.containers.render()?,
            self.budget.render()?,
            self.ask.render()?,
            self.alerts.render()?,
            self.similar.render()?,
            self.class.render()?,
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
    tools: Tools,
    /// Not replaced by the stream: somebody may be reading what is written there.
    written: Option<WrittenCard>,
    entries: Vec<Entry>,
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
    let (events, whole) = match query.before {
        None => (newest, NEWEST),
        Some(before) => (app.store.list_events_before(incident.id, EventId(before), EARLIER).await?, EARLIER),
    };
    let now = app.clock.now();
    let telling = Telling { incident: &incident, story: &story, viewer: &viewer, now };
    let (entries, read) = entries(&events, LINES, telling);
    let more = read < events.len() || events.len() == whole as usize;
    let page = IncidentPage {
        title: tab_title(&incident),
        number: incident.number.0,
        last_event: story.last,
        tools: Tools::read(&app, &incident).await?,
        written: WrittenCard::of_incident(&app, &incident),
        parts,
        newest: query.before.is_none(),
        earlier: events[..read].last().filter(|_| more).map(|event| event.id),
        entries,
        frame: Frame::new(&app, viewer.clone(), format!("/incidents/{}", incident.number)).await?,
    };
    Ok(Html(page.render()?))
}

async fn find(app: &App, asked: &str) -> Result<Incident, Problem> {
    let reference = asked.parse().map_err(|_| Problem::no_incident(asked))?;
    app.store.find_incident(reference).await?.ok_or_else(|| Problem::no_incident(asked))
}
