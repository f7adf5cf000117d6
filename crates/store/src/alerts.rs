use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use opsseer_core::{
    Alert, AlertSource, AlertStatus, CorrelationKey, Fingerprint, Identity, IncidentId, KnownAlert, Labels,
    Severity,
};
use sqlx::{FromRow, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{InvalidReference, Store, StoreError, Tx, db, events::ROWS_A_STATEMENT, regroup::Regroup};

/// What an alert was last, and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAlert {
    /// Names the row.
    pub id: Uuid,
    /// The incident that it last belonged to. A heartbeat belongs to none.
    pub incident: Option<IncidentId>,
    /// When it first came.
    pub first_seen_at: DateTime<Utc>,
    /// When it last came, or Alertmanager was last seen to hold it.
    pub last_seen_at: DateTime<Utc>,
    /// The alert as it came last.
    pub alert: Alert,
}

impl StoredAlert {
    /// What correlation needs to know of it.
    pub fn known(&self) -> KnownAlert {
        KnownAlert {
            fingerprint: self.alert.fingerprint.clone(),
            identity: self.alert.identity.clone(),
            status: self.alert.status,
            starts_at: self.alert.starts_at,
            last_seen_at: self.last_seen_at,
            incident: self.incident,
        }
    }

    /// How urgent its sender calls it.
    pub fn severity(&self) -> Severity {
        self.alert.severity()
    }
}

/// A place in the list of all alerts. Its text form is opaque to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertCursor(Uuid);

impl fmt::Display for AlertCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl FromStr for AlertCursor {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        text.parse().map(Self).map_err(|_| InvalidReference {
            given: text.to_owned(),
            expected: "the next_cursor of an earlier answer",
        })
    }
}

/// Some alerts, in the order in which they first came.
#[derive(Debug, Clone)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<StoredAlert>,
    /// Where the next page begins, if there is one.
    pub next_cursor: Option<AlertCursor>,
}

#[derive(FromRow)]
struct AlertRow {
    id: Uuid,
    fingerprint: String,
    identity: String,
    source: String,
    status: String,
    incident_id: Option<Uuid>,
    labels: Json<Labels>,
    annotations: Json<Labels>,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    generator_url: Option<String>,
    group_key: Option<String>,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
}

impl AlertRow {
    fn into_alert(self) -> Result<StoredAlert, StoreError> {
        let source = AlertSource::ALL
            .into_iter()
            .find(|source| source.as_str() == self.source)
            .ok_or_else(|| StoreError::Unreadable { what: "alert source", value: self.source.clone() })?;
        let status = [AlertStatus::Firing, AlertStatus::Resolved]
            .into_iter()
            .find(|status| status.as_str() == self.status)
            .ok_or_else(|| StoreError::Unreadable { what: "alert status", value: self.status.clone() })?;
        Ok(StoredAlert {
            id: self.id,
            incident: self.incident_id.map(IncidentId),
            first_seen_at: self.first_seen_at,
            last_seen_at: self.last_seen_at,
            alert: Alert {
                fingerprint: Fingerprint::from_stored(self.fingerprint),
                identity: Identity::from_stored(self.identity),
                source,
                status,
                labels: self.labels.0,
                annotations: self.annotations.0,
                starts_at: self.starts_at,
                start_is_guessed: false,
                ends_at: self.ends_at,
                generator_url: self.generator_url,
                group_key: self.group_key,
                note: None,
            },
        })
    }
}

/// `select` of all that [`AlertRow`] holds, to be completed.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, fingerprint, identity, source, status, incident_id, labels, annotations, starts_at, ends_at,
                generator_url, group_key, first_seen_at, last_seen_at
            from alerts ",
            $rest
        )
    };
}

const BY_FINGERPRINT: &str = select!("where fingerprint = $1 and identity = $2");
const OF_INCIDENT: &str = select!("where incident_id = $1 order by status, starts_at desc, id limit $2");
const FIRING_OF: &str = select!("where status = 'firing' and source = $1 order by last_seen_at, id");
const STALE: &str =
    select!("where status = 'firing' and last_seen_at < $1 order by last_seen_at, id limit $2");
const PAGE: &str = select!("where id > $1 order by id limit $2");
const PAGE_OF_INCIDENT: &str = select!("where incident_id = $1 and id > $2 order by id limit $3");

impl Store {
    /// Alerts whose incident this is: firing ones first, then the newest first.
    pub async fn list_alerts_of(
        &self,
        incident: IncidentId,
        limit: u32,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
            sqlx::query_as(OF_INCIDENT).bind(incident.0).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("list an incident's alerts"))?;
        rows.into_iter().map(AlertRow::into_alert).collect()
    }

    /// All firing alerts of a sender.
    pub async fn list_firing_alerts(&self, source: AlertSource) -> Result<Vec<StoredAlert>, StoreError> {
        let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
            sqlx::query_as(FIRING_OF).bind(source.as_str()).fetch_all(conn).await
        })
        .map_err(StoreError::query("list firing alerts"))?;
        rows.into_iter().map(AlertRow::into_alert).collect()
    }

    /// Firing alerts that were last heard of before `before`, the longest silent first.
    pub async fn list_stale_alerts(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
            sqlx::query_as(STALE).bind(before).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("list stale alerts"))?;
        rows.into_iter().map(AlertRow::into_alert).collect()
    }

    /// What is remembered of alerts with these fingerprints, firing or not. Several may share one.
    pub async fn find_alerts(&self, fingerprints: &[&Fingerprint]) -> Result<Vec<StoredAlert>, StoreError> {
        let mut found = Vec::new();
        for fingerprints in fingerprints.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
                let mut query = QueryBuilder::new(select!("where fingerprint in ("));
                let mut list = query.separated(", ");
                for fingerprint in fingerprints {
                    list.push_bind(fingerprint.as_str());
                }
                query.push(")");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("find alerts"))?;
            for row in rows {
                found.push(row.into_alert()?);
            }
        }
        Ok(found)
    }

    /// Notes that those of these alerts (ids of rows) that fire were heard of now, although no body said so.
    pub async fn touch_alerts(&self, ids: &[Uuid]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        // In turn with the writer: each would else wait for rows that the other has locked.
        let mut tx = self.begin().await?;
        let now = tx.now;
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            db::execute!(&mut tx.db, conn => {
                let mut query = QueryBuilder::new("update alerts set last_seen_at = ");
                query.push_bind(now).push(" where status = 'firing' and last_seen_at < ").push_bind(now);
                query.push(" and id in (");
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                query.push(")");
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("touch alerts"))?;
        }
        tx.commit().await
    }

    /// A page of all alerts.
    pub async fn list_alerts(&self, limit: u32, after: Option<AlertCursor>) -> Result<AlertPage, StoreError> {
        let limit = limit.max(1);
        let after = after.map_or(Uuid::nil(), |cursor| cursor.0);
        let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
            sqlx::query_as(PAGE).bind(after).bind(i64::from(limit) + 1).fetch_all(conn).await
        })
        .map_err(StoreError::query("list alerts"))?;
        AlertPage::of(rows, limit)
    }

    /// A page of the alerts whose incident this is. Unlike [`Store::list_alerts_of`], it reaches all of them.
    pub async fn page_alerts_of(
        &self,
        incident: IncidentId,
        limit: u32,
        after: Option<AlertCursor>,
    ) -> Result<AlertPage, StoreError> {
        let limit = limit.max(1);
        let after = after.map_or(Uuid::nil(), |cursor| cursor.0);
        let rows: Vec<AlertRow> = db::read!(&self.db, conn => {
            let query = sqlx::query_as(PAGE_OF_INCIDENT).bind(incident.0).bind(after);
            query.bind(i64::from(limit) + 1).fetch_all(conn).await
        })
        .map_err(StoreError::query("list a page of an incident's alerts"))?;
        AlertPage::of(rows, limit)
    }
}

impl AlertPage {
    /// From one row more than fits the page, if there are so many: it says that there is a next page.
    fn of(rows: Vec<AlertRow>, limit: u32) -> Result<Self, StoreError> {
        let mut alerts = rows.into_iter().map(AlertRow::into_alert).collect::<Result<Vec<_>, _>>()?;
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = alerts.len() > page;
        alerts.truncate(page);
        let next_cursor = alerts.last().filter(|_| more).map(|last| AlertCursor(last.id));
        Ok(Self { alerts, next_cursor })
    }
}

impl Tx {
    /// Those of these alerts (ids of rows) that belong to `incident`.
    pub async fn find_alerts_of(
        &mut self,
        incident: IncidentId,
        ids: &[Uuid],
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<AlertRow> = db::within!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(select!("where incident_id = "));
                query.push_bind(incident.0).push(" and id in (");
                let mut list = query.separated(", ");
                for id in ids {
                    list.push_bind(id);
                }
                query.push(") order by starts_at, id");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("read an incident's alerts"))?;
            for row in rows {
                found.push(row.into_alert()?);
            }
        }
        Ok(found)
    }

    /// What is remembered of this alert, as this transaction would leave it.
    pub async fn find_alert(
        &mut self,
        fingerprint: &Fingerprint,
        identity: &Identity,
    ) -> Result<Option<StoredAlert>, StoreError> {
        if let Some(alert) = self.alerts.get(&(fingerprint.clone(), identity.clone())) {
            return Ok(Some(alert.clone()));
        }
        if let Some(read) = self.alerts_read.get(&(fingerprint.clone(), identity.clone())) {
            return Ok(read.clone());
        }
        let row: Option<AlertRow> = db::within!(&mut self.db, conn => {
            sqlx::query_as(BY_FINGERPRINT).bind(fingerprint.as_str()).bind(identity.as_str()).fetch_optional(conn).await
        })
        .map_err(StoreError::query("read an alert"))?;
        row.map(AlertRow::into_alert).transpose()
    }

    pub(crate) async fn read_alerts_ahead(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        for alerts in alerts.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<AlertRow> = db::within!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(select!("where fingerprint in ("));
                let mut list = query.separated(", ");
                for alert in alerts {
                    list.push_bind(alert.fingerprint.as_str());
                }
                query.push(")");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("read alerts"))?;
            for alert in alerts {
                self.alerts_read.entry((alert.fingerprint.clone(), alert.identity.clone())).or_insert(None);
            }
            for row in rows {
                let stored = row.into_alert()?;
                let key = (stored.alert.fingerprint.clone(), stored.alert.identity.clone());
                self.alerts_read.insert(key, Some(stored));
            }
        }
        Ok(())
    }

    /// Keeps the alert as it is now. `before` is what [`Tx::find_alert`] gave.
    pub fn put_alert(&mut self, alert: Alert, incident: Option<IncidentId>, before: Option<StoredAlert>) {
        let key = (alert.fingerprint.clone(), alert.identity.clone());
        let belonged = before.as_ref().and_then(|before| before.incident);
        let (id, first_seen_at) =
            before.map_or_else(|| (Uuid::now_v7(), self.now), |before| (before.id, before.first_seen_at));
        if !self.joined_by_merge.is_empty()
            && belonged != incident
            && let Some((into, event)) = self.joined_by_merge.get(&CorrelationKey::of(&alert).key)
            && incident == Some(*into)
        {
            self.regroups.push(Regroup::Came { event: *event, alert: id });
        }
        if belonged != incident {
            self.joined.extend(incident.map(|incident| (incident, id)));
            self.left.extend(belonged.map(|incident| (incident, id)));
        }
        self.alerts.insert(key, StoredAlert { id, incident, first_seen_at, last_seen_at: self.now, alert });
    }

    pub(crate) async fn write_alerts(&mut self) -> Result<(), StoreError> {
        let changed: Vec<&StoredAlert> = self.alerts.values().collect();
        for alerts in changed.chunks(ROWS_A_STATEMENT) {
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "insert into alerts (id, fingerprint, identity, source, status, incident_id, name, labels,
                        annotations, starts_at, ends_at, generator_url, group_key, first_seen_at, last_seen_at) ",
                );
                query.push_values(alerts, |mut row, stored| {
                    let alert = &stored.alert;
                    row.push_bind(stored.id)
                        .push_bind(alert.fingerprint.as_str())
                        .push_bind(alert.identity.as_str())
                        .push_bind(alert.source.as_str())
                        .push_bind(alert.status.as_str())
                        .push_bind(stored.incident.map(|incident| incident.0))
                        .push_bind(alert.name())
                        .push_bind(Json(&alert.labels))
                        .push_bind(Json(&alert.annotations))
                        .push_bind(alert.starts_at)
                        .push_bind(alert.ends_at)
                        .push_bind(alert.generator_url.as_deref())
                        .push_bind(alert.group_key.as_deref())
                        .push_bind(stored.first_seen_at)
                        .push_bind(stored.last_seen_at);
                });
                query.push(
                    " on conflict (fingerprint, identity) do update set source = excluded.source,
                        status = excluded.status, incident_id = excluded.incident_id, name = excluded.name,
                        labels = excluded.labels, annotations = excluded.annotations,
                        starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                        generator_url = excluded.generator_url, group_key = excluded.group_key,
                        last_seen_at = excluded.last_seen_at",
                );
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("write alerts"))?;
        }
        Ok(())
    }
}
