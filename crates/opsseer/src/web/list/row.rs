//! One incident in the list.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Incident, IncidentNumber};

use crate::web::{
    incident::{State, alerts_words, muted_until, owner_words, severity_word, silenced_until, times_words},
    moment::{Moment, duration_words},
    viewer::Viewer,
};

/// What is special about an incident: a symbol for the eye that skims, and words.
struct Mark {
    symbol: &'static str,
    words: String,
    /// When that ends.
    until: Option<Moment>,
}

#[derive(Template)]
#[template(path = "list/row.html")]
pub(crate) struct Row {
    number: i64,
    state: State,
    over: bool,
    title: String,
    alerts: String,
    owner: String,
    began: Moment,
    lasted: Option<String>,
    severity: &'static str,
    merged_into: Option<IncidentNumber>,
    marks: Vec<Mark>,
}

impl Mark {
    fn all(incident: &Incident, now: DateTime<Utc>) -> Vec<Self> {
        let mut marks = Vec::new();
        let mut add = |symbol, words: &str, until: Option<DateTime<Utc>>| {
            let until = until.map(|until| Moment::new(until, now));
            marks.push(Self { symbol, words: words.to_owned(), until });
        };
        if incident.is_storm() {
            add("⁂", "storm: many services", None);
        }
        if incident.flapping {
            add("⇄", &format!("comes and goes, {}", times_words(incident.flaps)), None);
        }
        if let Some(until) = muted_until(incident, now) {
            add("◐", "muted until", Some(until));
        }
        if let Some(until) = silenced_until(incident, now) {
            add("⊘", "silenced until", Some(until));
        }
        marks
    }
}

impl Row {
    /// `merged_into` is the number of the incident that has its alerts now.
    pub(crate) fn new(
        incident: &Incident,
        merged_into: Option<IncidentNumber>,
        viewer: &Viewer,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            number: incident.number.0,
            state: State::of(incident),
            over: !incident.is_open(),
            title: incident.title.clone(),
            alerts: alerts_words(incident),
            owner: owner_words(incident, viewer),
            began: Moment::new(incident.opened_at, now),
            lasted: incident.resolved_at.map(|at| duration_words(at - incident.opened_at)),
            severity: severity_word(incident.severity),
            merged_into,
            marks: Mark::all(incident, now),
        }
    }
}

/// The id of the element of an incident's row.
pub(crate) fn element_id(number: IncidentNumber) -> String {
    format!("incident-{number}")
}

#[cfg(test)]
mod tests {
    use opsseer_core::LiveSilence;

    use super::*;
    use crate::web::test_data::{at, incident, viewer};

    #[test]
    fn a_row_says_state_title_alerts_owner_age_and_severity_and_shows_markup_as_text() {
        let mut incident = incident();
        incident.title = "<script>alert(1)</script>".into();
        let row = Row::new(&incident, None, &viewer("ada"), at("03:20:09"));
        let html = row.render().expect("renders");
        for part in ["Firing", "&#60;script&#62;", "INC-42", "1 alert firing", "nobody yet", "8 min", "Page"]
        {
            assert!(html.contains(part), "{part} is missing: {html}");
        }
        assert!(
            html.contains(&format!("id=\"{}\"", element_id(incident.number))) && !html.contains("<script"),
            "{html}"
        );
        incident.resolved_at = Some(at("03:18:09"));
        assert!(
            Row::new(&incident, None, &viewer("ada"), at("03:20:09"))
                .render()
                .expect("renders")
                .contains("6 min long")
        );
    }

    #[test]
    fn what_is_special_is_said_in_words_beside_its_symbol() {
        let mut incident = incident();
        let html = |incident: &Incident, into| {
            Row::new(incident, into, &viewer("ada"), at("03:20:00")).render().expect("renders")
        };
        assert!(!html(&incident, None).contains("class=\"mark"));
        (incident.flapping, incident.flaps) = (true, 4);
        incident.muted_until = Some(at("04:10:00"));
        incident.silences = vec![LiveSilence { id: "s".into(), until: at("03:00:00") }];
        incident.correlation_key = "storm:all".into();
        let shown = html(&incident, None);
        for part in ["comes and goes, back 4 times", "muted until <time", "04:10:00", "storm: many services"]
        {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert!(!shown.contains("silenced"), "it is over: {shown}");
        incident.merged_into = Some(opsseer_core::IncidentId::generate());
        let shown = html(&incident, Some(IncidentNumber(7)));
        assert!(
            shown.contains(">Merged<") && shown.contains(r#"into <a href="/incidents/7">INC-7</a>"#),
            "{shown}"
        );
    }
}
