//! One incident in the list.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::Incident;

use crate::web::{
    incident::{State, alerts_words, owner_words, severity_word},
    moment::{Moment, duration_words},
    viewer::Viewer,
};

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
}

impl Row {
    pub(crate) fn new(incident: &Incident, viewer: &Viewer, now: DateTime<Utc>) -> Self {
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
        }
    }

    /// The id of its element.
    pub(crate) fn element_id(&self) -> String {
        format!("incident-{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, incident, viewer};

    #[test]
    fn a_row_says_state_title_alerts_owner_age_and_severity_and_shows_markup_as_text() {
        let mut incident = incident();
        incident.title = "<script>alert(1)</script>".into();
        let row = Row::new(&incident, &viewer("ada"), at("03:20:09"));
        let html = row.render().expect("renders");
        for part in ["Firing", "&#60;script&#62;", "INC-42", "1 alert firing", "nobody yet", "8 min", "Page"]
        {
            assert!(html.contains(part), "{part} is missing: {html}");
        }
        assert!(
            html.contains(&format!("id=\"{}\"", row.element_id())) && !html.contains("<script"),
            "{html}"
        );
        incident.resolved_at = Some(at("03:18:09"));
        assert!(
            Row::new(&incident, &viewer("ada"), at("03:20:09"))
                .render()
                .expect("renders")
                .contains("6 min long")
        );
    }
}
