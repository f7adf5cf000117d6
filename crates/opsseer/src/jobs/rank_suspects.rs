//! Which services and metrics moved when the incident began.

use std::time::Duration;

use async_trait::async_trait;
use opsseer_connect::promql;
use opsseer_core::{Actor, EventKind, IncidentId, NewEvent};
use opsseer_store::{StoreError, Tx};

use super::{Job, JobError, Task};
use crate::{
    alert_metric::{AlertMetric, MetricError},
    app::App,
    suspecting::{self, SERVICE_LABELS, Scope},
};

pub(super) const KIND: &str = "rank_suspects";

/// Asks for many series, each with its own time-out.
const LONGEST: Duration = Duration::from_secs(40);

/// Ranks what moved around the alert's start.
pub(super) struct RankSuspects;

#[async_trait]
impl Job for RankSuspects {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn longest(&self) -> Option<Duration> {
        Some(LONGEST)
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let alert = &task.alert;
        let services: Vec<String> =
            SERVICE_LABELS.iter().filter_map(|label| alert.labels.get(*label)).cloned().collect();
        // Without its expression, the service's metrics say enough.
        let metrics = AlertMetric::find(app.metrics.as_ref(), alert).await;
        let metrics = metrics.map(|metric| promql::metric_names(&metric.expr)).unwrap_or_default();
        let now = app.clock.now();
        let scope = Scope {
            services,
            metrics,
            noticed: alert.starts_at.min(now),
            now,
            scrape_interval: app.config.prometheus.scrape_interval,
        };
        let ranked = suspecting::rank(app.metrics.as_ref(), &app.suspector, &scope)
            .await
            .map_err(MetricError::from)?;
        let actor = Actor::Component { name: KIND.to_owned() };
        Ok(vec![NewEvent::new(now, actor, EventKind::SuspectsRanked(ranked))])
    }

    /// A second alert at the same time that finds the same services is no news.
    async fn news(
        &self,
        tx: &mut Tx,
        incident: IncidentId,
        result: Vec<NewEvent>,
    ) -> Result<Vec<NewEvent>, StoreError> {
        let before = tx.list_events_of_kind(incident, "suspects_ranked").await?;
        let known = before.last().map(|event| names(&event.kind));
        Ok(result.into_iter().filter(|event| known.as_ref() != Some(&names(&event.kind))).collect())
    }
}

fn names(kind: &EventKind) -> Vec<String> {
    match kind {
        EventKind::SuspectsRanked(ranked) => {
            ranked.services.iter().map(|service| service.service.clone()).collect()
        }
        _ => Vec::new(),
    }
}
