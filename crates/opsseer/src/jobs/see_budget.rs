//! What is left of the failures that the service's objectives allow.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Actor, BudgetSeen, BurnRate, EventKind, NewEvent};

use super::{Job, JobError, Task};
use crate::{
    alert_metric::MetricError,
    app::App,
    event_words::took,
    slo::{self, BudgetStatus, Window},
};

pub(super) const KIND: &str = "see_budget";

/// Objectives of one service that are looked at.
const MOST: usize = 5;

/// Asks Prometheus how the objectives of the alert's service stand.
pub(super) struct SeeBudget;

#[async_trait]
impl Job for SeeBudget {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, app: &App, task: &Task) -> Result<Vec<NewEvent>, JobError> {
        let Some(objectives) = &app.objectives else { return Ok(Vec::new()) };
        let now = app.clock.now();
        let mut events = Vec::new();
        for objective in objectives.of_labels(&task.alert.labels).into_iter().take(MOST) {
            let status =
                slo::status(app.metrics.as_ref(), objective, now).await.map_err(MetricError::from)?;
            let actor = Actor::Component { name: KIND.to_owned() };
            events.push(NewEvent::new(now, actor, EventKind::BudgetSeen(seen(&status, now))));
        }
        Ok(events)
    }
}

fn seen(status: &BudgetStatus, now: DateTime<Utc>) -> BudgetSeen {
    let burns = [
        (Window::M5, status.burn_5m),
        (Window::H1, status.burn_1h),
        (Window::H6, status.burn_6h),
        (Window::D1, status.burn_1d),
        (Window::D3, status.burn_3d),
    ];
    let burn = burns.into_iter().filter_map(|(window, rate)| {
        rate.map(|rate| BurnRate { over_seconds: u64::from(window.seconds()), rate })
    });
    let exhausted_at = status
        .exhausted_in
        .and_then(|time| TimeDelta::from_std(time).ok())
        .and_then(|time| now.checked_add_signed(time));
    BudgetSeen {
        objective: status.slo.clone(),
        target: status.objective / 100.0,
        window_seconds: u64::from(status.window.seconds()),
        sentence: sentence(status),
        left: status.budget_left,
        burn: burn.collect(),
        exhausted_at,
    }
}

/// Without a full stop: "62 % of the failures allowed in 30d are left, spent 14 times too fast; gone in 1 d 7 h".
fn sentence(status: &BudgetStatus) -> String {
    let Some(left) = status.budget_left else {
        return "nothing can be said of its budget: there were no events".to_owned();
    };
    let window = status.window;
    let left = if left < 0.0 {
        format!("the failures allowed in {window} are overspent by {:.0} %", -left * 100.0)
    } else {
        format!("{:.0} % of the failures allowed in {window} are left", left * 100.0)
    };
    let pace = match status.burn_1h {
        Some(burn) if burn > 1.0 => format!(", spent {} times too fast", fast(burn)),
        Some(_) => ", and they last at this pace".to_owned(),
        None => String::new(),
    };
    let end = match status.exhausted_in {
        Some(time) if !time.is_zero() => {
            format!("; gone in {}", took(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
        }
        _ => String::new(),
    };
    format!("{left}{pace}{end}")
}

fn fast(burn: f64) -> String {
    if burn < 9.95 { format!("{burn:.1}") } else { format!("{burn:.0}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn status(left: Option<f64>, burn: Option<f64>, exhausted_in: Option<u64>) -> BudgetStatus {
        BudgetStatus {
            slo: "orders".into(),
            service: "shop".into(),
            description: "d".into(),
            objective: 99.9,
            window: Window::D3,
            budget_left: left,
            covered: Some(1.0),
            burn_5m: None,
            burn_1h: burn,
            burn_6h: None,
            burn_1d: None,
            burn_3d: None,
            exhausted_in: exhausted_in.map(Duration::from_secs),
            recorded: true,
        }
    }

    #[test]
    fn says_what_is_left_and_when_it_is_gone() {
        let burning = sentence(&status(Some(0.62), Some(14.4), Some(111_600)));
        assert_eq!(
            burning,
            "62 % of the failures allowed in 3d are left, spent 14 times too fast; gone in 1 d 7 h"
        );
        let lasting = sentence(&status(Some(0.9), Some(0.3), None));
        assert_eq!(lasting, "90 % of the failures allowed in 3d are left, and they last at this pace");
        let overspent = sentence(&status(Some(-0.2), Some(2.0), Some(0)));
        assert_eq!(overspent, "the failures allowed in 3d are overspent by 20 %, spent 2.0 times too fast");
        assert!(sentence(&status(None, None, None)).contains("no events"));
    }

    #[test]
    fn the_burns_that_are_known_are_kept_with_their_spans() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let seen = seen(&status(Some(0.5), Some(2.0), Some(60)), now);
        assert_eq!(seen.burn, [BurnRate { over_seconds: 3_600, rate: 2.0 }]);
        assert_eq!(seen.exhausted_at, Some(now + TimeDelta::minutes(1)));
    }
}
