//! An incident's summary in a language model's words, and what the model is sent for it.

use std::{convert::Infallible, time::Instant};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::sse::{self, KeepAlive, Sse},
    routing::get,
};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use opsseer_core::Incident;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::SharedApp,
    http::{
        ask::SummaryResponse,
        error::{ApiError, Problem},
        incidents::find,
        stream::KEEP_ALIVE,
    },
    summary::{self, Facts},
    written::{self, CheckedSentence, Draft, Place, Question, SentPrompt, Unavailable},
};

/// `event: sentence`
#[derive(Debug, Serialize)]
struct SentenceEvent {
    /// As the model wrote it, with the labels of its sources in square brackets.
    text: String,
    /// The sources that it names, at least one.
    sources: Vec<SourceResponse>,
}

/// A source that a sentence names.
#[derive(Debug, Serialize)]
struct SourceResponse {
    /// As it stands in the text, without brackets.
    label: String,
    /// The id of the event, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<i64>,
    /// Where it stands in a runbook, if it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    runbook: Option<RunbookPlace>,
}

#[derive(Debug, Serialize)]
struct RunbookPlace {
    file: String,
    heading: String,
    line_start: u32,
    line_end: u32,
}

/// `event: done`
#[derive(Debug, Serialize)]
struct DoneEvent {
    /// Which model wrote it.
    model: String,
    /// Sentences that were shown.
    shown: usize,
    /// Sentences that were not, for they name no source, or one that was not given.
    left_out_without_source: usize,
    /// Sentences that were not, for they state a number that does not stand in their sources.
    left_out_for_a_number: usize,
    /// How long it took, in milliseconds.
    took_ms: u128,
}

/// `event: unavailable`
#[derive(Debug, Serialize)]
struct UnavailableEvent {
    /// Why, in words.
    reason: String,
    /// What stands instead of anything that was shown before.
    summary: SummaryResponse,
}

/// What a language model is sent about an incident.
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
    /// The incident and its sources.
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

/// Apart from the other routes, because a model takes the time that `llm.timeout` allows.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/api/v1/incidents/{id}/summary/written", get(stream_written_summary))
}

/// Events `sentence`, one for each that can be checked; at the end `done`, or `unavailable` with the reason and the summary
/// that stands instead.
async fn stream_written_summary(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, ApiError> {
    // The answer of a GET is closed to other sites, but asking already sends something away, and may cost money.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        let reason = "a page of another site asked for this; nothing was sent to the language model";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", reason));
    }
    let incident = find(&app, &id).await?;
    let facts = Facts::read(&app.store, &incident).await?;
    let question = written::question(&app, &incident).await?;
    let ending = app.ending.clone();
    let told = Telling {
        instead: Some(summary::summarise(&incident, &facts).into()),
        begun: Instant::now(),
        step: Step::Ask(Box::new((incident, question))),
        app,
    };
    let events = stream::unfold(told, |mut told| async move { Some((told.next().await?, told)) });
    Ok(Sse::new(events.map(Ok).take_until(ending.cancelled_owned()))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Shows what a language model would be sent about this incident, after redaction, and what was sent last.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/summary/sent", params(("id" = String, Path, description = "number or uuid")),
    responses((status = 200, description = "the words, and what was sent last", body = SentResponse), (status = 404, description = "none such", body = Problem)))]
pub async fn show_sent(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<Json<SentResponse>, ApiError> {
    let incident = find(&app, &id).await?;
    let Question { prompt, sources } = written::question(&app, &incident).await?;
    let last_sent = app.written.last_sent(&incident).await.map_err(|error| {
        tracing::error!(error = %error, "what was sent to the language model cannot be read");
        let reason = "what was sent to the language model cannot be read from the data folder";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", reason)
    })?;
    Ok(Json(SentResponse {
        on: app.llm.is_some(),
        address: app.llm.as_ref().map(|model| model.address().to_owned()),
        model: app.llm.as_ref().map(|model| model.model().to_owned()),
        would_send: PromptResponse { system: prompt.system, user: prompt.user },
        redacted: sources.redacted,
        last_sent: last_sent.map(LastSentResponse::from),
    }))
}

/// A summary on its way to a reader.
struct Telling {
    app: SharedApp,
    step: Step,
    /// What stands if there is no written one.
    instead: Option<SummaryResponse>,
    begun: Instant,
}

enum Step {
    Ask(Box<(Incident, Question)>),
    Write(Box<Draft>),
    Over,
}

impl Telling {
    async fn next(&mut self) -> Option<sse::Event> {
        let mut draft = match std::mem::replace(&mut self.step, Step::Over) {
            Step::Over => return None,
            Step::Write(draft) => draft,
            Step::Ask(asked) => match written::begin(&self.app, &asked.0, asked.1).await {
                Ok(draft) => Box::new(draft),
                Err(error) => return Some(self.unavailable(&error)),
            },
        };
        match draft.next().await {
            Ok(Some(sentence)) => {
                self.step = Step::Write(draft);
                Some(encode("sentence", &SentenceEvent::from(sentence)))
            }
            Ok(None) => Some(self.done(&draft)),
            Err(error) => Some(self.unavailable(&error)),
        }
    }

    fn done(&self, draft: &Draft) -> sse::Event {
        let left_out = draft.left_out();
        let done = DoneEvent {
            model: self.app.llm.as_ref().map_or_else(String::new, |model| model.model().to_owned()),
            shown: draft.shown(),
            left_out_without_source: left_out.without_source + left_out.unknown_source,
            left_out_for_a_number: left_out.invented_number,
            took_ms: self.begun.elapsed().as_millis(),
        };
        self.count("written");
        encode("done", &done)
    }

    fn unavailable(&mut self, error: &Unavailable) -> sse::Event {
        if !matches!(error, Unavailable::Off) {
            tracing::warn!(error = %chain(error), "no written summary");
            self.count("unavailable");
        }
        let Some(summary) = self.instead.take() else { return sse::Event::default().comment("over") };
        encode("unavailable", &UnavailableEvent { reason: error.to_string(), summary })
    }

    fn count(&self, result: &'static str) {
        metrics::counter!("opsseer_written_summaries_total", "result" => result).increment(1);
        metrics::histogram!("opsseer_written_summary_seconds").record(self.begun.elapsed().as_secs_f64());
    }
}

fn encode(name: &str, data: &impl Serialize) -> sse::Event {
    sse::Event::default().event(name).json_data(data).expect("plain data")
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = format!("{words}: {inner}");
        source = inner.source();
    }
    words
}

impl From<CheckedSentence> for SentenceEvent {
    fn from(sentence: CheckedSentence) -> Self {
        let sources = sentence.sources.into_iter().map(|(label, place)| SourceResponse::new(label, place));
        Self { text: sentence.text, sources: sources.collect() }
    }
}

impl SourceResponse {
    fn new(label: String, place: Place) -> Self {
        match place {
            Place::Event(id) => Self { label, event: Some(id.0), runbook: None },
            Place::Runbook { file, heading, line_start, line_end } => Self {
                label,
                event: None,
                runbook: Some(RunbookPlace { file, heading, line_start, line_end }),
            },
        }
    }
}

impl From<SentPrompt> for LastSentResponse {
    fn from(sent: SentPrompt) -> Self {
        let prompt = PromptResponse { system: sent.prompt.system, user: sent.prompt.user };
        Self { at: sent.at, address: sent.address, model: sent.model, prompt }
    }
}
