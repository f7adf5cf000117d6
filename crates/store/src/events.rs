use chrono::{DateTime, Utc};
use opsseer_core::{Actor, AssetRef, Event, EventId, EventKind, IncidentId};
use serde_json::value::{RawValue, to_raw_value};
use sqlx::{FromRow, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{Store, StoreError, Tx, db};

/// Rows that one statement writes at most; SQLite allows 32,766 parameters a statement.
pub(crate) const ROWS_A_STATEMENT: usize = 500;

#[derive(FromRow)]
pub(crate) struct EventRow {
    id: i64,
    incident_id: Uuid,
    at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    actor: Json<Actor>,
    version: i32,
    body: Json<Box<RawValue>>,
    assets: Json<Vec<AssetRef>>,
}

impl EventRow {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    pub(crate) fn incident(&self) -> IncidentId {
        IncidentId(self.incident_id)
    }

    pub(crate) fn into_event(self) -> Result<Event, StoreError> {
        let kind = EventKind::from_stored(self.version, self.body.0.get())
            .map_err(|source| StoreError::Event { id: self.id, source })?;
        Ok(Event {
            id: EventId(self.id),
            incident: IncidentId(self.incident_id),
            at: self.at,
            recorded_at: self.recorded_at,
            actor: self.actor.0,
            kind,
            assets: self.assets.0,
        })
    }
}

const AFTER: &str = "select id, incident_id, at, recorded_at, actor, version, body, assets from events
    where incident_id = $1 and id > $2 order by id limit $3";

const BEFORE: &str = "select id, incident_id, at, recorded_at, actor, version, body, assets from events
    where incident_id = $1 and id < $2 order by id desc limit $3";

const BY_ID: &str =
    "select id, incident_id, at, recorded_at, actor, version, body, assets from events where id = $1";

const OF_KIND: &str = "select id, incident_id, at, recorded_at, actor, version, body, assets from events
    where incident_id = $1 and kind = $2 order by id";

const NEWEST_OF_KIND: &str =
    "select id, incident_id, at, recorded_at, actor, version, body, assets from events
    where incident_id = $1 and kind = $2 and id <= $3 order by id desc limit 1";

const SOME_OF_KIND: &str = "select id, incident_id, at, recorded_at, actor, version, body, assets from events
    where incident_id = $1 and kind = $2 order by id desc limit $3";

impl Store {
    /// Events of an incident with an id above `after`, oldest first, at most `limit`.
    pub async fn list_events(
        &self,
        incident: IncidentId,
        after: EventId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = db::read!(&self.db, conn => {
            sqlx::query_as(AFTER).bind(incident.0).bind(after.0).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("read a timeline"))?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    /// Events of an incident with an id below `before`, newest first, at most `limit`.
    pub async fn list_events_before(
        &self,
        incident: IncidentId,
        before: EventId,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = db::read!(&self.db, conn => {
            sqlx::query_as(BEFORE).bind(incident.0).bind(before.0).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("read a timeline"))?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    /// An incident's events of one kind, the newest first, at most `limit`.
    pub async fn list_newest_events(
        &self,
        incident: IncidentId,
        kind: &str,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = db::read!(&self.db, conn => {
            sqlx::query_as(SOME_OF_KIND).bind(incident.0).bind(kind).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("read the newest events of a kind"))?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    /// The newest of an incident's events of one kind, up to the event `until`.
    pub async fn find_newest_event(
        &self,
        incident: IncidentId,
        kind: &str,
        until: EventId,
    ) -> Result<Option<Event>, StoreError> {
        let row: Option<EventRow> = db::read!(&self.db, conn => {
            sqlx::query_as(NEWEST_OF_KIND).bind(incident.0).bind(kind).bind(until.0).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read the newest event of a kind"))?;
        row.map(EventRow::into_event).transpose()
    }
}

impl Tx {
    /// An event by its id.
    pub async fn find_event(&mut self, id: EventId) -> Result<Option<Event>, StoreError> {
        let row: Option<EventRow> = db::within!(&mut self.db, conn => {
            sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read an event"))?;
        row.map(EventRow::into_event).transpose()
    }

    /// An incident's events of one kind, oldest first.
    pub async fn list_events_of_kind(
        &mut self,
        incident: IncidentId,
        kind: &str,
    ) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<EventRow> = db::within!(&mut self.db, conn => {
            sqlx::query_as(OF_KIND).bind(incident.0).bind(kind).fetch_all(conn).await
        })
        .map_err(StoreError::query("read events of a kind"))?;
        rows.into_iter().map(EventRow::into_event).collect()
    }

    pub(crate) async fn write_events(&mut self) -> Result<(), StoreError> {
        for events in self.new_events.chunks(ROWS_A_STATEMENT) {
            let mut rows = Vec::with_capacity(events.len());
            for event in events {
                let body = to_raw_value(&event.kind)
                    .map_err(|source| StoreError::Json { what: "an event", source })?;
                rows.push((event, body));
            }
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "insert into events (id, incident_id, at, recorded_at, actor, kind, version, body, assets) ",
                );
                query.push_values(&rows, |mut row, (event, body)| {
                    row.push_bind(event.id.0)
                        .push_bind(event.incident.0)
                        .push_bind(event.at)
                        .push_bind(event.recorded_at)
                        .push_bind(Json(&event.actor))
                        .push_bind(event.kind.name())
                        .push_bind(EventKind::VERSION)
                        .push_bind(Json(body))
                        .push_bind(Json(&event.assets));
                });
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("append events"))?;
        }
        Ok(())
    }
}
