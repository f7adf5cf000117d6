//! The page on which one asks the runbooks, and reads what they say.

use askama::Template;
use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::Html,
};
use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    ai::WordsOnly,
    app::SharedApp,
    asking::{self, Asked, MAX_QUESTION},
    web::{
        answer::{Near, Quoted, sure_words},
        frame::Frame,
        incident::looked_through_words,
        problem::Problem,
        viewer::Viewer,
        written::WrittenCard,
    },
};

/// The form's field.
#[derive(Debug, Deserialize)]
pub(crate) struct AskQuery {
    #[serde(default)]
    question: String,
}

enum Outcome {
    NothingAsked,
    Answered(Quoted),
    Refused { nearest: Vec<Near>, sure: String },
}

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage {
    frame: Frame,
    question: String,
    longest: usize,
    outcome: Outcome,
    documents: String,
    took: Option<String>,
    words_only: Option<WordsOnly>,
    written: Option<WrittenCard>,
}

/// Shows the form, and below it the answer if something was asked. Nothing is kept: what belongs to an incident is asked on
/// its page.
pub(crate) async fn ask_runbooks(
    State(app): State<SharedApp>,
    query: Result<Query<AskQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let Query(AskQuery { question }) =
        query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let asked = match question.trim() {
        "" => None,
        words => Some(asking::ask(&app, words, None, &viewer.name).await?),
    };
    let here = match question.trim() {
        "" => "/ask".to_owned(),
        words => format!(
            "/ask?{}",
            form_urlencoded::Serializer::new(String::new()).append_pair("question", words).finish()
        ),
    };
    // Where no runbook answers, there is nothing that a model could write an answer from.
    let answered = asked.as_ref().is_some_and(|asked| asked.answer.is_some());
    let page = AskPage {
        written: if answered { WrittenCard::of_question(&app, question.trim()) } else { None },
        longest: MAX_QUESTION,
        documents: looked_through_words(app.runbooks.document_count()),
        took: asked.as_ref().map(|asked| format!("{} ms", asked.took.as_millis())),
        outcome: asked.map_or(Outcome::NothingAsked, Outcome::of),
        words_only: app.meaning.words_only(),
        frame: Frame::new(&app, viewer, here).await?,
        question,
    };
    Ok(Html(page.render()?))
}

impl Outcome {
    fn of(asked: Asked) -> Self {
        match asked.answer {
            Some(answer) => Self::Answered(Quoted::new(&answer)),
            None => Self::Refused { nearest: Near::all(&asked.nearest), sure: sure_words(asked.confidence) },
        }
    }
}
