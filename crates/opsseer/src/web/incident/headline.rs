//! The headline: what is wrong, how bad, since when, whose; and what one can do about it.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Incident, IncidentStatus, Severity};

use crate::web::{
    moment::{Moment, duration_words},
    viewer::Viewer,
};

/// A state in a word and a colour. Red only for what fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) word: &'static str,
    pub(crate) colour: &'static str,
}

impl State {
    pub(crate) fn of(incident: &Incident) -> Self {
        let (word, colour) = match (incident.status, incident.alerts_firing > 0) {
            (IncidentStatus::Open, true) => ("Firing", "bad"),
            (IncidentStatus::Open, false) => ("Open, nothing fires", "warn"),
            (IncidentStatus::Acknowledged, true) => ("Firing, acknowledged", "bad"),
            (IncidentStatus::Acknowledged, false) => ("Acknowledged, nothing fires", "warn"),
            (IncidentStatus::Resolved, true) => ("Resolved by hand, still fires", "warn"),
            (IncidentStatus::Resolved, false) => ("Resolved", "good"),
        };
        Self { word, colour }
    }
}

/// `page` as `Page`.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Page => "Page",
        Severity::Ticket => "Ticket",
        Severity::Info => "Info",
    }
}

/// `2 of 3 alerts firing`.
pub(crate) fn alerts_words(incident: &Incident) -> String {
    match (incident.alerts_firing, incident.alerts_total) {
        (0, 1) if !incident.is_open() => "1 alert".to_owned(),
        (0, total) if !incident.is_open() => format!("{total} alerts"),
        (0, 1) => "its alert no longer fires".to_owned(),
        (0, total) => format!("none of {total} alerts firing"),
        (1, 1) => "1 alert firing".to_owned(),
        (firing, total) if firing == total => format!("all {total} alerts firing"),
        (firing, total) => format!("{firing} of {total} alerts firing"),
    }
}

/// Whose it is.
pub(crate) fn owner_words(incident: &Incident, viewer: &Viewer) -> String {
    match incident.owner.as_deref() {
        Some(owner) => viewer.name_or(owner, "you"),
        None if incident.is_open() => "nobody yet".to_owned(),
        None => "nobody".to_owned(),
    }
}

/// What the browser's tab says.
pub(crate) fn tab_title(incident: &Incident) -> String {
    format!("{}: INC-{} {}", State::of(incident).word, incident.number, incident.title)
}

/// How long the incident lasted, and until when, once it is over.
pub(crate) struct Ended {
    pub(crate) at: Moment,
    pub(crate) lasted: String,
}

#[derive(Template)]
#[template(path = "incident/headline.html")]
pub(crate) struct Headline {
    number: i64,
    state: State,
    severity: &'static str,
    title: String,
    began: Moment,
    ended: Option<Ended>,
    owner: String,
    alerts: String,
    reopened: Option<String>,
}

impl Headline {
    pub(crate) fn new(incident: &Incident, viewer: &Viewer, now: DateTime<Utc>) -> Self {
        Self {
            number: incident.number.0,
            state: State::of(incident),
            severity: severity_word(incident.severity),
            title: incident.title.clone(),
            began: Moment::new(incident.opened_at, now),
            ended: incident.resolved_at.map(|at| Ended {
                at: Moment::new(at, now),
                lasted: duration_words(at - incident.opened_at),
            }),
            owner: owner_words(incident, viewer),
            alerts: alerts_words(incident),
            reopened: match incident.reopened_count {
                0 => None,
                1 => Some("came back once".to_owned()),
                2 => Some("came back twice".to_owned()),
                times => Some(format!("came back {times} times")),
            },
        }
    }
}

/// What a person can do to the incident, the likeliest last and marked.
#[derive(Template)]
#[template(path = "incident/actions.html")]
pub(crate) struct Actions {
    number: i64,
    status: IncidentStatus,
}

impl Actions {
    pub(crate) fn new(incident: &Incident) -> Self {
        Self { number: incident.number.0, status: incident.status }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, IncidentNumber};

    use super::*;
    use crate::web::test_data::{at, incident, viewer};

    #[test]
    fn red_is_only_for_what_fires_and_every_state_has_its_own_word() {
        let mut incident = Incident::unborn(IncidentId::generate(), IncidentNumber(1));
        let mut words = Vec::new();
        for status in [IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Resolved] {
            for firing in [0, 1] {
                (incident.status, incident.alerts_firing) = (status, firing);
                let state = State::of(&incident);
                assert_eq!(
                    state.colour == "bad",
                    firing == 1 && status != IncidentStatus::Resolved,
                    "{state:?}"
                );
                words.push(state.word);
            }
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 6);
    }

    #[test]
    fn the_headline_says_what_since_when_whose_and_how_many() {
        let mut incident = incident();
        (incident.alerts_firing, incident.alerts_total, incident.owner) = (2, 3, Some("ada".into()));
        incident.title = "payments: <b>errors</b>".into();
        let html = Headline::new(&incident, &viewer("ada"), at("03:20:09")).render().expect("renders");
        for part in [
            "Firing",
            "Page",
            "INC-42",
            "payments: &#60;b&#62;errors",
            "8 min",
            "2 of 3 alerts firing",
            "you",
        ] {
            assert!(html.contains(part), "{part} is missing: {html}");
        }
        assert!(!html.contains("<b>errors"), "{html}");
    }

    #[test]
    fn an_incident_without_an_owner_says_so_and_one_that_is_over_says_how_long_it_took() {
        let mut incident = incident();
        let html = |incident: &Incident| {
            Headline::new(incident, &viewer("ada"), at("04:00:00")).render().expect("renders")
        };
        assert!(html(&incident).contains("nobody yet"));
        incident.status = IncidentStatus::Resolved;
        incident.resolved_at = Some(at("03:18:09"));
        assert!(html(&incident).contains("6 min"));
    }

    #[test]
    fn only_what_makes_sense_is_offered() {
        let mut incident = incident();
        let mut offered = |status| {
            incident.status = status;
            let html = Actions::new(&incident).render().expect("renders");
            ["/ack", "/resolve", "/reopen"].map(|action| html.contains(action))
        };
        assert_eq!(offered(IncidentStatus::Open), [true, true, false]);
        assert_eq!(offered(IncidentStatus::Acknowledged), [false, true, false]);
        assert_eq!(offered(IncidentStatus::Resolved), [false, false, true]);
    }
}
