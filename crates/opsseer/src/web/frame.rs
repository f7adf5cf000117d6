//! What surrounds every page: the top bar with the pipeline's health and the reader's name, styles and scripts.

use std::time::Duration;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_store::{Heartbeat, StoreError};

use crate::{
    app::App,
    web::{moment::Moment, static_files, viewer::Viewer},
};

/// Whether alerts arrive at all, as the last heartbeat tells.
#[derive(Template)]
#[template(path = "health.html")]
pub(crate) struct Health {
    last: Option<Moment>,
    bad: bool,
    hint: String,
}

impl Health {
    /// A heartbeat older than `max_age` is bad; so is none at all. `alert` is the alert that always fires.
    fn new(last: Option<&Heartbeat>, max_age: Duration, alert: &str, now: DateTime<Utc>) -> Self {
        let allowed = TimeDelta::from_std(max_age).unwrap_or(TimeDelta::MAX);
        let late = last.is_none_or(|last| now - last.at > allowed);
        let hint = if late {
            format!("The alert {alert} always fires. It does not arrive, so other alerts may not either.")
        } else {
            format!("The alert {alert}, which always fires, arrives on time.")
        };
        Self { last: last.map(|last| Moment::new(last.at, now)), bad: late, hint }
    }

    pub(crate) async fn read(app: &App) -> Result<Self, StoreError> {
        let last = app.store.last_heartbeat().await?;
        let set = &app.config.correlation;
        Ok(Self::new(last.as_ref(), set.heartbeat_max_age, &set.heartbeat_alert, app.clock.now()))
    }
}

/// What every page is set in.
pub(crate) struct Frame {
    pub(crate) health: Health,
    pub(crate) viewer: Viewer,
    /// The page's own address, to come back to.
    pub(crate) here: String,
    pub(crate) on_list: bool,
    pub(crate) bundle: &'static str,
}

impl Frame {
    pub(crate) async fn new(app: &App, viewer: Viewer, here: String) -> Result<Self, StoreError> {
        let on_list = !here.starts_with("/incidents/");
        Ok(Self { health: Health::read(app).await?, viewer, here, on_list, bundle: static_files::bundle() })
    }

    pub(crate) fn file(&self, name: &str) -> String {
        static_files::address(self.bundle, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::at;

    fn html(last: Option<&str>) -> String {
        let last = last.map(|clock| Heartbeat { source: "alertmanager".into(), at: at(clock) });
        let health = Health::new(last.as_ref(), Duration::from_mins(3), "Watchdog", at("03:20:00"));
        health.render().expect("renders")
    }

    #[test]
    fn a_fresh_heartbeat_is_said_with_its_age() {
        let shown = html(Some("03:19:48"));
        assert!(shown.contains("Alerting works, <") && shown.contains("12 s ago"), "{shown}");
        assert!(!shown.contains("bad"), "{shown}");
    }

    #[test]
    fn a_late_heartbeat_and_none_at_all_are_said_in_red() {
        let late = html(Some("03:16:00"));
        assert!(
            late.contains("health bad") && late.contains("No heartbeat for") && late.contains("4 min"),
            "{late}"
        );
        let none = html(None);
        assert!(none.contains("health bad") && none.contains("No heartbeat seen yet"), "{none}");
    }
}
