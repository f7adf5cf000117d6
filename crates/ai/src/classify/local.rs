use std::sync::Arc;

use async_trait::async_trait;

use super::{AlertText, Classification, ClassifyAlert, ClassifyError, Correction, Trained, WeightsError};
use crate::embed::Embed;

/// The classifier in this process.
pub struct LocalClassifier {
    trained: Trained,
    embedder: Option<Arc<dyn Embed>>,
    name: String,
}

impl LocalClassifier {
    /// The classifier with the weights that OpsSeer ships.
    pub fn shipped(embedder: Option<Arc<dyn Embed>>) -> Self {
        let trained = Trained::from_bytes(include_bytes!("weights.bin"))
            .expect("a test reads the weights that are built in");
        Self::new(trained, embedder)
    }

    /// The classifier with the weights of a file that `opsseer train classifier` wrote.
    pub fn from_bytes(weights: &[u8], embedder: Option<Arc<dyn Embed>>) -> Result<Self, WeightsError> {
        Ok(Self::new(Trained::from_bytes(weights)?, embedder))
    }

    fn new(trained: Trained, embedder: Option<Arc<dyn Embed>>) -> Self {
        let name = trained.name();
        let embedder = embedder.filter(|embedder| {
            let fits = trained.embeddings() == Some(embedder.model());
            if !fits {
                tracing::warn!(
                    model = embedder.model(),
                    trained_with = trained.embeddings(),
                    "the classifier was trained with another embeddings model, so it goes by words alone; \
                     `opsseer train classifier` trains it with this one"
                );
            }
            fits
        });
        Self { trained, embedder, name }
    }
}

#[async_trait]
impl ClassifyAlert for LocalClassifier {
    async fn classify(
        &self,
        alert: &AlertText,
        corrections: &[Correction],
    ) -> Result<Classification, ClassifyError> {
        let texts = [&alert.name, &alert.summary, &alert.description];
        if texts.iter().all(|text| text.trim().is_empty()) {
            return Err(ClassifyError::Empty);
        }
        let mut vector = None;
        let mut model = self.name.clone();
        if let Some(embedder) = &self.embedder {
            match embedder.embed(vec![alert.to_embed()]).await {
                Ok(vectors) => {
                    vector = vectors.into_iter().next();
                    model = format!("{model} + {}", embedder.model());
                }
                Err(error) => {
                    tracing::warn!(%error, alert = alert.name, "classified by words alone: no embedding of the alert");
                }
            }
        }
        Ok(self.trained.classify(alert, vector.as_ref(), corrections, model))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Category, SeverityOpinion},
        *,
    };
    use crate::embed::{EmbedError, Vector};

    /// A model that fails.
    struct Broken(&'static str);

    #[async_trait]
    impl Embed for Broken {
        async fn embed(&self, _texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
            assert_ne!(self.0, "another model", "its vectors mean nothing to the classifier");
            Err(EmbedError::Timeout)
        }

        fn model(&self) -> &str {
            self.0
        }

        fn dimensions(&self) -> usize {
            384
        }
    }

    fn alert(name: &str, summary: &str) -> AlertText {
        AlertText { name: name.to_owned(), summary: summary.to_owned(), ..AlertText::default() }
    }

    async fn by_words(alert: &AlertText, corrections: &[Correction]) -> Classification {
        LocalClassifier::shipped(None).classify(alert, corrections).await.expect("classified")
    }

    #[tokio::test]
    async fn well_known_software_is_told_without_embeddings() {
        for (name, category) in [
            ("RabbitmqQueueGrowing", Category::MessageBrokers),
            ("TrinoWorkerLost", Category::DataEngineering),
            ("KubePodCrashLooping", Category::Orchestrators),
            ("ScyllaDBNodeDown", Category::Databases),
            ("HetznerCloudServerDown", Category::CloudProviders),
        ] {
            let class = by_words(&alert(name, ""), &[]).await;
            assert_eq!((class.category, class.unsure), (category, false), "{name}: {class:?}");
            assert!(class.runners_up.iter().all(|(_, probability)| *probability <= class.probability));
        }
    }

    #[tokio::test]
    async fn a_model_that_fails_or_is_another_one_leaves_the_words() {
        let question = alert("RedisDown", "Redis does not answer");
        let shipped = Trained::from_bytes(include_bytes!("weights.bin")).expect("sound");
        let own: &'static str = shipped.embeddings().expect("with embeddings").to_owned().leak();
        let expected = by_words(&question, &[]).await;
        for model in [own, "another model"] {
            let classifier = LocalClassifier::shipped(Some(Arc::new(Broken(model))));
            assert_eq!(classifier.classify(&question, &[]).await.expect("classified"), expected, "{model}");
        }
    }

    #[tokio::test]
    async fn a_correction_teaches_the_service_and_leaves_the_others_alone() {
        let question = alert("LedgerSettlementLate", "The ledger has not settled for an hour");
        assert!(by_words(&question, &[]).await.unsure);
        let correction = Correction {
            alert: alert("LedgerPostingsRejected", "The ledger rejects postings for an hour"),
            category: Category::DataEngineering,
            severity: None,
            vector: None,
        };
        let taught = by_words(&question, std::slice::from_ref(&correction)).await;
        assert_eq!((taught.category, taught.learned_from), (Category::DataEngineering, 1), "{taught:?}");
        let other = alert("RedisDown", "Redis does not answer");
        let class = by_words(&other, &[correction]).await;
        assert_eq!((class.category, class.learned_from), (Category::Databases, 0), "{class:?}");
    }

    #[tokio::test]
    async fn what_was_said_of_a_rule_holds_for_that_rule() {
        let question = alert("RedisDown", "Redis does not answer");
        let correction = Correction {
            alert: alert("RedisDown", ""),
            category: Category::MessageBrokers,
            severity: Some(SeverityOpinion::Info),
            vector: None,
        };
        let class = by_words(&question, &[correction]).await;
        assert_eq!((class.category, class.severity), (Category::MessageBrokers, SeverityOpinion::Info));
        assert!(!class.unsure && !class.severity_unsure);
    }

    #[tokio::test]
    async fn an_alert_without_a_text_is_refused() {
        let nothing = AlertText { expr: "up == 0".to_owned(), ..AlertText::default() };
        let error = LocalClassifier::shipped(None).classify(&nothing, &[]).await.expect_err("refused");
        assert!(error.to_string().contains("neither a name nor a text"));
    }
}
