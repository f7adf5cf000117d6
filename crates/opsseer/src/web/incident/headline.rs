//! The headline: what is wrong, how bad, since when, whose; and what one can do about it.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Incident, IncidentStatus, Severity};

use crate::web::{
    incident::{
        budget::Scarcest,
        standing::{Standing, muted_until},
        words::times_words,
    },
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
        if incident.merged_into.is_some() {
            return Self { word: "Merged", colour: "calm" };
        }
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
    budget: Option<Scarcest>,
    reopened: Option<String>,
    can: Can,
    standing: Standing,
}

/// What can be done with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Can {
    /// Everything but reopening.
    Act,
    /// It is over: reopened, and written about.
    Reopen,
    /// It goes on elsewhere: only the merge can be undone.
    Undo,
}

impl Can {
    pub(crate) fn of(incident: &Incident) -> Self {
        match (incident.merged_into, incident.is_open()) {
            (Some(_), _) => Self::Undo,
            (None, true) => Self::Act,
            (None, false) => Self::Reopen,
        }
    }

    /// How the page's scripts and styles call it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Reopen => "reopen",
            Self::Undo => "undo",
        }
    }
}

impl Headline {
    pub(crate) fn new(
        incident: &Incident,
        standing: Standing,
        budget: Option<Scarcest>,
        viewer: &Viewer,
        now: DateTime<Utc>,
    ) -> Self {
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
            budget: budget.filter(|_| incident.is_open()),
            // What comes and goes says so at more length.
            reopened: (incident.reopened_count > 0 && !incident.flapping)
                .then(|| format!("came {}", times_words(incident.reopened_count))),
            can: Can::of(incident),
            standing,
        }
    }
}

/// What a person can do to the incident, the likeliest last and marked.
#[derive(Template)]
#[template(path = "incident/actions.html")]
pub(crate) struct Actions {
    number: i64,
    can: Can,
    acknowledged: bool,
    muted: bool,
}

impl Actions {
    pub(crate) fn new(incident: &Incident, now: DateTime<Utc>) -> Self {
        Self {
            number: incident.number.0,
            can: Can::of(incident),
            acknowledged: incident.status == IncidentStatus::Acknowledged,
            muted: muted_until(incident, now).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, IncidentNumber};

    use super::*;
    use crate::web::{
        incident::story::Story,
        test_data::{at, incident, viewer},
    };

    fn headline(incident: &Incident, clock: &str) -> String {
        let (viewer, now) = (viewer("ada"), at(clock));
        let standing = Standing::new(incident, &Story::default(), &viewer, now);
        Headline::new(incident, standing, None, &viewer, now).render().expect("renders")
    }

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
        let html = headline(&incident, "03:20:09");
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
        assert!(headline(&incident, "04:00:00").contains("nobody yet"));
        incident.status = IncidentStatus::Resolved;
        incident.resolved_at = Some(at("03:18:09"));
        assert!(headline(&incident, "04:00:00").contains("6 min"));
    }

    #[test]
    fn only_what_makes_sense_is_offered() {
        let offered = |incident: &Incident| {
            let html = Actions::new(incident, at("03:20:00")).render().expect("renders");
            ["/ack", "/on-it", "/resolve", "/reopen"].map(|action| html.contains(action))
        };
        let mut incident = incident();
        assert_eq!(offered(&incident), [true, true, true, false]);
        incident.status = IncidentStatus::Acknowledged;
        assert_eq!(offered(&incident), [false, true, true, false]);
        incident.muted_until = Some(at("04:00:00"));
        assert_eq!(offered(&incident), [false, false, true, false]);
        incident.status = IncidentStatus::Resolved;
        assert_eq!(offered(&incident), [false, false, false, true]);
        incident.merged_into = Some(IncidentId::generate());
        assert_eq!(offered(&incident), [false, false, false, false]);
        assert_eq!(State::of(&incident).word, "Merged");
    }
}
