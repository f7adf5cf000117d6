//! The list's stream: the rows that changed, and the order in which all stand.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Sse,
        sse::{Event as Message, KeepAlive},
    },
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use opsseer_core::{EventId, Incident, IncidentNumber};
use opsseer_store::{Committed, IncidentRef};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::sleep,
};

use crate::{
    app::SharedApp,
    web::{
        list::{
            OpenCount,
            filter::{Filter, FilterQuery},
            filter_of, into, list_title, merged_into,
            row::{Row, element_id},
        },
        problem::Problem,
        pulse::{LiveError, log, message, pulses},
        viewer::Viewer,
    },
};

/// Time in which further commits are told together: a storm of alerts costs each open list five queries a second, not
/// one an alert.
const GATHER: Duration = Duration::from_millis(200);

/// Rows that a page is believed to show at most.
const MOST_SHOWN: usize = 500;

#[derive(Serialize)]
struct Change {
    rows: Vec<String>,
    /// Ids of the rows' elements, as the list now stands.
    order: Vec<String>,
    parts: Vec<String>,
    title: String,
}

struct Follower {
    app: SharedApp,
    filter: Filter,
    viewer: Viewer,
    wake_ups: Receiver<Arc<Committed>>,
    /// The newest event that the reader knows of each incident that they see.
    told: HashMap<IncidentNumber, EventId>,
    first: bool,
}

/// What the page shows already.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ShownQuery {
    /// Numbers of incidents, separated by commas.
    #[serde(default)]
    shown: String,
}

impl ShownQuery {
    fn numbers(&self) -> impl Iterator<Item = IncidentNumber> {
        self.shown.split(',').take(MOST_SHOWN).filter_map(|number| number.parse().ok().map(IncidentNumber))
    }
}

/// Follows the list of a filter. The first message holds every row, listed or shown, so that nothing is missed between
/// the page, or a connection that was lost, and this one.
pub(crate) async fn follow_incident_list(
    State(app): State<SharedApp>,
    query: Result<Query<FilterQuery>, QueryRejection>,
    Query(shown): Query<ShownQuery>,
    viewer: Viewer,
) -> Result<impl IntoResponse, Problem> {
    let filter = filter_of(query)?;
    let wake_ups = app.store.subscribe();
    let told = shown.numbers().map(|number| (number, EventId(0))).collect();
    let follower = Follower { app: app.clone(), filter, viewer, wake_ups, told, first: true };
    let messages = stream::select(changes(follower), pulses(app.clone())).inspect_err(log);
    Ok(Sse::new(messages.take_until(app.ending.clone().cancelled_owned())).keep_alive(KeepAlive::default()))
}

fn changes(follower: Follower) -> impl Stream<Item = Result<Message, LiveError>> + Send {
    stream::try_unfold(follower, |mut follower| async move {
        if !follower.first && !follower.woken().await {
            return Ok(None);
        }
        follower.first = false;
        Ok(Some((message("change", &follower.change().await?)?, follower)))
    })
}

impl Follower {
    /// Waits for new events, and a little for more of them. False if there will never be any.
    async fn woken(&mut self) -> bool {
        loop {
            match self.wake_ups.recv().await {
                Ok(committed) if committed.changes.is_empty() => {}
                Ok(_) | Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return false,
            }
        }
        sleep(GATHER).await;
        while matches!(self.wake_ups.try_recv(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
        true
    }

    async fn change(&mut self) -> Result<Change, LiveError> {
        let store = &self.app.store;
        let listed = store.list_incidents(&self.filter.for_store()).await?.incidents;
        let count = store.count_unresolved().await?;
        let mut changed = Vec::new();
        // What has left the list is shown once more where it stands: resolved, say.
        let here: HashSet<IncidentNumber> = listed.iter().map(|incident| incident.number).collect();
        let left: Vec<IncidentNumber> =
            self.told.keys().filter(|number| !here.contains(number)).copied().collect();
        for number in left {
            self.told.remove(&number);
            changed.extend(store.find_incident(IncidentRef::Number(number)).await?);
        }
        for incident in &listed {
            if self.told.insert(incident.number, incident.last_event) != Some(incident.last_event) {
                changed.push(incident.clone());
            }
        }
        let now = self.app.clock.now();
        let merged = merged_into(store, &changed).await?;
        let row = |incident: &Incident| Row::new(incident, into(&merged, incident), &self.viewer, now);
        Ok(Change {
            rows: changed.iter().map(|incident| row(incident).render()).collect::<Result<_, _>>()?,
            order: listed.iter().map(|incident| element_id(incident.number)).collect(),
            parts: vec![OpenCount { count }.render()?],
            title: list_title(count),
        })
    }
}
