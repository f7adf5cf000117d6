//! One objective, and what to ask Prometheus about it.

use super::{
    burn::{self, BurnAlert},
    events::{EventExpr, Unit},
    round,
    window::Window,
};

/// The part of events that has to be good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    percent: f64,
}

impl Target {
    /// A part in percent, such as 99.9. The error says in words why it cannot be one.
    pub fn new(percent: f64) -> Result<Self, String> {
        if (50.0..=99.9999).contains(&percent) {
            return Ok(Self { percent });
        }
        Err(format!("an objective of {percent} % cannot be watched: it must be from 50 to 99.9999"))
    }

    /// In percent.
    pub fn percent(self) -> f64 {
        self.percent
    }

    /// The part of events that may be bad: 0.001 for 99.9 %.
    pub fn budget(self) -> f64 {
        round(1.0 - self.percent / 100.0)
    }
}

/// How bad events are told from all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Indicator {
    /// Bad ones are counted. Where the series of failures is not there yet, there was none.
    Bad { bad: EventExpr, total: EventExpr },
    /// Good ones are counted. Where their series is not there yet, all events were bad.
    Good { good: EventExpr, total: EventExpr },
    /// Those in a bucket of a histogram are good. Without the bucket nothing is known: its bound is mistaken.
    Bucket { within: EventExpr, total: EventExpr },
}

impl Indicator {
    fn total(&self) -> &EventExpr {
        match self {
            Self::Bad { total, .. } | Self::Good { total, .. } | Self::Bucket { total, .. } => total,
        }
    }

    /// PromQL for the bad events, in the unit of the total.
    fn bad_over(&self, window: Window) -> String {
        let total = self.total().over(window);
        match self {
            Self::Bad { bad, .. } => format!("(\n  {}\n  or 0 * {total}\n)", bad.over(window)),
            // Not below 0: the two counters are not read at quite the same moment.
            Self::Good { good, .. } => {
                format!(
                    "clamp_min(\n  {total}\n  - (\n    {}\n    or 0 * {total}\n  ), 0)",
                    good.over(window)
                )
            }
            Self::Bucket { within, .. } => {
                format!("clamp_min(\n  {total}\n  - {}\n  , 0)", within.over(window))
            }
        }
    }
}

/// A service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) description: String,
    pub(super) target: Target,
    pub(super) window: Window,
    pub(super) indicator: Indicator,
    pub(super) min_bad_events: u32,
    pub(super) runbook_url: Option<String>,
}

impl Objective {
    /// Its name: lower case, unique within its service. The label `slo` of its series and alerts.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service that it is about. The label `service` of its series and alerts.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// What it promises, in words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The part of events that has to be good.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The time that the promise is about, up to now.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Its alerts, the most urgent first.
    pub fn alerts(&self) -> [BurnAlert; 4] {
        burn::alerts(self.target, self.window)
    }

    /// PromQL for the part of events that were bad over a window, 0 to 1, read from the service's own metrics, so that it
    /// needs no recording rule. No series where there were no events.
    pub fn error_ratio_expr(&self, window: Window) -> String {
        let (bad, total) = (self.indicator.bad_over(window), self.indicator.total().over(window));
        format!("{bad}\n/ (\n  {total}\n  > 0\n)")
    }

    /// PromQL for the pace at which the budget was spent over a window: at 1 it lasts exactly the objective's window. As
    /// [`Self::error_ratio_expr`], it needs no recording rule.
    pub fn burn_expr(&self, window: Window) -> String {
        format!("{}\n/ {}", self.error_ratio_expr(window), self.target.budget())
    }

    /// PromQL for the part of the budget that is left: 1 is all, below 0 the objective is missed. It reads the service's
    /// own metrics over the whole window of the objective, so ask it for one instant; for a picture there is
    /// [`Self::recorded_budget_left`].
    ///
    /// Time without data counts as free of errors. Otherwise a service that is watched for an hour would have lost its
    /// month by the failures of a minute.
    pub fn budget_left_expr(&self) -> String {
        let (ratio, covered) = (self.error_ratio_expr(self.window), self.covered_expr());
        format!("1 - (\n{ratio}\n)\n/ {} * (\n{covered}\n)", self.target.budget())
    }

    /// PromQL for the part of the objective's window that there is data for, 0 to 1.
    pub(super) fn covered_expr(&self) -> String {
        let total = self.indicator.total().over(Window::M5);
        let (window, seconds) = (self.window, self.window.seconds());
        // The second one is for the first minutes, when no whole step has passed.
        format!(
            "clamp_max((\n  count_over_time((\n    {total}\n  )[{window}:5m]) * 300\n  or count_over_time((\n    {total}\n  )[10m:15s]) * 15\n) / {seconds}, 1)"
        )
    }

    /// The recorded error ratio over one of the windows that `opsseer slo rules` records.
    pub fn recorded_error_ratio(&self, window: Window) -> String {
        self.recorded(&format!("slo:sli_error:ratio_rate{window}"))
    }

    /// The recorded part of the budget that is left: cheap over a range, there once the rules have run.
    pub fn recorded_budget_left(&self) -> String {
        self.recorded("slo:period_error_budget_remaining:ratio")
    }

    /// A series of this objective.
    pub(super) fn recorded(&self, metric: &str) -> String {
        format!("{metric}{{{}}}", self.matchers())
    }

    /// What picks out this objective's series.
    pub(super) fn matchers(&self) -> String {
        let service = self.service.replace('\\', "\\\\").replace('"', "\\\"");
        format!("service=\"{service}\",slo=\"{}\"", self.name)
    }

    /// PromQL for bad events a second over the last five minutes.
    pub(super) fn bad_rate_expr(&self) -> String {
        per_second(&self.indicator.bad_over(Window::M5), self.indicator.total().unit)
    }

    /// PromQL for all events a second over the last five minutes.
    pub(super) fn total_rate_expr(&self) -> String {
        let total = self.indicator.total();
        per_second(&total.over(Window::M5), total.unit)
    }
}

fn per_second(expr: &str, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => expr.to_owned(),
        Unit::PerWindow => format!("{expr}\n/ {}", Window::M5.seconds()),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_connect::promql;

    use super::*;

    fn objective(indicator: Indicator) -> Objective {
        Objective {
            name: "orders".into(),
            service: "shop \"a\"".into(),
            description: String::new(),
            target: Target::new(99.9).expect("a target"),
            window: Window::days(30),
            indicator,
            min_bad_events: 3,
            runbook_url: None,
        }
    }

    fn expr(text: &str) -> EventExpr {
        EventExpr::parse(text).expect(text)
    }

    #[test]
    fn the_budget_is_what_the_target_leaves_to_the_last_digit() {
        for (percent, budget) in
            [(99.9, "0.001"), (99.5, "0.005"), (99.99, "0.0001"), (90.0, "0.1"), (99.9999, "0.000001")]
        {
            assert_eq!(Target::new(percent).expect("a target").budget().to_string(), budget);
        }
        for wrong in [0.0, 49.9, 99.99999, 100.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Target::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_kind_of_indicator_gives_promql_that_parses() {
        let total = || expr("rate(a_total[window]) # all of them");
        for indicator in [
            Indicator::Bad { bad: expr("rate(a_total{s=\"5\"}[window]) # bad"), total: total() },
            Indicator::Good { good: expr("rate(a_total{s=\"2\"}[window])"), total: total() },
            Indicator::Bucket { within: expr("rate(a_bucket{le=\"1\"}[window])"), total: total() },
        ] {
            let objective = objective(indicator);
            for text in [
                objective.error_ratio_expr(Window::H1),
                objective.burn_expr(Window::D3),
                objective.budget_left_expr(),
                objective.bad_rate_expr(),
                objective.total_rate_expr(),
                objective.recorded_budget_left(),
                objective.recorded_error_ratio(Window::H6),
            ] {
                assert!(!promql::metric_names(&text).is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn counts_of_a_window_are_recorded_by_the_second() {
        let (bad, total) = (expr("sum(increase(b[window]))"), expr("sum(increase(a[window]))"));
        assert_eq!(objective(Indicator::Bad { bad, total }).total_rate_expr(), "sum(increase(a[5m]))\n/ 300");
    }

    #[test]
    fn a_quote_in_a_service_does_not_end_the_matcher() {
        let (within, total) = (expr("rate(b[window])"), expr("rate(a[window])"));
        let recorded = objective(Indicator::Bucket { within, total }).recorded_error_ratio(Window::H1);
        assert_eq!(recorded, "slo:sli_error:ratio_rate1h{service=\"shop \\\"a\\\"\",slo=\"orders\"}");
    }
}
