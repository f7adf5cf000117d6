use std::fmt;

use serde::{Deserialize, Serialize};

/// What an alert is about. The names are those of the data that the classifier learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Category {
    /// Hosts, hardware, containers, probes.
    BasicResources,
    /// Databases, caches, search engines.
    Databases,
    /// Queues and event streams.
    MessageBrokers,
    /// Web servers, load balancers, meshes.
    Proxies,
    /// Language runtimes and application servers.
    Runtimes,
    /// Batch and stream processing, workflows.
    DataEngineering,
    /// Kubernetes and its kind.
    Orchestrators,
    /// Builds and deliveries.
    CiCd,
    /// Names, certificates, identity, switches, tunnels.
    NetworkAndSecurity,
    /// Distributed and network storage.
    Storage,
    /// Accounts at public clouds.
    CloudProviders,
    /// Metrics, logs and traces, and what keeps them.
    Observability,
}

impl Category {
    /// All of them. The order is that of the weights' columns: never change it without training anew.
    pub const ALL: [Self; 12] = [
        Self::BasicResources,
        Self::Databases,
        Self::MessageBrokers,
        Self::Proxies,
        Self::Runtimes,
        Self::DataEngineering,
        Self::Orchestrators,
        Self::CiCd,
        Self::NetworkAndSecurity,
        Self::Storage,
        Self::CloudProviders,
        Self::Observability,
    ];

    /// Its name for people and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BasicResources => "Basic resource monitoring",
            Self::Databases => "Databases",
            Self::MessageBrokers => "Message brokers",
            Self::Proxies => "Proxies, load balancers and service meshes",
            Self::Runtimes => "Runtimes",
            Self::DataEngineering => "Data engineering",
            Self::Orchestrators => "Orchestrators",
            Self::CiCd => "CI/CD",
            Self::NetworkAndSecurity => "Network and security",
            Self::Storage => "Storage",
            Self::CloudProviders => "Cloud providers",
            Self::Observability => "Observability",
        }
    }

    /// The category of this name, whatever the case of its letters.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str().eq_ignore_ascii_case(name.trim()))
    }

    pub(super) fn column(self) -> usize {
        Self::ALL.iter().position(|category| *category == self).expect("ALL holds every category")
    }
}

/// How urgent alerts of a kind mostly are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum SeverityOpinion {
    /// Somebody should look now.
    Critical,
    /// Somebody should look today.
    Warning,
    /// Good to know.
    Info,
}

impl SeverityOpinion {
    /// All of them, in the order of the weights' columns.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    /// Its name for people and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The severity of this name, whatever the case of its letters.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(name.trim()))
    }

    pub(super) fn column(self) -> usize {
        Self::ALL.iter().position(|severity| *severity == self).expect("ALL holds every severity")
    }
}

macro_rules! named {
    ($kind:ident, $what:literal) => {
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<$kind> for &'static str {
            fn from(value: $kind) -> Self {
                value.as_str()
            }
        }

        impl TryFrom<String> for $kind {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                Self::parse(&name).ok_or_else(|| {
                    let known = Self::ALL.map(Self::as_str).join("; ");
                    format!("{name:?} is no {}; there are: {known}", $what)
                })
            }
        }
    };
}

named!(Category, "category");
named!(SeverityOpinion, "severity");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_an_unknown_one_is_answered_with_the_known_ones() {
        for category in Category::ALL {
            assert_eq!(Category::parse(category.as_str()), Some(category));
            assert_eq!(Category::ALL[category.column()], category);
        }
        assert_eq!(Category::parse(" ci/cd"), Some(Category::CiCd));
        let json = serde_json::to_string(&SeverityOpinion::Critical).expect("JSON");
        assert_eq!(json, r#""critical""#);
        let error = serde_json::from_str::<Category>(r#""Kitchens""#).expect_err("unknown").to_string();
        assert!(error.contains("Kitchens") && error.contains("Message brokers"), "{error}");
    }
}
