//! The section `[llm]`.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use opsseer_connect::llm::{LanguageModelSettings, Secret};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{ConfigError, SHORTEST_TIME, optional_url};
use crate::written::Redactions;

/// Whoever waits longer does not wait.
const LONGEST_TIME: Duration = Duration::from_mins(10);

/// Less than the first holds no sentence; what is larger than the second is no summary.
const SMALLEST_ANSWER: usize = 1 << 10;
const LARGEST_ANSWER: usize = 1 << 20;

/// A file with a key is not larger than this, in bytes.
const LARGEST_KEY: usize = 1 << 14;

/// The section `[llm]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Llm {
    #[serde(deserialize_with = "optional_url::read", serialize_with = "optional_url::write")]
    pub url: Option<Url>,
    pub model: String,
    pub api_key: Secret,
    pub api_key_file: PathBuf,
    #[serde(with = "humantime_serde")]
    pub first_word_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub max_answer_bytes: usize,
    pub at_once: usize,
    pub redact_secrets: bool,
    pub redact: Vec<String>,
}

impl Llm {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refused = |key, given: String, allowed| Err(ConfigError::Value { key, given, allowed });
        for (key, given) in
            [("llm.first_word_timeout", self.first_word_timeout), ("llm.timeout", self.timeout)]
        {
            if !(SHORTEST_TIME..=LONGEST_TIME).contains(&given) {
                return refused(key, format!("{given:?}"), "it must be from 1s to 10m");
            }
        }
        if !(SMALLEST_ANSWER..=LARGEST_ANSWER).contains(&self.max_answer_bytes) {
            let given = self.max_answer_bytes.to_string();
            return refused("llm.max_answer_bytes", given, "it must be from 1024 (1 KiB) to 1048576 (1 MiB)");
        }
        if !(1..=100).contains(&self.at_once) {
            return refused("llm.at_once", self.at_once.to_string(), "it must be from 1 to 100");
        }
        for rule in &self.redact {
            let given = format!("{rule:?}");
            match Redactions::new(false, std::slice::from_ref(rule)) {
                Err(_) => return refused("llm.redact", given, "each rule must be a regular expression"),
                Ok(rule) if rule.apply("").places > 0 => {
                    return refused(
                        "llm.redact",
                        given,
                        "a rule must not fit the empty text: it would fit everywhere",
                    );
                }
                Ok(_) => {}
            }
        }
        let Some(url) = &self.url else { return Ok(()) };
        if !matches!(url.scheme(), "http" | "https") {
            return refused("llm.url", format!("{url}"), "it must start with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused(
                "llm.url",
                "an address with a password".into(),
                "the key belongs into llm.api_key_file",
            );
        }
        if self.model.trim().is_empty() {
            return refused("llm.model", "empty".into(), "it must name a model that llm.url knows");
        }
        if !self.api_key.is_empty() && !self.api_key_file.as_os_str().is_empty() {
            return refused("llm.api_key", "set, as is llm.api_key_file".into(), "only one of them may be");
        }
        Ok(())
    }

    /// What the client needs to know, with the key read from its file. `None`: there is no model.
    pub fn client_settings(&self) -> anyhow::Result<Option<LanguageModelSettings>> {
        let Some(url) = self.url.clone() else { return Ok(None) };
        Ok(Some(LanguageModelSettings {
            url,
            model: self.model.trim().to_owned(),
            key: self.key()?,
            first_word: self.first_word_timeout,
            total: self.timeout,
            max_answer_bytes: self.max_answer_bytes,
        }))
    }

    fn key(&self) -> anyhow::Result<Secret> {
        if self.api_key_file.as_os_str().is_empty() {
            return Ok(self.api_key.clone());
        }
        let shown = self.api_key_file.display();
        let text = fs::read_to_string(&self.api_key_file)
            .with_context(|| format!("cannot read the key of the language model from {shown}"))?;
        let key = text.trim();
        ensure!(!key.is_empty() && key.len() <= LARGEST_KEY, "{shown} holds no key of a language model");
        Ok(Secret::new(key))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn refused(toml: &str) -> String {
        Config::with_overrides(&format!("[llm]\n{toml}")).expect_err(toml).to_string()
    }

    #[test]
    fn no_model_is_asked_unless_one_is_named() {
        let config = Config::with_overrides("").expect("usable");
        assert!(config.llm.client_settings().expect("readable").is_none());
        assert!(config.llm.redact_secrets);
    }

    #[test]
    fn the_key_is_never_printed() {
        let set = "[llm]\nurl = \"http://m:1/v1\"\nmodel = \"small\"\napi_key = \"sk-hunter2\"";
        let config = Config::with_overrides(set).expect("usable");
        let printed = format!("{}{config:?}", toml::to_string(&config).expect("printable"));
        assert!(!printed.contains("hunter2") && printed.contains("small"), "{printed}");
        let settings = config.llm.client_settings().expect("readable").expect("one is named");
        assert_eq!(settings.key.expose(), "sk-hunter2");
    }

    #[test]
    fn the_key_may_stand_in_a_file() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("key");
        let set = format!(
            "[llm]\nurl = \"http://m/\"\nmodel = \"m\"\napi_key_file = {:?}",
            file.display().to_string()
        );
        let config = Config::with_overrides(&set).expect("usable");
        let error = config.llm.client_settings().expect_err("there is no file");
        assert!(error.to_string().contains("cannot read the key of the language model"), "{error}");
        std::fs::write(&file, " sk-1\n").expect("written");
        let settings = config.llm.client_settings().expect("readable").expect("one is named");
        assert_eq!(settings.key.expose(), "sk-1");
        std::fs::write(&file, "\n").expect("written");
        assert!(config.llm.client_settings().is_err());
    }

    #[test]
    fn a_section_that_could_not_work_is_refused_in_words() {
        let named = "url = \"http://m\"\nmodel = \"m\"\n";
        for (toml, words) in [
            ("timeout = \"0s\"".to_owned(), "llm.timeout is 0ns; it must be from 1s to 10m"),
            ("first_word_timeout = \"1h\"".to_owned(), "llm.first_word_timeout is 3600s; it must"),
            ("max_answer_bytes = 1".to_owned(), "llm.max_answer_bytes is 1; it must"),
            ("at_once = 0".to_owned(), "llm.at_once is 0; it must"),
            ("redact = [\"(\"]".to_owned(), "llm.redact is \"(\"; each rule must"),
            ("redact = [\"x*\"]".to_owned(), "llm.redact is \"x*\"; a rule must not fit the empty text"),
            ("url = \"http://m\"".to_owned(), "llm.model is empty; it must name"),
            ("url = \"ftp://m\"\nmodel = \"m\"".to_owned(), "llm.url is ftp://m/; it must start"),
            (
                "url = \"http://a:hunter2@m\"\nmodel = \"m\"".to_owned(),
                "llm.url is an address with a password; the key",
            ),
            (format!("{named}api_key = \"a\"\napi_key_file = \"b\""), "llm.api_key is set, as is"),
        ] {
            assert!(refused(&toml).starts_with(words), "{}", refused(&toml));
        }
    }
}
