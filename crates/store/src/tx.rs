use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use opsseer_core::{
    Alert, Event, EventId, Fingerprint, Identity, Incident, IncidentId, IncidentNumber, NewEvent,
};
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::{
    Change, Committed, FollowUps, Store, StoreError, StoredAlert,
    db::{self, DbTx},
    jobs::NewJob,
    regroup::Regroup,
};

/// Commits with more new events than this are told without them.
const MOST_EVENTS_TOLD: usize = 64;

/// A change under way. It collects in memory what is to be written and writes it in a few statements when it commits:
/// that is what makes one commit for many webhooks cheap. Dropped without [`Tx::commit`], nothing has happened.
pub struct Tx {
    pub(crate) db: DbTx,
    /// The one time of all that this transaction writes down.
    pub(crate) now: DateTime<Utc>,
    first_event: i64,
    next_event: i64,
    pub(crate) next_incident: i64,
    /// The newest incident's number when this began.
    pub(crate) last_incident: i64,
    pub(crate) incidents: HashMap<IncidentId, Incident>,
    /// The open ones among them, by their correlation key.
    pub(crate) open_by_key: HashMap<String, IncidentId>,
    /// Alerts and correlation keys that [`Tx::read_ahead`] looked for: what it did not find is not there.
    pub(crate) alerts_read: HashMap<(Fingerprint, Identity), Option<StoredAlert>>,
    pub(crate) keys_read: HashSet<String>,
    /// Incidents with new events, in the order in which they got the first, and the newest event that each had before.
    pub(crate) changed: Vec<(IncidentId, EventId)>,
    changed_once: HashSet<IncidentId>,
    /// Those of them that were resolved or reopened.
    pub(crate) turned: HashSet<IncidentId>,
    /// Those of them that became more or less urgent.
    pub(crate) changed_severity: HashSet<IncidentId>,
    pub(crate) alerts: HashMap<(Fingerprint, Identity), StoredAlert>,
    /// Alerts (ids of rows) that this transaction has put into another incident than they were in.
    pub(crate) joined: HashSet<(IncidentId, Uuid)>,
    /// And the incidents that they were in.
    pub(crate) left: HashSet<(IncidentId, Uuid)>,
    /// Of which alerts in which incidents [`Tx::read_ahead`] looked whether they were there before, and those that were.
    pub(crate) had_read: HashSet<(IncidentId, Uuid)>,
    pub(crate) had: HashSet<(IncidentId, Uuid)>,
    pub(crate) new_events: Vec<Event>,
    pub(crate) new_jobs: Vec<NewJob>,
    pub(crate) new_wake: bool,
    pub(crate) new_heartbeat: bool,
    pub(crate) regroups: Vec<Regroup>,
    /// The merge that makes alerts with this key join another incident than their own.
    pub(crate) joined_by_merge: HashMap<String, (IncidentId, EventId)>,
    /// Whether so many incidents were opened of late that this is a storm; once it is, it is for this transaction.
    pub(crate) storms: u32,
    bus: broadcast::Sender<Arc<Committed>>,
    jobs_added: Arc<Notify>,
    follow_ups: FollowUps,
}

// An update that changes nothing takes the row's lock, so that ids are given out in the order of commits.
pub(crate) const LOCK_SEQUENCES: &str =
    "update sequences set last_event = last_event returning last_event, last_incident";
const SAVE_SEQUENCES: &str = "update sequences set last_event = $1, last_incident = $2";

impl Tx {
    pub(crate) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let failed = || StoreError::query("begin a transaction");
        let mut db = store.db.begin().await.map_err(failed())?;
        let (last_event, last_incident): (i64, i64) =
            db::within!(&mut db, conn => sqlx::query_as(LOCK_SEQUENCES).fetch_one(conn).await)
                .map_err(failed())?;
        Ok(Self {
            db,
            now: store.clock.now(),
            first_event: last_event + 1,
            next_event: last_event + 1,
            next_incident: last_incident + 1,
            last_incident,
            incidents: HashMap::new(),
            open_by_key: HashMap::new(),
            alerts_read: HashMap::new(),
            keys_read: HashSet::new(),
            changed: Vec::new(),
            changed_once: HashSet::new(),
            turned: HashSet::new(),
            changed_severity: HashSet::new(),
            alerts: HashMap::new(),
            joined: HashSet::new(),
            left: HashSet::new(),
            had_read: HashSet::new(),
            had: HashSet::new(),
            new_events: Vec::new(),
            new_jobs: Vec::new(),
            new_wake: false,
            new_heartbeat: false,
            regroups: Vec::new(),
            joined_by_merge: HashMap::new(),
            storms: 0,
            bus: store.bus.clone(),
            jobs_added: store.jobs_added.clone(),
            follow_ups: store.follow_ups,
        })
    }

    /// The time of this transaction: all that it writes down was recorded then.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Reads in three statements what correlation will ask about these alerts, instead of in up to three for each: with
    /// an embedded database the way to its thread and back costs more than the query. No other transaction writes
    /// while this one lasts, so what is read stays true.
    pub async fn read_ahead(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        self.read_alerts_ahead(alerts).await?;
        self.read_open_incidents_ahead(alerts).await?;
        self.read_own_incidents_ahead().await?;
        self.read_memberships_ahead(alerts).await
    }

    /// Opens an incident with its first events. Gives it as it stands after them.
    pub fn open_incident(&mut self, events: Vec<NewEvent>) -> Incident {
        let incident = Incident::unborn(IncidentId::generate(), IncidentNumber(self.next_incident));
        self.next_incident += 1;
        self.append(incident, events)
    }

    /// Appends events to an incident that this transaction has read or opened, and the jobs that they ask for. Gives
    /// the incident as it stands after them.
    pub fn append(&mut self, mut incident: Incident, events: Vec<NewEvent>) -> Incident {
        let was_open = incident.is_open();
        let (is_new, severity) = (incident.last_event == EventId(0), incident.severity);
        if self.changed_once.insert(incident.id) {
            self.changed.push((incident.id, incident.last_event));
        }
        for event in events {
            let event = Event {
                id: EventId(self.next_event),
                incident: incident.id,
                at: event.at,
                recorded_at: self.now,
                actor: event.actor,
                kind: event.kind,
                assets: event.assets,
            };
            self.next_event += 1;
            incident.apply(&event);
            for kind in (self.follow_ups)(&incident, &event) {
                self.new_jobs.push(NewJob { kind, incident: incident.id, generation: event.id });
            }
            self.new_events.push(event);
        }
        if incident.is_open() != was_open {
            self.turned.insert(incident.id);
        }
        if incident.severity != severity && !is_new {
            self.changed_severity.insert(incident.id);
        }
        self.remember(incident.clone());
        incident
    }

    /// Keeps an incident as it stands now.
    pub(crate) fn remember(&mut self, incident: Incident) {
        if incident.is_open() {
            self.open_by_key.insert(incident.correlation_key.clone(), incident.id);
        } else if self.open_by_key.get(&incident.correlation_key) == Some(&incident.id) {
            self.open_by_key.remove(&incident.correlation_key);
        }
        self.incidents.insert(incident.id, incident);
    }

    /// Writes everything, makes it durable, and tells the subscribers.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let failed = || StoreError::query("commit");
        self.write_incidents().await?;
        self.write_alerts().await?;
        self.write_memberships().await?;
        self.write_regroups().await?;
        self.write_events().await?;
        self.write_assets().await?;
        self.write_jobs().await?;
        let (first_event, last_event) = (self.first_event, self.next_event - 1);
        if !self.new_events.is_empty() {
            let last_incident = self.next_incident - 1;
            db::execute!(&mut self.db, conn => {
                sqlx::query(SAVE_SEQUENCES).bind(last_event).bind(last_incident).execute(conn).await
            })
            .map_err(failed())?;
        }
        let woken = !self.new_jobs.is_empty() || self.new_wake;
        if !self.new_events.is_empty() || woken {
            self.db.announce((first_event, last_event)).await.map_err(failed())?;
        }
        // On a task of its own: whoever waits for this may leave in the middle (a client that hangs up, a time-out), and what
        // is committed must be told all the same.
        let finished = tokio::spawn(async move {
            self.db.commit().await?;
            if woken {
                self.jobs_added.notify_one();
            }
            if (!self.changed.is_empty() || self.new_heartbeat) && self.bus.receiver_count() > 0 {
                let committed =
                    Committed { changes: told(self.changed, self.new_events), heartbeat: self.new_heartbeat };
                // The last listener may have left meanwhile: no error.
                drop(self.bus.send(Arc::new(committed)));
            }
            Ok(())
        });
        finished
            .await
            .unwrap_or_else(|broken| Err(sqlx::Error::Io(io::Error::other(broken))))
            .map_err(failed())
    }
}

/// What is told of a commit.
fn told(changed: Vec<(IncidentId, EventId)>, events: Vec<Event>) -> Vec<Change> {
    if events.len() > MOST_EVENTS_TOLD {
        let change = |(incident, before)| Change { incident, before, events: None };
        return changed.into_iter().map(change).collect();
    }
    let mut by_incident: HashMap<IncidentId, Vec<Event>> = HashMap::new();
    for event in events {
        by_incident.entry(event.incident).or_default().push(event);
    }
    let change = |(incident, before)| Change {
        incident,
        before,
        events: Some(by_incident.remove(&incident).unwrap_or_default().into()),
    };
    changed.into_iter().map(change).collect()
}
