use opsseer_core::{AlertSource, EventId, EventKind, Incident, IncidentStatus, Severity};
use opsseer_store::{Change, Committed, IncidentFilter, IncidentRef, StatusFilter};

use crate::world::{World, alert, fired, opened};

#[tokio::test]
async fn everything_is_still_there_after_a_restart_and_replaying_the_log_gives_the_row() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    world.clock.advance(5);
    let incident = world
        .append(
            &incident,
            vec![
                EventKind::Acknowledged,
                EventKind::Note { text: "looking; quote ' and \u{1F525}".into() },
                EventKind::SeveritySet { severity: Severity::Page },
                EventKind::Resolved { reason: "done".into() },
            ],
        )
        .await;

    let world = world.reopened().await;

    let read = world.store.find_incident(IncidentRef::Number(incident.number)).await.unwrap().unwrap();
    assert_eq!(read, incident);
    let mut replayed = Incident::unborn(read.id, read.number);
    let events = world.store.list_events(read.id, EventId(0), 100).await.unwrap();
    assert_eq!(events.len(), 6);
    for event in &events {
        replayed.apply(event);
    }
    assert_eq!(replayed, read);
    let alerts = world.store.list_alerts_of(read.id, 10).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].alert.summary()), (1, Some("it is slow")));
}

#[tokio::test]
async fn a_change_that_is_not_committed_has_not_happened() {
    let world = World::new().await;
    let mut heard = world.store.subscribe();
    {
        let mut tx = world.store.begin().await.unwrap();
        let alert = alert("Slow", "db", tx.now());
        let event = opened(&alert, tx.now());
        tx.open_incident(vec![event]);
        tx.beat(AlertSource::Alertmanager).await.unwrap();
    }
    assert_eq!(world.store.count_unresolved().await.unwrap(), 0);
    assert_eq!(world.store.last_heartbeat().await.unwrap(), None);
    assert!(heard.try_recv().is_err());
    // The number that it would have had is given to the next.
    assert_eq!(world.open_incident("db").await.number.0, 1);
}

#[tokio::test]
async fn a_commit_is_announced_with_what_it_changed() {
    let world = World::new().await;
    let mut heard = world.store.subscribe();
    let incident = world.open_incident("db").await;
    let committed = heard.recv().await.unwrap();
    let events = world.store.list_events(incident.id, EventId(0), 10).await.unwrap();
    let change = Change { incident: incident.id, before: EventId(0), events: Some(events.into()) };
    assert_eq!(*committed, Committed { changes: vec![change], heartbeat: false });
    let mut tx = world.store.begin().await.unwrap();
    tx.beat(AlertSource::Grafana).await.unwrap();
    tx.commit().await.unwrap();
    let mut committed = heard.recv().await.unwrap();
    // What follows the log for other processes' commits may tell a change of this one's a second time.
    while world.store.is_shared() && committed.change_of(incident.id).is_some() {
        committed = heard.recv().await.unwrap();
    }
    assert_eq!(*committed, Committed { changes: vec![], heartbeat: true });
    assert_eq!(world.store.last_heartbeat().await.unwrap().unwrap().source, "grafana");
}

#[tokio::test]
async fn a_transaction_sees_its_own_changes_before_it_commits() {
    let world = World::new().await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let one = alert("Slow", "db", now);
    assert_eq!(tx.find_open_incident_by_key("service:db").await.unwrap(), None);
    let incident = tx.open_incident(vec![opened(&one, now), fired(&one, true, now)]);
    tx.put_alert(one.clone(), Some(incident.id), None);
    assert_eq!(tx.find_open_incident_by_key("service:db").await.unwrap(), Some(incident.clone()));
    let known = tx.find_alert(&one.fingerprint, &one.identity).await.unwrap().unwrap();
    assert_eq!(known.incident, Some(incident.id));
    let resolved = opsseer_core::NewEvent::new(
        now,
        opsseer_core::Actor::correlation(),
        EventKind::Resolved { reason: "r".into() },
    );
    tx.append(incident, vec![resolved]);
    assert_eq!(tx.find_open_incident_by_key("service:db").await.unwrap(), None);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn event_ids_grow_across_incidents_and_restarts() {
    let world = World::new().await;
    let first = world.open_incident("a").await;
    let second = world.open_incident("b").await;
    assert!(second.last_event > first.last_event);
    let world = world.reopened().await;
    let third = world.open_incident("c").await;
    assert!(third.last_event > second.last_event);
    assert_eq!(third.number.0, 3);
}

#[tokio::test]
async fn one_row_an_alert_even_where_senders_share_a_fingerprint() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    for name in ["A", "B", "A"] {
        let mut one = alert(name, "db", now);
        one.fingerprint = opsseer_core::Fingerprint::given_or_computed(Some("unknown"), &one.identity);
        let before = tx.find_alert(&one.fingerprint, &one.identity).await.unwrap();
        tx.put_alert(one, Some(incident.id), before);
    }
    tx.commit().await.unwrap();
    let page = world.store.list_alerts(10, None).await.unwrap();
    let names: Vec<&str> = page.alerts.iter().map(|stored| stored.alert.name()).collect();
    assert_eq!(names, ["Slow", "A", "B"]);
}

#[tokio::test]
async fn all_alerts_of_an_incident_are_reached_page_by_page_and_no_others() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let other = world.open_incident("web").await;
    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    for n in 0..4 {
        tx.put_alert(alert(&format!("A{n}"), "db", now), Some(incident.id), None);
        tx.put_alert(alert(&format!("A{n}"), "web", now), Some(other.id), None);
    }
    tx.commit().await.unwrap();

    let mut names = Vec::new();
    let (mut pages, mut after) = (0, None);
    loop {
        let page = world.store.page_alerts_of(incident.id, 2, after).await.unwrap();
        assert!(page.alerts.iter().all(|stored| stored.incident == Some(incident.id)));
        names.extend(page.alerts.iter().map(|stored| stored.alert.name().to_owned()));
        (pages, after) = (pages + 1, page.next_cursor);
        if after.is_none() {
            break;
        }
    }
    names.sort();
    assert_eq!((pages, names), (3, ["A0", "A1", "A2", "A3", "Slow"].map(str::to_owned).to_vec()));
}

fn numbers(incidents: &[Incident]) -> Vec<i64> {
    incidents.iter().map(|incident| incident.number.0).collect()
}

#[tokio::test]
async fn the_list_has_what_goes_on_first_and_pages_without_gaps_or_doubles() {
    let world = World::new().await;
    for service in ["a", "b", "c", "d", "e"] {
        world.open_incident(service).await;
    }
    for number in [2, 4] {
        let incident = world
            .store
            .find_incident(IncidentRef::Number(opsseer_core::IncidentNumber(number)))
            .await
            .unwrap();
        world.append(&incident.unwrap(), vec![EventKind::Resolved { reason: "r".into() }]).await;
    }
    let mut filter = IncidentFilter { limit: 2, ..IncidentFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.store.list_incidents(&filter).await.unwrap();
        seen.extend(numbers(&page.incidents));
        let Some(next) = page.next_cursor else { break };
        filter.cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(seen, [5, 3, 1, 4, 2]);
}

#[tokio::test]
async fn the_list_is_searched_and_filtered() {
    let world = World::new().await;
    world.open_incident("payments").await;
    let second = world.open_incident("100%_db").await;
    world.open_incident("ÉCRAN").await;
    world.append(&second, vec![EventKind::Acknowledged]).await;
    let found = async |filter: IncidentFilter| {
        let filter = IncidentFilter { limit: 10, ..filter };
        numbers(&world.store.list_incidents(&filter).await.unwrap().incidents)
    };
    let text = |text: &str| IncidentFilter { text: Some(text.into()), ..IncidentFilter::default() };
    assert_eq!(found(text("PAYments slow")).await, [1]);
    assert_eq!(found(text("inc-2")).await, [2]);
    assert_eq!(found(text("0%_d")).await, [2]);
    assert_eq!(found(text("Écran")).await, [3]);
    assert_eq!(found(text("a_m")).await, Vec::<i64>::new());
    assert_eq!(found(text("' or 1=1 --")).await, Vec::<i64>::new());
    let acknowledged = Some(StatusFilter::Is(IncidentStatus::Acknowledged));
    assert_eq!(found(IncidentFilter { status: acknowledged, ..Default::default() }).await, [2]);
    assert_eq!(
        found(IncidentFilter { status: Some(StatusFilter::Unresolved), ..Default::default() }).await,
        [3, 2, 1]
    );
    assert_eq!(
        found(IncidentFilter { severity: Some(Severity::Page), ..Default::default() }).await,
        Vec::<i64>::new()
    );
}

#[tokio::test]
async fn a_store_of_an_unknown_kind_is_refused_by_its_address() {
    let world = World::new().await;
    let config = opsseer_store::StoreConfig { url: "mysql://ada:secret@x".into(), ..world.config() };
    let clock = std::sync::Arc::new(opsseer_core::SystemClock);
    let error = opsseer_store::Store::open(config, clock, |_, _| &[]).await.err().expect("must be refused");
    assert_eq!(
        error.to_string(),
        "the store's address \"mysql\" is not understood; it looks like sqlite:PATH or postgres://USER@HOST/DATABASE"
    );
}

#[tokio::test]
async fn what_is_read_ahead_is_what_would_have_been_read() {
    let world = World::new().await;
    let first = world.open_incident("db").await;
    let second = world.open_incident("web").await;
    world.append(&second, vec![EventKind::Resolved { reason: "r".into() }]).await;

    let mut tx = world.store.begin().await.unwrap();
    let now = tx.now();
    let (db, web, new) = (alert("Slow", "db", now), alert("Slow", "web", now), alert("Slow", "new", now));
    tx.read_ahead(&[&db, &web, &new, &db]).await.unwrap();

    for (one, incident) in [(&db, Some(first.id)), (&web, Some(second.id)), (&new, None)] {
        let found = tx.find_alert(&one.fingerprint, &one.identity).await.unwrap();
        assert_eq!(found.and_then(|stored| stored.incident), incident);
    }
    let mut open =
        async |key: &str| tx.find_open_incident_by_key(key).await.unwrap().map(|incident| incident.id);
    assert_eq!(open("service:db").await, Some(first.id));
    assert_eq!((open("service:web").await, open("service:new").await), (None, None));
    assert_eq!(
        tx.find_incident(second.id.into()).await.unwrap().map(|incident| incident.id),
        Some(second.id)
    );

    // What this transaction does counts for what it finds afterwards.
    let opened_now = tx.open_incident(vec![opened(&new, now), fired(&new, true, now)]);
    tx.put_alert(new.clone(), Some(opened_now.id), None);
    let found = tx.find_open_incident_by_key("service:new").await.unwrap().map(|incident| incident.id);
    assert_eq!(found, Some(opened_now.id));
    let known = tx.find_alert(&new.fingerprint, &new.identity).await.unwrap().unwrap();
    assert_eq!(known.incident, Some(opened_now.id));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_told_even_if_whoever_committed_it_has_left() {
    let world = World::new().await;
    let incident = world.open_incident("db").await;
    let mut heard = world.store.subscribe();
    let mut told = std::collections::HashSet::new();
    for turns in 0..100 {
        let mut tx = world.store.begin().await.unwrap();
        let found = tx.find_incident(incident.id.into()).await.unwrap().unwrap();
        let note = EventKind::Note { text: turns.to_string() };
        tx.append(found, vec![opsseer_core::NewEvent::new(tx.now(), opsseer_core::Actor::OpsSeer, note)]);
        // Whoever waits leaves after so many turns of the runtime: before, during or after the commit.
        let leaves = async {
            for _ in 0..turns * turns {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = leaves => {}
            done = tx.commit() => done.unwrap(),
        }
    }
    world.append(&incident, vec![EventKind::Note { text: "the last".into() }]).await;
    let committed = world.store.list_events(incident.id, incident.last_event, 200).await.unwrap();
    let patience = std::time::Duration::from_secs(20);
    while !committed.iter().all(|event| told.contains(&event.id)) {
        let news = tokio::time::timeout(patience, heard.recv()).await.expect("all must be told").unwrap();
        let events = news.changes.iter().filter_map(|change| change.events.as_ref());
        told.extend(events.flat_map(|events| events.iter().map(|event| event.id)));
    }
}
