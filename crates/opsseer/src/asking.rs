//! Questions in words, from whichever door: page, API, command line. The runbooks answer with a quote, or say that they
//! have none. What is asked within an incident is kept on its timeline.

use std::time::{Duration, Instant};

use opsseer_ai::runbook::{self, AlertQuestion, AnswerRunbook, MatchedBy};
use opsseer_core::{
    Actor, AlertSnapshot, AlertStatus, EventKind, Incident, NearPlace, NewEvent, RunbookAnswered,
};
use opsseer_store::{IncidentRef, StoreError};

use crate::{
    actions::{ActionError, checked_name},
    alert_text,
    app::App,
};

/// The longest question, in characters.
pub const MAX_QUESTION: usize = 1000;

/// What the runbooks say to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The quote, if a place is probable enough.
    pub answer: Option<RunbookAnswered>,
    /// How the place was found.
    pub matched_by: Option<MatchedBy>,
    /// The nearest places, best first.
    pub nearest: Vec<NearPlace>,
    /// How probable it is that the best place answers it, 0 to 1.
    pub confidence: f32,
    /// How long it took.
    pub took: Duration,
    /// The incident on whose timeline it stands now.
    pub incident: Option<Incident>,
}

/// Why there is no answer, not even that there is none.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The question or the name cannot be taken, or there is no such incident.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The runbooks cannot be searched.
    #[error("the runbooks cannot be searched")]
    Runbooks(#[from] runbook::AnswerError),
}

impl From<StoreError> for AskError {
    fn from(error: StoreError) -> Self {
        Self::Action(error.into())
    }
}

/// Asks the runbooks. Within an incident its most urgent alert is what the question is about, and the question and its answer
/// stand on the timeline in the name of `person`.
pub async fn ask(
    app: &App,
    question: &str,
    within: Option<IncidentRef>,
    person: &str,
) -> Result<Asked, AskError> {
    let question = checked_question(question)?;
    let name = checked_name("by", person)?;
    let incident = match within {
        Some(reference) => Some(app.store.find_incident(reference).await?.ok_or(ActionError::NotFound)?),
        None => None,
    };
    let mut asked = look_up(app, &question, incident.as_ref()).await?;
    if let Some(reference) = within {
        asked.incident = Some(keep(app, reference, name, question, &asked).await?);
    }
    Ok(asked)
}

/// As [`ask`], but nothing is kept.
pub async fn look_up(app: &App, question: &str, within: Option<&Incident>) -> Result<Asked, AskError> {
    let question = checked_question(question)?;
    let context = match within {
        Some(incident) => context_of(app, incident).await?,
        None => None,
    };
    search(app.runbooks.as_ref(), &question, context.as_ref()).await
}

/// Asks the runbooks, where there are no incidents. Nothing is kept.
pub async fn ask_runbooks(runbooks: &dyn AnswerRunbook, question: &str) -> Result<Asked, AskError> {
    search(runbooks, &checked_question(question)?, None).await
}

async fn search(
    runbooks: &dyn AnswerRunbook,
    question: &str,
    context: Option<&AlertQuestion>,
) -> Result<Asked, AskError> {
    let started = Instant::now();
    let answer = runbooks.ask(question, context).await?;
    let took = started.elapsed();
    metrics::histogram!("opsseer_ai_seconds", "service" => "ask").record(took.as_secs_f64());
    Ok(Asked::new(answer, took))
}

/// Writes it on the timeline.
async fn keep(
    app: &App,
    reference: IncidentRef,
    name: String,
    question: String,
    asked: &Asked,
) -> Result<Incident, AskError> {
    let nearest = if asked.answer.is_some() { Vec::new() } else { asked.nearest.clone() };
    let kind = EventKind::Asked { question, answer: asked.answer.clone(), nearest };
    let mut tx = app.store.begin().await?;
    let incident = tx.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let event = NewEvent::new(tx.now(), Actor::Person { name }, kind);
    let incident = tx.append(incident, vec![event]);
    tx.commit().await?;
    Ok(incident)
}

/// The alert that a question within an incident is about: of those that fire the most urgent, else of all.
async fn context_of(app: &App, incident: &Incident) -> Result<Option<AlertQuestion>, StoreError> {
    // Firing ones come first.
    const LOOKED_AT: u32 = 50;
    let alerts = app.store.list_alerts_of(incident.id, LOOKED_AT).await?;
    let most_urgent = alerts
        .iter()
        .max_by_key(|stored| (stored.alert.status == AlertStatus::Firing, stored.alert.severity()));
    Ok(most_urgent.map(|stored| alert_text::for_runbooks(&AlertSnapshot::from(&stored.alert))))
}

fn checked_question(question: &str) -> Result<String, ActionError> {
    let question = question.trim();
    let length = question.chars().count();
    if length == 0 {
        return Err(ActionError::Invalid("the question is empty".to_owned()));
    }
    if length > MAX_QUESTION {
        let words = format!("the question has {length} characters; at most {MAX_QUESTION} are taken");
        return Err(ActionError::Invalid(words));
    }
    if question.contains('\0') {
        return Err(ActionError::Invalid("the question holds a NUL character".to_owned()));
    }
    Ok(question.to_owned())
}

impl Asked {
    /// As the runbooks answered.
    pub fn new(answer: runbook::Answer, took: Duration) -> Self {
        Self {
            matched_by: answer.found.as_ref().map(|found| found.matched_by),
            answer: answer.found.map(quoted),
            nearest: answer.nearest.into_iter().map(near).collect(),
            confidence: answer.confidence,
            took,
            incident: None,
        }
    }
}

/// A quote as a timeline keeps it; whoever knows the alert and the reason adds them.
pub(crate) fn quoted(found: runbook::RunbookAnswer) -> RunbookAnswered {
    RunbookAnswered {
        alert: String::new(),
        quote: found.quote,
        commands: found.commands,
        file: found.file,
        heading: found.heading,
        line_start: found.line_start,
        line_end: found.line_end,
        revision: found.revision,
        commit: found.commit,
        confidence: Some(found.confidence),
        reason: String::new(),
    }
}

/// A place as a timeline keeps it.
pub(crate) fn near(place: runbook::NearPlace) -> NearPlace {
    NearPlace {
        file: place.file,
        heading: place.heading,
        line_start: place.line_start,
        line_end: place.line_end,
        excerpt: place.excerpt,
        confidence: place.confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_words_and_an_end() {
        assert_eq!(checked_question("  how?\n").expect("a question"), "how?");
        assert_eq!(checked_question(" \n").expect_err("empty").to_string(), "the question is empty");
        let long = "é".repeat(MAX_QUESTION + 1);
        let error = checked_question(&long).expect_err("too long").to_string();
        assert_eq!(error, "the question has 1001 characters; at most 1000 are taken");
        checked_question(&long[2..]).expect("as long as may be");
        assert!(checked_question("a\0b").expect_err("NUL").to_string().contains("NUL"));
    }
}
