//! Summaries and answers in a language model's words, where the operator has configured one. The model sees an incident's events
//! and runbook passages, each with a label and without secrets. A sentence of what it writes is shown only if it names sources
//! that were given and states no number that does not stand in them; everything else is thrown away. What is sent is written
//! down first. Without a model, or when anything goes wrong, the summary made of events alone (`summary.rs`) or the runbooks'
//! quote (`asking.rs`) stands.

mod check;
mod draft;
mod numbers;
mod prompt;
mod redact;
mod sent;
mod sentences;
mod sources;
mod subject;
mod telling;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context;
use opsseer_connect::llm::{LanguageModel, LanguageModelClient, LanguageModelError, Prompt};
use opsseer_core::{Event, EventId, Incident};
use opsseer_store::{Store, StoreError};
use tokio::sync::Semaphore;

use crate::{app::App, asking::Asked, config};

pub use draft::{CheckedSentence, Draft, LeftOut};
pub use redact::Redactions;
pub use sent::{SentLog, SentPrompt};
pub use sources::{Place, Source, Sources};
pub use subject::Subject;

/// Events of each end of a log that are read.
const OLDEST: u32 = 200;
const NEWEST: u32 = 500;

/// What it takes to have a model write, beside the model.
pub struct Written {
    /// What is taken out of everything that is sent.
    redactions: Redactions,
    /// What was sent.
    sent: SentLog,
    /// How many may be worked on at once.
    permits: Arc<Semaphore>,
}

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// Word for word what is sent.
    pub prompt: Prompt,
    /// What it may cite.
    pub sources: Sources,
}

/// Why nothing is written.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// None is configured.
    #[error("no language model is configured; llm.url in the configuration names one")]
    Off,
    /// As many are being written as may be.
    #[error("other summaries are being written; try again in a moment")]
    Busy,
    /// There is nothing that an answer could rest on.
    #[error("no runbook answers this, so there is nothing to write an answer from; nothing was sent")]
    NoSource,
    /// What is sent could not be written down, and so it was not sent.
    #[error("what would be sent cannot be kept in the data folder, so nothing was sent")]
    NotKept(#[source] std::io::Error),
    /// The model gave no answer, or no whole one.
    #[error(transparent)]
    Model(#[from] LanguageModelError),
    /// An answer, but nothing that can be relied on.
    #[error("{}", nothing_to_show(*.0))]
    NothingToShow(LeftOut),
}

fn nothing_to_show(left_out: LeftOut) -> String {
    if left_out.total() == 0 {
        return "the language model wrote nothing".to_owned();
    }
    format!(
        "nothing that the language model wrote can be checked: sentences that name no source that was given: {}; that state a \
         number which does not stand there: {}",
        left_out.without_source + left_out.unknown_source,
        left_out.invented_number
    )
}

impl Written {
    /// With the operator's rules; `folder` keeps what is sent.
    pub fn new(settings: &config::Llm, folder: &Path) -> anyhow::Result<Self> {
        let redactions = Redactions::new(settings.redact_secrets, &settings.redact)
            .context("a rule of llm.redact is no regular expression")?;
        Ok(Self {
            redactions,
            sent: SentLog::within(folder),
            permits: Arc::new(Semaphore::new(settings.at_once)),
        })
    }

    /// What was last sent about this.
    pub async fn last_sent(&self, subject: &Subject) -> std::io::Result<Option<SentPrompt>> {
        self.sent.newest(subject.clone()).await
    }
}

/// The model that the operator named, if any.
pub fn configured_model(settings: &config::Llm) -> anyhow::Result<Option<Arc<dyn LanguageModel>>> {
    let Some(settings) = settings.client_settings()? else { return Ok(None) };
    let client = LanguageModelClient::new(settings).context("cannot use the configured language model")?;
    Ok(Some(Arc::new(client)))
}

/// What a model is, or would be, asked about an incident.
pub async fn question(app: &App, incident: &Incident) -> Result<Question, StoreError> {
    let redactions = &app.written.redactions;
    let sources = Sources::of(&both_ends(&app.store, incident).await?, None, redactions);
    let prompt = prompt::about(incident, &sources, redactions);
    Ok(Question { subject: Subject::incident(incident), prompt, sources })
}

/// What a model is, or would be, asked in a person's words: to answer from what the runbooks say, and within an incident from
/// its events too.
pub async fn question_in_words(
    app: &App,
    words: &str,
    asked: &Asked,
    within: Option<&Incident>,
) -> Result<Question, StoreError> {
    let redactions = &app.written.redactions;
    let events = match within {
        Some(incident) => both_ends(&app.store, incident).await?,
        None => Vec::new(),
    };
    let mut sources = Sources::of(&events, Some(asked), redactions);
    let words = redactions.apply(words);
    sources.redacted += words.places;
    let prompt = prompt::asked(&words.text, within, &sources, redactions);
    Ok(Question { subject: Subject::question(&words.text, within), prompt, sources })
}

/// Writes down what is asked, and asks.
pub async fn begin(app: &App, question: Question) -> Result<Draft, Unavailable> {
    let model = app.llm.as_ref().ok_or(Unavailable::Off)?;
    if question.sources.is_empty() {
        return Err(Unavailable::NoSource);
    }
    let permit = app.written.permits.clone().try_acquire_owned().map_err(|_| Unavailable::Busy)?;
    let sent = SentPrompt {
        at: app.clock.now(),
        subject: question.subject,
        address: model.address().to_owned(),
        model: model.model().to_owned(),
        prompt: question.prompt,
    };
    app.written.sent.keep(sent.clone()).await.map_err(Unavailable::NotKept)?;
    let writing = model.write(&sent.prompt).await?;
    Ok(Draft::new(writing, question.sources, permit))
}

/// The first and the newest events of an incident, oldest first, each once.
async fn both_ends(store: &Store, incident: &Incident) -> Result<Vec<Event>, StoreError> {
    let newest = store.list_events_before(incident.id, EventId(i64::MAX), NEWEST).await?;
    let oldest = store.list_events(incident.id, EventId(0), OLDEST).await?;
    let by_id: BTreeMap<EventId, Event> =
        oldest.into_iter().chain(newest).map(|event| (event.id, event)).collect();
    Ok(by_id.into_values().collect())
}

#[cfg(test)]
mod tests {
    use opsseer_connect::llm::{FakeLanguageModel, Piece};
    use opsseer_core::EventKind;

    use super::*;
    use crate::web::test_data::event;

    async fn draft(pieces: Vec<Piece>) -> Draft {
        let model = FakeLanguageModel::default();
        model.push(pieces);
        let note =
            Event { id: EventId(9), ..event(EventKind::Note { text: "the error rate is 41 %".into() }) };
        let sources = Sources::of(&[note], None, &Redactions::new(true, &[]).expect("sound"));
        let prompt = Prompt { system: String::new(), user: String::new() };
        let writing = model.write(&prompt).await.expect("an answer");
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("a permit");
        Draft::new(writing, sources, permit)
    }

    fn says(words: &str) -> Piece {
        Piece::Says(words.into())
    }

    async fn all(draft: &mut Draft) -> (Vec<String>, Option<Unavailable>) {
        let mut shown = Vec::new();
        loop {
            match draft.next().await {
                Ok(Some(sentence)) => shown.push(sentence.text),
                Ok(None) => return (shown, None),
                Err(error) => return (shown, Some(error)),
            }
        }
    }

    #[tokio::test]
    async fn only_sentences_that_can_be_checked_come_out() {
        let mut draft = draft(vec![
            says("The rate is 41"),
            says(" % [E9]. It was 3 % before [E9]. The database is down. It"),
            says(" is slow [E8]. Somebody noted it [E9]"),
        ])
        .await;
        let (shown, error) = all(&mut draft).await;
        assert_eq!(shown, ["The rate is 41 % [E9].", "Somebody noted it [E9]"]);
        assert!(error.is_none());
        assert_eq!(draft.left_out(), LeftOut { without_source: 1, unknown_source: 1, invented_number: 1 });
    }

    #[tokio::test]
    async fn an_answer_of_which_nothing_can_be_shown_is_none() {
        let (shown, error) =
            all(&mut draft(vec![says("I am sorry, I cannot help. Call 112 [E9].")]).await).await;
        assert!(shown.is_empty());
        let words = error.expect("unavailable").to_string();
        assert!(
            words.contains("no source that was given: 1; ") && words.ends_with("does not stand there: 1"),
            "{words}"
        );
        let (_, error) = all(&mut draft(vec![]).await).await;
        assert!(matches!(error, Some(Unavailable::NothingToShow(left_out)) if left_out.total() == 0));
    }

    #[tokio::test]
    async fn of_an_answer_that_breaks_off_half_a_sentence_is_never_shown() {
        let broken = Piece::Fails(LanguageModelError::BrokeOff { url: "http://m/".into(), source: None });
        let mut draft = draft(vec![says("The rate is 41 % [E9]. Do not restart [E9"), broken]).await;
        let (shown, error) = all(&mut draft).await;
        assert_eq!(shown, ["The rate is 41 % [E9]."]);
        assert!(error.expect("unavailable").to_string().ends_with("broke off"));
    }
}
