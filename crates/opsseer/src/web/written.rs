//! The card of what a language model writes, where the operator has configured one. `static/written.js` fills it.

use askama::Template;
use opsseer_core::Incident;
use url::form_urlencoded;

use crate::app::App;

/// The card before anything is written.
#[derive(Template)]
#[template(path = "written.html")]
pub(crate) struct WrittenCard {
    title: &'static str,
    button: &'static str,
    /// The model's name.
    model: String,
    /// Where it is asked to write.
    address: String,
    /// What it is asked, if it is a question.
    question: Option<String>,
    /// Where stands what it is sent.
    sent: String,
    /// The page whose timeline has the events that it names.
    page: String,
}

impl WrittenCard {
    /// For an incident. `None` without a model: nothing is shown then.
    pub(crate) fn of_incident(app: &App, incident: &Incident) -> Option<Self> {
        let model = app.llm.as_ref()?.model().to_owned();
        let number = incident.number;
        Some(Self {
            title: "Written summary",
            button: "Write a summary",
            model,
            address: format!("/api/v1/incidents/{number}/summary/written"),
            question: None,
            sent: format!("/api/v1/incidents/{number}/summary/sent"),
            page: format!("/incidents/{number}"),
        })
    }

    /// For a question that the runbooks answer.
    pub(crate) fn of_question(app: &App, question: &str) -> Option<Self> {
        let model = app.llm.as_ref()?.model().to_owned();
        Some(Self {
            title: "In other words",
            button: "Write an answer",
            model,
            address: ANSWERS.to_owned(),
            question: Some(question.to_owned()),
            sent: sent_for(question, None),
            page: "/ask".to_owned(),
        })
    }
}

/// Where stands what a model is sent to answer a question.
pub(crate) fn sent_for(question: &str, within: Option<&Incident>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(incident) = within {
        query.append_pair("incident", &incident.number.to_string());
    }
    format!("/api/v1/ask/sent?{}", query.append_pair("question", question).finish())
}

/// Where a model is asked to answer a question.
const ANSWERS: &str = "/api/v1/ask/written";
