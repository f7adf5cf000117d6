//! The section `[alertmanager]`.

use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use url::Url;

use super::{ConfigError, SHORTEST_TIME, optional_url};

/// Whoever looks less often than this does not look.
const LONGEST_TIME: Duration = Duration::from_hours(24);

/// The list of a few alerts is larger than the first; what is larger than the second does not fit into memory twice.
const SMALLEST_ANSWER: usize = 1 << 16;
const LARGEST_ANSWER: usize = 1 << 30;

/// The section `[alertmanager]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Alertmanager {
    #[serde(deserialize_with = "optional_url::read", serialize_with = "optional_url::write")]
    pub url: Option<Url>,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub max_answer_bytes: usize,
    pub receiver: String,
    pub raise_missed: bool,
    #[serde(with = "humantime_serde")]
    pub compare_every: Duration,
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    #[serde(deserialize_with = "time_or_empty", serialize_with = "empty_or_time")]
    pub canary_every: Option<Duration>,
}

impl Alertmanager {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let times = [
            ("alertmanager.timeout", Some(self.timeout)),
            ("alertmanager.compare_every", Some(self.compare_every)),
            ("alertmanager.grace", Some(self.grace)),
            ("alertmanager.canary_every", self.canary_every),
        ];
        for (key, given) in times {
            if let Some(given) = given.filter(|given| !(SHORTEST_TIME..=LONGEST_TIME).contains(given)) {
                let given = format_duration(given).to_string();
                return Err(ConfigError::Value { key, given, allowed: "it must be from 1s to 1day" });
            }
        }
        if !(SMALLEST_ANSWER..=LARGEST_ANSWER).contains(&self.max_answer_bytes) {
            return Err(ConfigError::Value {
                key: "alertmanager.max_answer_bytes",
                given: self.max_answer_bytes.to_string(),
                allowed: "it must be from 65536 (64 KiB) to 1073741824 (1 GiB)",
            });
        }
        Ok(())
    }
}

fn time_or_empty<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(text)?;
    if text.is_empty() {
        return Ok(None);
    }
    humantime_serde::re::humantime::parse_duration(&text).map(Some).map_err(D::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde hands it over like this")]
fn empty_or_time<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.collect_str(&format_duration(*time)),
        None => to.serialize_str(""),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn an_alertmanager_is_asked_only_where_one_is_named() {
        let config = Config::with_overrides("").expect("usable");
        assert_eq!((config.alertmanager.url, config.alertmanager.canary_every), (None, None));
        let set = "[alertmanager]\nurl = \"http://am:9093/x\"\ncanary_every = \"1m\"";
        let config = Config::with_overrides(set).expect("usable");
        assert_eq!(config.alertmanager.url.as_ref().map(url::Url::as_str), Some("http://am:9093/x"));
        let printed = toml::to_string(&config).expect("printable");
        assert_eq!(
            toml::to_string(&Config::with_overrides(&printed).expect("readable")).expect("printable"),
            printed
        );
    }

    #[test]
    fn a_pace_that_would_never_rest_and_an_address_that_is_none_are_refused() {
        let error = Config::with_overrides("[alertmanager]\ncanary_every = \"10ms\"").expect_err("must fail");
        assert_eq!(error.to_string(), "alertmanager.canary_every is 10ms; it must be from 1s to 1day");
        assert!(Config::with_overrides("[alertmanager]\nurl = \"am 9093\"").is_err());
        assert!(Config::with_overrides("[alertmanager]\ncanary_every = \"often\"").is_err());
    }

    #[test]
    fn a_value_with_which_nothing_could_ever_be_asked_or_mended_is_refused() {
        let said = |toml: &str| {
            let error =
                Config::with_overrides(&format!("[alertmanager]\n{toml}")).expect_err("must be refused");
            error.to_string()
        };
        for key in ["timeout", "compare_every", "grace", "canary_every"] {
            for (given, shown) in [("0s", "0s"), ("25h", "1day 1h"), ("600000years", "600000years")] {
                let said = said(&format!("{key} = \"{given}\""));
                let (start, end) = (format!("alertmanager.{key} is {shown}"), "; it must be from 1s to 1day");
                assert!(said.starts_with(&start) && said.ends_with(end), "{said}");
            }
        }
        for given in [0, 100, usize::MAX / 2] {
            let said = said(&format!("max_answer_bytes = {given}"));
            assert!(
                said.starts_with(&format!("alertmanager.max_answer_bytes is {given}; it must be from 65536"))
            );
        }
    }
}
