//! The card with the incident's alerts and the state of each.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::AlertStatus;
use opsseer_store::StoredAlert;

use crate::web::{
    moment::Moment,
    prose::{first_line, safe_address},
};

/// Alerts that are shown before "and 12 more".
const SHOWN: usize = 12;
/// Characters of a summary.
const LINE: usize = 160;

struct AlertLine {
    name: String,
    summary: Option<String>,
    firing: bool,
    since: Moment,
    rule: Option<String>,
}

#[derive(Template)]
#[template(path = "incident/alerts.html")]
pub(crate) struct AlertsCard {
    first: Vec<AlertLine>,
    more: Vec<AlertLine>,
}

impl AlertsCard {
    /// What fires stands first, then what changed last.
    pub(crate) fn new(alerts: &[StoredAlert], now: DateTime<Utc>) -> Self {
        let mut lines: Vec<AlertLine> = alerts.iter().map(|alert| AlertLine::new(alert, now)).collect();
        lines.sort_by_key(|line| (!line.firing, std::cmp::Reverse(line.since.at())));
        let more = lines.split_off(lines.len().min(SHOWN));
        Self { first: lines, more }
    }
}

impl AlertLine {
    fn new(stored: &StoredAlert, now: DateTime<Utc>) -> Self {
        let alert = &stored.alert;
        let firing = alert.status == AlertStatus::Firing;
        let ended = alert.ends_at.unwrap_or(stored.last_seen_at);
        Self {
            name: alert.name().to_owned(),
            summary: alert
                .summary()
                .map(|summary| first_line(summary, LINE))
                .filter(|summary| summary != alert.name()),
            firing,
            since: Moment::new(if firing { alert.starts_at } else { ended }, now),
            rule: alert.generator_url.as_deref().and_then(safe_address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, stored_alert};

    fn html(alerts: &[StoredAlert]) -> String {
        AlertsCard::new(alerts, at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn what_fires_stands_first_and_each_has_its_state() {
        let mut over = stored_alert("QueueDepth");
        over.alert.status = AlertStatus::Resolved;
        over.alert.ends_at = Some(at("03:19:00"));
        let shown = html(&[over, stored_alert("HighErrorRate")]);
        let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} is missing: {shown}"));
        assert!(place("HighErrorRate") < place("firing") && place("firing") < place("QueueDepth"));
        assert!(place("QueueDepth") < place("resolved"));
    }

    #[test]
    fn a_hundred_alerts_do_not_fill_the_page() {
        let alerts: Vec<_> = (0..100).map(|n| stored_alert(&format!("A{n}"))).collect();
        let shown = html(&alerts);
        assert!(shown.contains("88 more"), "{shown}");
        assert_eq!(shown.matches("<li").count(), 100);
    }

    #[test]
    fn only_web_addresses_are_linked() {
        let mut alert = stored_alert("A");
        alert.alert.generator_url = Some("javascript:alert(1)".into());
        assert!(!html(&[alert]).contains("href"));
        assert!(html(&[stored_alert("A")]).contains(r#"href="http://prometheus:9090/graph""#));
    }
}
