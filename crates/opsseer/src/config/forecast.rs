//! The section `[forecast]`.

use std::time::Duration;

use opsseer_connect::promql;
use opsseer_core::Severity;
use serde::{Deserialize, Serialize};

use super::{ConfigError, SHORTEST_TIME};

/// The section `[forecast]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Forecast {
    #[serde(with = "humantime_serde")]
    pub every: Duration,
    pub probability: f64,
    #[serde(with = "humantime_serde")]
    pub within: Duration,
    pub severity: Severity,
    pub watch: Vec<Watch>,
}

/// A value that is forecast all the time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Watch {
    /// What an alerting rule of Prometheus looks at.
    Rule(WatchedRule),
    /// An expression of the operator's own.
    Own(WatchedExpression),
}

/// A rule by its alert's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct WatchedRule {
    pub alert: String,
}

/// An expression with its limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct WatchedExpression {
    pub name: String,
    pub expr: String,
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub runbook_url: Option<String>,
}

impl Watch {
    /// What it is called: each has its own.
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(rule) => &rule.alert,
            Self::Own(own) => &own.name,
        }
    }
}

impl Forecast {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, given) in [("forecast.every", self.every), ("forecast.within", self.within)] {
            if given < SHORTEST_TIME {
                let given = format!("{given:?}");
                return Err(ConfigError::Value { key, given, allowed: "it must be at least 1s" });
            }
        }
        if !(0.5..=1.0).contains(&self.probability) {
            let given = self.probability.to_string();
            let allowed = "it must be from 0.5 to 1";
            return Err(ConfigError::Value { key: "forecast.probability", given, allowed });
        }
        for (place, watch) in self.watch.iter().enumerate() {
            let refused = |given: &str, allowed| {
                Err(ConfigError::Value { key: "forecast.watch", given: given.to_owned(), allowed })
            };
            if watch.name().trim().is_empty() {
                return refused("without a name", "each needs the name of an alert, or its own");
            }
            if self.watch[..place].iter().any(|earlier| earlier.name() == watch.name()) {
                return refused(watch.name(), "each name may be there once");
            }
            if let Watch::Own(own) = watch
                && promql::threshold(&own.expr).is_none()
            {
                return refused(
                    &own.expr,
                    "its expression must compare something with a number, as in `a > 0.9`",
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn refused(toml: &str) -> String {
        Config::with_overrides(toml).expect_err("must be refused").to_string()
    }

    #[test]
    fn rules_and_own_expressions_are_watched() {
        let config = Config::with_overrides(
            "[[forecast.watch]]\nalert = \"Slow\"\n\
             [[forecast.watch]]\nname = \"disk\"\nexpr = \"disk_used:ratio > 0.9\"\nservice = \"db\"",
        )
        .expect("fine");
        let names: Vec<&str> = config.forecast.watch.iter().map(super::Watch::name).collect();
        assert_eq!(names, ["Slow", "disk"]);
    }

    #[test]
    fn what_cannot_be_watched_is_said_at_the_start() {
        let without_limit = refused("[[forecast.watch]]\nname = \"disk\"\nexpr = \"absent(up)\"");
        assert!(without_limit.contains("must compare something with a number"), "{without_limit}");
        let twice = refused("[[forecast.watch]]\nalert = \"Slow\"\n[[forecast.watch]]\nalert = \"Slow\"");
        assert!(twice.contains("each name may be there once"), "{twice}");
        assert!(refused("[forecast]\nprobability = 0.2").contains("from 0.5 to 1"));
    }
}
