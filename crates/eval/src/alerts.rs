//! The suite `alerts`: what alerts are about, and how urgent they are.
//!
//! Data with folds is measured by cross-validation: each fold is asked of a classifier that was trained on the others,
//! so that the services of a fold were never seen. It is asked twice, with and without the list of well-known products:
//! that list is general knowledge which helps with software that is in it, and says nothing about software that is not.
//! Data without folds is asked of the weights that OpsSeer ships.

mod corrections;
mod data;
mod items;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use opsseer_ai::{
    classify::{Classification, ClassifyAlert, LocalClassifier, TrainingSet},
    embed::Embed,
};

use self::{
    corrections::{CORRECTED, LEAST_ALERTS, Learned},
    data::Case,
    items::{Question, item, part},
};
use crate::{
    EvalError,
    suite::{Item, Outcome},
};

pub use data::examples;

/// Runs the suite. `shipped` asks the shipped weights even if the data has folds.
pub async fn run(data: &Path, embedder: Option<Arc<dyn Embed>>, shipped: bool) -> Result<Outcome, EvalError> {
    let cases = data::read(data)?;
    let model = embedder.as_ref().map(|embedder| embedder.model().to_owned());
    let outcome = Outcome::new("alerts", model);
    let has_folds = cases.iter().all(|case| case.fold.is_some());
    if shipped || !has_folds {
        return ask_shipped(outcome, &cases, embedder).await;
    }
    cross_validate(outcome, cases, embedder).await
}

async fn ask_shipped(
    outcome: Outcome,
    cases: &[Case],
    embedder: Option<Arc<dyn Embed>>,
) -> Result<Outcome, EvalError> {
    let classifier = LocalClassifier::shipped(embedder);
    let mut answers = Vec::new();
    let started = Instant::now();
    for case in cases {
        let answer = classifier.classify(&case.example.alert, &[]).await;
        answers.push(answer.map_err(|source| EvalError::Classify { case: case.id.clone(), source })?);
    }
    let ms = milliseconds_each(started.elapsed(), answers.len());
    let answered = || cases.iter().zip(&answers);
    Ok(outcome
        .part(part("category", "what the alert is about", items_of(Question::Category, answered())))
        .part(part("severity", "how urgent such alerts are", items_of(Question::Severity, answered())))
        .extra("ms_per_alert", ms)
        .remark(
            "These are the shipped weights, which learned from all of samber/awesome-prometheus-alerts: figures on \
             that data say nothing.",
        ))
}

/// All that is gathered over the folds.
#[derive(Default)]
struct Gathered {
    category: Vec<Item>,
    blind: Vec<Item>,
    severity: Vec<Item>,
    learned: Learned,
    learned_blind: Learned,
    time: Duration,
}

async fn cross_validate(
    outcome: Outcome,
    cases: Vec<Case>,
    embedder: Option<Arc<dyn Embed>>,
) -> Result<Outcome, EvalError> {
    let train = |source| EvalError::Train { source };
    let examples = cases.iter().map(|case| case.example.clone()).collect();
    let set = TrainingSet::read(examples, embedder.as_deref()).await.map_err(train)?;
    let folds: BTreeSet<usize> = cases.iter().filter_map(|case| case.fold).collect();
    let mut gathered = Gathered::default();
    for fold in folds {
        let (held_out, rest): (Vec<usize>, Vec<usize>) =
            (0..cases.len()).partition(|at| cases[*at].fold == Some(fold));
        let trained = set.train(&rest).map_err(train)?;
        let ask = |trained: &opsseer_ai::classify::Trained| -> Vec<Classification> {
            let classify = |at: &usize| {
                trained.classify(&cases[*at].example.alert, set.vector(*at), &[], format!("fold {fold}"))
            };
            held_out.iter().map(classify).collect()
        };
        let started = Instant::now();
        let answers = ask(&trained);
        gathered.time += started.elapsed();
        let answered = || held_out.iter().map(|at| &cases[*at]).zip(&answers);
        gathered.category.extend(items_of(Question::Category, answered()));
        gathered.severity.extend(items_of(Question::Severity, answered()));
        gathered.learned.play(&trained, &set, &cases, &held_out, &answers);

        let blind = trained.without_product_names();
        let answers = ask(&blind);
        let answered = || held_out.iter().map(|at| &cases[*at]).zip(&answers);
        gathered.blind.extend(items_of(Question::Category, answered()));
        gathered.learned_blind.play(&blind, &set, &cases, &held_out, &answers);
    }
    let ms = milliseconds_each(gathered.time, cases.len());
    Ok(gathered.tell(outcome).extra("ms_per_alert_without_embedding", ms))
}

impl Gathered {
    fn tell(self, outcome: Outcome) -> Outcome {
        let remarks = [
            "Cross-validation by `fold`: the services that are asked about were not seen in training.".to_owned(),
            "`category` uses the list of well-known products, which was written by somebody who knew which services \
             are in this data; `category_without_product_names` is what it can do for software that nobody listed."
                .to_owned(),
            format!(
                "`corrections`: a person corrects {CORRECTED} alerts of each service that has at least \
                 {LEAST_ALERTS}; the rest of that service is asked before and after."
            ),
            self.learned.remark("corrections"),
            self.learned_blind.remark("corrections_without_product_names"),
        ];
        let outcome = outcome
            .part(part("category", "what the alert is about", self.category))
            .part(part("category_without_product_names", "the same, blind to product names", self.blind))
            .part(part("severity", "how urgent such alerts are", self.severity))
            .part(part("corrections.before", "a service before it is corrected", self.learned.before))
            .part(part("corrections.after", "the rest of it after five corrections", self.learned.after))
            .part(part(
                "corrections_without_product_names.before",
                "the same, blind to product names: before",
                self.learned_blind.before,
            ))
            .part(part(
                "corrections_without_product_names.after",
                "the same, blind to product names: after",
                self.learned_blind.after,
            ));
        remarks.into_iter().fold(outcome, Outcome::remark)
    }
}

fn items_of<'a>(
    question: Question,
    answered: impl Iterator<Item = (&'a Case, &'a Classification)>,
) -> Vec<Item> {
    answered.filter_map(|(case, answer)| item(question, case, answer)).collect()
}

fn milliseconds_each(time: Duration, count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of alerts")]
    let count = count.max(1) as f64;
    time.as_secs_f64() * 1e3 / count
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Twelve alerts of each of eight services, in four folds if `folds`.
    fn data(folds: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut lines = Vec::new();
        let names = ["mysql", "redis", "solr", "quokka", "nginx", "envoy", "caddy", "wombat"];
        for (nth, service) in names.into_iter().enumerate() {
            let category = if nth < 4 { "Databases" } else { "Proxies, load balancers and service meshes" };
            for number in 0..12 {
                let fold = if folds { serde_json::json!(nth % 4) } else { serde_json::Value::Null };
                lines.push(serde_json::json!({
                    "alertname": format!("{service}Trouble{number}"), "summary": format!("{service} has trouble {number}"),
                    "category": category, "severity": "warning", "service": service, "fold": fold,
                }));
            }
        }
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        fs::write(folder.path().join("alerts.jsonl"), lines.join("\n")).expect("write");
        folder
    }

    fn share_right(outcome: &Outcome, part: &str, service: &str) -> f64 {
        let part = outcome.parts.iter().find(|one| one.name == part).expect("the part");
        let items: Vec<_> = part.items.iter().filter(|item| item.group.as_deref() == Some(service)).collect();
        assert!(!items.is_empty(), "no items of {service}");
        crate::suite::aggregate::mean(&items, "right").expect("scores")
    }

    #[tokio::test]
    async fn every_alert_is_asked_once_and_corrections_teach_a_service_that_nobody_listed() {
        let outcome = run(data(true).path(), None, false).await.expect("cross-validated");
        let sizes: Vec<(&str, usize)> =
            outcome.parts.iter().map(|part| (part.name.as_str(), part.items.len())).collect();
        assert_eq!(sizes[..3], [("category", 96), ("category_without_product_names", 96), ("severity", 96)]);
        assert_eq!(sizes[3], ("corrections.before", 8 * (12 - CORRECTED)));
        let after = share_right(&outcome, "corrections.after", "wombat");
        assert!((after - 1.0).abs() < 1e-9, "{after}");
    }

    #[tokio::test]
    async fn data_without_folds_is_asked_of_the_shipped_weights() {
        let outcome = run(data(false).path(), None, false).await.expect("asked");
        let names: Vec<&str> = outcome.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["category", "severity"]);
        assert!((share_right(&outcome, "category", "redis") - 1.0).abs() < 1e-9);
        assert!(outcome.remarks[0].contains("shipped weights"));
    }
}
