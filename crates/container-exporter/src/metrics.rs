//! What a scrape is given: the containers' rows, and how the exporter itself fares.

use std::{fmt, time::SystemTime};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::docker::Operation;

mod containers;
mod process;

pub(crate) use containers::Rows;

/// How the exposition is written, in the word of the standard.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The commit that was built, if the build was told.
const REVISION: Option<&str> = option_env!("CONTAINER_EXPORTER_REVISION");

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

/// Counters and gauges of the exporter itself. Cheap to clone: all clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    /// 1 while Docker answers and its events are followed.
    pub(crate) docker_up: Gauge,
    /// Readings of cgroup files that failed for another reason than the container's end.
    pub(crate) read_errors: Counter,
    /// Scrapes that were given an older reading, because the new one took too long.
    pub(crate) late_scrapes: Counter,
    docker_errors: Family<OperationLabels, Counter>,
}

impl Health {
    /// Counts a failure to talk to Docker.
    pub(crate) fn docker_error(&self, operation: Operation) {
        self.docker_errors.get_or_create(&OperationLabels { operation: operation.as_str() }).inc();
    }
}

/// Everything that is exposed.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// `started` is the wall clock's time at the start of the process.
    pub(crate) fn new(started: SystemTime, rows: Rows, health: &Health) -> Self {
        // A counter must be seen at 0, or its first step is lost to `rate`.
        for operation in Operation::ALL {
            let labels = OperationLabels { operation: operation.as_str() };
            drop(health.docker_errors.get_or_create(&labels));
        }
        let build = Family::<[(&str, &str); 2], Gauge>::default();
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", REVISION.unwrap_or_default())];
        build.get_or_create(&labels).set(1);

        let mut registry = Registry::default();
        registry.register_collector(Box::new(containers::ContainerCollector::new(rows)));
        registry.register(
            "container_exporter_docker_up",
            "1 while Docker answers and its events are followed, else 0",
            health.docker_up.clone(),
        );
        registry.register(
            "container_exporter_docker_errors",
            "Failures to talk to Docker, by operation",
            health.docker_errors.clone(),
        );
        registry.register(
            "container_exporter_read_errors",
            "Readings of cgroup files that failed, but for those of containers that had just ended",
            health.read_errors.clone(),
        );
        registry.register(
            "container_exporter_late_scrapes",
            "Scrapes that were given an older reading, because the new one took too long",
            health.late_scrapes.clone(),
        );
        registry.register(
            "container_exporter_build_info",
            "1, with the version and the revision that run as its labels",
            build,
        );
        registry.register_collector(Box::new(process::ProcessCollector::new(started)));
        Self { registry }
    }

    /// The whole exposition, in the form that [`CONTENT_TYPE`] names.
    pub(crate) fn expose(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(64 * 1024);
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(health: &Health) -> String {
        let metrics = Metrics::new(SystemTime::UNIX_EPOCH, Rows::default(), health);
        metrics.expose().unwrap()
    }

    #[test]
    fn the_exporter_tells_that_docker_is_away_before_it_has_been_reached() {
        let text = exposed(&Health::default());
        assert!(text.contains("\ncontainer_exporter_docker_up 0\n"), "{text}");
        assert!(
            text.contains("\ncontainer_exporter_docker_errors_total{operation=\"connect\"} 0\n"),
            "{text}"
        );
        assert!(text.contains("container_exporter_build_info{version=\"0.1.0\",revision=\""), "{text}");
    }

    #[test]
    fn failures_are_counted_by_operation() {
        let health = Health::default();
        health.docker_error(Operation::List);
        let text = exposed(&health);
        assert!(text.contains("\ncontainer_exporter_docker_errors_total{operation=\"list\"} 1\n"), "{text}");
    }

    #[test]
    fn the_manual_lists_every_metric_of_the_exporter() {
        let manual = include_str!("../../../docs/container-exporter.md");
        for line in exposed(&Health::default()).lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let name = line.split(' ').next().unwrap_or_default();
            assert!(manual.contains(name), "docs/container-exporter.md does not tell of {name}");
        }
    }
}
