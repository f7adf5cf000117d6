//! Whether things are found by what they mean, and if only by their words, why.

use std::sync::Arc;

use super::remote::RemoteHealth;

/// Where the model of meaning runs, if there is one.
#[derive(Debug, Clone)]
pub enum Meaning {
    /// In this process.
    Here,
    /// Nowhere: nobody has installed it.
    NotInstalled,
    /// Nowhere: what is installed cannot be used. The log says why.
    Unusable,
    /// On another server, which may fail.
    Elsewhere(Arc<RemoteHealth>),
}

/// Why things are found by their words alone just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordsOnly {
    /// The reason: a sentence without its end, which begins with a small letter.
    pub reason: String,
    /// Whether installing the model on this machine mends it.
    pub install: bool,
}

impl WordsOnly {
    /// The reason, and what mends it, for those who see no page.
    pub fn in_full(&self) -> String {
        let Self { reason, install } = self;
        if *install {
            format!("{reason}; `opsseer models pull embeddings` installs it")
        } else {
            reason.clone()
        }
    }
}

impl Meaning {
    /// `ok`, or why things are found by their words alone.
    pub fn state(&self) -> String {
        self.words_only().map_or_else(|| "ok".to_owned(), |words_only| words_only.in_full())
    }

    /// `None` while things are found by their meaning too, as far as is known.
    pub fn words_only(&self) -> Option<WordsOnly> {
        let (reason, install) = match self {
            Self::Here => return None,
            Self::NotInstalled => {
                let reason =
                    "the embeddings model, which also knows other words for the same thing, is not installed";
                (reason.to_owned(), true)
            }
            Self::Unusable => {
                let reason = "the files of the embeddings model cannot be used; the server's log says why";
                (reason.to_owned(), true)
            }
            Self::Elsewhere(health) => (health.trouble()?, false),
        };
        Some(WordsOnly { reason, install })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_model_that_is_missing_here_is_to_be_installed_here() {
        assert_eq!((Meaning::Here.words_only(), Meaning::Here.state()), (None, "ok".to_owned()));
        for meaning in [Meaning::NotInstalled, Meaning::Unusable] {
            assert!(meaning.words_only().expect("words alone").install);
            assert!(meaning.state().ends_with("`opsseer models pull embeddings` installs it"));
        }
        assert_eq!(Meaning::Elsewhere(Arc::default()).words_only(), None, "nothing is known to be wrong yet");
    }
}
