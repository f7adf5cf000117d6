//! Every metric of OpsSeer's own: what describes them at `/metrics` and what docs/METRICS.md is made from.

use std::fmt::Write;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric as it is documented.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Its labels, each with its values.
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) help: &'static str,
    /// The series that are there from the start, at 0.
    pub(super) series: &'static [&'static [(&'static str, &'static str)]],
}

impl Metric {
    /// With these series there from the start.
    const fn seen_from_the_start(
        mut self,
        series: &'static [&'static [(&'static str, &'static str)]],
    ) -> Self {
        self.series = series;
        self
    }
}

const KIND: (&str, &str) = ("kind", "the job's kind, such as `chart_metric`");
const SOURCE: (&str, &str) = ("source", "`alertmanager`, `grafana` or `opsseer`");

const MODEL: (&str, &str) = ("service", "the model's role, such as `embeddings`");

const fn counter(
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, labels, help, series: &[] }
}

const fn gauge(
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, help, series: &[] }
}

const fn histogram(
    name: &'static str,
    labels: &'static [(&'static str, &'static str)],
    help: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, help, series: &[] }
}

/// By what they are about.
pub(super) const ALL: [(&str, &[Metric]); 6] = [
    (
        "Alerts in",
        &[
            counter(
                "opsseer_webhooks_total",
                &[SOURCE, ("result", "`accepted` (2xx), `refused` (4xx), `unavailable` (5xx) or `broken_off` (by the sender)")],
                "Webhooks answered.",
            )
            .seen_from_the_start(&[
                &[("source", "alertmanager"), ("result", "accepted")],
                &[("source", "alertmanager"), ("result", "refused")],
                &[("source", "alertmanager"), ("result", "unavailable")],
                &[("source", "grafana"), ("result", "accepted")],
                &[("source", "grafana"), ("result", "refused")],
                &[("source", "grafana"), ("result", "unavailable")],
            ]),
            counter(
                "opsseer_alerts_received_total",
                &[SOURCE],
                "Alerts in the webhooks that were understood.",
            ),
            counter(
                "opsseer_alerts_truncated_total",
                &[SOURCE],
                "Alerts that a sender left out of its webhooks, because they were more than its own limit (`max_alerts`).",
            )
            .seen_from_the_start(&[&[("source", "alertmanager")], &[("source", "grafana")]]),
            counter(
                "opsseer_alert_decisions_total",
                &[("decision", "what the alert did, such as `opened`, `joined`, `already_firing`")],
                "Alerts by what they did to incidents.",
            ),
            counter(
                "opsseer_values_cut_total",
                &[("what", "`label` or `annotation`")],
                "Values that were longer than the configured limit and were cut, with a mark.",
            )
            .seen_from_the_start(&[&[("what", "label")], &[("what", "annotation")]]),
            gauge("opsseer_ingest_queue_length", &[], "Webhooks that wait to be written.")
                .seen_from_the_start(&[&[]]),
            gauge(
                "opsseer_ingest_oldest_seconds",
                &[],
                "Age of the webhook that has waited longest to be written.",
            )
            .seen_from_the_start(&[&[]]),
            histogram(
                "opsseer_ingest_wait_seconds",
                &[],
                "Time from a webhook's receipt until its alerts are durable.",
            ),
            histogram("opsseer_commit_seconds", &[], "Time of one commit of webhooks."),
            histogram("opsseer_commit_webhooks", &[], "Webhooks that one commit wrote."),
            counter("opsseer_commit_failures_total", &[], "Commits of webhooks that the store refused.")
                .seen_from_the_start(&[&[]]),
        ],
    ),
    (
        "The alerting pipeline",
        &[
            gauge(
                "opsseer_heartbeat_age_seconds",
                &[],
                "Time since the alert that always fires last came. Absent before it first came.",
            ),
            counter(
                "opsseer_comparisons_total",
                &[("result", "`ok` or `failed`")],
                "Comparisons with the alerts that Alertmanager holds.",
            )
            .seen_from_the_start(&[&[("result", "ok")], &[("result", "failed")]]),
            gauge(
                "opsseer_comparison_age_seconds",
                &[],
                "Time since the last comparison that succeeded, or since the start. Absent without an Alertmanager.",
            ),
            counter(
                "opsseer_missed_alerts_total",
                &[("what", "`fired` or `resolved`")],
                "Alerts whose webhook did not arrive, found by comparing.",
            )
            .seen_from_the_start(&[&[("what", "fired")], &[("what", "resolved")]]),
            counter(
                "opsseer_canaries_total",
                &[("result", "`arrived` or `lost`")],
                "Canary alerts that were sent through Alertmanager.",
            )
            .seen_from_the_start(&[&[("result", "arrived")], &[("result", "lost")]]),
            histogram(
                "opsseer_canary_seconds",
                &[],
                "Time of a canary alert from OpsSeer through Alertmanager and back.",
            ),
        ],
    ),
    (
        "Incidents and readers",
        &[
            gauge("opsseer_incidents_unresolved", &[], "Incidents that go on."),
            counter(
                "opsseer_changes_total",
                &[("kind", "the kind of change, such as `deploy`")],
                "Changes that OpsSeer was told of, each once.",
            ),
            gauge("opsseer_live_readers", &[], "Live streams that are open: pages and API.")
                .seen_from_the_start(&[&[]]),
        ],
    ),
    (
        "Jobs",
        &[
            gauge("opsseer_jobs", &[("state", "`pending`, `done` or `dead`")], "Jobs by state."),
            gauge(
                "opsseer_oldest_job_seconds",
                &[],
                "Age of the oldest job that may be taken and is not. 0 if there is none.",
            ),
            counter(
                "opsseer_jobs_total",
                &[KIND, ("result", "`done`, `retry`, `failed`, `returned` or `lost`")],
                "Attempts at jobs.",
            ),
            histogram("opsseer_job_wait_seconds", &[KIND], "Time that a job waited for a worker."),
            histogram("opsseer_job_seconds", &[KIND], "Time of one attempt at a job."),
        ],
    ),
    (
        "The AI services",
        &[
            histogram(
                "opsseer_ai_seconds",
                &[("service", "`ask`, `classify` or `embeddings`")],
                "Time that a question, an alert or a request for vectors took to be answered.",
            ),
            counter(
                "opsseer_written_summaries_total",
                &[("result", "`written` or `unavailable`")],
                "Summaries and answers that a language model was asked for.",
            )
            .seen_from_the_start(&[&[("result", "written")], &[("result", "unavailable")]]),
            histogram(
                "opsseer_inference_queue_seconds",
                &[MODEL],
                "Time that a request waited for a model.",
            ),
            histogram("opsseer_inference_run_seconds", &[MODEL], "Time that a batch took."),
            histogram("opsseer_inference_batch_size", &[MODEL], "Requests that ran as one batch."),
            counter(
                "opsseer_inference_refused_total",
                &[MODEL, ("why", "`busy` (the queue was full) or `timeout`")],
                "Requests that a model did not answer.",
            ),
            histogram("opsseer_written_summary_seconds", &[], "Time until a summary or an answer was written, or given up."),
        ],
    ),
    (
        "The server",
        &[
            gauge("opsseer_build_info", &[("version", "of this build")], "Always 1."),
            gauge("opsseer_ready", &[], "1 if `/readyz` says 200, else 0."),
            histogram(
                "opsseer_store_read_seconds",
                &[],
                "Time of one look at the store, taken at each `/readyz` and `/metrics`.",
            ),
            counter(
                "opsseer_retention_deleted_total",
                &[("what", "`incidents`, `assets` or `changes`")],
                "What went because it was old enough, or because nothing refers to it.",
            )
            .seen_from_the_start(&[&[("what", "incidents")], &[("what", "assets")], &[("what", "changes")]]),
        ],
    ),
];

/// The text of docs/METRICS.md.
pub(super) fn markdown() -> String {
    let mut text = String::from(
        "# OpsSeer's own metrics\n\n\
         Served at `/metrics` in Prometheus's text format. Times are in seconds. Made by `opsseer metrics`; a test fails \
         where this file and the program differ.\n",
    );
    for (about, metrics) in &ALL {
        let _ = write!(text, "\n## {about}\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
        for Metric { name, kind, labels, help, .. } in *metrics {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<String> =
                labels.iter().map(|(label, values)| format!("`{label}`: {values}")).collect();
            let _ = writeln!(text, "| `{name}` | {kind} | {} | {help} |", labels.join("; "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).expect("is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with(file!())
            {
                text.push_str(&fs::read_to_string(&path).expect("readable"));
            }
        }
    }

    #[test]
    fn every_metric_is_recorded_somewhere_and_every_recorded_metric_is_listed() {
        let mut code = String::new();
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for entry in fs::read_dir(&src).expect("is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() && !path.ends_with("telemetry") && !path.ends_with("cli") {
                sources(&path, &mut code);
            } else if path.is_file() {
                code.push_str(&fs::read_to_string(&path).expect("readable"));
            }
        }
        sources(&src.join("../../ai/src"), &mut code);
        let listed: Vec<&str> =
            ALL.iter().flat_map(|(_, metrics)| metrics.iter().map(|metric| metric.name)).collect();
        for name in &listed {
            assert!(code.contains(&format!("\"{name}\"")), "{name} is listed but recorded nowhere");
        }
        for recorder in ["counter!(", "gauge!(", "histogram!("] {
            for (start, _) in code.match_indices(recorder) {
                let after = code[start + recorder.len()..].trim_start();
                let Some(name) = after.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                assert!(listed.contains(&name), "{name} is recorded but not listed");
            }
        }
    }
}
