//! Answers to questions in a language model's words, from what the runbooks say and, within an incident, from its events.

use axum::{
    Json,
    extract::{
        Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    response::IntoResponse,
};
use opsseer_core::Incident;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    sent::SentResponse,
    stream::{Instead, stream_written},
};
use crate::{
    app::{App, SharedApp},
    asking::{self, Asked},
    http::{
        ask::AskResponse,
        error::{ApiError, Problem},
        incidents::find,
    },
    written::{self, Question},
};

/// A question that is to be answered in words.
#[derive(Debug, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WrittenQuestion {
    /// In words, at most 1000 characters.
    pub question: String,
    /// The incident in which it is asked, by number or uuid: its events are sources then, too.
    #[serde(default)]
    pub incident: Option<String>,
}

/// Events `sentence`, one for each that can be checked; at the end `done`, or `unavailable` with the reason and what the
/// runbooks say. Nothing stands on the timeline: what was asked there does already.
pub(super) async fn write_answer(
    State(app): State<SharedApp>,
    body: Result<Json<WrittenQuestion>, JsonRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let Json(body) = body?;
    let (question, asked) = ask(&app, &body).await?;
    let answer = AskResponse::new(asked, app.meaning.words_only().is_none());
    Ok(stream_written(app, question, Instead::Answer(Box::new(answer))))
}

/// Shows what a language model would be sent to answer this question, after redaction, and what was sent last.
#[utoipa::path(get, path = "/api/v1/ask/sent", params(WrittenQuestion),
    responses((status = 200, description = "the words, and what was sent last", body = SentResponse), (status = 404, description = "no such incident", body = Problem)))]
pub async fn show_sent_for_question(
    State(app): State<SharedApp>,
    query: Result<Query<WrittenQuestion>, QueryRejection>,
) -> Result<Json<SentResponse>, ApiError> {
    let Query(query) = query?;
    let (question, _) = ask(&app, &query).await?;
    Ok(Json(SentResponse::read(&app, question).await?))
}

async fn ask(app: &App, question: &WrittenQuestion) -> Result<(Question, Asked), ApiError> {
    let incident = find_if_named(app, question.incident.as_deref()).await?;
    let asked = asking::look_up(app, &question.question, incident.as_ref()).await?;
    let question = written::question_in_words(app, &question.question, &asked, incident.as_ref()).await?;
    Ok((question, asked))
}

async fn find_if_named(app: &App, incident: Option<&str>) -> Result<Option<Incident>, ApiError> {
    match incident {
        Some(name) => Ok(Some(find(app, name).await?)),
        None => Ok(None),
    }
}
