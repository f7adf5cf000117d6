//! What a language model is sent, for the operator to look at.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, SharedApp},
    http::{
        error::{ApiError, Problem},
        incidents::find,
    },
    written::{self, Question, SentPrompt},
};

/// What a language model is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentResponse {
    /// Whether a model is configured. If not, nothing is ever sent.
    pub on: bool,
    /// Where it is sent, without credentials.
    pub address: Option<String>,
    /// To which model.
    pub model: Option<String>,
    /// What would be sent now, after redaction.
    pub would_send: PromptResponse,
    /// How many places were taken out of it.
    pub redacted: usize,
    /// What was sent last, word for word; null if nothing was.
    pub last_sent: Option<LastSentResponse>,
}

/// The words that a model is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct PromptResponse {
    /// How it is to answer.
    pub system: String,
    /// What it is asked, with its sources.
    pub user: String,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct LastSentResponse {
    /// When.
    pub at: DateTime<Utc>,
    /// Where to.
    pub address: String,
    /// To which model.
    pub model: String,
    /// The words.
    pub prompt: PromptResponse,
}

/// Shows what a language model would be sent about this incident, after redaction, and what was sent last.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/summary/sent", params(("id" = String, Path, description = "number or uuid")),
    responses((status = 200, description = "the words, and what was sent last", body = SentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn show_sent(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<Json<SentResponse>, ApiError> {
    let incident = find(&app, &id).await?;
    let question = written::question(&app, &incident).await?;
    Ok(Json(SentResponse::read(&app, question).await?))
}

impl SentResponse {
    pub(super) async fn read(app: &App, question: Question) -> Result<Self, ApiError> {
        let Question { subject, prompt, sources } = question;
        let last_sent = app.written.last_sent(&subject).await.map_err(|error| {
            tracing::error!(error = %error, "what was sent to the language model cannot be read");
            let reason = "what was sent to the language model cannot be read from the data folder";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", reason)
        })?;
        Ok(Self {
            on: app.llm.is_some(),
            address: app.llm.as_ref().map(|model| model.address().to_owned()),
            model: app.llm.as_ref().map(|model| model.model().to_owned()),
            would_send: PromptResponse { system: prompt.system, user: prompt.user },
            redacted: sources.redacted,
            last_sent: last_sent.map(LastSentResponse::from),
        })
    }
}

impl From<SentPrompt> for LastSentResponse {
    fn from(sent: SentPrompt) -> Self {
        let prompt = PromptResponse { system: sent.prompt.system, user: sent.prompt.user };
        Self { at: sent.at, address: sent.address, model: sent.model, prompt }
    }
}
