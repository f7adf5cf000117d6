//! The section `[jobs]`.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{ConfigError, SHORTEST_TIME};
use crate::jobs::KINDS;

/// The section `[jobs]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Jobs {
    pub workers: u32,
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    #[serde(with = "humantime_serde")]
    pub longest: Duration,
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    pub retry_after: Vec<RetryAfter>,
    pub at_most: BTreeMap<String, u32>,
}

/// One step of the ladder of retries.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RetryAfter(#[serde(with = "humantime_serde")] pub Duration);

impl Jobs {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, given) in [("jobs.lease", self.lease), ("jobs.longest", self.longest)] {
            if given < SHORTEST_TIME {
                let given = format!("{given:?}");
                return Err(ConfigError::Value { key, given, allowed: "it must be at least 1s" });
            }
        }
        let wrong = |(kind, most): &(&String, &u32)| !KINDS.contains(&kind.as_str()) || **most == 0;
        if let Some((kind, most)) = self.at_most.iter().find(wrong) {
            return Err(ConfigError::Value {
                key: "jobs.at_most",
                given: format!("{{ {kind} = {most} }}"),
                allowed: "it must name kinds of jobs, such as chart_metric, each with at least 1",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_limit_for_work_that_is_not_there_or_of_nothing_is_refused() {
        for (set, given) in [("chart_metrics = 2", "chart_metrics"), ("chart_metric = 0", "chart_metric = 0")]
        {
            let set = format!("[jobs]\nat_most = {{ {set} }}");
            let error = Config::with_overrides(&set).expect_err("must fail").to_string();
            assert!(error.starts_with("jobs.at_most is") && error.contains(given), "{error}");
        }
    }
}
