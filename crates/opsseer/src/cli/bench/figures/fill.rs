//! Fills a store as years of work would, through the store's own transactions.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use chrono::{DateTime, Utc};
use opsseer_core::{
    Actor, AlertSnapshot, Clock, EventKind, Fingerprint, Identity, Incident, NewEvent, Severity, SystemClock,
};
use opsseer_eval::bench::reads::Stored;
use opsseer_store::{Store, Tx};

use crate::config::Config;

/// Incidents that go on at the same time: their events lie side by side in the store.
const TOGETHER: u64 = 100;

/// Events of an ordinary incident.
const EVENTS_EACH: u64 = 100;

/// Events that one transaction adds to each of them.
const AT_ONCE: u64 = 10;

/// The long incident has one of so many events.
const LONG_SHARE: u64 = 50;

/// What a store was filled with.
pub(super) struct Filled {
    pub(super) stored: Stored,
    pub(super) events: u64,
    pub(super) events_of_the_long_one: u64,
}

/// Writes about so many events into a new store below `data`: incidents of 100 events each, and a long one that goes on
/// all the time.
pub(super) async fn fill(data: &Path, events: u64) -> anyhow::Result<Filled> {
    let mut config = Config::with_overrides("").context("the built-in configuration is not sound")?;
    config.data_dir = data.to_owned();
    std::fs::create_dir_all(data).with_context(|| format!("cannot make the folder {}", data.display()))?;
    // Nothing is to follow from these events.
    let store = Store::open(config.store_config(), Arc::new(SystemClock), |_, _| &[]).await?;
    let crowds = (events / (TOGETHER * EVENTS_EACH)).max(1);
    let long_share = (crowds * TOGETHER * EVENTS_EACH / LONG_SHARE / crowds).max(1);
    let mut long: Option<Incident> = None;
    let mut middle = 0;
    for crowd in 0..crowds {
        write_crowd(&store, crowd * TOGETHER).await?;
        let mut tx = store.begin().await?;
        let from = crowd * long_share;
        let more = (from..from + long_share).map(|n| event("long", n)).collect();
        let now = grow(&mut tx, long.take(), more);
        tx.commit().await?;
        if crowd < crowds.div_ceil(2) {
            middle = now.last_event.0;
        }
        long = Some(now);
    }
    let long = long.map_or(0, |incident| u64::try_from(incident.number.0).unwrap_or(0));
    store.close().await;
    let incidents = crowds * TOGETHER;
    Ok(Filled {
        // The long one came after the first crowd, so its number lies among the others, which go up to one more.
        stored: Stored { incidents: incidents + 1, long, middle },
        events: incidents * EVENTS_EACH + crowds * long_share,
        events_of_the_long_one: crowds * long_share,
    })
}

/// Incidents that open, go on and end together.
async fn write_crowd(store: &Store, first: u64) -> anyhow::Result<()> {
    let mut incidents: Vec<Option<Incident>> = vec![None; usize::try_from(TOGETHER)?];
    for from in (0..EVENTS_EACH).step_by(usize::try_from(AT_ONCE)?) {
        let mut tx = store.begin().await?;
        for (place, incident) in (first..).zip(&mut incidents) {
            let service = format!("service-{place:06}");
            let mut more: Vec<NewEvent> = (from..from + AT_ONCE).map(|n| event(&service, n)).collect();
            if from + AT_ONCE == EVENTS_EACH {
                more.pop();
                let over = EventKind::Resolved { reason: "Its alert is resolved.".to_owned() };
                more.push(NewEvent::new(SystemClock.now(), Actor::correlation(), over));
            }
            *incident = Some(grow(&mut tx, incident.take(), more));
        }
        tx.commit().await?;
    }
    Ok(())
}

fn grow(tx: &mut Tx, incident: Option<Incident>, events: Vec<NewEvent>) -> Incident {
    match incident {
        None => tx.open_incident(events),
        Some(incident) => tx.append(incident, events),
    }
}

/// The nth event of a service's incident: an opening, then an alert that comes and goes, and what people say.
fn event(service: &str, n: u64) -> NewEvent {
    let at = SystemClock.now();
    let person = Actor::Person { name: "Ada".to_owned() };
    match n {
        0 => {
            let opened = EventKind::Opened {
                title: format!("{service}: HighErrorRate"),
                severity: Severity::Ticket,
                service: Some(service.to_owned()),
                correlation_key: format!("service:{service}"),
                reason: format!("No open incident has service {service}."),
            };
            NewEvent::new(at, Actor::correlation(), opened)
        }
        _ if n % 3 == 1 => {
            let reason = "It belonged to this incident before.".to_owned();
            let fired = EventKind::AlertFired { alert: alert(service, at), first: n == 1, reason };
            NewEvent::new(at, Actor::Alertmanager, fired)
        }
        _ if n % 3 == 2 => {
            let text =
                format!("Looked at {service}: the queue behind it is long, and nothing else is strange.");
            NewEvent::new(at, person, EventKind::Note { text })
        }
        _ => {
            let resolved = EventKind::AlertResolved { alert: alert(service, at), reason: None };
            NewEvent::new(at, Actor::Alertmanager, resolved)
        }
    }
}

fn alert(service: &str, at: DateTime<Utc>) -> AlertSnapshot {
    let text = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let labels = text(&[
        ("alertname", "HighErrorRate"),
        ("service", service),
        ("instance", "pod-1:8080"),
        ("job", "api"),
        ("severity", "ticket"),
    ]);
    let summary = format!("{service} answers more than 10 % of its requests with an error");
    let annotations = text(&[
        ("summary", &summary),
        (
            "description",
            "The ratio of failed requests over five minutes has been above 10 % for two minutes.",
        ),
        ("runbook_url", "https://runbooks.example.com/HighErrorRate.md"),
    ]);
    AlertSnapshot {
        fingerprint: Fingerprint::given_or_computed(None, &Identity::of(&labels)),
        name: "HighErrorRate".to_owned(),
        summary: Some(summary),
        severity: Severity::Ticket,
        labels,
        annotations,
        starts_at: at,
        generator_url: Some("http://prometheus.example.com:9090/graph?g0.expr=error_rate+%3E+0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{EventId, IncidentNumber};
    use opsseer_store::IncidentRef;

    use super::*;

    #[tokio::test]
    async fn the_store_holds_as_many_events_as_it_says_and_the_long_one_goes_on_past_its_middle() {
        let folder = tempfile::tempdir().expect("a folder");
        let filled = fill(folder.path(), 20_000).await.expect("fills");
        let mut config = Config::with_overrides("").expect("sound");
        config.data_dir = folder.path().to_owned();
        let store =
            Store::open(config.store_config(), Arc::new(SystemClock), |_, _| &[]).await.expect("opens");
        let mut events = 0;
        for number in 1..=filled.stored.incidents {
            let number = IncidentNumber(i64::try_from(number).expect("small"));
            let incident =
                store.find_incident(IncidentRef::Number(number)).await.expect("reads").expect("is there");
            events += store.list_events(incident.id, EventId(0), 5_000).await.expect("reads").len() as u64;
        }
        assert_eq!(events, filled.events);
        let long = IncidentNumber(i64::try_from(filled.stored.long).expect("small"));
        let long = store.find_incident(IncidentRef::Number(long)).await.expect("reads").expect("is there");
        let after = store.list_events(long.id, EventId(filled.stored.middle), 5_000).await.expect("reads");
        assert_eq!(after.len() as u64, filled.events_of_the_long_one / 2);
    }
}
