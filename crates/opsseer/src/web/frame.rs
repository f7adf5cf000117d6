//! What surrounds every page: the top bar with the pipeline's health and the reader's name, styles and scripts.

use std::time::Duration;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_store::{Heartbeat, StoreError};

use crate::{
    app::App,
    web::{moment::Moment, static_files, viewer::Viewer},
};

/// Comparisons after which a server that shares its store is taken not to be the one that compares.
const COMPARISONS_MISSED: u32 = 3;

/// Whether alerts arrive at all, as the last heartbeat tells.
#[derive(Template)]
#[template(path = "health.html")]
pub(crate) struct Health {
    last: Option<Moment>,
    state: HealthState,
    hint: String,
    /// When OpsSeer last compared what it knows with Alertmanager.
    compared: Option<Moment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HealthState {
    /// The last heartbeat is fresh.
    Works,
    /// This server has not run long enough to miss one.
    Waiting,
    /// It should have come by now.
    Late,
}

impl Health {
    /// `alert` is the alert that always fires; it is missed once it has not come for `max_age` while the server ran.
    fn new(
        last: Option<&Heartbeat>,
        started_at: DateTime<Utc>,
        max_age: Duration,
        alert: &str,
        now: DateTime<Utc>,
    ) -> Self {
        let allowed = TimeDelta::from_std(max_age).unwrap_or(TimeDelta::MAX);
        let state = if last.is_some_and(|last| now - last.at <= allowed) {
            HealthState::Works
        } else if now - started_at <= allowed {
            HealthState::Waiting
        } else {
            HealthState::Late
        };
        let hint = match state {
            HealthState::Works => format!("The alert {alert}, which always fires, arrives on time."),
            HealthState::Waiting => {
                format!("The alert {alert} always fires. It has not come since this server started.")
            }
            HealthState::Late => {
                format!("The alert {alert} always fires. It does not arrive, so other alerts may not either.")
            }
        };
        Self { last: last.map(|last| Moment::new(last.at, now)), state, hint, compared: None }
    }

    /// Of several servers on one store, one compares; the others do not know when.
    fn with_comparison(mut self, app: &App, now: DateTime<Utc>) -> Self {
        let usual = app.config.alertmanager.compare_every * COMPARISONS_MISSED;
        let mine =
            |at: &DateTime<Utc>| !app.store.is_shared() || (now - at).to_std().unwrap_or_default() <= usual;
        self.compared = app.pipeline.compared_at().filter(mine).map(|at| Moment::new(at, now));
        self
    }

    pub(crate) async fn read(app: &App) -> Result<Self, StoreError> {
        let last = app.store.last_heartbeat().await?;
        let (set, now) = (&app.config.correlation, app.clock.now());
        let health =
            Self::new(last.as_ref(), app.started_at, set.heartbeat_max_age, &set.heartbeat_alert, now);
        Ok(health.with_comparison(app, now))
    }
}

/// What every page is set in.
pub(crate) struct Frame {
    pub(crate) health: Health,
    pub(crate) viewer: Viewer,
    /// The page's own address, to come back to.
    pub(crate) here: String,
    pub(crate) on_list: bool,
    /// Jobs that were given up.
    pub(crate) dead_jobs: i64,
    pub(crate) bundle: &'static str,
}

impl Frame {
    pub(crate) async fn new(app: &App, viewer: Viewer, here: String) -> Result<Self, StoreError> {
        let on_list = ["/ask", "/incidents/", "/jobs", "/runbooks/", "/silences"]
            .iter()
            .all(|other| !here.starts_with(other));
        let dead_jobs = app.store.count_dead_jobs().await?;
        let health = Health::read(app).await?;
        Ok(Self { health, viewer, here, on_list, dead_jobs, bundle: static_files::bundle() })
    }

    pub(crate) fn file(&self, name: &str) -> String {
        static_files::address(self.bundle, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::at;

    fn html(last: Option<&str>, started: &str) -> String {
        let last = last.map(|clock| Heartbeat { source: "alertmanager".into(), at: at(clock) });
        let allowed = Duration::from_mins(3);
        let health = Health::new(last.as_ref(), at(started), allowed, "Watchdog", at("03:20:00"));
        health.render().expect("renders")
    }

    #[test]
    fn a_fresh_heartbeat_is_said_with_its_age() {
        let shown = html(Some("03:19:48"), "01:00:00");
        assert!(shown.contains("Alerting works, <") && shown.contains("12 s ago"), "{shown}");
        assert!(!shown.contains("bad"), "{shown}");
    }

    #[test]
    fn a_late_heartbeat_and_none_at_all_are_said_in_red() {
        let late = html(Some("03:16:00"), "01:00:00");
        assert!(
            late.contains("health bad") && late.contains("No heartbeat for") && late.contains("4 min"),
            "{late}"
        );
        let none = html(None, "01:00:00");
        assert!(none.contains("health bad") && none.contains("No heartbeat seen"), "{none}");
    }

    #[test]
    fn a_server_that_has_just_started_waits_and_does_not_cry_wolf() {
        for last in [None, Some("01:00:00")] {
            let shown = html(last, "03:19:00");
            assert!(shown.contains("Waiting for the first heartbeat") && !shown.contains("bad"), "{shown}");
        }
    }
}
