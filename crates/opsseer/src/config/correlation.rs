use std::time::Duration;

use chrono::TimeDelta;
use opsseer_core::Policy;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The section `[correlation]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Correlation {
    #[serde(with = "humantime_serde")]
    pub reopen_window: Duration,
    pub heartbeat_alert: String,
    #[serde(with = "humantime_serde")]
    pub heartbeat_max_age: Duration,
    pub flaps: u32,
    #[serde(with = "humantime_serde")]
    pub flap_window: Duration,
    #[serde(with = "humantime_serde")]
    pub flap_quiet: Duration,
    #[serde(with = "humantime_serde")]
    pub late_window: Duration,
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    pub storm_incidents: u32,
    #[serde(with = "humantime_serde")]
    pub storm_window: Duration,
}

/// Alertmanager may leave an alert unrepeated for hours; anything near its group interval would end what goes on.
const SHORTEST_STALE: Duration = Duration::from_mins(1);

impl Correlation {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, given) in
            [("correlation.flaps", self.flaps), ("correlation.storm_incidents", self.storm_incidents)]
        {
            if given == 0 {
                return Err(ConfigError::Value {
                    key,
                    given: "0".to_owned(),
                    allowed: "it must be at least 1",
                });
            }
        }
        if self.stale_after < SHORTEST_STALE {
            return Err(ConfigError::Value {
                key: "correlation.stale_after",
                given: format!("{:?}", self.stale_after),
                allowed: "it must be at least 1m, and longer than the repeat_interval of Alertmanager",
            });
        }
        if self.storm_window.is_zero() {
            return Err(ConfigError::Value {
                key: "correlation.storm_window",
                given: "0s".to_owned(),
                allowed: "it must be longer; a large storm_incidents switches storms off",
            });
        }
        Ok(())
    }

    pub(super) fn policy(&self) -> Policy {
        Policy {
            reopen_window: delta(self.reopen_window),
            heartbeat_alert: self.heartbeat_alert.clone(),
            flaps: self.flaps,
            flap_window: delta(self.flap_window),
            flap_quiet: delta(self.flap_quiet),
            late_window: delta(self.late_window),
            stale_after: delta(self.stale_after),
            storm_incidents: self.storm_incidents,
            storm_window: delta(self.storm_window),
        }
    }
}

/// A time too long to be told is for ever.
fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_defaults_are_those_of_the_rules() {
        let config = Config::with_overrides("").expect("sound");
        let (set, own) = (config.policy(), opsseer_core::Policy::default());
        assert_eq!(format!("{set:?}"), format!("{own:?}"));
    }

    #[test]
    fn a_limit_that_would_end_what_goes_on_or_hold_everything_is_refused() {
        let said = |toml: &str| {
            Config::with_overrides(&format!("[correlation]\n{toml}"))
                .expect_err("must be refused")
                .to_string()
        };
        assert_eq!(said("flaps = 0"), "correlation.flaps is 0; it must be at least 1");
        assert_eq!(said("storm_incidents = 0"), "correlation.storm_incidents is 0; it must be at least 1");
        assert!(
            said("stale_after = \"5s\"").starts_with("correlation.stale_after is 5s; it must be at least 1m")
        );
        assert!(
            said("storm_window = \"0s\"").starts_with("correlation.storm_window is 0s; it must be longer")
        );
    }
}
