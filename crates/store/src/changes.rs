//! What was done to services, as OpsSeer was told.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use opsseer_core::{ChangeSeen, ChangeType, IncidentId};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::{InvalidReference, Store, StoreError, Tx, db};

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChange {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What was done.
    pub seen: ChangeSeen,
    /// When OpsSeer was told.
    pub recorded_at: DateTime<Utc>,
}

/// Which changes are wanted. Without any of it, all are.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Of this service.
    pub service: Option<String>,
    /// Those that name no service too. Without a service, those alone.
    pub or_unnamed: bool,
    /// Not made before this.
    pub from: Option<DateTime<Utc>>,
    /// Not made after this.
    pub to: Option<DateTime<Utc>>,
    /// How many at most.
    pub limit: u32,
    /// Only what comes after this place.
    pub cursor: Option<ChangeCursor>,
}

/// A place in the list of changes. Its text form is opaque to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeCursor {
    at: DateTime<Utc>,
    id: Uuid,
}

impl fmt::Display for ChangeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl FromStr for ChangeCursor {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let read = || {
            let (micros, id) = text.rsplit_once('-')?;
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            Some(Self { at, id: id.parse().ok()? })
        };
        read().ok_or_else(|| InvalidReference {
            given: text.to_owned(),
            expected: "the next_cursor of an earlier answer",
        })
    }
}

/// Some changes, the latest first.
#[derive(Debug, Clone)]
pub struct ChangePage {
    /// The changes.
    pub changes: Vec<StoredChange>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<ChangeCursor>,
}

#[derive(FromRow)]
struct ChangeRow {
    id: Uuid,
    at: DateTime<Utc>,
    kind: String,
    title: String,
    service: Option<String>,
    version: Option<String>,
    link: Option<String>,
    source: String,
    recorded_at: DateTime<Utc>,
}

impl ChangeRow {
    fn into_change(self) -> Result<StoredChange, StoreError> {
        let change = ChangeType::ALL
            .into_iter()
            .find(|change| change.as_str() == self.kind)
            .ok_or(StoreError::Unreadable { what: "kind of change", value: self.kind })?;
        let Self { title, service, version, link, source, .. } = self;
        let seen = ChangeSeen { change, title, service, version, link, source };
        Ok(StoredChange { id: self.id, at: self.at, seen, recorded_at: self.recorded_at })
    }
}

/// `select` of all that [`ChangeRow`] holds, to be completed.
const SELECT: &str =
    "select id, at, kind, title, service, version, link, source, recorded_at from changes where ";
const BY_KEY: &str = "select id, at, kind, title, service, version, link, source, recorded_at from changes
    where dedupe_key = $1";
const PUT: &str = "insert into changes
        (id, at, kind, title, service, version, link, source, dedupe_key, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (dedupe_key) do nothing";
const OPEN: &str = "select id from incidents where resolved = $1 order by number desc limit $2";
const OPEN_OF: &str =
    "select id from incidents where resolved = $1 and service = $2 order by number desc limit $3";
const FORGET: &str =
    "delete from changes where id in (select id from changes where at < $1 order by at limit $2)";

impl Store {
    /// Changes, the latest first.
    pub async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        let rows: Vec<ChangeRow> = db::read!(&self.db, conn => {
            let mut query = QueryBuilder::new(SELECT);
            match (&filter.service, filter.or_unnamed) {
                (Some(service), false) => query.push("service = ").push_bind(service),
                (Some(service), true) => {
                    query.push("(service = ").push_bind(service).push(" or service is null)")
                }
                (None, true) => query.push("service is null"),
                (None, false) => query.push("1 = 1"),
            };
            if let Some(from) = filter.from {
                query.push(" and at >= ").push_bind(from);
            }
            if let Some(to) = filter.to {
                query.push(" and at <= ").push_bind(to);
            }
            if let Some(after) = filter.cursor {
                query.push(" and (at < ").push_bind(after.at).push(" or (at = ").push_bind(after.at);
                query.push(" and id < ").push_bind(after.id).push("))");
            }
            // One more than asked for says whether there is another page.
            query.push(" order by at desc, id desc limit ").push_bind(i64::from(filter.limit) + 1);
            query.build_query_as().fetch_all(conn).await
        })
        .map_err(StoreError::query("list changes"))?;
        let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        let changes: Vec<StoredChange> =
            rows.into_iter().take(wanted).map(ChangeRow::into_change).collect::<Result<_, _>>()?;
        let next_cursor =
            changes.last().filter(|_| more).map(|last| ChangeCursor { at: last.at, id: last.id });
        Ok(ChangePage { changes, next_cursor })
    }

    /// Forgets up to `limit` changes that were made before `before`, the oldest first.
    pub async fn delete_old_changes(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let deleted = db::execute!(&mut tx.db, conn => {
            sqlx::query(FORGET).bind(before).bind(i64::from(limit)).execute(conn).await
        })
        .map_err(StoreError::query("delete old changes"))?;
        tx.commit().await?;
        Ok(deleted)
    }
}

impl Tx {
    /// Keeps a change, unless one with this key is kept already. Gives what is kept, and whether it is new.
    pub async fn put_change(
        &mut self,
        at: DateTime<Utc>,
        seen: &ChangeSeen,
        dedupe_key: &str,
    ) -> Result<(StoredChange, bool), StoreError> {
        let change = StoredChange { id: Uuid::now_v7(), at, seen: seen.clone(), recorded_at: self.now };
        let new = db::execute!(&mut self.db, conn => {
            sqlx::query(PUT)
                .bind(change.id)
                .bind(at)
                .bind(seen.change.as_str())
                .bind(&seen.title)
                .bind(seen.service.as_deref())
                .bind(seen.version.as_deref())
                .bind(seen.link.as_deref())
                .bind(&seen.source)
                .bind(dedupe_key)
                .bind(change.recorded_at)
                .execute(conn)
                .await
        })
        .map_err(StoreError::query("keep a change"))?;
        if new == 1 {
            return Ok((change, true));
        }
        let row: ChangeRow = db::within!(&mut self.db, conn => {
            sqlx::query_as(BY_KEY).bind(dedupe_key).fetch_one(conn).await
        })
        .map_err(StoreError::query("read a change"))?;
        Ok((row.into_change()?, false))
    }

    /// The newest incidents that go on, of this service or of any, at most `limit`.
    pub async fn list_open_incidents(
        &mut self,
        service: Option<&str>,
        limit: u32,
    ) -> Result<Vec<IncidentId>, StoreError> {
        let limit = i64::from(limit);
        let ids: Vec<Uuid> = db::within!(&mut self.db, conn => match service {
            Some(service) => {
                sqlx::query_scalar(OPEN_OF).bind(false).bind(service).bind(limit).fetch_all(conn).await
            }
            None => sqlx::query_scalar(OPEN).bind(false).bind(limit).fetch_all(conn).await,
        })
        .map_err(StoreError::query("list incidents that go on"))?;
        Ok(ids.into_iter().map(IncidentId).collect())
    }
}
