//! Training: from labelled alerts to the classifier's weights.

use std::collections::BTreeMap;

use super::{
    AlertText, Category, SeverityOpinion,
    heads::{Heads, Lesson, SeverityHead, Situation},
    knowledge::Knowledge,
    stack::{HeldOut, Stack, greatest, least_sure},
    weights::Trained,
    words::Words,
};
use crate::embed::{Embed, EmbedError, Vector};

/// A labelled alert. What has no label is not learned from.
#[derive(Debug, Clone)]
pub struct Example {
    /// The alert.
    pub alert: AlertText,
    /// Its category.
    pub category: Option<Category>,
    /// Its severity.
    pub severity: Option<SeverityOpinion>,
    /// What it belongs to, such as the service that its rule is for. Alerts of one group are much alike, so the weights
    /// of the heads are fitted on groups that the heads did not see.
    pub group: String,
}

/// Why nothing could be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The embeddings model failed on the examples.
    #[error("cannot embed the examples")]
    Embed(#[from] EmbedError),
    /// There is too little to learn from.
    #[error(
        "cannot learn from {groups} groups of {alerts} alerts with a category; it takes at least {LEAST_GROUPS}"
    )]
    TooFew {
        /// Groups with at least one labelled alert.
        groups: usize,
        /// Labelled alerts.
        alerts: usize,
    },
}

/// Examples, read and embedded: what can be trained on, as a whole or in part.
pub struct TrainingSet {
    examples: Vec<Example>,
    words: Vec<Words>,
    embedded: Option<Embedded>,
}

struct Embedded {
    model: String,
    vectors: Vec<Vector>,
    /// Of the sentences on each category.
    about: Vec<(u8, Vector)>,
}

const LEAST_GROUPS: usize = 5;
/// Into how many parts the examples are cut to fit the stack: by group, and evenly.
const FOLDS_BY_GROUP: usize = 5;
const EVEN_FOLDS: usize = 4;
/// How much of what the stack is fitted on comes from groups that the heads know: users run well-known software too.
const KNOWN_GROUPS: f32 = 0.2;
/// What is called sure must be right so often, also for services that were never seen.
const PRECISION: f32 = 0.8;

impl TrainingSet {
    /// Reads the examples, and embeds them if there is a model.
    pub async fn read(examples: Vec<Example>, embeddings: Option<&dyn Embed>) -> Result<Self, TrainError> {
        let words = examples.iter().map(|example| Words::of(&example.alert)).collect();
        let embedded = match embeddings {
            None => None,
            Some(model) => {
                let vectors =
                    in_batches(model, examples.iter().map(|e| e.alert.to_embed()).collect()).await?;
                let about = Knowledge::builtin().about;
                let sentences = about.iter().map(|(_, sentence)| (*sentence).to_owned()).collect();
                let sentences = in_batches(model, sentences).await?;
                #[expect(clippy::cast_possible_truncation, reason = "there are twelve")]
                let columns = about.iter().map(|(category, _)| category.column() as u8);
                let about = columns.zip(sentences).collect();
                Some(Embedded { model: model.model().to_owned(), vectors, about })
            }
        };
        Ok(Self { examples, words, embedded })
    }

    /// The examples, in their order.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The embedding of an example, if there is a model.
    pub fn vector(&self, example: usize) -> Option<&Vector> {
        self.embedded.as_ref().map(|embedded| &embedded.vectors[example])
    }

    /// Trains on the chosen examples. The same choice gives the same weights.
    pub fn train(&self, chosen: &[usize]) -> Result<Trained, TrainError> {
        let labelled: Vec<usize> =
            chosen.iter().copied().filter(|at| self.examples[*at].category.is_some()).collect();
        let groups = self.group_sizes(&labelled).len();
        if groups < LEAST_GROUPS {
            return Err(TrainError::TooFew { groups, alerts: labelled.len() });
        }
        let knowledge = Knowledge::builtin();
        let stacks = self.fit_stacks(&knowledge, &labelled);
        let heads = self.learn(&labelled);
        let model = self.embedded.as_ref().map(|embedded| embedded.model.clone());
        Ok(Trained::new(heads, stacks, self.learn_severity(chosen), model))
    }

    fn group_sizes(&self, chosen: &[usize]) -> BTreeMap<&str, usize> {
        let mut sizes = BTreeMap::new();
        for at in chosen {
            *sizes.entry(self.examples[*at].group.as_str()).or_default() += 1;
        }
        sizes
    }

    fn learn(&self, chosen: &[usize]) -> Heads {
        let sizes = self.group_sizes(chosen);
        let lessons: Vec<Lesson<'_>> = chosen
            .iter()
            .map(|at| Lesson {
                words: &self.words[*at],
                vector: self.vector(*at),
                category: self.examples[*at].category.expect("only labelled examples are chosen"),
                count: say(sizes[self.examples[*at].group.as_str()]),
            })
            .collect();
        Heads::learn(&lessons, self.embedded.as_ref().map(|embedded| embedded.about.as_slice()))
    }

    /// A stack for each situation, fitted on what the heads say about examples that were held out from them.
    fn fit_stacks(&self, knowledge: &Knowledge, chosen: &[usize]) -> [Stack; Situation::ALL.len()] {
        let sizes = self.group_sizes(chosen);
        let by_group = folds_by_group(&sizes);
        let mut seen = Vec::new();
        for (folds, share) in [(FOLDS_BY_GROUP, 1.0 - KNOWN_GROUPS), (EVEN_FOLDS, KNOWN_GROUPS)] {
            for fold in 0..folds {
                let (held_out, rest): (Vec<(usize, usize)>, Vec<_>) =
                    chosen.iter().copied().enumerate().partition(|(order, at)| {
                        let of_group = by_group[self.examples[*at].group.as_str()];
                        fold == if folds == EVEN_FOLDS { order % EVEN_FOLDS } else { of_group }
                    });
                let heads = self.learn(&rest.iter().map(|(_, at)| *at).collect::<Vec<_>>());
                for (_, at) in held_out {
                    let example = &self.examples[at];
                    let (evidence, situation) = heads.evidence(knowledge, &self.words[at], self.vector(at));
                    let right = example.category.expect("only labelled examples are chosen").column();
                    let count = share * say(sizes[example.group.as_str()]);
                    let known_group = folds == EVEN_FOLDS;
                    seen.push((HeldOut { evidence, right, count, known_group }, situation));
                }
            }
        }
        Situation::ALL.map(|situation| {
            // An alert without a product's name says nothing about how much such names count. But every alert, its
            // product's name left out of sight, says what the other heads are worth.
            let held_out: Vec<HeldOut> = seen
                .iter()
                .filter(|(_, of)| of.named || !situation.named)
                .map(|(alert, _)| HeldOut { evidence: situation.lessen(&alert.evidence), ..*alert })
                .collect();
            Stack::fit(&held_out, PRECISION)
        })
    }

    fn learn_severity(&self, chosen: &[usize]) -> SeverityHead {
        let chosen: Vec<usize> =
            chosen.iter().copied().filter(|at| self.examples[*at].severity.is_some()).collect();
        let lesson = |at: &usize| {
            let severity = self.examples[*at].severity.expect("only labelled examples are chosen");
            (&self.words[*at], severity)
        };
        let by_group = folds_by_group(&self.group_sizes(&chosen));
        let fold_of = |at: &usize| by_group[self.examples[*at].group.as_str()];
        let mut answers = Vec::new();
        for fold in 0..FOLDS_BY_GROUP {
            let (held_out, rest): (Vec<usize>, Vec<usize>) =
                chosen.iter().copied().partition(|at| fold_of(at) == fold);
            let head = SeverityHead::learn(&rest.iter().map(lesson).collect::<Vec<_>>());
            for (words, severity) in held_out.iter().map(lesson) {
                let (best, probability) = greatest(&head.probabilities(words));
                answers.push((probability, best == severity.column(), 1.0));
            }
        }
        let mut head = SeverityHead::learn(&chosen.iter().map(lesson).collect::<Vec<_>>());
        head.sure_from = least_sure(answers, PRECISION);
        head
    }
}

/// How much an alert of a group of this size counts: a service with fifty rules is more than one with two, but not
/// twenty-five times.
#[expect(clippy::cast_precision_loss, reason = "a number of alerts")]
fn say(group_size: usize) -> f32 {
    (group_size as f32).sqrt().recip()
}

/// Deals the groups out, the greatest first, each to the fold that has least.
fn folds_by_group<'a>(sizes: &BTreeMap<&'a str, usize>) -> BTreeMap<&'a str, usize> {
    let mut groups: Vec<(&str, usize)> = sizes.iter().map(|(group, size)| (*group, *size)).collect();
    groups.sort_by_key(|(group, size)| (std::cmp::Reverse(*size), *group));
    let mut full = [0; FOLDS_BY_GROUP];
    let mut folds = BTreeMap::new();
    for (group, size) in groups {
        let least = (0..FOLDS_BY_GROUP).min_by_key(|fold| full[*fold]).expect("there are folds");
        full[least] += size;
        folds.insert(group, least);
    }
    folds
}

/// Embeds many texts without asking for more at once than an embedder's queue takes.
async fn in_batches(embedder: &dyn Embed, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
    const BATCH: usize = 16;
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        vectors.extend(embedder.embed(batch.to_vec()).await?);
    }
    Ok(vectors)
}
