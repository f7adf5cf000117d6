//! Where the metric behind an alert is heading.

use async_trait::async_trait;
use opsseer_core::{Actor, EventKind, NewEvent};

use super::{Job, JobError, Task};
use crate::{
    app::App,
    forecasting::{self, ForecastError},
    outlook::OutlookError,
};

pub(super) const KIND: &str = "forecast_metric";

/// Forecasts the alert's expression against its limit.
pub(super) struct ForecastMetric;

#[async_trait]
impl Job for ForecastMetric {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let incident = task.incident(app).await?;
        match forecasting::of_alert(app, &incident, &task.alert).await {
            Ok(Some((forecast, assets))) => {
                let actor = Actor::Component { name: KIND.to_owned() };
                let at = app.clock.now();
                Ok(vec![NewEvent { at, actor, kind: EventKind::Forecast(forecast), assets }])
            }
            Ok(None) => Ok(Vec::new()),
            Err(ForecastError::Outlook(OutlookError::Metric(error))) => Err(error.into()),
            Err(ForecastError::Outlook(error)) => Err(JobError::Fail(error.into())),
            Err(error @ ForecastError::Store(_)) => Err(JobError::Retry(error.into())),
        }
    }
}
