//! The incident's alerts: what each says, whether it fires, and why it belongs here. A card shows the first of them, a
//! page of its own (`alerts/page.rs`) all.

pub(crate) mod page;

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{AlertStatus, CorrelationKey, EventKind, Incident};
use opsseer_store::StoredAlert;
use uuid::Uuid;

use crate::web::{
    incident::{headline::Can, story::Story, words::counted},
    moment::Moment,
    prose::{first_line, safe_address},
};

/// Alerts that the card shows. It comes anew with every event.
const SHOWN: usize = 12;
/// Alerts that are read for it: those that fire come first.
pub(crate) const READ: u32 = 50;
/// Characters of a summary or a reason.
const LINE: usize = 160;
/// Bytes of a link's address; a longer one is left out.
const ADDRESS: usize = 2048;

/// One alert, as the card and the page show it.
pub(crate) struct AlertLine {
    id: Uuid,
    name: String,
    summary: Option<String>,
    firing: bool,
    since: Moment,
    rule: Option<String>,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "incident/alerts.html")]
pub(crate) struct AlertsCard {
    number: i64,
    lines: Vec<AlertLine>,
    /// `All 240 alerts`, where the card does not show all.
    all: Option<String>,
    /// Whether some can be split off.
    can_split: bool,
}

impl AlertsCard {
    /// What fires stands first, then what changed last. `alerts` are the first [`READ`] of them.
    pub(crate) fn new(
        alerts: &[StoredAlert],
        incident: &Incident,
        story: &Story,
        now: DateTime<Utc>,
    ) -> Self {
        let mut lines: Vec<AlertLine> =
            alerts.iter().map(|alert| AlertLine::new(alert, incident, story, now)).collect();
        lines.sort_by_key(|line| (!line.firing, std::cmp::Reverse(line.since.at())));
        lines.truncate(SHOWN);
        // The row counts the alerts that it has had; one that fires elsewhere now is among them.
        let total = usize::try_from(incident.alerts_total).unwrap_or_default().max(alerts.len());
        Self {
            number: incident.number.0,
            all: (alerts.len() > SHOWN).then(|| format!("All {}", counted(total, "alert"))),
            can_split: can_split(incident, alerts.len()),
            lines,
        }
    }
}

/// At least one must stay.
fn can_split(incident: &Incident, alerts: usize) -> bool {
    Can::of(incident) == Can::Act && alerts > 1
}

impl AlertLine {
    fn new(stored: &StoredAlert, incident: &Incident, story: &Story, now: DateTime<Utc>) -> Self {
        let alert = &stored.alert;
        let firing = alert.status == AlertStatus::Firing;
        let ended = alert.ends_at.unwrap_or(stored.last_seen_at);
        let rule = alert.generator_url.as_deref().filter(|address| address.len() <= ADDRESS);
        Self {
            id: stored.id,
            name: first_line(alert.name(), LINE),
            summary: alert
                .summary()
                .map(|summary| first_line(summary, LINE))
                .filter(|summary| summary != alert.name()),
            firing,
            since: Moment::new(if firing { alert.starts_at } else { ended }, now),
            rule: rule.and_then(safe_address),
            reason: reason(stored, incident, story).map(|reason| first_line(&reason, LINE)),
        }
    }
}

/// Why the alert is here: as its event says, or, where that is too far back, what it has in common with the incident or
/// with one that was merged into it.
fn reason(stored: &StoredAlert, incident: &Incident, story: &Story) -> Option<String> {
    if let Some(reason) = story.reason_of(&stored.alert.fingerprint, &stored.alert.labels) {
        return Some(reason.to_owned());
    }
    let key = CorrelationKey::of(&stored.alert);
    if key.key == incident.correlation_key {
        return Some(format!("It has {}.", key.shared));
    }
    story.regroupings.values().rev().find_map(|event| match &event.kind {
        EventKind::Merged { number, correlation_key, .. } if *correlation_key == key.key => {
            Some(format!("It came with INC-{number}, which was merged into this."))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use opsseer_core::{AlertSnapshot, EventId, IncidentId};

    use super::*;
    use crate::web::test_data::{at, event, incident, merged, stored_alert};

    fn html(alerts: &[StoredAlert]) -> String {
        told(alerts, &incident(), &Story::default())
    }

    fn told(alerts: &[StoredAlert], incident: &Incident, story: &Story) -> String {
        AlertsCard::new(alerts, incident, story, at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn what_fires_stands_first_and_each_has_its_state() {
        let mut over = stored_alert("QueueDepth");
        over.alert.status = AlertStatus::Resolved;
        over.alert.ends_at = Some(at("03:19:00"));
        let shown = html(&[over, stored_alert("HighErrorRate")]);
        let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} is missing: {shown}"));
        assert!(place("HighErrorRate") < place(">firing") && place(">firing") < place("QueueDepth"));
        assert!(place("QueueDepth") < place(">resolved"));
    }

    #[test]
    fn thousands_of_alerts_do_not_fill_the_page() {
        let alerts: Vec<_> = (0..READ).map(|n| stored_alert(&format!("A{n}"))).collect();
        let mut incident = incident();
        incident.alerts_total = 10_000;
        let shown = told(&alerts, &incident, &Story::default());
        assert!(shown.contains(r#"<a href="/incidents/42/alerts">All 10000 alerts</a>"#), "{shown}");
        assert_eq!(shown.matches("<li").count(), SHOWN);
        assert!(shown.len() < 10_000, "{} bytes", shown.len());
    }

    #[test]
    fn only_web_addresses_are_linked() {
        let mut alert = stored_alert("A");
        alert.alert.generator_url = Some("javascript:alert(1)".into());
        assert!(!html(&[alert]).contains("href"));
        assert!(html(&[stored_alert("A")]).contains(r#"href="http://prometheus:9090/graph""#));
    }

    #[test]
    fn each_says_why_it_belongs_here() {
        let alert = stored_alert("Slow");
        let mut incident = incident();
        incident.correlation_key = CorrelationKey::of(&alert.alert).key;
        let mut story = Story::default();
        let shown = |incident: &Incident, story: &Story| told(std::slice::from_ref(&alert), incident, story);
        assert!(shown(&incident, &story).contains("It has the same service, payments."));
        incident.correlation_key = "service:web".into();
        assert!(!shown(&incident, &story).contains("same service"));
        let EventKind::Merged { from, number, title, alerts_firing, alerts_total, severity, reason, .. } =
            merged(IncidentId::generate(), 9)
        else {
            panic!("a merge");
        };
        let correlation_key = "service:payments".to_owned();
        story.fold(&event(EventKind::Merged {
            from,
            number,
            title,
            correlation_key,
            alerts_firing,
            alerts_total,
            severity,
            silences: Vec::new(),
            reason,
        }));
        assert!(shown(&incident, &story).contains("It came with INC-9, which was merged into this."));
        let snapshot = AlertSnapshot::from(&alert.alert);
        let fired = EventKind::AlertFired { alert: snapshot, first: true, reason: "It fits.".into() };
        story.fold(&opsseer_core::Event { id: EventId(9), ..event(fired) });
        assert!(shown(&incident, &story).contains("It fits."));
    }

    #[test]
    fn splitting_is_offered_where_something_would_stay() {
        let two = [stored_alert("A"), stored_alert("B")];
        assert!(html(&two).contains("split-go") && html(&two).contains("pick-"));
        assert!(!html(&two[..1]).contains("split-go"));
        let mut over = incident();
        over.status = opsseer_core::IncidentStatus::Resolved;
        assert!(!told(&two, &over, &Story::default()).contains("split-go"));
    }
}
