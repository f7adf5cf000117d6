//! Words, alerts, labels and services as numbers, so that comparing them is quick.

use std::{collections::HashMap, mem};

use super::{Features, Profile};

/// The number of a term that no past incident has.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// Labels that are compared as something else, or say nothing of what happened.
const OTHERWISE_COMPARED: [&str; 4] = ["alertname", "severity", "service", "prometheus"];

/// Words that any headline may have.
const EMPTY_WORDS: [&str; 24] = [
    "a", "an", "and", "are", "at", "been", "by", "for", "from", "has", "have", "in", "is", "it", "its",
    "more", "not", "of", "on", "or", "than", "the", "to", "with",
];

/// Each term's number, and in how many incidents it occurs. A term that the last incident gave up is forgotten, and
/// its number given out again: labels such as a pod's name come and go for ever.
#[derive(Debug, Default)]
pub(super) struct Terms {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
    counts: Vec<u32>,
    free: Vec<u32>,
}

/// A profile that is asked about. Terms that no past incident has are [`UNKNOWN`], but they are there: they are what
/// sets it apart.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) alerts: Vec<u32>,
    pub(super) words: Vec<u32>,
    pub(super) labels: Vec<(u32, u32)>,
    pub(super) service: Option<u32>,
}

/// What each term weighs: the logarithm of how few incidents have it.
pub(super) struct Weights {
    known: Vec<f32>,
    unknown: f32,
}

impl Weights {
    pub(super) fn of(&self, term: u32) -> f32 {
        self.known.get(term as usize).copied().unwrap_or(self.unknown)
    }
}

impl Terms {
    /// The numbers of a profile that is added to the index.
    pub(super) fn take(&mut self, profile: &Profile) -> Features {
        let Asked { alerts, words, labels, service } = read(profile, |text| self.number(text));
        let features = Features { alerts, words, labels, service };
        for term in features.all() {
            self.counts[term as usize] += 1;
        }
        features
    }

    /// The numbers of a profile that is asked about.
    pub(super) fn look_up(&self, profile: &Profile) -> Asked {
        read(profile, |text| self.numbers.get(text).copied().unwrap_or(UNKNOWN))
    }

    /// Gives up the terms of an incident that is gone.
    pub(super) fn release(&mut self, terms: impl Iterator<Item = u32>) {
        for term in terms {
            let count = &mut self.counts[term as usize];
            *count -= 1;
            if *count == 0 {
                let text = mem::take(&mut self.texts[term as usize]);
                self.numbers.remove(&text);
                self.free.push(term);
            }
        }
    }

    /// An alert's or a service's name.
    pub(super) fn name(&self, term: u32) -> &str {
        let text = self.texts.get(term as usize).map_or("", String::as_str);
        text.split_once(KIND_END).map_or(text, |(_, name)| name)
    }

    pub(super) fn weights(&self, incidents: usize) -> Weights {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a count of incidents is far below 2^24, and only its size matters"
        )]
        let weight = |count: u32| (1.0 + incidents.max(1) as f32 / count.max(1) as f32).ln();
        Weights { known: self.counts.iter().map(|&count| weight(count)).collect(), unknown: weight(1) }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.texts.push(String::new());
            self.counts.push(0);
            u32::try_from(self.texts.len() - 1).expect("fewer terms than fit into memory")
        });
        text.clone_into(&mut self.texts[number as usize]);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// Stands between a term's kind and its text: an alert "disk" and a word "disk" are two terms.
const KIND_END: char = '\u{1f}';

fn read(profile: &Profile, mut number: impl FnMut(&str) -> u32) -> Asked {
    let mut numbered = |kind: &str, text: &str| number(&format!("{kind}{KIND_END}{text}"));
    let alerts = sorted(profile.alerts.iter().map(|alert| numbered("alert", alert)).collect());
    let mut words = split_words(&profile.title);
    words.retain(|word| !EMPTY_WORDS.contains(&word.as_str()) && !word.chars().all(|c| c.is_ascii_digit()));
    // A word that is there twice counts once, also if it is unknown.
    words.sort_unstable();
    words.dedup();
    let words = sorted(words.iter().map(|word| numbered("word", word)).collect());
    let mut labels = Vec::new();
    for (name, value) in &profile.labels {
        let is_service = profile.service.as_ref() == Some(value);
        if !is_service && !OTHERWISE_COMPARED.contains(&name.as_str()) {
            labels.push((numbered("label", name), numbered("label", &format!("{name}={value}"))));
        }
    }
    labels.sort_unstable();
    let service = profile.service.as_deref().filter(|service| !service.is_empty());
    Asked { alerts, words, labels, service: service.map(|service| numbered("service", service)) }
}

/// Sorted, and each known term once. Unknown terms are several different ones.
fn sorted(mut terms: Vec<u32>) -> Vec<u32> {
    terms.sort_unstable();
    terms.dedup_by(|one, other| one == other && *one != UNKNOWN);
    terms
}

/// The words of a text in lower case; names such as `KubePodCrashLooping` and `kube_pod` are split.
pub(super) fn split_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (place, &letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| letters[before]);
        let next = letters.get(place + 1);
        // The capital of "podCrash" begins a word, and so does the last one of "HTTPError".
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || before.is_uppercase() && next.is_some_and(|next| next.is_lowercase())
            });
        if (begins || !letter.is_alphanumeric()) && !word.is_empty() {
            words.push(mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_where_a_reader_would() {
        assert_eq!(split_words("KubePodCrashLooping"), ["kube", "pod", "crash", "looping"]);
        assert_eq!(
            split_words("HTTPErrorRate > 5%, svc:cpu_usage"),
            ["http", "error", "rate", "5", "svc", "cpu", "usage"]
        );
        assert!(split_words(" -- ").is_empty());
    }

    #[test]
    fn terms_that_nobody_has_any_more_are_forgotten() {
        let mut terms = Terms::default();
        let profile = |title: &str| Profile { title: title.to_owned(), ..Profile::default() };
        let (first, second) = (terms.take(&profile("disk full")), terms.take(&profile("disk slow")));
        terms.release(first.all());
        assert_eq!(terms.numbers.len(), 2);
        terms.release(second.all());
        assert!(terms.numbers.is_empty());
        terms.take(&profile("queue full"));
        assert_eq!(terms.texts.len(), 3, "numbers are given out again");
    }
}
