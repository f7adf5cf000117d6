//! Questions in words to the runbooks.

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use opsseer_ai::runbook::MatchedBy;
use opsseer_core::{NearPlace, RunbookAnswered};
use opsseer_store::IncidentRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ai::Gateway,
    app::SharedApp,
    asking::{self, AskError, Asked},
    http::error::{ApiError, Problem},
    summary::{self, Facts, Summary},
};

/// Who asks, where nobody says so.
const SOMEBODY: &str = "on-call";

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// In words, at most 1000 characters.
    pub question: String,
    /// The incident in which it is asked, by number or uuid: its most urgent alert is what the question is about, and
    /// question and answer stand on its timeline.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub incident: Option<IncidentName>,
    /// Who asks, for the timeline.
    #[serde(default)]
    pub by: Option<String>,
}

/// An incident as a client may write it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum IncidentName {
    /// 42
    Number(i64),
    /// "42", "INC-42" or a uuid.
    Text(String),
}

/// What the runbooks say.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskResponse {
    /// The quote; null if no runbook answers it.
    pub answer: Option<QuoteResponse>,
    /// The three nearest places, best first, good enough or not.
    pub nearest: Vec<PlaceResponse>,
    /// How probable it is that the best place answers the question, 0 to 1.
    pub confidence: f32,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// Whether places were found by their meaning too, or by their words alone.
    pub embeddings: bool,
}

/// A quote with its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteResponse {
    /// At most 60 words of the file. May be empty where the step consists of commands alone.
    pub quote: String,
    /// The commands of the step, as written.
    pub commands: Vec<String>,
    /// The file, relative to the runbook folder.
    pub file: String,
    /// The heading that it stands under.
    pub heading: String,
    /// Its first line, from 1.
    pub line_start: u32,
    /// Its last line.
    pub line_end: u32,
    /// Identifies the file's content.
    pub revision: String,
    /// The commit of the git checkout that the folder belongs to, if it is one.
    pub commit: Option<String>,
    /// How probable it is that this is the answer, 0 to 1.
    pub confidence: Option<f32>,
    /// `runbook_url`, `alert_name` or `search`.
    pub matched_by: &'static str,
}

/// A place that comes near.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceResponse {
    /// The file, relative to the runbook folder.
    pub file: String,
    /// The heading that it stands under.
    pub heading: String,
    /// Its first line, from 1.
    pub line_start: u32,
    /// Its last line.
    pub line_end: u32,
    /// How it begins.
    pub excerpt: String,
    /// How probable it is that this is the answer, 0 to 1.
    pub confidence: f32,
}

/// An incident in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct SummaryResponse {
    /// What it is and where it stands, on one line.
    pub headline: String,
    /// The sentences, one after the other.
    pub text: String,
    /// Each sentence with its evidence.
    pub sentences: Vec<SentenceResponse>,
}

/// A sentence of a summary.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentenceResponse {
    /// The words.
    pub text: String,
    /// The ids of the events that they rest on.
    pub events: Vec<i64>,
}

/// Asks the runbooks: a quote with its place and how probable it is that it answers, or none.
#[utoipa::path(post, path = "/api/v1/ask", request_body = AskBody,
    responses((status = 200, description = "what the runbooks say; `answer` is null if none answers it", body = AskResponse),
        (status = 400, description = "not understood", body = Problem), (status = 404, description = "no such incident", body = Problem),
        (status = 503, description = "the runbooks cannot be searched", body = Problem)))]
pub async fn ask_runbooks(
    State(gateway): State<Gateway>,
    body: Result<Json<AskBody>, JsonRejection>,
) -> Result<Json<AskResponse>, ApiError> {
    let Json(body) = body?;
    let within = body.incident.map(IncidentName::parse).transpose()?;
    let asked = match (&gateway.server, within) {
        (Some(app), within) => {
            asking::ask(app, &body.question, within, body.by.as_deref().unwrap_or(SOMEBODY)).await?
        }
        (None, None) => asking::ask_runbooks(gateway.runbooks.as_ref(), &body.question).await?,
        (None, Some(_)) => {
            let reason =
                "this server runs the AI services alone and keeps no incidents: leave `incident` out";
            return Err(ApiError::bad_request("no_incidents", reason));
        }
    };
    Ok(Json(AskResponse::new(asked, gateway.meaning.words_only().is_none())))
}

/// Tells an incident in a headline and a few sentences, made of its events and nothing else.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/summary", params(("id" = String, Path, description = "number or uuid")),
    responses((status = 200, description = "the summary", body = SummaryResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn show_summary(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<Json<SummaryResponse>, ApiError> {
    let incident = super::incidents::find(&app, &id).await?;
    let facts = Facts::read(&app.store, &incident).await?;
    Ok(Json(summary::summarise(&incident, &facts).into()))
}

impl From<Summary> for SummaryResponse {
    fn from(told: Summary) -> Self {
        let sentences = told.sentences.iter().map(|sentence| SentenceResponse {
            text: sentence.text.clone(),
            events: sentence.events.iter().map(|id| id.0).collect(),
        });
        Self { sentences: sentences.collect(), text: told.text(), headline: told.headline }
    }
}

impl IncidentName {
    fn parse(self) -> Result<IncidentRef, ApiError> {
        let text = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        };
        Ok(text.parse()?)
    }
}

impl AskResponse {
    /// The wire form.
    pub fn new(asked: Asked, embeddings: bool) -> Self {
        let matched_by = asked.matched_by;
        Self {
            answer: asked.answer.map(|answer| QuoteResponse::new(answer, matched_by)),
            nearest: asked.nearest.into_iter().map(PlaceResponse::from).collect(),
            confidence: asked.confidence,
            took_ms: asked.took.as_secs_f64() * 1000.0,
            embeddings,
        }
    }
}

impl QuoteResponse {
    fn new(answer: RunbookAnswered, matched_by: Option<MatchedBy>) -> Self {
        Self {
            quote: answer.quote,
            commands: answer.commands,
            file: answer.file,
            heading: answer.heading,
            line_start: answer.line_start,
            line_end: answer.line_end,
            revision: answer.revision,
            commit: answer.commit,
            confidence: answer.confidence,
            matched_by: match matched_by {
                Some(MatchedBy::RunbookUrl) => "runbook_url",
                Some(MatchedBy::AlertName) => "alert_name",
                Some(MatchedBy::Search { .. }) | None => "search",
            },
        }
    }
}

impl From<NearPlace> for PlaceResponse {
    fn from(place: NearPlace) -> Self {
        Self {
            file: place.file,
            heading: place.heading,
            line_start: place.line_start,
            line_end: place.line_end,
            excerpt: place.excerpt,
            confidence: place.confidence,
        }
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Action(error) => error.into(),
            AskError::Runbooks(source) => {
                tracing::error!(error = %source, "a question could not be answered");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "runbooks_unavailable",
                    "the runbooks cannot be searched; try again",
                )
            }
        }
    }
}
