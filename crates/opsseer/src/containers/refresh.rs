//! While an incident is open, its containers are looked at again: a kill is followed by a restart, and by the next kill.

use opsseer_core::{Actor, ContainersSeen, EventKind, Incident, NewEvent};
use opsseer_store::{IncidentFilter, StatusFilter, StoreError};

use super::{Scope, look};
use crate::{
    app::{App, SharedApp},
    jobs::see_containers::KIND,
    pipeline::{in_words, rounds::Rounds},
};

const DUTY: &str = "containers";

/// The newest open incidents that are looked at. In a storm, that is where people look.
const INCIDENTS: u32 = 20;

/// A change of the fullest container's share of its memory that is news.
const FULLER: f64 = 0.25;

/// Looks until the server ends.
pub(crate) async fn run(app: SharedApp) {
    let mut rounds = Rounds::new(DUTY, app.config.forecast.every);
    loop {
        if rounds.next(&app).await
            && let Err(error) = round(&app).await
        {
            tracing::warn!(error = in_words(&error), "containers were not looked at again");
            rounds.give_up(&app).await;
        }
    }
}

async fn round(app: &App) -> Result<(), StoreError> {
    let filter = IncidentFilter {
        status: Some(StatusFilter::Unresolved),
        limit: INCIDENTS,
        ..IncidentFilter::default()
    };
    for incident in app.store.list_incidents(&filter).await?.incidents {
        look_again(app, &incident).await?;
    }
    Ok(())
}

/// What fails here is no failure of the incident: its start was looked at by a job, which says what it lacks.
async fn look_again(app: &App, incident: &Incident) -> Result<(), StoreError> {
    let told = app.store.list_newest_events(incident.id, "containers_seen", 1).await?;
    // Where there is none, there are no containers, or the job has not told of them yet.
    let Some(EventKind::ContainersSeen(last)) = told.into_iter().next().map(|event| event.kind) else {
        return Ok(());
    };
    let now = app.clock.now();
    let scope =
        Scope { began: incident.opened_at, now, scrape_interval: app.config.prometheus.scrape_interval };
    let seen = match look(app.metrics.as_ref(), std::slice::from_ref(&last.service), scope).await {
        Ok(Some(seen)) if is_news(&last, &seen) => seen,
        Ok(_) => return Ok(()),
        Err(error) => {
            tracing::debug!(
                error = in_words(&error),
                service = last.service,
                "containers not looked at again"
            );
            return Ok(());
        }
    };
    let mut tx = app.store.begin().await?;
    // It may be over since it was listed.
    let Some(incident) = tx.find_incident(incident.id.into()).await?.filter(Incident::is_open) else {
        return Ok(());
    };
    let actor = Actor::Component { name: KIND.to_owned() };
    tx.append(incident, vec![NewEvent::new(now, actor, EventKind::ContainersSeen(seen))]);
    tx.commit().await
}

/// Whether a reader of the last look would be told something else by this one. The range moves on: what fell out of it is
/// no news.
fn is_news(last: &ContainersSeen, new: &ContainersSeen) -> bool {
    let full = |seen: &ContainersSeen| seen.fullest.as_ref().and_then(|full| full.now).unwrap_or_default();
    new.oom_kills > last.oom_kills
        || new.restarts > last.restarts
        || new.replicas != last.replicas
        || (full(new) - full(last)).abs() > FULLER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::containers;

    fn changed(change: impl FnOnce(&mut ContainersSeen)) -> bool {
        let mut new = containers();
        change(&mut new);
        is_news(&containers(), &new)
    }

    #[test]
    fn a_kill_a_restart_or_a_container_more_is_news_and_the_same_again_is_not() {
        assert!(!changed(|_| ()));
        assert!(changed(|seen| seen.oom_kills += 1));
        assert!(changed(|seen| seen.restarts += 1));
        assert!(changed(|seen| seen.replicas = Some(3)));
        assert!(changed(|seen| seen.fullest.as_mut().expect("a share").now = Some(0.9)));
        assert!(!changed(|seen| (seen.oom_kills, seen.restarts) = (0, 0)));
    }
}
