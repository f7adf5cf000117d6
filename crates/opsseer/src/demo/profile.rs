//! How long the rules look back and wait.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which windows and waits the rules have. Nothing else differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// As one would run them.
    Stock,
    /// A twentieth of that, so that the story fits into a minute.
    Fast,
}

impl Profile {
    /// The scenario that the demo runs unless it is told another.
    pub fn scenario(self) -> &'static str {
        match self {
            Self::Stock => "error-burst",
            Self::Fast => "error-burst-fast",
        }
    }

    /// How long the incident may take to close once the scenario is over: what is left of the rules' windows, and
    /// Alertmanager's next look at the group.
    pub fn time_to_close(self) -> Duration {
        match self {
            Self::Stock => Duration::from_mins(5),
            Self::Fast => Duration::from_secs(20),
        }
    }

    /// How soon Prometheus repeats an alert to Alertmanager. Its first try often comes before it has found Alertmanager,
    /// and the heartbeat waits for this.
    pub fn resend_delay(self) -> &'static str {
        match self {
            Self::Stock => "1m",
            Self::Fast => "3s",
        }
    }

    /// How often what is watched is forecast.
    pub fn forecast_every(self) -> &'static str {
        match self {
            Self::Stock => "15s",
            Self::Fast => "1s",
        }
    }

    /// [`Profile::evaluation_interval`], as a configuration has it. Prometheus scrapes as often.
    pub fn evaluation_interval_text(self) -> &'static str {
        match self {
            Self::Stock => "10s",
            Self::Fast => "500ms",
        }
    }

    /// How far apart the rules are evaluated.
    pub fn evaluation_interval(self) -> Duration {
        match self {
            Self::Stock => Duration::from_secs(10),
            Self::Fast => Duration::from_millis(500),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "stock",
            Self::Fast => "fast",
        })
    }
}
