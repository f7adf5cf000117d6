//! The section `[changes]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The longest that one may look back: further away, a change explains little and the questions become slow.
const LONGEST: Duration = Duration::from_hours(24);

/// The section `[changes]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Changes {
    #[serde(with = "humantime_serde")]
    pub look_back: Duration,
}

impl Changes {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.look_back > LONGEST {
            let given = format!("{:?}", self.look_back);
            return Err(ConfigError::Value {
                key: "changes.look_back",
                given,
                allowed: "it must be at most 24h",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn looking_back_for_days_is_refused() {
        let set = |time: &str| Config::with_overrides(&format!("[changes]\nlook_back = \"{time}\""));
        assert!(set("24h").is_ok());
        let error = set("25h").expect_err("must fail").to_string();
        assert_eq!(error, "changes.look_back is 90000s; it must be at most 24h");
    }
}
