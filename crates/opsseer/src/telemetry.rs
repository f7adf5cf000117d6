//! Logs and OpsSeer's own metrics.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Bounds of the histograms, in seconds: from a fast commit to a slow answer of Prometheus.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Starts logging to standard error. A second call in one process changes nothing.
pub(crate) fn start_logging(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}

/// The process's metrics. The recorder is one a process; servers in one process (tests) share it.
pub(crate) fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let recorder = builder.build_recorder();
    let handle = HANDLE.get_or_init(|| recorder.handle()).clone();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics were started before");
    }
    describe();
    Ok(handle)
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("opsseer_webhooks_total", "Webhooks answered, by source and result.");
    describe_counter!("opsseer_alerts_received_total", "Alerts taken from webhooks, by source.");
    describe_counter!("opsseer_jobs_total", "Attempts at jobs, by kind and result.");
    describe_gauge!("opsseer_jobs", "Jobs by state: pending, done, dead.");
    describe_gauge!("opsseer_ingest_queue_length", "Webhooks that wait to be written.");
    describe_gauge!("opsseer_incidents_unresolved", "Incidents that go on.");
    describe_histogram!("opsseer_commit_seconds", Unit::Seconds, "Time of one commit of webhooks.");
    describe_histogram!("opsseer_job_seconds", Unit::Seconds, "Time of one attempt at a job, by kind.");
}
