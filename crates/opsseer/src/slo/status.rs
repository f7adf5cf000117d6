//! How an objective stands now: what is left of its budget, how fast it is spent, when it will be gone.

use std::time::Duration;

use chrono::{DateTime, Utc};
use opsseer_connect::prometheus::{Metrics, PrometheusError};
use serde::{Serialize, Serializer};

use super::{objective::Objective, window::Window};

/// An objective at one instant. Burn rates are so many times the pace at which the budget lasts exactly the objective's
/// window; `None` where there were no events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetStatus {
    /// The objective's name.
    pub slo: String,
    /// The service that it is about.
    pub service: String,
    /// What it promises, in words.
    pub description: String,
    /// In percent.
    pub objective: f64,
    /// The time that the promise is about.
    pub window: Window,
    /// The part of the budget that is left: 1 is all of it, below 0 the objective is missed. `None` without events.
    pub budget_left: Option<f64>,
    /// The part of the window that there is data for, 0 to 1; the rest counts as free of errors.
    pub covered: Option<f64>,
    /// Over the last five minutes.
    pub burn_5m: Option<f64>,
    /// Over the last hour.
    pub burn_1h: Option<f64>,
    /// Over the last six hours.
    pub burn_6h: Option<f64>,
    /// Over the last day.
    pub burn_1d: Option<f64>,
    /// Over the last three days.
    pub burn_3d: Option<f64>,
    /// When nothing will be left at the pace of the last hour, from now. Zero if nothing is; `None` if the budget lasts.
    #[serde(rename = "exhausted_in_seconds", serialize_with = "seconds")]
    pub exhausted_in: Option<Duration>,
    /// Whether the rules of `opsseer slo rules` have recorded it, or it was worked out from the service's own metrics.
    pub recorded: bool,
}

/// Asks Prometheus about an objective. What the rules recorded is one small question; without them the service's own
/// metrics are asked over the whole window.
pub async fn status(
    metrics: &dyn Metrics,
    objective: &Objective,
    now: DateTime<Utc>,
) -> Result<BudgetStatus, PrometheusError> {
    let mut found = Found::default();
    let recorded = format!("{{__name__=~\"slo:.+\",{}}}", objective.matchers());
    for sample in metrics.query(&recorded, now).await? {
        if let Some(name) = sample.labels.get("__name__").filter(|_| sample.value.is_finite()) {
            found.put(name, sample.value, objective.target().budget());
        }
    }
    // Others may record series of these names; ours always say how much they cover.
    let is_recorded = found.covered.is_some();
    if !is_recorded {
        found = from_metrics(metrics, objective, now).await?;
    }
    Ok(BudgetStatus {
        slo: objective.name().to_owned(),
        service: objective.service().to_owned(),
        description: objective.description().to_owned(),
        objective: objective.target().percent(),
        window: objective.window(),
        budget_left: found.left,
        covered: found.covered,
        burn_5m: found.burns[0],
        burn_1h: found.burns[1],
        burn_6h: found.burns[2],
        burn_1d: found.burns[3],
        burn_3d: found.burns[4],
        exhausted_in: exhausted_in(found.left, found.burns[1], objective.window()),
        recorded: is_recorded,
    })
}

/// The windows of `Found::burns`.
const BURN_WINDOWS: [Window; 5] = [Window::M5, Window::H1, Window::H6, Window::D1, Window::D3];

#[derive(Default)]
struct Found {
    left: Option<f64>,
    covered: Option<f64>,
    burns: [Option<f64>; 5],
}

impl Found {
    fn put(&mut self, metric: &str, value: f64, budget: f64) {
        match metric {
            "slo:period_error_budget_remaining:ratio" => self.left = Some(value),
            "slo:period_covered:ratio" => self.covered = Some(value),
            _ => {
                let window = metric.strip_prefix("slo:sli_error:ratio_rate");
                for (burn, of) in self.burns.iter_mut().zip(BURN_WINDOWS) {
                    if window == Some(of.to_string().as_str()) {
                        *burn = Some(value / budget);
                    }
                }
            }
        }
    }
}

async fn from_metrics(
    metrics: &dyn Metrics,
    objective: &Objective,
    now: DateTime<Utc>,
) -> Result<Found, PrometheusError> {
    let mut found = Found::default();
    for (burn, window) in found.burns.iter_mut().zip(BURN_WINDOWS) {
        *burn = number(metrics, &objective.burn_expr(window), now).await?;
    }
    // Where nothing happened in three days, an objective over months need not be asked for in vain.
    found.covered = number(metrics, &objective.covered_expr(), now).await?;
    if found.covered.is_some() {
        found.left = number(metrics, &objective.budget_left_expr(), now).await?;
    }
    Ok(found)
}

async fn number(
    metrics: &dyn Metrics,
    expr: &str,
    now: DateTime<Utc>,
) -> Result<Option<f64>, PrometheusError> {
    let samples = metrics.query(expr, now).await?;
    Ok(samples.first().map(|sample| sample.value).filter(|value| value.is_finite()))
}

/// At a burn of 1 or less the budget never runs out, since old failures leave the window as fast as new ones come. Above it,
/// nothing is assumed to leave.
fn exhausted_in(left: Option<f64>, burn: Option<f64>, window: Window) -> Option<Duration> {
    let left = left?;
    if left <= 0.0 {
        return Some(Duration::ZERO);
    }
    let burn = burn.filter(|burn| *burn > 1.0)?;
    Duration::try_from_secs_f64((left * window.duration().as_secs_f64() / burn).round()).ok()
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use opsseer_connect::prometheus::{FakeMetrics, Sample};

    use super::*;
    use crate::slo::Objectives;

    const FILE: &str = "[[slo]]\nname = \"orders\"\nservice = \"shop\"\ndescription = \"d\"\nobjective = 99.9\n\
        bad = 'rate(b[window])'\ntotal = 'rate(a[window])'\n";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn sample(name: &str, value: f64) -> Sample {
        Sample { labels: BTreeMap::from([("__name__".into(), name.into())]), at: now(), value }
    }

    async fn asked(metrics: &FakeMetrics) -> BudgetStatus {
        let objectives = Objectives::parse(FILE).expect("objectives");
        status(metrics, objectives.iter().next().expect("one"), now()).await.expect("an answer")
    }

    #[tokio::test]
    async fn what_the_rules_recorded_is_told() {
        let metrics = FakeMetrics::default();
        let recorded = vec![
            sample("slo:sli_error:ratio_rate1h", 0.0144),
            sample("slo:sli_error:ratio_rate3d", f64::NAN),
            sample("slo:sli_error:ratio_rate30d", 0.0005),
            sample("slo:period_error_budget_remaining:ratio", 0.5),
            sample("slo:period_covered:ratio", 1.0),
        ];
        metrics.answer_query("{__name__=~\"slo:.+\",service=\"shop\",slo=\"orders\"}", recorded);
        let status = asked(&metrics).await;
        assert!(status.recorded);
        assert!((status.burn_1h.expect("a burn") - 14.4).abs() < 1e-9);
        assert_eq!((status.burn_5m, status.burn_3d, status.budget_left), (None, None, Some(0.5)));
        // Half of 30 days at 14.4 times the pace.
        assert_eq!(status.exhausted_in, Some(Duration::from_hours(25)));
        let json = serde_json::to_value(&status).expect("JSON");
        assert_eq!((&json["window"], &json["exhausted_in_seconds"]), (&"30d".into(), &90_000.into()));
    }

    #[tokio::test]
    async fn without_rules_the_services_own_metrics_are_asked() {
        let metrics = FakeMetrics::default();
        for (part, value) in
            [("1 - (", -0.5), ("count_over_time", 0.25), ("rate(b[5m])", 0.2), ("rate(b[1h])", 2.0)]
        {
            metrics.answer_query(part, vec![sample("", value)]);
        }
        let status = asked(&metrics).await;
        assert_eq!((status.recorded, status.burn_5m, status.burn_1h), (false, Some(0.2), Some(2.0)));
        assert_eq!((status.burn_3d, status.covered, status.budget_left), (None, Some(0.25), Some(-0.5)));
        assert_eq!(status.exhausted_in, Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn without_events_nothing_is_claimed() {
        let status = asked(&FakeMetrics::default()).await;
        assert_eq!((status.budget_left, status.burn_1h, status.exhausted_in), (None, None, None));
    }

    #[test]
    fn a_pace_that_keeps_the_objective_never_ends_the_budget() {
        let window = Window::days(30);
        assert_eq!(exhausted_in(Some(0.1), Some(1.0), window), None);
        assert_eq!(exhausted_in(Some(0.1), None, window), None);
        assert_eq!(exhausted_in(None, Some(9.0), window), None);
        assert_eq!(exhausted_in(Some(1.0), Some(2.0), window), Some(Duration::from_hours(360)));
    }
}
