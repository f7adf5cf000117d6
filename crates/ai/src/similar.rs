//! Has this happened before? Past incidents that are like this one, with the reason in words.
//!
//! Four things are compared: the alerts that fired, the service, the wording and the labels. Each gives 0 to 1, and the
//! score is their weighted mean over those that both incidents have. The wording is compared by meaning where both have
//! a vector of the same model, and otherwise by the words of their titles. What is rare counts for more than what every
//! incident has: a word, alert or label weighs the logarithm of how few have it, as in text search.
//!
//! Everything is in memory; a search looks at every incident, which for ten thousand takes a few milliseconds.

mod overlap;
mod profile;
mod reason;
mod terms;

use std::{collections::HashMap, hash::Hash};

use self::{
    overlap::{Overlap, cosine, share_alike},
    terms::Terms,
};

pub use profile::{ModelVector, Profile};

/// Below this nothing is called similar. The same alert on the same service is always above it; the same service, or a
/// similar wording alone, is not.
pub const FLOOR: f32 = 0.45;

const ALERTS: f32 = 0.35;
const SERVICE: f32 = 0.15;
const WORDING: f32 = 0.40;
const LABELS: f32 = 0.10;

/// Texts that have nothing to do with each other have about this cosine in sentence embeddings; it counts as 0.
const UNRELATED: f32 = 0.25;

/// An incident, as far as it is compared with others.
#[derive(Debug, Clone)]
pub struct PastIncident<Id> {
    /// Which.
    pub id: Id,
    /// What is known of it.
    pub profile: Profile,
    /// [`Profile::wording`] as a model sees it, if there is one.
    pub vector: Option<ModelVector>,
}

/// A past incident that is like the one asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar<Id> {
    /// Which.
    pub id: Id,
    /// How alike, from [`FLOOR`] to 1.
    pub score: f32,
    /// Why, in words: "same alert and service; 94 % alike in wording".
    pub reason: String,
}

/// Past incidents, ready to be searched.
#[derive(Debug)]
pub struct SimilarIndex<Id> {
    entries: Vec<Entry<Id>>,
    places: HashMap<Id, usize>,
    terms: Terms,
}

#[derive(Debug)]
struct Entry<Id> {
    id: Id,
    features: Features,
    vector: Option<ModelVector>,
}

/// A profile as numbers of [`Terms`], sorted, each once.
#[derive(Debug)]
struct Features {
    alerts: Vec<u32>,
    words: Vec<u32>,
    /// Names of labels, each with the number of its name and value together.
    labels: Vec<(u32, u32)>,
    service: Option<u32>,
}

impl Features {
    fn all(&self) -> impl Iterator<Item = u32> {
        let labels = self.labels.iter().flat_map(|&(name, pair)| [name, pair]);
        self.alerts.iter().chain(&self.words).chain(&self.service).copied().chain(labels)
    }
}

/// What two incidents have in common; `None` for what cannot be compared.
#[derive(Debug, Clone, Copy)]
struct Likeness {
    alerts: Option<f32>,
    service: Option<f32>,
    labels: Option<f32>,
    wording: Option<Wording>,
}

#[derive(Debug, Clone, Copy)]
enum Wording {
    /// The cosine of two vectors.
    Meaning(f32),
    /// The share of words in common.
    Words(f32),
}

impl Likeness {
    fn score(&self) -> f32 {
        let wording = self.wording.map(|wording| match wording {
            Wording::Meaning(cosine) => ((cosine - UNRELATED) / (1.0 - UNRELATED)).clamp(0.0, 1.0),
            Wording::Words(share) => share,
        });
        let (mut sum, mut weights) = (0.0, 0.0);
        for (likeness, weight) in
            [(self.alerts, ALERTS), (self.service, SERVICE), (wording, WORDING), (self.labels, LABELS)]
        {
            if let Some(likeness) = likeness {
                sum += weight * likeness;
                weights += weight;
            }
        }
        // Where little can be compared, little can be said: less than half of the weight is no ground for a match.
        if weights < 0.5 { 0.0 } else { (sum / weights).min(1.0) }
    }
}

impl<Id> Default for SimilarIndex<Id> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashMap::new(), terms: Terms::default() }
    }
}

impl<Id: Clone + Eq + Hash + Ord> SimilarIndex<Id> {
    /// An index without incidents.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many incidents it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an incident, or puts it in the place of what was known of it before.
    pub fn put(&mut self, incident: PastIncident<Id>) {
        self.remove(&incident.id);
        let PastIncident { id, profile, vector } = incident;
        let features = self.terms.take(&profile);
        self.places.insert(id.clone(), self.entries.len());
        self.entries.push(Entry { id, features, vector: vector.map(ModelVector::normalised) });
    }

    /// Forgets an incident. Says whether it was there.
    pub fn remove(&mut self, id: &Id) -> bool {
        let Some(place) = self.places.remove(id) else { return false };
        let gone = self.entries.swap_remove(place);
        self.terms.release(gone.features.all());
        if let Some(moved) = self.entries.get(place) {
            self.places.insert(moved.id.clone(), place);
        }
        true
    }

    /// The incidents most like this one, best first, at most `limit`, none below [`FLOOR`]. The incident itself, if it
    /// is in the index, is not among them. Of two that are equally alike, the one with the greater id comes first: ids
    /// that sort by time put the latest there.
    pub fn search(&self, incident: &PastIncident<Id>, limit: usize) -> Vec<Similar<Id>> {
        let asked = self.terms.look_up(&incident.profile);
        let weights = self.terms.weights(self.entries.len());
        let vector = incident.vector.clone().map(ModelVector::normalised);
        let mut found: Vec<(f32, &Entry<Id>, Likeness)> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.id != incident.id) {
            let likeness = compare(&asked, vector.as_ref(), entry, &weights);
            let score = likeness.score();
            if score >= FLOOR {
                found.push((score, entry, likeness));
            }
        }
        found.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| other.1.id.cmp(&one.1.id)));
        found.truncate(limit);
        let similar = |(score, entry, likeness): (f32, &Entry<Id>, Likeness)| Similar {
            id: entry.id.clone(),
            score,
            reason: reason::in_words(&asked, &entry.features, &likeness, &self.terms),
        };
        found.into_iter().map(similar).collect()
    }
}

fn compare<Id>(
    asked: &terms::Asked,
    vector: Option<&ModelVector>,
    entry: &Entry<Id>,
    weights: &terms::Weights,
) -> Likeness {
    let Features { alerts, words, labels, service } = &entry.features;
    let by_meaning = vector.zip(entry.vector.as_ref()).and_then(|(one, other)| cosine(one, other));
    let by_words = || Overlap::of(&asked.words, words, weights).share();
    Likeness {
        alerts: Overlap::of(&asked.alerts, alerts, weights).share(),
        service: asked.service.zip(*service).map(|(one, other)| f32::from(u8::from(one == other))),
        labels: share_alike(&asked.labels, labels, weights),
        wording: by_meaning.map(Wording::Meaning).or_else(|| by_words().map(Wording::Words)),
    }
}

#[cfg(test)]
mod tests;
