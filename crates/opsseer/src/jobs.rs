//! Enrichers: work that follows from an event, done outside any transaction, its result written with the job's end.
//!
//! A new enricher is a file in `jobs/`, a line in `ALL` and in `KINDS`, and its kind in [`follow_ups`].

mod answer_runbook;
mod chart_metric;
pub(crate) mod classify_alert;
mod find_similar;
mod forecast_metric;
mod rank_suspects;
pub(crate) mod retry;
mod see_budget;
pub(crate) mod see_changes;
pub(crate) mod see_containers;
mod tell_changes;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use opsseer_core::{AlertSnapshot, Event, EventId, EventKind, Incident, IncidentId, NewEvent};
use opsseer_store::{StoreError, Tx};

pub use worker::work;

use crate::{alert_metric::MetricError, app::App};

/// Alerts of one incident that are enriched. In a storm, the first few tell what there is to know.
const ENRICHED_ALERTS: i64 = 5;

/// All enrichers.
static ALL: [&dyn Job; 10] = [
    &answer_runbook::AnswerRunbook,
    &chart_metric::ChartMetric,
    &classify_alert::ClassifyAlert,
    &find_similar::FindSimilar,
    &forecast_metric::ForecastMetric,
    &rank_suspects::RankSuspects,
    &see_budget::SeeBudget,
    &see_changes::SeeChanges,
    &see_containers::SeeContainers,
    &tell_changes::TellChanges,
];

/// The names of all kinds of work. A job of another kind was asked for by another version, and is left to it.
pub(crate) const KINDS: [&str; 10] = [
    answer_runbook::KIND,
    chart_metric::KIND,
    classify_alert::KIND,
    find_similar::KIND,
    forecast_metric::KIND,
    rank_suspects::KIND,
    see_budget::KIND,
    see_changes::KIND,
    see_containers::KIND,
    tell_changes::KIND,
];

/// What is worked out for every alert.
const OF_ALERTS: [&str; 5] = [
    answer_runbook::KIND,
    chart_metric::KIND,
    classify_alert::KIND,
    find_similar::KIND,
    forecast_metric::KIND,
];

/// What is worked out anew for an incident that came back.
const ON_RETURN: [&str; 6] = [
    chart_metric::KIND,
    forecast_metric::KIND,
    rank_suspects::KIND,
    see_changes::KIND,
    see_containers::KIND,
    tell_changes::KIND,
];

/// Which jobs an event asks for.
pub fn follow_ups(incident: &Incident, event: &Event) -> &'static [&'static str] {
    match &event.kind {
        // What moved when it began is looked for once.
        EventKind::AlertFired { first: true, .. } if incident.alerts_total <= 1 => &KINDS,
        EventKind::AlertFired { first: true, .. } if incident.alerts_total <= ENRICHED_ALERTS => &OF_ALERTS,
        // The picture after the end shows that, and how, it got better; the budget, what it cost; the containers, what became
        // of them.
        EventKind::Resolved { .. } => &[chart_metric::KIND, see_budget::KIND, see_containers::KIND],
        EventKind::Reopened { .. } => &ON_RETURN,
        // The picture was drawn meanwhile, without the changes that were found. One of an incident that came back has them.
        EventKind::ChangesLooked(looked) if looked.found > 0 && incident.reopened_count == 0 => {
            &[chart_metric::KIND]
        }
        _ => &[],
    }
}

/// One kind of work.
#[async_trait]
pub(crate) trait Job: Send + Sync {
    /// Its name, in the job table, in logs and as the actor of its events.
    fn kind(&self) -> &'static str;

    /// How long it may take, where that is less than `jobs.longest` says of all.
    fn longest(&self) -> Option<Duration> {
        None
    }

    /// Does the work. May be done again after a crash: it must have no effect but what it gives back.
    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError>;

    /// What of the result is still news. Asked in the transaction that writes it: another job of the same incident may
    /// have ended since this one looked.
    async fn news(
        &self,
        _tx: &mut Tx,
        _incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        Ok(result)
    }
}

/// The work of this name.
fn find(kind: &str) -> Option<&'static dyn Job> {
    ALL.into_iter().find(|job| job.kind() == kind)
}

/// What a job is about.
pub(crate) struct Task {
    /// The event that asked for the work.
    pub(crate) cause: Event,
    /// The alert that it is about: the one that reopened the incident, or the newest that fired up to the cause.
    pub(crate) alert: AlertSnapshot,
}

/// Why a job did not succeed, and whether it may next time.
#[derive(Debug)]
pub(crate) enum JobError {
    /// The cause may pass: try again.
    Retry(anyhow::Error),
    /// Trying again would change nothing.
    Fail(anyhow::Error),
}

impl From<MetricError> for JobError {
    fn from(error: MetricError) -> Self {
        if error.is_transient() { Self::Retry(error.into()) } else { Self::Fail(error.into()) }
    }
}

impl Task {
    /// The incident as it is now.
    async fn incident(&self, app: &App) -> Result<Incident, JobError> {
        let found = app.store.find_incident(self.cause.incident.into()).await;
        let found = found.map_err(|error| JobError::Retry(error.into()))?;
        found.ok_or_else(|| JobError::Fail(anyhow::anyhow!("its incident is gone")))
    }

    /// Reads what the job of `generation` is about.
    async fn load(
        app: &App,
        incident: opsseer_core::IncidentId,
        generation: EventId,
    ) -> Result<Self, JobError> {
        let retry = |error: opsseer_store::StoreError| JobError::Retry(error.into());
        let found = app.store.find_incident(incident.into()).await.map_err(retry)?;
        if found.is_none() {
            return Err(JobError::Fail(anyhow::anyhow!("its incident is gone")));
        }
        let before = EventId(generation.0 - 1);
        let mut events = app.store.list_events(incident, before, 2).await.map_err(retry)?.into_iter();
        let cause = events
            .next()
            .filter(|event| event.id == generation)
            .ok_or_else(|| JobError::Fail(anyhow::anyhow!("the event that asked for it is gone")))?;
        // What reopens an incident is told after the reopening, in the same commit.
        let came_back = events.next().filter(|next| {
            matches!(cause.kind, EventKind::Reopened { .. }) && next.recorded_at == cause.recorded_at
        });
        if let Some(EventKind::AlertFired { alert, .. }) = came_back.map(|event| event.kind) {
            return Ok(Self { cause, alert });
        }
        let newest = app.store.find_newest_event(incident, "alert_fired", generation).await.map_err(retry)?;
        match newest.map(|event| event.kind) {
            Some(EventKind::AlertFired { alert, .. }) => Ok(Self { cause, alert }),
            _ => Err(JobError::Fail(anyhow::anyhow!("no alert fired before the event that asked for it"))),
        }
    }
}
