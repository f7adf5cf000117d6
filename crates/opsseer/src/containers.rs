//! How the containers of a service do, by the rules `svc:*` that join the container exporter's series.

mod curve;
mod refresh;
pub(crate) mod words;

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{Metrics, Series},
    promql::{Comparison, Threshold},
};
use opsseer_core::{ContainersSeen, Labels};

pub(crate) use self::refresh::run as refresh;
use crate::{outlook::Question, suspecting::SERVICE_LABELS};

/// How long before the start is looked at: what is usual is seen beside what is not.
const BEFORE: TimeDelta = TimeDelta::minutes(30);

/// How far back is looked at most.
const LONGEST: TimeDelta = TimeDelta::hours(6);

/// Values of a series, about.
const POINTS: i32 = 720;

/// What is asked about a service's containers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// When the trouble began.
    pub(crate) began: DateTime<Utc>,
    /// When to stop looking.
    pub(crate) now: DateTime<Utc>,
    /// How often Prometheus scrapes.
    pub(crate) scrape_interval: Duration,
}

impl Scope {
    fn from(&self) -> DateTime<Utc> {
        (self.began - BEFORE).max(self.now - LONGEST)
    }

    /// Whole seconds: a scrape, or more if the range is long.
    fn step(&self) -> Duration {
        let range = ((self.now - self.from()) / POINTS).to_std().unwrap_or_default();
        Duration::from_secs(range.max(self.scrape_interval).as_secs().max(1))
    }
}

/// The services that an alert's labels may name, the most telling label first, each once.
pub(crate) fn services_of(labels: &Labels) -> Vec<String> {
    let mut services: Vec<String> = Vec::new();
    for service in SERVICE_LABELS.iter().filter_map(|label| labels.get(*label)) {
        if !services.contains(service) {
            services.push(service.clone());
        }
    }
    services
}

/// Asks Prometheus about the containers of the first of `services` that has any. `None` if none has.
pub(crate) async fn look(
    metrics: &dyn Metrics,
    services: &[String],
    scope: Scope,
) -> Result<Option<ContainersSeen>, RequestError> {
    for service in services {
        let expr = format!(r#"{{__name__=~"svc:.+",svc="{}"}}"#, quoted(service));
        let found = metrics.query_range(&expr, scope.from(), scope.now, scope.step()).await?;
        if let Some(seen) = seen(service, &scope, found) {
            return Ok(Some(seen));
        }
    }
    Ok(None)
}

/// What is asked of the forecaster: does the fullest of the service's containers reach its limit? The kernel kills it there.
pub(crate) fn memory_question(service: &str) -> Question {
    let left = format!(r#"svc:mem_usage_max:percent{{svc="{}"}}"#, quoted(service));
    Question {
        subject: format!("memory of {service}"),
        limit: Threshold { left, comparison: Comparison::AtLeast, value: 100.0 },
        alert: None,
    }
}

/// As a string of PromQL.
fn quoted(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seen(service: &str, scope: &Scope, found: Vec<Series>) -> Option<ContainersSeen> {
    let by_name: BTreeMap<String, Series> = found
        .into_iter()
        .filter(|series| !series.points.is_empty())
        .filter_map(|series| Some((series.labels.get("__name__")?.clone(), series)))
        .collect();
    if by_name.is_empty() {
        return None;
    }
    // A young service: the picture begins with it.
    let first = by_name.values().filter_map(|series| series.points.first()).map(|(at, _)| *at).min();
    let (from, step) = (first.unwrap_or(scope.now).max(scope.from()), scope.step());
    let is_now = |at: DateTime<Utc>| scope.now - at < TimeDelta::from_std(step * 2).unwrap_or(TimeDelta::MAX);
    let curve = |name: &str, factor: f64| {
        let series = by_name.get(name)?;
        curve::of(&series.points, from, scope.now, factor, is_now)
    };
    // A limit holds while nothing runs, too.
    let last =
        |name: &str| by_name.get(name).and_then(|series| series.points.last()).map(|(_, value)| *value);
    let grown = |name: &str| by_name.get(name).map_or(0, |series| curve::grown(&series.points));
    let replicas = by_name.get("svc:replicas:count").map(|series| match series.points.last() {
        Some((at, count)) if is_now(*at) => curve::whole(*count),
        _ => 0,
    });
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a time of our era")]
    let started = last("svc:start_time_seconds:max")
        .and_then(|seconds| DateTime::from_timestamp_millis((seconds * 1000.0) as i64));
    let mut seen = ContainersSeen {
        service: service.to_owned(),
        sentence: String::new(),
        from,
        to: scope.now,
        replicas: replicas.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
        cpu: curve("svc:cpu_usage:cores", 1.0),
        cpu_limit_cores: last("svc:cpu_limit:cores"),
        throttled: curve("svc:cpu_throttled:ratio", 1.0),
        memory: curve("svc:mem_usage_bytes", 1.0),
        memory_limit_bytes: last("svc:mem_limit_bytes"),
        fullest: curve("svc:mem_usage_max:percent", 0.01),
        restarts: grown("svc:restarts:total"),
        oom_kills: grown("svc:oom_kills:total"),
        started_at: started,
    };
    seen.sentence = words::sentence(&seen);
    Some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn series(name: &str, value: impl Fn(i32) -> Option<f64>) -> Series {
        let labels = [("__name__", name), ("svc", "shop")];
        Series {
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            points: (0..=180).filter_map(|n| Some((at(i64::from(n) * 10), value(n)?))).collect(),
        }
    }

    fn scope() -> Scope {
        Scope { began: at(1_800), now: at(1_800), scrape_interval: Duration::from_secs(10) }
    }

    #[test]
    fn a_leak_that_ends_in_a_kill_and_a_restart_is_told_whole() {
        let mib = 1024.0 * 1024.0;
        let found = vec![
            series("svc:mem_usage_bytes", |n| {
                Some(if n < 170 { 8.0 + 0.7 * f64::from(n) } else { 9.0 } * mib)
            }),
            series("svc:mem_limit_bytes", |_| Some(128.0 * mib)),
            series("svc:mem_usage_max:percent", |n| {
                Some(if n < 170 { 6.0 + 0.55 * f64::from(n) } else { 7.0 })
            }),
            series("svc:oom_kills:total", |n| Some(if n < 170 { 2.0 } else { 3.0 })),
            series("svc:restarts:total", |n| Some(if n < 171 { 2.0 } else { 3.0 })),
            series("svc:replicas:count", |_| Some(1.0)),
        ];
        let seen = seen("shop", &scope(), found).expect("containers");
        assert_eq!((seen.oom_kills, seen.restarts, seen.replicas), (1, 1, Some(1)));
        assert_eq!(seen.memory_limit_bytes, Some(128.0 * mib));
        assert!(
            seen.fullest.as_ref().is_some_and(|full| full.peak > 0.98 && full.now == Some(0.07)),
            "{seen:?}"
        );
        assert_eq!(seen.cpu, None);
    }

    #[test]
    fn what_has_stopped_has_no_value_now_and_no_replica() {
        let until_stop = |n: i32| (n < 100).then_some(1.0);
        let found = vec![
            series("svc:cpu_usage:cores", until_stop),
            series("svc:replicas:count", until_stop),
            series("svc:restarts:total", |_| Some(0.0)),
        ];
        let seen = seen("shop", &scope(), found).expect("containers");
        assert_eq!(seen.replicas, Some(0));
        assert_eq!(seen.cpu.map(|cpu| (cpu.now, cpu.peak)), Some((None, 1.0)));
    }

    #[test]
    fn a_service_without_containers_is_none_and_names_are_quoted() {
        assert!(seen("shop", &scope(), Vec::new()).is_none());
        assert_eq!(memory_question("a\"b").limit.left, "svc:mem_usage_max:percent{svc=\"a\\\"b\"}");
        let labels = [("job", "shop"), ("service", "shop"), ("app", "web")];
        let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(services_of(&labels), ["shop", "web"]);
    }

    #[test]
    fn a_long_incident_is_looked_at_in_longer_steps() {
        let scope = Scope { began: at(0), now: at(100_000), scrape_interval: Duration::from_secs(10) };
        assert_eq!(scope.from(), at(100_000 - 6 * 3_600));
        assert_eq!(scope.step(), Duration::from_secs(30));
    }
}
