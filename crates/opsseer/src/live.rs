//! Follows an incident's log: first what is written, then what is being written. The page and the JSON stream both
//! stand on this.

use std::{collections::VecDeque, sync::Arc};

use futures::{Stream, stream};
use opsseer_core::{Event, EventId, IncidentId};
use opsseer_store::{Change, Committed, Store, StoreError};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Events read by one query.
const BATCH: u32 = 200;

/// Counts a live stream while it lasts.
pub(crate) struct Reader(());

impl Reader {
    pub(crate) fn begin() -> Self {
        metrics::gauge!("opsseer_live_readers").increment(1.0);
        Self(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        metrics::gauge!("opsseer_live_readers").decrement(1.0);
    }
}

struct Follower {
    _reader: Reader,
    store: Store,
    incident: IncidentId,
    commits: Receiver<Arc<Committed>>,
    /// The newest event that was read.
    after: EventId,
    /// Whether the store may hold more than was read and told.
    behind: bool,
    read: VecDeque<Event>,
}

/// All events of `incident` above `after`, in order, each once; then waits for more. Ends when the store closes, and
/// after an error.
///
/// The commits are subscribed to before the first query, so that no event falls between the replay and the wait. A commit
/// brings its events along; they are taken if they follow on what was read, else the store is asked for all above it. So
/// none is missed, none comes twice, and a thousand readers of one incident do not each ask for the same event.
pub fn follow(
    store: Store,
    incident: IncidentId,
    after: EventId,
) -> impl Stream<Item = Result<Event, StoreError>> + Send {
    let commits = store.subscribe();
    let follower = Follower {
        _reader: Reader::begin(),
        store,
        incident,
        commits,
        after,
        behind: true,
        read: VecDeque::new(),
    };
    stream::try_unfold(follower, |mut follower| async move {
        Ok(follower.next().await?.map(|event| (event, follower)))
    })
}

impl Follower {
    async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        while self.read.is_empty() {
            if self.behind {
                let events = self.store.list_events(self.incident, self.after, BATCH).await?;
                self.behind = !events.is_empty();
                self.take(events);
            } else if !self.woken().await {
                return Ok(None);
            }
        }
        Ok(self.read.pop_front())
    }

    fn take(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if event.id > self.after {
                self.after = event.id;
                self.read.push_back(event);
            }
        }
    }

    /// Waits until this incident has new events, and takes them from what is told if nothing lies between them and what
    /// was read. False if there will never be any.
    async fn woken(&mut self) -> bool {
        loop {
            match self.commits.recv().await {
                Ok(committed) => match committed.change_of(self.incident) {
                    None => {}
                    Some(Change { before, events: Some(events), .. }) if *before <= self.after => {
                        self.take(events.iter().cloned());
                        return true;
                    }
                    Some(_) => {
                        self.behind = true;
                        return true;
                    }
                },
                // What was told is lost, not the events: the query finds them.
                Err(RecvError::Lagged(_)) => {
                    self.behind = true;
                    return true;
                }
                Err(RecvError::Closed) => return false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use chrono::{DateTime, Utc};
    use futures::StreamExt;
    use opsseer_core::{Actor, EventKind, Incident, NewEvent, Severity, SystemClock};
    use opsseer_store::StoreConfig;
    use tokio::time::timeout;

    use super::*;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let config = StoreConfig {
            url: format!("sqlite:{}", folder.path().join("opsseer.db").display()),
            assets: folder.path().join("assets"),
            readers: 2,
            timeout: Duration::from_secs(10),
            poll_every: Duration::from_secs(1),
        };
        Store::open(config, Arc::new(SystemClock), |_, _| &[]).await.expect("opens")
    }

    fn event(kind: EventKind) -> NewEvent {
        NewEvent::new(DateTime::<Utc>::UNIX_EPOCH, Actor::Person { name: "ada".into() }, kind)
    }

    fn note(text: impl Into<String>) -> NewEvent {
        event(EventKind::Note { text: text.into() })
    }

    async fn opened(store: &Store) -> Incident {
        let mut tx = store.begin().await.expect("begins");
        let incident = tx.open_incident(vec![event(EventKind::Opened {
            title: "t".into(),
            severity: Severity::Page,
            service: None,
            correlation_key: "k".into(),
            reason: "r".into(),
        })]);
        tx.commit().await.expect("commits");
        incident
    }

    async fn append(store: &Store, incident: &Incident, events: Vec<NewEvent>) {
        let mut tx = store.begin().await.expect("begins");
        let incident = tx.find_incident(incident.id.into()).await.expect("reads").expect("is there");
        tx.append(incident, events);
        tx.commit().await.expect("commits");
    }

    async fn notes(stream: impl Stream<Item = Result<Event, StoreError>>, count: usize) -> Vec<String> {
        let texts = stream.filter_map(|event| async {
            match event.expect("readable").kind {
                EventKind::Note { text } => Some(text),
                _ => None,
            }
        });
        timeout(Duration::from_secs(20), texts.take(count).collect()).await.expect("in time")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_event_comes_once_and_in_order_while_they_are_being_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let incident = opened(&store).await;
        let count = BATCH as usize + 60;
        let writer = tokio::spawn({
            let (store, incident) = (store.clone(), incident.clone());
            async move {
                for first in (0..count).step_by(4) {
                    append(&store, &incident, (first..first + 4).map(|n| note(n.to_string())).collect())
                        .await;
                }
            }
        });
        let read = notes(follow(store.clone(), incident.id, EventId(0)), count).await;
        writer.await.expect("writes");
        assert_eq!(read, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_reader_that_fell_behind_the_bus_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let (incident, other) = (opened(&store).await, opened(&store).await);
        append(&store, &incident, vec![note("before")]).await;
        let mut stream = Box::pin(follow(store.clone(), incident.id, EventId(0)));
        assert_eq!(notes(&mut stream, 1).await, ["before"]);
        append(&store, &incident, vec![note("lost")]).await;
        // More commits than the bus keeps.
        for _ in 0..1100 {
            append(&store, &other, vec![note("of another incident")]).await;
        }
        assert_eq!(notes(stream, 1).await, ["lost"]);
    }

    #[tokio::test]
    async fn it_begins_after_the_event_that_the_reader_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder).await;
        let incident = opened(&store).await;
        append(&store, &incident, vec![note("one"), note("two")]).await;
        let first = store.list_events(incident.id, EventId(0), 2).await.expect("reads");
        assert_eq!(notes(follow(store.clone(), incident.id, first[1].id), 1).await, ["two"]);
    }
}
