use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How urgent something is for a person. Ordered: `Info < Ticket < Page`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know; nobody needs to act.
    Info,
    /// Somebody must act, in working hours.
    Ticket,
    /// Somebody must act now, at any hour.
    Page,
}

impl Severity {
    /// All severities, most urgent first.
    pub const ALL: [Self; 3] = [Self::Page, Self::Ticket, Self::Info];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Ticket => "ticket",
            Self::Page => "page",
        }
    }

    /// Reads the `severity` label of an alert as teams write it. A word that nobody agreed on, or none, is
    /// [`Severity::Ticket`]: it must not be lost, and it must not wake anybody.
    pub fn from_label(label: Option<&str>) -> Self {
        match label.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "page" | "critical" | "crit" | "emergency" | "fatal" | "disaster" | "p1" | "sev1" | "sev0" => {
                Self::Page
            }
            "info" | "information" | "informational" | "notice" | "none" | "debug" | "p5" | "sev5" => {
                Self::Info
            }
            _ => Self::Ticket,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is none of `page`, `ticket`, `info`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a severity; allowed: page, ticket, info")]
pub struct UnknownSeverity(pub String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, UnknownSeverity> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word)
            .ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_common_tools_are_understood() {
        assert_eq!(Severity::from_label(Some("critical")), Severity::Page);
        assert_eq!(Severity::from_label(Some(" Page ")), Severity::Page);
        assert_eq!(Severity::from_label(Some("warning")), Severity::Ticket);
        assert_eq!(Severity::from_label(Some("none")), Severity::Info);
    }

    #[test]
    fn an_unknown_or_missing_label_is_kept_but_wakes_nobody() {
        assert_eq!(Severity::from_label(Some("purple")), Severity::Ticket);
        assert_eq!(Severity::from_label(None), Severity::Ticket);
    }

    #[test]
    fn the_written_form_is_read_back() {
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
        }
        assert!("Critical".parse::<Severity>().is_err());
    }
}
