//! Alerts that people move from one incident to another.

use opsseer_core::{AlertStatus, EventId, Incident, IncidentId};
use uuid::Uuid;

use crate::{Store, StoreError, Tx, db};

/// How many alerts are meant, and how many of them fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCount {
    /// Firing ones.
    pub firing: i64,
    /// All.
    pub total: i64,
}

/// What would go back if a merge were undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MergedCount {
    /// The alerts.
    pub alerts: AlertCount,
    /// Whether one of them fires that did not when it came along.
    pub fires_anew: bool,
}

/// A move that is written when the transaction commits.
pub(crate) enum Regroup {
    Merge {
        event: EventId,
        from: IncidentId,
        key: String,
        into: IncidentId,
    },
    Unmerge {
        event: EventId,
        from: IncidentId,
        into: IncidentId,
    },
    Split {
        alerts: Vec<Uuid>,
        into: IncidentId,
    },
    /// A new alert that joined an incident because of a merge goes back with it.
    Came {
        event: EventId,
        alert: Uuid,
    },
}

const COUNT: &str = "select status, count(*) from alerts where incident_id = $1 group by status";
const COUNT_MERGED: &str = "select status, count(*) from alerts
    where incident_id = $1 and id in (select alert_id from merged_alerts where event_id = $2) group by status";
// What has begun to fire since it came along with a merge, or joined because of it.
const FIRES_ANEW: &str = "select count(*) from alerts a join merged_alerts m on m.alert_id = a.id
    where a.incident_id = $1 and m.event_id = $2 and a.status = 'firing' and (
        m.fired = $3 or a.starts_at > (select at from events where id = $2))";
const REMEMBER_ALERTS: &str = "insert into merged_alerts (event_id, alert_id, fired)
    select $1, id, status = 'firing' from alerts where incident_id = $2";
const HAD_ALL: &str = "insert into incident_alerts (incident_id, alert_id)
    select incident_id, id from alerts where incident_id = $1
    on conflict (incident_id, alert_id) do nothing";
const HAD_NONE: &str = "delete from incident_alerts where incident_id = $1";
const HAD_NONE_OF: &str = "delete from incident_alerts where incident_id = $1
    and alert_id in (select id from alerts where incident_id = $2)";
const MOVE_ALL: &str = "update alerts set incident_id = $1 where incident_id = $2";
// With the keys of those that it had taken in itself.
const INHERIT_KEYS: &str = "insert into merges (event_id, correlation_key, into_incident)
    select distinct $1, correlation_key, $2 from merges where into_incident = $3";
const ADD_KEY: &str = "insert into merges (event_id, correlation_key, into_incident) values ($1, $2, $3)
    on conflict (event_id, correlation_key) do nothing";
const MOVE_BACK: &str = "update alerts set incident_id = $1
    where incident_id = $2 and id in (select alert_id from merged_alerts where event_id = $3)";
const FORGET_ALERTS: &str = "delete from merged_alerts where event_id = $1";
const FORGET_KEYS: &str = "delete from merges where event_id = $1";
const MOVE_ONE: &str = "update alerts set incident_id = $1 where id = $2";
const LEAVES_ONE: &str = "delete from incident_alerts where alert_id = $1
    and incident_id = (select incident_id from alerts where id = $1)";
const CAME: &str = "insert into merged_alerts (event_id, alert_id, fired) values ($1, $2, $3)
    on conflict (event_id, alert_id) do nothing";
const BY_MERGED_KEY: &str = "select m.into_incident, m.event_id from merges m
    join incidents i on i.id = m.into_incident
    where m.correlation_key = $1 and i.resolved = $2 order by m.event_id desc limit 1";
const IN_FORCE: &str = "select count(*) from merges where event_id = $1";
const ANY_MERGE: &str = "select count(*) from (select 1 from merges limit 1) as one";

impl Tx {
    /// How many alerts an incident has.
    pub async fn count_alerts(&mut self, incident: IncidentId) -> Result<AlertCount, StoreError> {
        let rows: Vec<(String, i64)> = db::within!(&mut self.db, conn => {
            sqlx::query_as(COUNT).bind(incident.0).fetch_all(conn).await
        })
        .map_err(StoreError::query("count an incident's alerts"))?;
        Ok(counted(rows))
    }

    /// Which of the alerts that came to `into` with the merge of this event would go back.
    pub async fn count_merged_alerts(
        &mut self,
        event: EventId,
        into: IncidentId,
    ) -> Result<MergedCount, StoreError> {
        let failed = || StoreError::query("count merged alerts");
        let rows: Vec<(String, i64)> = db::within!(&mut self.db, conn => {
            sqlx::query_as(COUNT_MERGED).bind(into.0).bind(event.0).fetch_all(conn).await
        })
        .map_err(failed())?;
        let anew: i64 = db::within!(&mut self.db, conn => {
            sqlx::query_scalar(FIRES_ANEW).bind(into.0).bind(event.0).bind(false).fetch_one(conn).await
        })
        .map_err(failed())?;
        Ok(MergedCount { alerts: counted(rows), fires_anew: anew > 0 })
    }

    /// Whether the merge of this event has not been undone.
    pub async fn is_merge_in_force(&mut self, event: EventId) -> Result<bool, StoreError> {
        let count: i64 = db::within!(&mut self.db, conn => {
            sqlx::query_scalar(IN_FORCE).bind(event.0).fetch_one(conn).await
        })
        .map_err(StoreError::query("look for a merge"))?;
        Ok(count > 0)
    }

    /// Moves all alerts of `from`, and those to come with its key, to `into`. `event` is the `Merged` event of `into`.
    pub fn merge_alerts(&mut self, event: EventId, from: &Incident, into: IncidentId) {
        let key = from.correlation_key.clone();
        self.regroups.push(Regroup::Merge { event, from: from.id, key, into });
    }

    /// Moves back what came with a merge.
    pub fn unmerge_alerts(&mut self, event: EventId, from: IncidentId, into: IncidentId) {
        self.regroups.push(Regroup::Unmerge { event, from, into });
    }

    /// Moves these alerts to `into`.
    pub fn split_alerts(&mut self, alerts: Vec<Uuid>, into: IncidentId) {
        self.regroups.push(Regroup::Split { alerts, into });
    }

    /// The open incident that alerts with this key join because of a merge.
    pub(crate) async fn find_by_merged_key(&mut self, key: &str) -> Result<Option<Incident>, StoreError> {
        let row: Option<(Uuid, i64)> = db::within!(&mut self.db, conn => {
            sqlx::query_as(BY_MERGED_KEY).bind(key).bind(false).fetch_optional(conn).await
        })
        .map_err(StoreError::query("look for a merged incident"))?;
        let Some((incident, event)) = row else { return Ok(None) };
        let incident = IncidentId(incident);
        self.joined_by_merge.insert(key.to_owned(), (incident, EventId(event)));
        Ok(self.find_incident(incident.into()).await?.filter(Incident::is_open))
    }

    /// Whether anything was ever merged: mostly not, and then nobody needs to look for it.
    pub(crate) async fn any_merge(&mut self) -> Result<bool, StoreError> {
        let count: i64 =
            db::within!(&mut self.db, conn => sqlx::query_scalar(ANY_MERGE).fetch_one(conn).await)
                .map_err(StoreError::query("look for merges"))?;
        Ok(count > 0)
    }

    pub(crate) async fn write_regroups(&mut self) -> Result<(), StoreError> {
        for regroup in std::mem::take(&mut self.regroups) {
            self.write_regroup(regroup).await.map_err(StoreError::query("move alerts"))?;
        }
        Ok(())
    }

    async fn write_regroup(&mut self, regroup: Regroup) -> Result<(), sqlx::Error> {
        db::within!(&mut self.db, conn => {
            match regroup {
                Regroup::Merge { event, from, key, into } => {
                    sqlx::query(REMEMBER_ALERTS).bind(event.0).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(HAD_ALL).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(MOVE_ALL).bind(into.0).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(INHERIT_KEYS).bind(event.0).bind(into.0).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(ADD_KEY).bind(event.0).bind(key).bind(into.0).execute(&mut *conn).await?;
                }
                Regroup::Unmerge { event, from, into } => {
                    sqlx::query(MOVE_BACK).bind(from.0).bind(into.0).bind(event.0).execute(&mut *conn).await?;
                    // As both incidents count from now on.
                    sqlx::query(HAD_NONE_OF).bind(into.0).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(HAD_NONE).bind(from.0).execute(&mut *conn).await?;
                    sqlx::query(FORGET_ALERTS).bind(event.0).execute(&mut *conn).await?;
                    sqlx::query(FORGET_KEYS).bind(event.0).execute(&mut *conn).await?;
                }
                Regroup::Split { alerts, into } => {
                    for alert in alerts {
                        sqlx::query(LEAVES_ONE).bind(alert).execute(&mut *conn).await?;
                        sqlx::query(MOVE_ONE).bind(into.0).bind(alert).execute(&mut *conn).await?;
                    }
                }
                Regroup::Came { event, alert } => {
                    sqlx::query(CAME).bind(event.0).bind(alert).bind(false).execute(&mut *conn).await?;
                }
            }
            Ok(())
        })
    }
}

impl Store {
    /// Whether the merge of this event can still be undone: its alerts are where it brought them.
    pub async fn is_merge_in_force(&self, event: EventId) -> Result<bool, StoreError> {
        let count: i64 =
            db::read!(&self.db, conn => sqlx::query_scalar(IN_FORCE).bind(event.0).fetch_one(conn).await)
                .map_err(StoreError::query("look for a merge"))?;
        Ok(count > 0)
    }
}

fn counted(rows: Vec<(String, i64)>) -> AlertCount {
    let mut count = AlertCount::default();
    for (status, rows) in rows {
        count.total += rows;
        if status == AlertStatus::Firing.as_str() {
            count.firing += rows;
        }
    }
    count
}
