//! The list of incidents.

mod filter;
pub(crate) mod live;
mod row;

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Html,
};
use opsseer_core::{Incident, IncidentId, IncidentNumber};
use opsseer_store::{IncidentFilter, Store, StoreError};

use crate::{
    app::SharedApp,
    asking::MAX_QUESTION,
    web::{
        frame::Frame,
        list::{
            filter::{Choice, Filter, FilterQuery, Status},
            row::Row,
        },
        problem::Problem,
        viewer::Viewer,
    },
};

/// What to say where no row is.
enum Empty {
    /// There has never been an incident: how to get alerts here.
    Never,
    NoneOpen,
    NoneMatch,
}

/// How many incidents go on, beside the word "Open".
#[derive(Template)]
#[template(ext = "html", source = r#"<span id="open-count">{{ count }}</span>"#)]
struct OpenCount {
    count: i64,
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    frame: Frame,
    title: String,
    states: Vec<Choice>,
    severities: Vec<Choice>,
    /// What a search keeps of the filter.
    kept: Vec<(&'static str, &'static str)>,
    text: String,
    longest_question: usize,
    open_count: OpenCount,
    rows: Vec<Row>,
    /// How many are not shown, where that is known.
    of: Option<String>,
    empty: Empty,
    webhook: String,
    stream: String,
    first: Option<String>,
    next: Option<String>,
}

/// Shows incidents, those that go on first.
pub(crate) async fn show_incident_list(
    State(app): State<SharedApp>,
    query: Result<Query<FilterQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let filter = filter_of(query)?;
    let page = app.store.list_incidents(&filter.for_store()).await?;
    let count = app.store.count_unresolved().await?;
    let any = !page.incidents.is_empty()
        || !app
            .store
            .list_incidents(&IncidentFilter { limit: 1, ..IncidentFilter::default() })
            .await?
            .incidents
            .is_empty();
    let now = app.clock.now();
    let merged = merged_into(&app.store, &page.incidents).await?;
    let row = |incident: &Incident| Row::new(incident, into(&merged, incident), &viewer, now);
    let shown = page.incidents.len();
    let page = ListPage {
        title: list_title(count),
        states: filter.states(),
        severities: filter.severities(),
        kept: filter.kept(),
        longest_question: MAX_QUESTION,
        open_count: OpenCount { count },
        rows: page.incidents.iter().map(row).collect(),
        of: (filter.status == Status::Open && filter.is_plain() && page.next_cursor.is_some())
            .then(|| format!("The newest {shown} of {count} open incidents; a search finds the others.")),
        empty: match () {
            () if !any => Empty::Never,
            () if filter.status == Status::Open && filter.is_plain() => Empty::NoneOpen,
            () => Empty::NoneMatch,
        },
        webhook: format!("{}/webhook/alertmanager", app.config.public_url()),
        stream: filter.stream_address(),
        first: filter.cursor.map(|_| filter.address(None)),
        next: page.next_cursor.map(|cursor| filter.address(Some(cursor))),
        frame: Frame::new(&app, viewer, filter.address(filter.cursor)).await?,
        text: filter.text,
    };
    Ok(Html(page.render()?))
}

fn filter_of(query: Result<Query<FilterQuery>, QueryRejection>) -> Result<Filter, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    Filter::try_from(query).map_err(Problem::not_understood)
}

/// The numbers of the incidents that others of these were merged into.
async fn merged_into(
    store: &Store,
    incidents: &[Incident],
) -> Result<HashMap<IncidentId, IncidentNumber>, StoreError> {
    let mut numbers = HashMap::new();
    for into in incidents.iter().filter_map(|incident| incident.merged_into) {
        if !numbers.contains_key(&into)
            && let Some(found) = store.find_incident(into.into()).await?
        {
            numbers.insert(into, found.number);
        }
    }
    Ok(numbers)
}

fn into(numbers: &HashMap<IncidentId, IncidentNumber>, incident: &Incident) -> Option<IncidentNumber> {
    numbers.get(&incident.merged_into?).copied()
}

/// What the browser's tab says.
fn list_title(open: i64) -> String {
    match open {
        0 => "Nothing open: OpsSeer".to_owned(),
        open => format!("{open} open: OpsSeer"),
    }
}
