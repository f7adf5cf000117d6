//! Which questions show how a service does, from the names of its metrics.

use std::collections::BTreeSet;

use opsseer_ai::suspects::MetricKind;

/// Labels that name a service, the most telling first. A metric that is scraped has at least its job.
pub(crate) const SERVICE_LABELS: [&str; 7] =
    ["service", "svc", "app", "application", "deployment", "component", "job"];

/// What says nothing of its own about how a service does: moments, versions, the runtime's own affairs, Prometheus's own
/// series, and what objectives make of errors and latencies, which are asked for themselves.
const SILENT_ENDS: [&str; 5] =
    ["_created", "_info", "_timestamp_seconds", "_start_time_seconds", "_time_seconds"];
const SILENT_STARTS: [&str; 9] = [
    "slo:",
    "go_gc_",
    "go_memstats_",
    "go_sched_",
    "go_threads",
    "scrape_",
    "promhttp_",
    "net_conntrack_",
    "ALERTS",
];

/// What a chaos tool says of itself is the answer, not evidence: no real trouble has such a metric.
const SILENT_PART: &str = "chaos";

/// Values of these labels say that a request failed.
const FAILED: [(&str, &str); 5] = [
    ("status", "5..|error|failed"),
    ("code", "5..|Internal|Unavailable|Unknown|DeadlineExceeded"),
    ("status_code", "5.."),
    ("result", "error|failed|failure"),
    ("outcome", "error|failed|failure"),
];

/// A question to Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// PromQL. Its answer has one series a service, or one an instance.
    pub(super) expr: String,
    /// What it is, for people.
    pub(super) name: String,
    /// What it measures.
    pub(super) kind: MetricKind,
}

/// The questions about these metrics, the most telling first, and each once. `window` is PromQL's, such as `1m`.
pub(super) fn questions(names: &[String], wanted: &[String], window: &str) -> Vec<Asked> {
    let all: BTreeSet<&str> = names.iter().chain(wanted).map(String::as_str).collect();
    let mut asked: Vec<Asked> = all.iter().flat_map(|name| about(name, &all, window)).collect();
    let is_wanted = |asked: &Asked| wanted.iter().any(|name| asked.expr.contains(name.as_str()));
    asked.sort_by_key(|one| (!is_wanted(one), rank(one)));
    asked
}

/// Rules that people wrote say most; then what callers feel; then what it may come from.
fn rank(asked: &Asked) -> u8 {
    match asked.kind {
        _ if asked.name.contains(':') => 0,
        MetricKind::Latency | MetricKind::Errors => 1,
        MetricKind::Cpu | MetricKind::Memory | MetricKind::Saturation | MetricKind::Restarts => 2,
        MetricKind::Traffic => 3,
        MetricKind::Other => 4,
    }
}

fn about(name: &str, all: &BTreeSet<&str>, window: &str) -> Vec<Asked> {
    let is_silent = SILENT_ENDS.iter().any(|end| name.ends_with(end))
        || SILENT_STARTS.iter().any(|start| name.starts_with(start))
        || name.contains(SILENT_PART);
    if is_silent {
        return Vec::new();
    }
    let by = SERVICE_LABELS.join(", ");
    let one = |expr: String, name: String, kind| vec![Asked { expr, name, kind }];
    if name.contains(':') {
        return one(name.to_owned(), name.to_owned(), MetricKind::of_name(name));
    }
    if let Some(base) = name.strip_suffix("_bucket") {
        let expr = format!("histogram_quantile(0.95, sum by (le, {by}) (rate({name}[{window}])))");
        return one(expr, format!("p95 of {base}"), kind_of_sizes(base));
    }
    let has = |base: &str, end: &str| all.contains(format!("{base}{end}").as_str());
    if let Some(base) = name.strip_suffix("_sum") {
        if has(base, "_bucket") || !has(base, "_count") {
            return Vec::new();
        }
        let rate = |end: &str| format!("sum by ({by}) (rate({base}{end}[{window}]))");
        return one(
            format!("{} / ({} > 0)", rate("_sum"), rate("_count")),
            format!("mean of {base}"),
            kind_of_sizes(base),
        );
    }
    if let Some(base) = name.strip_suffix("_count")
        && (has(base, "_sum") || has(base, "_bucket"))
    {
        let expr = format!("sum by ({by}) (rate({name}[{window}]))");
        return one(expr, format!("rate of {base}"), MetricKind::Traffic);
    }
    if name.ends_with("_total") {
        return about_counter(name, &by, window);
    }
    // A gauge is each instance's own.
    one(format!("avg by ({by}, instance) ({name})"), name.to_owned(), MetricKind::of_name(name))
}

/// Its rate, and, of things that can fail, the share that failed. Where none ever failed that share is 0, not unknown.
fn about_counter(name: &str, by: &str, window: &str) -> Vec<Asked> {
    let kind = MetricKind::of_name(name);
    let rate = |selector: &str| format!("sum by ({by}) (rate({name}{selector}[{window}]))");
    let mut asked = vec![Asked { expr: rate(""), name: format!("rate of {name}"), kind }];
    if kind == MetricKind::Traffic && !name.contains("bytes") {
        let failed: Vec<String> =
            FAILED.iter().map(|(label, value)| rate(&format!(r#"{{{label}=~"{value}"}}"#))).collect();
        let all = rate("");
        asked.push(Asked {
            expr: format!("({} or 0 * {all}) / ({all} > 0)", failed.join(" or ")),
            name: format!("failed share of {name}"),
            kind: MetricKind::Errors,
        });
    }
    asked
}

/// What a histogram or summary holds: times, unless its name says otherwise.
fn kind_of_sizes(base: &str) -> MetricKind {
    match MetricKind::of_name(base) {
        MetricKind::Traffic | MetricKind::Other if base.ends_with("seconds") || base.ends_with("_ms") => {
            MetricKind::Latency
        }
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str]) -> Vec<Asked> {
        questions(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(), &[], "1m")
    }

    fn names(names: &[&str]) -> Vec<String> {
        asked(names).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn a_service_is_looked_at_by_what_its_callers_feel_first() {
        let found = names(&[
            "process_resident_memory_bytes",
            "toyprod_requests_total",
            "toyprod_request_latency_seconds_bucket",
            "toyprod_request_latency_seconds_sum",
            "toyprod_request_latency_seconds_count",
            "toyprod:error_rate:ratio_5m",
            "go_gc_duration_seconds",
            "process_start_time_seconds",
            "toyprod_build_info",
            "toyprod_chaos_delay_seconds",
            "slo:sli_error:ratio_rate1h",
        ]);
        assert_eq!(
            found,
            [
                "toyprod:error_rate:ratio_5m",
                "p95 of toyprod_request_latency_seconds",
                "failed share of toyprod_requests_total",
                "process_resident_memory_bytes",
                "rate of toyprod_request_latency_seconds",
                "rate of toyprod_requests_total",
            ]
        );
    }

    #[test]
    fn a_histogram_is_a_time_and_a_summary_has_a_mean() {
        let found = asked(&["rpc_seconds_sum", "rpc_seconds_count"]);
        assert_eq!((found[0].name.as_str(), found[0].kind), ("mean of rpc_seconds", MetricKind::Latency));
        assert!(found[0].expr.contains("rate(rpc_seconds_sum[1m])"), "{}", found[0].expr);
    }

    #[test]
    fn all_questions_are_promql() {
        let all =
            ["a_total", "a_requests_total", "b_bucket", "c_sum", "c_count", "d:e:f", "queue_length", "up"];
        for asked in asked(&all) {
            assert!(!opsseer_connect::promql::metric_names(&asked.expr).is_empty(), "{}", asked.expr);
        }
    }

    #[test]
    fn what_the_alert_looks_at_comes_first() {
        let wanted = ["queue_length".to_owned()];
        let found = questions(&["a:b:c".to_owned()], &wanted, "1m");
        assert_eq!(found[0].name, "queue_length");
    }
}
