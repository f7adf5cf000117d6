//! What a model writes, on its way to a reader: server-sent events.

use std::{convert::Infallible, time::Instant};

use axum::response::sse::{self, KeepAlive, Sse};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::{
    app::SharedApp,
    http::{
        ask::{AskResponse, SummaryResponse},
        stream::KEEP_ALIVE,
    },
    web::runbook,
    written::{self, CheckedSentence, Draft, Place, Question, Unavailable},
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
    /// The page that shows these lines.
    page: String,
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
    #[serde(flatten)]
    instead: Instead,
}

/// What stands if there is nothing written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Instead {
    /// An incident in words made of its events.
    Summary(SummaryResponse),
    /// What the runbooks say.
    Answer(Box<AskResponse>),
}

/// Asks the model and tells what it writes, until it is done or the server is to end.
pub(super) fn stream_written(
    app: SharedApp,
    question: Question,
    instead: Instead,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let ending = app.ending.clone();
    let told =
        Telling { instead: Some(instead), begun: Instant::now(), step: Step::Ask(Box::new(question)), app };
    let events = stream::unfold(told, |mut told| async move { Some((told.next().await?, told)) });
    Sse::new(events.map(Ok).take_until(ending.cancelled_owned()))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Telling {
    app: SharedApp,
    step: Step,
    /// What stands if there is nothing written.
    instead: Option<Instead>,
    begun: Instant,
}

enum Step {
    Ask(Box<Question>),
    Write(Box<Draft>),
    Over,
}

impl Telling {
    async fn next(&mut self) -> Option<sse::Event> {
        let mut draft = match std::mem::replace(&mut self.step, Step::Over) {
            Step::Over => return None,
            Step::Write(draft) => draft,
            Step::Ask(question) => match written::begin(&self.app, *question).await {
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
        if !matches!(error, Unavailable::Off | Unavailable::NoSource) {
            tracing::warn!(error = %chain(error), "nothing written that could be shown");
            self.count("unavailable");
        }
        let Some(instead) = self.instead.take() else { return sse::Event::default().comment("over") };
        encode("unavailable", &UnavailableEvent { reason: error.to_string(), instead })
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
            Place::Runbook { file, heading, line_start, line_end } => {
                let page = runbook::address(&file, line_start, line_end);
                let place = RunbookPlace { file, heading, line_start, line_end, page };
                Self { label, event: None, runbook: Some(place) }
            }
        }
    }
}
