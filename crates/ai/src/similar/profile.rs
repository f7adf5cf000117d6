use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::terms::split_words;

/// What is compared of an incident. Its JSON form is kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its headline.
    pub title: String,
    /// What its first alert says is wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The names of its alerts.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// Labels that its alerts share.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

impl Profile {
    /// The text to embed: the headline, the alerts' names split into words, and the summary.
    pub fn wording(&self) -> String {
        let mut text = self.title.clone();
        for alert in &self.alerts {
            let words = split_words(alert).join(" ");
            if !words.is_empty() && !text.contains(&words) {
                text = format!("{text}. {words}");
            }
        }
        if self.summary.is_empty() || text.contains(&self.summary) {
            return text;
        }
        format!("{text}. {}", self.summary)
    }
}

/// A vector and the model that made it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVector {
    /// Names the model: vectors of different models cannot be compared.
    pub model: String,
    /// The numbers.
    pub values: Vec<f32>,
}

impl ModelVector {
    /// Of length 1, so that a product is a cosine. A vector without length stays as it is, like nothing.
    pub(super) fn normalised(mut self) -> Self {
        let length = self.values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 && length.is_finite() {
            self.values.iter_mut().for_each(|value| *value /= length);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_to_embed_says_each_thing_once_and_in_words() {
        let profile = Profile {
            title: "Too many orders fail".to_owned(),
            summary: "Too many orders fail".to_owned(),
            alerts: vec!["ToyProdHighErrorRate".to_owned(), "toyprod_down".to_owned()],
            ..Profile::default()
        };
        assert_eq!(profile.wording(), "Too many orders fail. toy prod high error rate. toyprod down");
    }

    #[test]
    fn an_older_profile_is_read_without_the_fields_that_it_lacks() {
        let read: Profile = serde_json::from_str(r#"{"title": "t"}"#).expect("readable");
        assert_eq!(read, Profile { title: "t".to_owned(), ..Profile::default() });
    }
}
