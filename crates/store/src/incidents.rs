use std::{collections::HashSet, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use opsseer_core::{
    Acknowledgement, Alert, CorrelationKey, EventId, Incident, IncidentId, IncidentNumber, IncidentStatus,
    LiveSilence, Severity,
};
use sqlx::{FromRow, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{InvalidReference, Store, StoreError, Tx, db, events::ROWS_A_STATEMENT};

/// How a person or a program names an incident: `42`, `INC-42` or its uuid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentRef {
    /// By its number.
    Number(IncidentNumber),
    /// By its id.
    Id(IncidentId),
}

impl FromStr for IncidentRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let digits = text.strip_prefix("INC-").unwrap_or(text);
        if let Ok(number) = digits.parse() {
            return Ok(Self::Number(IncidentNumber(number)));
        }
        text.parse().map(|id| Self::Id(IncidentId(id))).map_err(|_| InvalidReference {
            given: text.to_owned(),
            expected: "an incident's number (42) or id (a uuid)",
        })
    }
}

impl From<IncidentId> for IncidentRef {
    fn from(id: IncidentId) -> Self {
        Self::Id(id)
    }
}

/// Which incidents are wanted by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Open or acknowledged.
    Unresolved,
    /// Exactly this.
    Is(IncidentStatus),
}

/// Which incidents are wanted.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// By where they stand.
    pub status: Option<StatusFilter>,
    /// By how urgent they are.
    pub severity: Option<Severity>,
    /// By words in title, service or number.
    pub text: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// Only what comes after this place.
    pub cursor: Option<Cursor>,
}

/// A place in the list of incidents. Its text form is opaque to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    resolved: bool,
    number: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.resolved { 'r' } else { 'u' }, self.number)
    }
}

impl FromStr for Cursor {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let parsed = match text.split_at_checked(1) {
            Some(("u", number)) => number.parse().ok().map(|number| Self { resolved: false, number }),
            Some(("r", number)) => number.parse().ok().map(|number| Self { resolved: true, number }),
            _ => None,
        };
        parsed.ok_or_else(|| InvalidReference {
            given: text.to_owned(),
            expected: "the next_cursor of an earlier answer",
        })
    }
}

/// Some incidents: those that go on first, then the newest first.
#[derive(Debug, Clone)]
pub struct IncidentPage {
    /// The incidents.
    pub incidents: Vec<Incident>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<Cursor>,
}

#[derive(FromRow)]
pub(crate) struct IncidentRow {
    id: Uuid,
    number: i64,
    status: String,
    severity: String,
    severity_set_by_person: bool,
    title: String,
    service: Option<String>,
    correlation_key: String,
    opened_at: DateTime<Utc>,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<DateTime<Utc>>,
    owner: Option<String>,
    resolved_at: Option<DateTime<Utc>>,
    reopened_count: i64,
    alerts_firing: i64,
    alerts_total: i64,
    flapping: bool,
    flaps: i64,
    last_flap_at: Option<DateTime<Utc>>,
    quiet_since: Option<DateTime<Utc>>,
    merged_into: Option<Uuid>,
    muted_until: Option<DateTime<Utc>>,
    muted_by: Option<String>,
    silences: Json<Vec<LiveSilence>>,
    last_event_id: i64,
    updated_at: DateTime<Utc>,
}

impl IncidentRow {
    pub(crate) fn into_incident(self) -> Result<Incident, StoreError> {
        let status = [IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Resolved]
            .into_iter()
            .find(|status| status.as_str() == self.status)
            .ok_or_else(|| StoreError::Unreadable { what: "status", value: self.status.clone() })?;
        let severity = self
            .severity
            .parse()
            .map_err(|_| StoreError::Unreadable { what: "severity", value: self.severity.clone() })?;
        Ok(Incident {
            id: IncidentId(self.id),
            number: IncidentNumber(self.number),
            status,
            severity,
            severity_set_by_person: self.severity_set_by_person,
            title: self.title,
            service: self.service,
            correlation_key: self.correlation_key,
            opened_at: self.opened_at,
            acknowledged: self
                .acknowledged_by
                .zip(self.acknowledged_at)
                .map(|(by, at)| Acknowledgement { by, at }),
            owner: self.owner,
            resolved_at: self.resolved_at,
            reopened_count: self.reopened_count,
            alerts_firing: self.alerts_firing,
            alerts_total: self.alerts_total,
            flapping: self.flapping,
            flaps: self.flaps,
            last_flap_at: self.last_flap_at,
            quiet_since: self.quiet_since,
            merged_into: self.merged_into.map(IncidentId),
            muted_until: self.muted_until,
            muted_by: self.muted_by,
            silences: self.silences.0,
            last_event: EventId(self.last_event_id),
            updated_at: self.updated_at,
        })
    }
}

/// `select` of all that [`IncidentRow`] holds, to be completed.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, number, status, severity, severity_set_by_person, title, service, correlation_key, opened_at,
                acknowledged_by, acknowledged_at, owner, resolved_at, reopened_count, alerts_firing, alerts_total,
                flapping, flaps, last_flap_at, quiet_since, merged_into, muted_until, muted_by, silences,
                last_event_id, updated_at
            from incidents ",
            $rest
        )
    };
}

const BY_ID: &str = select!("where id = $1");
const BY_NUMBER: &str = select!("where number = $1");
const OPEN_BY_KEY: &str = select!("where correlation_key = $1 and resolved = $2 order by number limit 1");
const SILENCED: &str = select!("where resolved = $1 and silenced_until > $2 order by number");
const QUIET_FLAPPING: &str =
    select!("where resolved = $1 and flapping = $2 and quiet_since <= $3 order by number limit $4");
const COUNT_UNRESOLVED: &str = "select count(*) from incidents where resolved = $1";

impl Store {
    /// The incident that a person or a program named.
    pub async fn find_incident(&self, reference: IncidentRef) -> Result<Option<Incident>, StoreError> {
        let row: Option<IncidentRow> = db::read!(&self.db, conn => match reference {
            IncidentRef::Number(number) => sqlx::query_as(BY_NUMBER).bind(number.0).fetch_optional(conn).await,
            IncidentRef::Id(id) => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await,
        })
        .map_err(StoreError::query("read an incident"))?;
        row.map(IncidentRow::into_incident).transpose()
    }

    /// A page of incidents.
    pub async fn list_incidents(&self, filter: &IncidentFilter) -> Result<IncidentPage, StoreError> {
        let limit = i64::from(filter.limit.max(1));
        let rows: Vec<IncidentRow> = db::read!(&self.db, conn => {
            let mut query = QueryBuilder::new(select!("where 1 = 1"));
            match filter.status {
                Some(StatusFilter::Unresolved) => {
                    query.push(" and resolved = ").push_bind(false);
                }
                Some(StatusFilter::Is(status)) => {
                    query.push(" and status = ").push_bind(status.as_str());
                }
                None => {}
            }
            if let Some(severity) = filter.severity {
                query.push(" and severity = ").push_bind(severity.as_str());
            }
            for word in filter.text.as_deref().unwrap_or_default().split_whitespace().take(8) {
                query.push(" and search_text like ").push_bind(like_pattern(word)).push(" escape '\\'");
            }
            if let Some(cursor) = filter.cursor {
                query.push(" and (resolved > ").push_bind(cursor.resolved);
                query.push(" or (resolved = ").push_bind(cursor.resolved);
                query.push(" and number < ").push_bind(cursor.number).push("))");
            }
            // One more than asked tells whether there is a next page.
            query.push(" order by resolved, number desc limit ").push_bind(limit + 1);
            query.build_query_as().fetch_all(conn).await
        })
        .map_err(StoreError::query("list incidents"))?;
        let mut incidents =
            rows.into_iter().map(IncidentRow::into_incident).collect::<Result<Vec<_>, _>>()?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = incidents.len() > page;
        incidents.truncate(page);
        let next_cursor = incidents
            .last()
            .filter(|_| more)
            .map(|last| Cursor { resolved: !last.is_open(), number: last.number.0 });
        Ok(IncidentPage { incidents, next_cursor })
    }

    /// Incidents that go on and that a silence of Alertmanager's covers at `now`.
    pub async fn list_silenced_incidents(&self, now: DateTime<Utc>) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = db::read!(&self.db, conn => {
            sqlx::query_as(SILENCED).bind(false).bind(now).fetch_all(conn).await
        })
        .map_err(StoreError::query("list silenced incidents"))?;
        rows.into_iter().map(IncidentRow::into_incident).collect()
    }

    /// Incidents whose end is held back because they come and go, and none of whose alerts fires since `before`.
    pub async fn list_quiet_flapping(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Incident>, StoreError> {
        let rows: Vec<IncidentRow> = db::read!(&self.db, conn => {
            sqlx::query_as(QUIET_FLAPPING).bind(false).bind(true).bind(before).bind(i64::from(limit))
                .fetch_all(conn).await
        })
        .map_err(StoreError::query("list flapping incidents"))?;
        rows.into_iter().map(IncidentRow::into_incident).collect()
    }

    /// How many incidents go on.
    pub async fn count_unresolved(&self) -> Result<i64, StoreError> {
        db::read!(&self.db, conn => sqlx::query_scalar(COUNT_UNRESOLVED).bind(false).fetch_one(conn).await)
            .map_err(StoreError::query("count incidents"))
    }
}

/// What a search looks through, in small letters.
fn search_text(incident: &Incident) -> String {
    let service = incident.service.as_deref().unwrap_or_default();
    format!("{}\n{service}\ninc-{}", incident.title, incident.number).to_lowercase()
}

/// A pattern for `like … escape '\'` that finds `word` anywhere.
fn like_pattern(word: &str) -> String {
    let mut pattern = String::from("%");
    for letter in word.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

impl Tx {
    /// The incident as this transaction would leave it.
    pub async fn find_incident(&mut self, reference: IncidentRef) -> Result<Option<Incident>, StoreError> {
        let cached = match reference {
            IncidentRef::Number(number) => self.incidents.values().find(|incident| incident.number == number),
            IncidentRef::Id(id) => self.incidents.get(&id),
        };
        if let Some(incident) = cached {
            return Ok(Some(incident.clone()));
        }
        let row: Option<IncidentRow> = db::within!(&mut self.db, conn => match reference {
            IncidentRef::Number(number) => sqlx::query_as(BY_NUMBER).bind(number.0).fetch_optional(conn).await,
            IncidentRef::Id(id) => sqlx::query_as(BY_ID).bind(id.0).fetch_optional(conn).await,
        })
        .map_err(StoreError::query("read an incident"))?;
        self.take_row(row)
    }

    /// The oldest incident that goes on and has this correlation key.
    pub async fn find_open_incident_by_key(&mut self, key: &str) -> Result<Option<Incident>, StoreError> {
        let merged = || self.joined_by_merge.get(key).map(|(id, _)| id);
        let found = self.open_by_key.get(key).or_else(merged).and_then(|id| self.incidents.get(id));
        if let Some(incident) = found.filter(|incident| incident.is_open()) {
            return Ok(Some(incident.clone()));
        }
        if self.keys_read.contains(key) {
            return Ok(None);
        }
        let row: Option<IncidentRow> = db::within!(&mut self.db, conn => {
            sqlx::query_as(OPEN_BY_KEY).bind(key).bind(false).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read an incident by its key"))?;
        if let Some(found) = self.take_row(row)?.filter(Incident::is_open) {
            return Ok(Some(found));
        }
        self.find_by_merged_key(key).await
    }

    /// The oldest incident that goes on and has this correlation key as its own, not by a merge.
    pub async fn find_open_incident_of_key(&mut self, key: &str) -> Result<Option<Incident>, StoreError> {
        let row: Option<IncidentRow> = db::within!(&mut self.db, conn => {
            sqlx::query_as(OPEN_BY_KEY).bind(key).bind(false).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read an incident by its key"))?;
        Ok(self.take_row(row)?.filter(Incident::is_open))
    }

    /// Keeps what was read, unless this transaction has changed it already, and gives the present form.
    fn take_row(&mut self, row: Option<IncidentRow>) -> Result<Option<Incident>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let read = row.into_incident()?;
        if let Some(changed) = self.incidents.get(&read.id) {
            return Ok(Some(changed.clone()));
        }
        self.remember(read.clone());
        Ok(Some(read))
    }

    pub(crate) async fn read_open_incidents_ahead(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        let keys: HashSet<String> = alerts.iter().map(|alert| CorrelationKey::of(alert).key).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        self.read_open_incidents_by_key(&keys).await?;
        if self.any_merge().await? {
            for key in
                keys.iter().filter(|key| !self.open_by_key.contains_key(*key)).cloned().collect::<Vec<_>>()
            {
                self.find_by_merged_key(&key).await?;
            }
        }
        self.keys_read.extend(keys);
        Ok(())
    }

    pub(crate) async fn read_open_incidents_by_key(&mut self, keys: &[String]) -> Result<(), StoreError> {
        for keys in keys.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<IncidentRow> = db::within!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(select!("where resolved = "));
                query.push_bind(false).push(" and correlation_key in (");
                let mut list = query.separated(", ");
                for key in keys {
                    list.push_bind(key);
                }
                // The oldest comes last, and so is the one that is found by its key.
                query.push(") order by number desc");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("read incidents by their keys"))?;
            for row in rows {
                self.take_row(Some(row))?;
            }
        }
        Ok(())
    }

    /// The incidents that the alerts which were read ahead belong to.
    pub(crate) async fn read_own_incidents_ahead(&mut self) -> Result<(), StoreError> {
        let own: HashSet<IncidentId> =
            self.alerts_read.values().flatten().filter_map(|stored| stored.incident).collect();
        let own: Vec<IncidentId> = own.into_iter().filter(|id| !self.incidents.contains_key(id)).collect();
        for ids in own.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<IncidentRow> = db::within!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(select!("where id in ("));
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(id.0);
                }
                query.push(")");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("read incidents"))?;
            for row in rows {
                self.take_row(Some(row))?;
            }
        }
        Ok(())
    }

    pub(crate) async fn write_incidents(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        let changed = self.changed.iter().filter_map(|(id, _)| self.incidents.get(id));
        let (turned, others): (Vec<&Incident>, Vec<&Incident>) =
            changed.partition(|incident| self.turned.contains(&incident.id));
        // Most changes leave `resolved` alone, and SQLite rewrites the indexes of every column that is named.
        let turned =
            turned.chunks(ROWS_A_STATEMENT).map(|incidents| (incidents, ", resolved = excluded.resolved"));
        let others = others.chunks(ROWS_A_STATEMENT).map(|incidents| (incidents, ""));
        for (incidents, and_resolved) in turned.chain(others) {
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "insert into incidents (id, number, status, resolved, severity, severity_set_by_person, title,
                        service, search_text, correlation_key, opened_at, acknowledged_by, acknowledged_at, owner, resolved_at,
                        reopened_count, alerts_firing, alerts_total, flapping, flaps, last_flap_at, quiet_since,
                        merged_into, muted_until, muted_by, silenced_until, silences, last_event_id, updated_at, created_at) ",
                );
                query.push_values(incidents, |mut row, incident| {
                    let acknowledged = incident.acknowledged.as_ref();
                    row.push_bind(incident.id.0)
                        .push_bind(incident.number.0)
                        .push_bind(incident.status.as_str())
                        .push_bind(!incident.is_open())
                        .push_bind(incident.severity.as_str())
                        .push_bind(incident.severity_set_by_person)
                        .push_bind(&incident.title)
                        .push_bind(incident.service.as_deref())
                        .push_bind(search_text(incident))
                        .push_bind(&incident.correlation_key)
                        .push_bind(incident.opened_at)
                        .push_bind(acknowledged.map(|acknowledged| acknowledged.by.as_str()))
                        .push_bind(acknowledged.map(|acknowledged| acknowledged.at))
                        .push_bind(incident.owner.as_deref())
                        .push_bind(incident.resolved_at)
                        .push_bind(incident.reopened_count)
                        .push_bind(incident.alerts_firing)
                        .push_bind(incident.alerts_total)
                        .push_bind(incident.flapping)
                        .push_bind(incident.flaps)
                        .push_bind(incident.last_flap_at)
                        .push_bind(incident.quiet_since)
                        .push_bind(incident.merged_into.map(|into| into.0))
                        .push_bind(incident.muted_until)
                        .push_bind(incident.muted_by.as_deref())
                        .push_bind(incident.silenced_until())
                        .push_bind(Json(&incident.silences))
                        .push_bind(incident.last_event.0)
                        .push_bind(incident.updated_at)
                        .push_bind(now);
                });
                query.push(
                    " on conflict (id) do update set status = excluded.status, severity = excluded.severity, severity_set_by_person = excluded.severity_set_by_person,
                        title = excluded.title, service = excluded.service, search_text = excluded.search_text,
                        opened_at = excluded.opened_at,
                        acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at,
                        owner = excluded.owner, resolved_at = excluded.resolved_at,
                        reopened_count = excluded.reopened_count, alerts_firing = excluded.alerts_firing,
                        alerts_total = excluded.alerts_total, flapping = excluded.flapping, flaps = excluded.flaps,
                        last_flap_at = excluded.last_flap_at, quiet_since = excluded.quiet_since,
                        merged_into = excluded.merged_into, muted_until = excluded.muted_until,
                        muted_by = excluded.muted_by, silenced_until = excluded.silenced_until,
                        silences = excluded.silences,
                        last_event_id = excluded.last_event_id,
                        updated_at = excluded.updated_at",
                );
                query.push(and_resolved);
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("write incidents"))?;
        }
        Ok(())
    }
}
