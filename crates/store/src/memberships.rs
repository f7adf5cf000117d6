//! Which alerts an incident has had: what its `alerts_total` counts. Those that are its own now, and those that went on to
//! another, of which alone there is a row in `incident_alerts`: most alerts never move.

use std::collections::HashSet;

use opsseer_core::{Alert, AlertStatus, CorrelationKey, Incident, IncidentId};
use sqlx::QueryBuilder;
use uuid::Uuid;

use crate::{StoreError, Tx, db, events::ROWS_A_STATEMENT};

const HAS: &str = "select (select count(*) from incident_alerts where incident_id = $1 and alert_id = $2)
    + (select count(*) from alerts where incident_id = $1 and id = $2)";
const COUNT_NEW: &str = "select count(*) from alerts where incident_id = $1 and not exists (
    select 1 from incident_alerts had where had.incident_id = $2 and had.alert_id = alerts.id)";

impl Tx {
    /// Whether this alert (id of its row) has been one of the incident's before.
    pub async fn has_had(&mut self, incident: IncidentId, alert: Uuid) -> Result<bool, StoreError> {
        let pair = (incident, alert);
        if self.joined.contains(&pair) || self.had.contains(&pair) {
            return Ok(true);
        }
        let is_new = |incident: &Incident| incident.number.0 > self.last_incident;
        if self.had_read.contains(&pair) || self.incidents.get(&incident).is_some_and(is_new) {
            return Ok(false);
        }
        let count: i64 = db::within!(&mut self.db, conn => {
            sqlx::query_scalar(HAS).bind(incident.0).bind(alert).fetch_one(conn).await
        })
        .map_err(StoreError::query("look for an alert among an incident's"))?;
        Ok(count > 0)
    }

    /// How many alerts of `from` have never been `into`'s.
    pub async fn count_alerts_new_to(
        &mut self,
        into: IncidentId,
        from: IncidentId,
    ) -> Result<i64, StoreError> {
        db::within!(&mut self.db, conn => {
            sqlx::query_scalar(COUNT_NEW).bind(from.0).bind(into.0).fetch_one(conn).await
        })
        .map_err(StoreError::query("count alerts that are new to an incident"))
    }

    /// Reads what [`Tx::has_had`] will be asked of these alerts: of those that fire anew, and whose own incident is over,
    /// for the open incidents that they may join. Mostly there are none, and nothing is read.
    pub(crate) async fn read_memberships_ahead(&mut self, alerts: &[&Alert]) -> Result<(), StoreError> {
        let movers: Vec<(&Alert, Uuid)> = alerts
            .iter()
            .filter(|alert| alert.status == AlertStatus::Firing)
            .filter_map(|alert| Some((*alert, self.mover(alert)?)))
            .collect();
        if movers.is_empty() {
            return Ok(());
        }
        let storms: HashSet<String> =
            movers.iter().flat_map(|(alert, _)| storm_keys(alert)).map(|key| key.key).collect();
        self.read_open_incidents_by_key(&storms.into_iter().collect::<Vec<_>>()).await?;
        let mut pairs = HashSet::new();
        for (alert, id) in movers {
            let keys = [CorrelationKey::of(alert)].into_iter().chain(storm_keys(alert));
            let joined_by_merge = |key: &String| self.joined_by_merge.get(key).map(|(into, _)| *into);
            pairs.extend(
                keys.filter_map(|key| {
                    self.open_by_key.get(&key.key).copied().or_else(|| joined_by_merge(&key.key))
                })
                .map(|incident| (incident, id)),
            );
        }
        let pairs: Vec<(IncidentId, Uuid)> = pairs.into_iter().collect();
        for pairs in pairs.chunks(ROWS_A_STATEMENT) {
            let rows: Vec<(Uuid, Uuid)> = db::within!(&mut self.db, conn => {
                let mut query = QueryBuilder::new(
                    "select incident_id, alert_id from incident_alerts where (incident_id, alert_id) in (",
                );
                query.push_values(pairs, |mut row, (incident, alert)| {
                    row.push_bind(incident.0).push_bind(*alert);
                });
                query.push(")");
                query.build_query_as().fetch_all(conn).await
            })
            .map_err(StoreError::query("look for alerts among those of incidents"))?;
            self.had.extend(rows.into_iter().map(|(incident, alert)| (IncidentId(incident), alert)));
        }
        self.had_read.extend(pairs);
        Ok(())
    }

    /// The row of an alert that may move on to another incident: its own is over.
    fn mover(&self, alert: &Alert) -> Option<Uuid> {
        let key = (alert.fingerprint.clone(), alert.identity.clone());
        let stored = self.alerts_read.get(&key)?.as_ref()?;
        let own = self.incidents.get(&stored.incident?)?;
        (!own.is_open()).then_some(stored.id)
    }

    pub(crate) async fn write_memberships(&mut self) -> Result<(), StoreError> {
        let left: Vec<(IncidentId, Uuid)> = self.left.iter().copied().collect();
        for left in left.chunks(ROWS_A_STATEMENT) {
            db::execute!(&mut self.db, conn => {
                let mut query = QueryBuilder::new("insert into incident_alerts (incident_id, alert_id) ");
                query.push_values(left, |mut row, (incident, alert)| {
                    row.push_bind(incident.0).push_bind(*alert);
                });
                query.push(" on conflict (incident_id, alert_id) do nothing");
                query.build().execute(conn).await
            })
            .map_err(StoreError::query("note which alerts an incident had"))?;
        }
        Ok(())
    }
}

fn storm_keys(alert: &Alert) -> [CorrelationKey; 2] {
    [CorrelationKey::of_rule_storm(alert), CorrelationKey::of_storm()]
}
