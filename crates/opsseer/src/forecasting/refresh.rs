//! Open incidents are forecast anew as time passes: what was said at the start grows old.

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Actor, AlertSnapshot, AlertStatus, EventKind, Forecast, Incident, NewEvent, Outlook};
use opsseer_store::{IncidentFilter, StatusFilter, StoreError};

use super::{ForecastError, of_alert, subject};
use crate::{
    app::{App, SharedApp},
    pipeline::{in_words, rounds::Rounds},
};

const DUTY: &str = "forecasts";

/// As whom the events are told: the same as those of the incident's start.
const ACTOR: &str = "forecast_metric";

/// The newest open incidents that are forecast. In a storm, that is where people look.
const INCIDENTS: u32 = 20;

/// Alerts of one incident.
const ALERTS: usize = 3;

/// Alerts that these are chosen from, and forecasts that are looked through for the last one of an alert.
const LOOKED_AT: u32 = 100;

/// Two forecasts of the same are at least so far apart; ten times as far once the incident is old.
const PAUSE: TimeDelta = TimeDelta::minutes(2);
const OLD: TimeDelta = TimeDelta::hours(2);

/// A probability that changed by this much is news.
const OTHER_PROBABILITY: f64 = 0.25;

pub(super) async fn run(app: SharedApp) {
    let mut rounds = Rounds::new(DUTY, app.config.forecast.every);
    loop {
        if rounds.next(&app).await
            && let Err(error) = look(&app).await
        {
            tracing::warn!(error = in_words(&error), "open incidents were not forecast anew");
            rounds.give_up(&app).await;
        }
    }
}

async fn look(app: &App) -> Result<(), StoreError> {
    let filter = IncidentFilter {
        status: Some(StatusFilter::Unresolved),
        limit: INCIDENTS,
        ..IncidentFilter::default()
    };
    for incident in app.store.list_incidents(&filter).await?.incidents {
        for alert in firing(app, &incident).await? {
            refresh(app, &incident, &alert).await?;
        }
    }
    Ok(())
}

/// One alert of each rule that fires, the most urgent first.
async fn firing(app: &App, incident: &Incident) -> Result<Vec<AlertSnapshot>, StoreError> {
    let mut stored = app.store.list_alerts_of(incident.id, LOOKED_AT).await?;
    stored.retain(|stored| stored.alert.status == AlertStatus::Firing);
    stored.sort_by_key(|stored| std::cmp::Reverse(stored.alert.severity()));
    let mut alerts: Vec<AlertSnapshot> = Vec::new();
    for stored in stored {
        if alerts.len() < ALERTS && alerts.iter().all(|known| known.name != stored.alert.name()) {
            alerts.push(AlertSnapshot::from(&stored.alert));
        }
    }
    Ok(alerts)
}

/// What fails here is no failure of the incident: its start was forecast by a job, which says what it lacks.
async fn refresh(app: &App, incident: &Incident, alert: &AlertSnapshot) -> Result<(), StoreError> {
    let told = app.store.list_newest_events(incident.id, "forecast", LOOKED_AT).await?;
    // The newest first. Where there is none, the job of the start has not told it yet: that is its to do.
    let last = told.iter().find_map(|event| match &event.kind {
        EventKind::Forecast(last) if last.subject == subject(alert) => Some((event.at, last)),
        _ => None,
    });
    let Some((at, last)) = last else { return Ok(()) };
    let now = app.clock.now();
    let pause = if now - incident.opened_at > OLD { PAUSE * 10 } else { PAUSE };
    if now - at < pause {
        return Ok(());
    }
    let (forecast, assets) = match of_alert(app, incident, alert).await {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(()),
        Err(ForecastError::Store(error)) => return Err(error),
        Err(error) => {
            tracing::debug!(error = in_words(&error), alert = alert.name, "not forecast anew");
            return Ok(());
        }
    };
    if !is_news(last, &forecast, now) {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    // It may be over since it was listed.
    let Some(incident) = tx.find_incident(incident.id.into()).await?.filter(Incident::is_open) else {
        return Ok(());
    };
    let actor = Actor::Component { name: ACTOR.to_owned() };
    tx.append(incident, vec![NewEvent { at: now, actor, kind: EventKind::Forecast(forecast), assets }]);
    tx.commit().await
}

/// Whether a reader of the last one would be told something else by this one.
fn is_news(last: &Forecast, new: &Forecast, now: DateTime<Utc>) -> bool {
    if last.beyond != new.beyond {
        return true;
    }
    match (&last.outlook, &new.outlook) {
        (Outlook::Expected { at: then, .. }, Outlook::Expected { at, .. }) => {
            // A time that has come without what was expected is news too.
            let remaining = (*then - now).max(*at - now).max(TimeDelta::minutes(1));
            *then <= now || (*then - *at).abs() * 3 > remaining
        }
        (Outlook::Unsure { probability: then }, Outlook::Unsure { probability }) => {
            (then - probability).abs() > OTHER_PROBABILITY
        }
        // What was said reaches only so far.
        (Outlook::NotWithin { .. }, Outlook::NotWithin { .. }) => last.until <= now,
        (last, new) => std::mem::discriminant(last) != std::mem::discriminant(new),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::Threshold;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + 60 * minute, 0).expect("a time")
    }

    fn told(outlook: Outlook) -> Forecast {
        Forecast {
            subject: "Slow".into(),
            sentence: String::new(),
            expr: "x".into(),
            threshold: Threshold { comparison: ">".into(), value: 0.3 },
            now: 0.2,
            beyond: false,
            outlook,
            until: at(30),
            step_seconds: 15,
            method: String::new(),
        }
    }

    fn expected(minute: i64) -> Forecast {
        told(Outlook::Expected { at: at(minute), earliest: at(minute), latest: None, probability: 0.9 })
    }

    #[test]
    fn the_same_again_is_no_news_until_its_time_has_come() {
        assert!(!is_news(&expected(20), &expected(22), at(2)));
        assert!(is_news(&expected(20), &expected(35), at(2)), "it is much later than was said");
        assert!(is_news(&expected(20), &expected(30), at(21)), "it should have happened by now");
        let not = || told(Outlook::NotWithin { probability: 0.97 });
        assert!(!is_news(&not(), &not(), at(10)));
        assert!(is_news(&not(), &not(), at(31)), "nobody has said anything about this time");
    }

    #[test]
    fn another_answer_or_another_side_is_news() {
        assert!(is_news(&expected(20), &told(Outlook::Unsure { probability: 0.4 }), at(2)));
        let beyond = Forecast { beyond: true, ..expected(20) };
        assert!(is_news(&expected(20), &beyond, at(2)));
        let unsure = |probability| told(Outlook::Unsure { probability });
        assert!(!is_news(&unsure(0.3), &unsure(0.4), at(2)));
        assert!(is_news(&unsure(0.1), &unsure(0.45), at(2)));
    }
}
