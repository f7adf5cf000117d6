//! Logs and OpsSeer's own metrics.

mod catalogue;

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use self::catalogue::Kind;
use crate::config::{Log, LogFormat};

/// Bounds of the histograms, in seconds: from a fast commit to a slow answer of Prometheus.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Bounds of the histogram of webhooks a commit.
const WEBHOOKS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

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
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("opsseer_commit_webhooks".to_owned()), &WEBHOOKS)?
        .set_buckets_for_metric(Matcher::Full("opsseer_inference_batch_size".to_owned()), &WEBHOOKS)?;
    let recorder = builder.build_recorder();
    let handle = HANDLE.get_or_init(|| recorder.handle()).clone();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::debug!("metrics were started before");
    }
    describe();
    Ok(handle)
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    for metric in catalogue::ALL.iter().flat_map(|(_, metrics)| metrics.iter()) {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
    // A counter that appears with its first event has no increase that Prometheus could see.
    for metric in catalogue::ALL.iter().flat_map(|(_, metrics)| metrics.iter()) {
        match (metric.kind, metric.series) {
            (Kind::Counter, series) => {
                for labels in series {
                    metrics::counter!(metric.name, *labels).increment(0);
                }
            }
            (Kind::Gauge, series) => {
                for labels in series {
                    metrics::gauge!(metric.name, *labels).set(0.0);
                }
            }
            (Kind::Histogram, _) => {}
        }
    }
    metrics::gauge!("opsseer_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

/// The list of OpsSeer's own metrics, as committed in `docs/METRICS.md`.
pub fn metrics_markdown() -> String {
    catalogue::markdown()
}
