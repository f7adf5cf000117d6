//! The card in which one asks the runbooks, with what they said to the last question.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Actor, Event, EventKind, Incident};

use crate::{
    ai::WordsOnly,
    app::App,
    asking::MAX_QUESTION,
    web::{
        answer::{Near, Quoted},
        incident::{headline::Can, sentence_case, story::Story},
        moment::Moment,
        viewer::Viewer,
        written::sent_for,
    },
};

/// What was asked last, and what came of it.
struct Last {
    question: String,
    /// Where stands what a model is sent to answer it.
    sent: String,
    who: String,
    at: Moment,
    answer: Option<Quoted>,
    nearest: Vec<Near>,
}

#[derive(Template)]
#[template(path = "incident/ask.html")]
pub(crate) struct AskCard {
    number: i64,
    can_ask: bool,
    longest: usize,
    last: Option<Last>,
    words_only: Option<WordsOnly>,
    model: Option<String>,
}

/// By what means answers are found.
pub(crate) struct Finds {
    /// Why places are found by their words alone, if they are.
    pub(crate) words_only: Option<WordsOnly>,
    /// The language model that can answer in other words, if there is one.
    pub(crate) model: Option<String>,
}

impl Finds {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            words_only: app.meaning.words_only(),
            model: app.llm.as_ref().map(|model| model.model().to_owned()),
        }
    }
}

impl AskCard {
    pub(crate) fn new(
        incident: &Incident,
        story: &Story,
        viewer: &Viewer,
        finds: Finds,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            number: incident.number.0,
            can_ask: Can::of(incident) != Can::Undo,
            longest: MAX_QUESTION,
            last: story.asked.as_ref().and_then(|event| Last::of(event, incident, viewer, now)),
            words_only: finds.words_only,
            model: finds.model,
        }
    }
}

impl Last {
    fn of(event: &Event, incident: &Incident, viewer: &Viewer, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::Asked { question, answer, nearest } = &event.kind else { return None };
        let who = match &event.actor {
            Actor::Person { name } => sentence_case(&viewer.name_or(name, "you")),
            _ => "Somebody".to_owned(),
        };
        Some(Self {
            question: question.clone(),
            sent: sent_for(question, Some(incident)),
            who,
            at: Moment::new(event.at, now),
            answer: answer.as_ref().map(Quoted::new),
            nearest: Near::all(nearest),
        })
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{NearPlace, RunbookAnswered};

    use super::*;
    use crate::{
        ai::Meaning,
        web::test_data::{at, event_by, incident, runbook, viewer},
    };

    fn html(asked: Option<EventKind>, meaning: &Meaning) -> String {
        html_with(asked, meaning, None)
    }

    fn html_with(asked: Option<EventKind>, meaning: &Meaning, model: Option<&str>) -> String {
        let mut story = Story::default();
        if let Some(kind) = asked {
            story.fold(&event_by(Actor::Person { name: "ada".into() }, kind));
        }
        let finds = Finds { words_only: meaning.words_only(), model: model.map(str::to_owned) };
        let card = AskCard::new(&incident(), &story, &viewer("ada"), finds, at("03:20:00"));
        card.render().expect("renders")
    }

    fn asked(answer: Option<RunbookAnswered>) -> EventKind {
        let nearest = vec![NearPlace {
            file: "db.md".into(),
            heading: "Restart <it>".into(),
            line_start: 3,
            line_end: 9,
            excerpt: "Stop the database.".into(),
            confidence: 0.21,
        }];
        EventKind::Asked { question: "How do I <b>roll back</b>?".into(), answer, nearest }
    }

    #[test]
    fn nothing_asked_yet_is_one_line_with_its_key() {
        let shown = html(None, &Meaning::Here);
        assert!(
            shown.contains(r#"action="/incidents/42/ask""#) && shown.contains(r#"data-key="q""#),
            "{shown}"
        );
        assert!(!shown.contains("models pull"), "{shown}");
    }

    #[test]
    fn an_answer_is_a_quote_with_its_place_and_how_sure_it_is() {
        let answer = RunbookAnswered { confidence: Some(0.874), ..runbook() };
        let shown = html(Some(asked(Some(answer))), &Meaning::Here);
        for part in [
            "You asked",
            "roll back&#60;/b&#62;?",
            "Roll the payments",
            "kubectl rollout undo",
            "87 % sure",
            "lines 41 to 47",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert!(!shown.contains("No runbook answers this"), "{shown}");
    }

    #[test]
    fn a_refusal_shows_the_nearest_places_as_text() {
        let shown = html(Some(asked(None)), &Meaning::Here);
        for part in [
            "No runbook answers this",
            "db.md",
            "Restart &#60;it&#62;",
            "lines 3 to 9",
            "21 % sure",
            "Stop the database.",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_missing_model_is_explained_with_the_command_that_installs_it() {
        let shown = html(Some(asked(None)), &Meaning::NotInstalled);
        assert!(shown.contains("opsseer models pull embeddings"), "{shown}");
    }

    #[test]
    fn an_answer_in_other_words_is_offered_only_where_there_is_a_model() {
        let question = || Some(asked(Some(runbook())));
        assert!(!html(question(), &Meaning::Here).contains("data-write"));
        assert!(
            !html_with(None, &Meaning::Here, Some("small")).contains("data-write"),
            "nothing is asked yet"
        );
        let shown = html_with(question(), &Meaning::Here, Some("small"));
        for part in [
            r#"data-write="/api/v1/ask/written""#,
            "roll back&#60;/b&#62;?\"",
            r#"data-incident="42""#,
            "incident=42&#38;question=How+do",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }
}
