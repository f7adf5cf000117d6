//! What of an objective only Prometheus can tell to be wrong: names without series, bounds that are no bucket's.

use chrono::{DateTime, Utc};
use opsseer_connect::prometheus::{Metrics, PrometheusError};

use super::objective::{Indicator, Objective};

/// Asks Prometheus whether the indicator of an objective finds anything, and says in words what seems to be wrong. Empty if
/// nothing does.
pub async fn doubts(
    metrics: &dyn Metrics,
    objective: &Objective,
    now: DateTime<Utc>,
) -> Result<Vec<String>, PrometheusError> {
    let total = number(metrics, &objective.total_rate_expr(), now).await?;
    let Some(total) = total else {
        let what =
            "Prometheus has no such series: is the name of the metric right, and is the service scraped?";
        return Ok(vec![what.to_owned()]);
    };
    let mut doubts = Vec::new();
    match number(metrics, &objective.bad_rate_expr(), now).await? {
        None if matches!(objective.indicator, Indicator::Bucket { .. }) => doubts.push(
            "the histogram has no bucket up to the bound of `below`: choose one of its own bounds (label le)"
                .to_owned(),
        ),
        // A counter that is read a moment later may be ahead.
        Some(bad) if bad > total * 1.01 => doubts.push(format!(
            "{bad:.3} events a second are bad, of {total:.3} in all: bad counts something that total does not"
        )),
        _ => {}
    }
    let recorded = objective.recorded("slo:sli_total:rate5m");
    if number(metrics, &recorded, now).await?.is_none() {
        doubts.push("its rules have recorded nothing: are those of `opsseer slo rules` loaded?".to_owned());
    }
    Ok(doubts)
}

async fn number(
    metrics: &dyn Metrics,
    expr: &str,
    now: DateTime<Utc>,
) -> Result<Option<f64>, PrometheusError> {
    Ok(metrics.query(expr, now).await?.first().map(|sample| sample.value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opsseer_connect::prometheus::{FakeMetrics, Sample};

    use super::*;
    use crate::slo::Objectives;

    async fn about(indicator: &str, answers: &[(&str, f64)]) -> String {
        let answers: Vec<_> = answers.iter().map(|(part, value)| (*part, Some(*value))).collect();
        asked(indicator, &answers).await
    }

    /// The first answer whose part stands in a question is given; `None` is an empty one.
    async fn asked(indicator: &str, answers: &[(&str, Option<f64>)]) -> String {
        let file = format!(
            "[[slo]]\nname = \"orders\"\nservice = \"shop\"\ndescription = \"d\"\nobjective = 99\n{indicator}\n"
        );
        let objectives = Objectives::parse(&file).expect("objectives");
        let metrics = FakeMetrics::default();
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        for (part, value) in answers {
            let sample = value.map(|value| Sample { labels: BTreeMap::new(), at: now, value });
            metrics.answer_query(part, sample.into_iter().collect());
        }
        let objective = objectives.iter().next().expect("one");
        doubts(&metrics, objective, now).await.expect("answers").join("; ")
    }

    const EVENTS: &str = "bad = 'sum(rate(b_total[window]))'\ntotal = 'sum(rate(a_total[window]))'";
    const BUCKET: &str = "latency = { histogram = \"h\", below = 0.3 }";

    #[tokio::test]
    async fn what_finds_events_and_is_recorded_is_beyond_doubt() {
        let answers = [("b_total", 1.0), ("a_total", 2.0), ("slo:sli_total", 2.0)];
        assert_eq!(about(EVENTS, &answers).await, "");
    }

    #[tokio::test]
    async fn what_prometheus_does_not_know_is_named() {
        assert!(about(EVENTS, &[]).await.contains("no such series"));
        assert!(about(EVENTS, &[("a_total", 2.0)]).await.contains("recorded nothing"));
        assert!(about(EVENTS, &[("b_total", 3.0), ("a_total", 2.0)]).await.contains("total does not"));
    }

    #[tokio::test]
    async fn a_bound_that_is_no_buckets_is_named() {
        let answers = [("h_bucket", None), ("slo:sli_total", Some(2.0)), ("h_count", Some(2.0))];
        let doubt = asked(BUCKET, &answers).await;
        assert!(
            doubt.contains("no bucket up to the bound") && !doubt.contains("recorded nothing"),
            "{doubt}"
        );
        assert_eq!(asked(BUCKET, &[("h_bucket", Some(0.1)), answers[1], answers[2]]).await, "");
    }
}
