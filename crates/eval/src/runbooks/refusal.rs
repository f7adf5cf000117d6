//! Whether nothing is answered where nothing fits, and how many good answers that costs.

use opsseer_ai::runbook::{Answer, AnswerError, AnswerRunbook, RankRunbooks, RunbookIndex};

use super::{
    data::{Corpus, Query},
    order,
};
use crate::{
    EvalError,
    suite::{Better, Item, Measure, aggregate},
};

pub(super) fn kept_measures() -> Vec<Measure> {
    vec![
        Measure::share("given", "the right runbook was first, and it was answered"),
        Measure::of("calibration_error", "how far confidence is from being right", |items: &[&Item]| {
            aggregate::calibration_error(items, "confidence", "right")
        })
        .better(Better::Lower),
    ]
}

pub(super) fn foreign_measures() -> Vec<Measure> {
    vec![
        Measure::share("refused", "nothing was answered, and that is right"),
        Measure::share("confidence", "mean confidence").better(Better::Lower),
    ]
}

/// The corpus' own alerts, in both forms. Only those whose right runbook comes first can lose a good answer; of the
/// others the confidence is judged.
pub(super) async fn own(index: &RunbookIndex, corpus: &Corpus) -> Result<Vec<Item>, EvalError> {
    let mut items = Vec::new();
    for query in &corpus.queries {
        let places = index.rank_for_alert(&query.alert()).await.map_err(|source| corpus.failed(source))?;
        let is_right = order::rank_of(&query.runbook, &places) == Some(1);
        let answer = index.answer(&query.alert()).await.map_err(|source| corpus.failed(source))?;
        items.push(judged(corpus, query, "alert", is_right, &answer));
        let Some(words) = query.hard() else { continue };
        let places = index.rank_for_question(words).await.map_err(|source| corpus.failed(source))?;
        let is_right = order::rank_of(&query.runbook, &places) == Some(1);
        let answer = index.ask(words, None).await.map_err(|source| corpus.failed(source))?;
        items.push(judged(corpus, query, "words", is_right, &answer));
    }
    Ok(items)
}

fn judged(corpus: &Corpus, query: &Query, form: &str, is_right: bool, answer: &Answer) -> Item {
    let item = Item::new(format!("{}:{form}", query.id))
        .in_group(&corpus.name)
        .asked(format!("{} ({form})", query.alertname))
        .right(&query.runbook)
        .score("confidence", f64::from(answer.confidence))
        .score("right", f64::from(u8::from(is_right)));
    let item = match &answer.found {
        Some(found) => item.answered(format!("{} ({:.2})", found.file, answer.confidence)),
        None => item,
    };
    if !is_right {
        return item.loss(f64::from(answer.confidence));
    }
    let given = f64::from(u8::from(answer.found.is_some()));
    item.score("given", given).loss((1.0 - given) * (1.0 - f64::from(answer.confidence)))
}

/// The alerts of another system.
pub(super) async fn foreign(
    index: &RunbookIndex,
    corpus: &Corpus,
    other: &Corpus,
) -> Result<Vec<Item>, EvalError> {
    let mut items = Vec::new();
    for query in &other.queries {
        let answer = index.answer(&query.alert()).await;
        items.push(refused(corpus, query, "alert", answer)?);
        if let Some(words) = query.hard() {
            let answer = index.ask(words, None).await;
            items.push(refused(corpus, query, "words", answer)?);
        }
    }
    Ok(items)
}

fn refused(
    corpus: &Corpus,
    query: &Query,
    form: &str,
    answer: Result<Answer, AnswerError>,
) -> Result<Item, EvalError> {
    let answer = answer.map_err(|source| corpus.failed(source))?;
    let confidence = f64::from(answer.confidence);
    let item = Item::new(format!("{}<{}:{form}", corpus.name, query.id))
        .in_group(&corpus.name)
        .asked(format!("{} ({form})", query.alertname))
        .right("nothing")
        .score("confidence", confidence)
        .score("refused", f64::from(u8::from(answer.found.is_none())));
    Ok(match answer.found {
        Some(found) => item.answered(format!("{} ({confidence:.2})", found.file)).loss(confidence),
        None => item,
    })
}
