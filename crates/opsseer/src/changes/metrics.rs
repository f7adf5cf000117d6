//! Changes that Prometheus knows of without anybody telling: other versions, processes and containers that began anew,
//! settings that were loaded, more or fewer instances.
//!
//! Four questions, each about one service, and each answered by a few series however many instances there are. What is
//! read from the answers is pure: a file each.

mod reloads;
mod replicas;
mod selector;
mod starts;
mod versions;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{Metrics, step_for},
};

use self::selector::of_service;
use super::Change;

/// Instances that began anew, or loaded settings, that are looked at: the last ones.
const INSTANCES: usize = 200;

/// The changes of a service between two times, as its metrics show them, in no order.
pub(crate) async fn find(
    metrics: &dyn Metrics,
    service: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Change>, RequestError> {
    let step = step_for(from, to);
    // A gauge that holds a time says when, however long ago: one value is enough.
    let since = |names: &str| {
        let of_service = of_service(&format!("__name__=~\"{names}\""), service);
        format!("topk({INSTANCES}, ({of_service}) > {})", from.timestamp())
    };
    let builds = format!("__name__=~\"{}\"", versions::METRICS);
    let builds = format!("count by ({}) ({})", versions::labels(), of_service(&builds, service));
    let declared = format!("__name__=~\"{}\"", replicas::METRICS);
    let declared = format!("max by (__name__, namespace) ({})", of_service(&declared, service));
    let targets = format!("count({})", of_service("__name__=\"up\"", service));
    let (starts, reloads) = (since(starts::METRICS), since(reloads::METRICS));
    let (starts, reloads, builds, declared, targets) = tokio::try_join!(
        metrics.query(&starts, to),
        metrics.query(&reloads, to),
        metrics.query_range(&builds, from, to, step),
        metrics.query_range(&declared, from, to, step),
        metrics.query_range(&targets, from, to, step),
    )?;
    let deploys = versions::read(service, &builds);
    let begun = starts::begun(&starts, (from, to));
    let mut found = reloads::read(service, &reloads, &begun, (from, to));
    // A deployment begins processes; it is told once.
    let near = starts::TOGETHER + TimeDelta::from_std(step).unwrap_or_default();
    let deployed = |restart: &Change| deploys.iter().any(|deploy| (deploy.at - restart.at).abs() <= near);
    found.extend(starts::read(service, &begun).into_iter().filter(|restart| !deployed(restart)));
    found.extend(deploys);
    found.extend(replicas::read(service, &declared, &targets));
    Ok(found)
}
