//! Finds alerts by words, on the page and in the API alike.

use opsseer_store::StoredAlert;

/// Words of a filter that count.
const WORDS: usize = 8;

/// Words that an alert must hold, each somewhere. Without any, every alert fits.
pub(crate) struct AlertFilter(Vec<String>);

impl AlertFilter {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.split_whitespace().take(WORDS).map(str::to_lowercase).collect())
    }

    /// Whether every word stands somewhere in the alert's name, labels or summary.
    pub(crate) fn fits(&self, stored: &StoredAlert) -> bool {
        let alert = &stored.alert;
        self.0.iter().all(|word| {
            let holds = |text: &str| text.to_lowercase().contains(word);
            holds(alert.name())
                || alert.labels.values().any(|value| holds(value))
                || alert.summary().is_some_and(holds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::stored_alert;

    #[test]
    fn every_word_of_the_filter_must_stand_somewhere() {
        let alert = stored_alert("HighErrorRate");
        let fits = |text: &str| AlertFilter::of(text).fits(&alert);
        assert!(fits("") && fits("PAYMENTS") && fits("errorrate above") && fits("page"));
        assert!(!fits("payments checkout") && !fits("db"));
    }
}
