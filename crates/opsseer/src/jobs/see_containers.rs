//! How the containers of the alert's service did around its start.

use async_trait::async_trait;
use opsseer_core::{Actor, EventKind, NewEvent, Outlook};

use super::{Job, JobError, Task};
use crate::{
    alert_metric::MetricError,
    app::App,
    containers::{self, Scope, services_of},
    forecasting::{self, ForecastError},
};

pub(crate) const KIND: &str = "see_containers";

/// Asks Prometheus what the container exporter saw.
pub(super) struct SeeContainers;

#[async_trait]
impl Job for SeeContainers {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let now = app.clock.now();
        let scope = Scope {
            began: task.alert.starts_at.min(now),
            now,
            scrape_interval: app.config.prometheus.scrape_interval,
        };
        let services = services_of(&task.alert.labels);
        let seen =
            containers::look(app.metrics.as_ref(), &services, scope).await.map_err(MetricError::from)?;
        let Some(seen) = seen else { return Ok(Vec::new()) };
        let actor = || Actor::Component { name: KIND.to_owned() };
        let memory =
            if seen.fullest.is_some() { memory_to_come(app, task, &seen.service).await? } else { None };
        let mut events = vec![NewEvent::new(now, actor(), EventKind::ContainersSeen(seen))];
        events.extend(memory.map(|(forecast, assets)| NewEvent {
            at: now,
            actor: actor(),
            kind: EventKind::Forecast(forecast),
            assets,
        }));
        Ok(events)
    }
}

/// Memory that stays where it is, as it does in most incidents, is not worth a picture.
async fn memory_to_come(
    app: &App,
    task: &Task,
    service: &str,
) -> Result<Option<(opsseer_core::Forecast, Vec<opsseer_core::AssetRef>)>, JobError> {
    let is_told = |outlook: &Outlook| matches!(outlook, Outlook::Expected { .. } | Outlook::Unsure { .. });
    let incident = task.incident(app).await?;
    match forecasting::of_memory(app, &incident, service, is_told).await {
        Ok(found) => Ok(found),
        Err(error @ ForecastError::Store(_)) => Err(JobError::Retry(error.into())),
        Err(ForecastError::Outlook(error)) => {
            tracing::debug!(error = %error, service, "its memory was not forecast");
            Ok(None)
        }
    }
}
