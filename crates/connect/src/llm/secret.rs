use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What a secret looks like wherever it could be read.
const HIDDEN: &str = "…";

/// A text that is never printed: not in a log, not in an error, not where a configuration is shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { HIDDEN })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { HIDDEN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_only_whether_there_is_one() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Secret::default()), "… \"\"");
        assert_eq!(serde_json::to_string(&[secret, Secret::default()]).expect("text"), "[\"…\",\"\"]");
    }
}
