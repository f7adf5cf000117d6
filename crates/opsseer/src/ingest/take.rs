//! What one alert does inside a transaction: correlation decides, the transaction notes it.

use std::collections::HashMap;

use opsseer_core::{
    Alert, AlertStatus, CorrelationKey, Decision, EventKind, Incident, IncidentId, Keep, Leaving, NewEvent,
    Policy, Storm, Surroundings, correlate, keep,
};
use opsseer_store::{StoreError, StoredAlert, Tx};

use super::Taken;

/// How often each decision was taken, by its name.
pub(super) type Decisions = HashMap<&'static str, u64>;

/// Lets the alerts of one webhook do what they do.
pub(super) async fn take_all(
    tx: &mut Tx,
    policy: &Policy,
    alerts: &[Alert],
    decisions: &mut Decisions,
) -> Result<Taken, StoreError> {
    let mut places: HashMap<IncidentId, usize> = HashMap::new();
    let mut incidents: Vec<Incident> = Vec::new();
    let mut changes = 0;
    for alert in alerts {
        let Done { decision, is_change, incident } = take(tx, policy, alert).await?;
        *decisions.entry(decision).or_default() += 1;
        changes += u64::from(is_change);
        let Some(incident) = incident else { continue };
        let place = *places.entry(incident.id).or_insert(incidents.len());
        if place == incidents.len() {
            incidents.push(incident);
        } else {
            incidents[place] = incident;
        }
    }
    Ok(Taken { incidents, changes })
}

/// What one alert did.
struct Done {
    /// The name of what was decided.
    decision: &'static str,
    /// Whether an incident tells of it.
    is_change: bool,
    /// The incident that it belongs to.
    incident: Option<Incident>,
}

/// Lets one alert do what it does.
async fn take(tx: &mut Tx, policy: &Policy, alert: &Alert) -> Result<Done, StoreError> {
    let before = tx.find_alert(&alert.fingerprint, &alert.identity).await?;
    let known = before.as_ref().map(StoredAlert::known);
    let alert = alert.clone().with_known_start(known.as_ref());
    let near = Incidents::around(tx, policy, &alert, before.as_ref()).await?;
    let around = Surroundings {
        known: known.as_ref(),
        own: near.own.as_ref(),
        own_key: near.own_key.as_ref(),
        same_key: near.same_key.as_ref(),
        storm: near.storm.as_ref().map(|storm| Storm {
            rule: storm.rule.as_ref(),
            all: storm.all.as_ref(),
            rules_full: storm.rules_full,
        }),
    };
    let decision = correlate(&alert, &around, policy, tx.now());
    let name = decision.name();
    let is_change = matches!(decision, Decision::Open(..) | Decision::Append(..));
    let (fingerprint, source) = (alert.fingerprint.clone(), alert.source);
    let kept = keep(alert, known.as_ref(), &decision);
    let incident = match decision {
        Decision::Heartbeat => {
            tx.beat(source).await?;
            None
        }
        Decision::Ignore(reason) => {
            tracing::debug!(%fingerprint, ?reason, "alert changes nothing");
            near.own
        }
        Decision::Open(events, leaving) => {
            leave(tx, leaving, near.own);
            Some(tx.open_incident(events))
        }
        Decision::Append(id, mut events, leaving) => {
            let target = near.find(id);
            // It comes from another incident, and may have been here before that.
            if let (Some(own), Some(before)) = (&near.own, &before)
                && own.id != id
                && tx.has_had(id, before.id).await?
            {
                events.iter_mut().for_each(not_for_the_first_time);
            }
            leave(tx, leaving, near.own);
            target.map(|incident| tx.append(incident, events))
        }
    };
    let home = incident.as_ref().map(|incident| incident.id);
    match (kept, before) {
        (Keep::Now(alert), before) => tx.put_alert(alert, home, before),
        (Keep::Known, Some(before)) => tx.put_alert(before.alert.clone(), home, Some(before)),
        (Keep::Known | Keep::Nothing, _) => {}
    }
    Ok(Done { decision: name, is_change, incident })
}

/// The incidents that an alert may have to do with.
struct Incidents {
    own: Option<Incident>,
    own_key: Option<Incident>,
    same_key: Option<Incident>,
    storm: Option<StormIncidents>,
}

struct StormIncidents {
    rule: Option<Incident>,
    all: Option<Incident>,
    rules_full: bool,
}

impl Incidents {
    async fn around(
        tx: &mut Tx,
        policy: &Policy,
        alert: &Alert,
        before: Option<&StoredAlert>,
    ) -> Result<Self, StoreError> {
        let own = match before.and_then(|before| before.incident) {
            Some(id) => tx.find_incident(id.into()).await?,
            None => None,
        };
        let key = CorrelationKey::of(alert).key;
        let same_key = tx.find_open_incident_by_key(&key).await?;
        let own_key = match own.as_ref().filter(|own| !own.is_open() && own.correlation_key != key) {
            Some(own) => tx.find_open_incident_by_key(&own.correlation_key).await?,
            None => None,
        };
        let belongs_somewhere = same_key.is_some() || own.as_ref().is_some_and(Incident::is_open);
        let may_open = alert.status == AlertStatus::Firing
            && !belongs_somewhere
            && alert.name() != policy.heartbeat_alert;
        let storm = if may_open { StormIncidents::of(tx, policy, alert).await? } else { None };
        Ok(Self { own, own_key, same_key, storm })
    }

    fn find(&self, id: IncidentId) -> Option<Incident> {
        let (rule, all) = match &self.storm {
            Some(storm) => (storm.rule.as_ref(), storm.all.as_ref()),
            None => (None, None),
        };
        [self.own.as_ref(), self.same_key.as_ref(), rule, all]
            .into_iter()
            .flatten()
            .find(|incident| incident.id == id)
            .cloned()
    }
}

impl StormIncidents {
    /// What is open for a storm, while there is one.
    async fn of(tx: &mut Tx, policy: &Policy, alert: &Alert) -> Result<Option<Self>, StoreError> {
        let (limit, window) = (policy.storm_incidents, policy.storm_window);
        if !tx.storming(limit, window).await? {
            return Ok(None);
        }
        let rules_full = tx.storming(limit.saturating_mul(2), window).await?;
        let rule = tx.find_open_incident_by_key(&CorrelationKey::of_rule_storm(alert).key).await?;
        let all = if rules_full {
            tx.find_open_incident_by_key(&CorrelationKey::of_storm().key).await?
        } else {
            None
        };
        Ok(Some(Self { rule, all, rules_full }))
    }
}

fn not_for_the_first_time(event: &mut NewEvent) {
    if let EventKind::AlertFired { first, .. } = &mut event.kind {
        *first = false;
    }
}

/// Tells the incident that an alert belonged to that it has moved on.
fn leave(tx: &mut Tx, leaving: Option<Leaving>, own: Option<Incident>) {
    if let (Some(leaving), Some(own)) = (leaving, own) {
        tx.append(own, vec![leaving.event]);
    }
}
