//! What an alert is about: one of twelve categories, how urgent such alerts mostly are, and a hint at the cause.
//!
//! Several heads look at an alert, each in its own way: the words of it, its embedding, the most similar alerts that
//! were learned from, the sentences that describe each category, and the names of well-known products in it. Their
//! log-probabilities are added with weights that were fitted on alerts of services that the heads had not seen. What
//! people corrected counts on top: an alert that is like a corrected one takes its category.
//!
//! A probability is calibrated: of the alerts that get 0.8, about 80 % are right. Below a threshold, which was chosen
//! for the precision of what is above it, the classification says that it is unsure.

mod category;
mod corrections;
mod heads;
mod hint;
mod knowledge;
mod local;
mod logistic;
mod neighbours;
mod stack;
mod tfidf;
mod train;
mod weights;
mod words;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::embed::Vector;

pub use category::{Category, SeverityOpinion};
pub use local::LocalClassifier;
pub use train::{Example, TrainError, TrainingSet};
pub use weights::{Trained, WeightsError};

/// What an alert says of itself, as far as it helps to tell what it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertText {
    /// The name of its rule, such as `MySQLSlowQueries`.
    #[serde(default, alias = "alertname")]
    pub name: String,
    /// Its annotation `summary`.
    #[serde(default)]
    pub summary: String,
    /// Its annotation `description` (or `message`).
    #[serde(default)]
    pub description: String,
    /// Its PromQL expression, if it is known.
    #[serde(default)]
    pub expr: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What a person said an alert is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// The alert.
    pub alert: AlertText,
    /// Its right category.
    pub category: Category,
    /// Its right severity, if the person said so.
    pub severity: Option<SeverityOpinion>,
    /// The embedding of [`AlertText::to_embed`], by the classifier's own embeddings model. Without it only the words
    /// are compared.
    pub vector: Option<Vector>,
}

/// What an alert is about, and how sure that is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// The most probable category.
    pub category: Category,
    /// How probable it is, 0 to 1.
    pub probability: f32,
    /// Whether that is too little to rely on.
    pub unsure: bool,
    /// The next two, the most probable first.
    pub runners_up: Vec<(Category, f32)>,
    /// How urgent alerts like this one mostly are. Authors differ in this, so it is an opinion.
    pub severity: SeverityOpinion,
    /// How probable that is, 0 to 1.
    pub severity_probability: f32,
    /// Whether that is too little to rely on.
    pub severity_unsure: bool,
    /// A guess at the cause in a few words, with the word that it rests on.
    pub hint: Option<String>,
    /// How many corrections had a say.
    pub learned_from: usize,
    /// Names the weights and the embeddings model: `classifier@1a2b3c4d + all-MiniLM-L6-v2-int8@5e6f7a8b`.
    pub model: String,
}

/// Tells what alerts are about.
#[async_trait]
pub trait ClassifyAlert: Send + Sync {
    /// Classifies an alert. `corrections` are what people said of other alerts; an empty slice is fine.
    async fn classify(
        &self,
        alert: &AlertText,
        corrections: &[Correction],
    ) -> Result<Classification, ClassifyError>;
}

/// Why an alert could not be classified. That no embeddings are to be had is not among them: the words then decide.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// There is nothing to go by.
    #[error("the alert has neither a name nor a text")]
    Empty,
}
