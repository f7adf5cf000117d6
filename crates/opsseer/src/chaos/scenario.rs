//! A scenario: what will be done to a service, in phases. Read from TOML and checked whole before anything starts.

use std::{fmt, io, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

mod duration;
mod phase;
mod trouble;

pub use trouble::{Mode, Trouble};

/// Where toyprod listens unless told otherwise.
const TARGET_DEFAULT: &str = "http://127.0.0.1:8000";

/// The phases of one incident and the service it happens to.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Short, as in the file's name.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// The service, where the caller names no other.
    pub target: Url,
    /// At least one, in the order of [`PhaseName`].
    pub phases: Vec<Phase>,
}

/// One stretch of time with one kind of trouble and a steady load.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its place in the story.
    pub name: PhaseName,
    /// How long it takes; with `until`, at most.
    pub duration: Duration,
    /// Requests a second, 0 to 5000. They arrive at this rate however slowly they are answered.
    pub rate: f64,
    /// What is wrong meanwhile.
    pub trouble: Trouble,
    /// Ends the phase early when the caller says that this has happened.
    pub until: Option<Milestone>,
}

/// The four places in the story. A scenario may leave some out or repeat one, but keeps the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// Calm, so that there is something to compare with.
    WarmUp,
    /// Things get worse.
    Degrade,
    /// Bad enough for an alert.
    Incident,
    /// Calm again.
    Recover,
}

/// What the caller can see happen and the runner cannot. Later ones imply the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Milestone {
    /// The alert fires.
    Alert,
    /// The alert is resolved.
    Resolved,
}

/// Why a scenario cannot be used.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("open the file")]
    Open(#[source] io::Error),
    /// It is not TOML, or its top level is not that of a scenario.
    #[error("read it as TOML")]
    Toml(#[from] Box<toml::de::Error>),
    /// The target is no address to send requests to.
    #[error("target = {target:?} is not allowed; an address like {TARGET_DEFAULT}")]
    Target {
        /// As in the file.
        target: String,
    },
    /// Nothing would happen.
    #[error("there is no [[phase]]; at least one is needed")]
    NoPhase,
    /// A phase is wrong. The text names the field and what is allowed.
    #[error("phase {number} ({name}): {reason}")]
    Phase {
        /// Counted from 1.
        number: usize,
        /// As in the file, or "unnamed".
        name: String,
        /// The field, its value and what is allowed.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    name: String,
    description: String,
    target: Option<String>,
    #[serde(default)]
    phase: Vec<toml::Table>,
}

impl Scenario {
    /// Reads and checks a file.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(ScenarioError::Open)?;
        Self::parse(&text)
    }

    /// Reads and checks a scenario's text.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let file: ScenarioFile = toml::from_str(text).map_err(Box::new)?;
        let target = file.target.unwrap_or_else(|| TARGET_DEFAULT.to_owned());
        let target = match Url::parse(&target) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => return Err(ScenarioError::Target { target }),
        };
        let mut phases: Vec<Phase> = Vec::with_capacity(file.phase.len());
        for (index, table) in file.phase.into_iter().enumerate() {
            let name = table.get("name").and_then(toml::Value::as_str).unwrap_or("unnamed").to_owned();
            let wrong = |reason: String| ScenarioError::Phase { number: index + 1, name, reason };
            let phase = match phase::read(table) {
                Ok(phase) => phase,
                Err(reason) => return Err(wrong(reason)),
            };
            if let Some(previous) = phases.last()
                && previous.name > phase.name
            {
                return Err(wrong(format!(
                    "name = \"{}\" cannot follow \"{}\"; the order is {}",
                    phase.name,
                    previous.name,
                    PhaseName::ALL.map(PhaseName::as_str).join(", ")
                )));
            }
            phases.push(phase);
        }
        if phases.is_empty() {
            return Err(ScenarioError::NoPhase);
        }
        Ok(Self { name: file.name, description: file.description, target, phases })
    }

    /// How long it takes if no phase ends early.
    pub fn longest(&self) -> Duration {
        self.phases.iter().map(|phase| phase.duration).sum()
    }
}

impl PhaseName {
    const ALL: [Self; 4] = [Self::WarmUp, Self::Degrade, Self::Incident, Self::Recover];

    /// As scenario files and records write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warm-up",
            Self::Degrade => "degrade",
            Self::Incident => "incident",
            Self::Recover => "recover",
        }
    }

    /// Whether nothing may be wrong in it.
    fn is_calm(self) -> bool {
        matches!(self, Self::WarmUp | Self::Recover)
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Milestone {
    const ALL: [Self; 2] = [Self::Alert, Self::Resolved];

    /// As scenario files and records write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Resolved => "resolved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Scenario::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_shipped_scenario_loads_and_ends_calm() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let scenario =
                Scenario::load(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(path.file_stem().unwrap().to_str().unwrap(), scenario.name, "name and file differ");
            let last = scenario.phases.last().unwrap();
            assert_eq!(last.name, PhaseName::Recover, "{}", scenario.name);
            names.push(scenario.name);
        }
        for expected in ["error-burst", "error-burst-fast", "latency-sine", "memory-leak", "outage"] {
            assert!(names.iter().any(|name| name == expected), "{expected} is missing among {names:?}");
        }
    }

    #[test]
    fn the_top_level_is_strict() {
        let unknown = Scenario::parse("name = 'a'\ndescription = 'b'\ncolour = 'red'").unwrap_err();
        let ScenarioError::Toml(source) = unknown else { panic!("{unknown:?}") };
        assert!(source.to_string().contains("unknown field `colour`"), "{source}");
        assert_eq!(refused("name = 'a'\ndescription = 'b'"), "there is no [[phase]]; at least one is needed");
        let target = refused("name = 'a'\ndescription = 'b'\ntarget = 'localhost:8000'");
        assert_eq!(
            target,
            "target = \"localhost:8000\" is not allowed; an address like http://127.0.0.1:8000"
        );
    }

    #[test]
    fn phases_keep_the_order_of_the_story() {
        let text = "name = 'a'\ndescription = 'b'\n\
            [[phase]]\nname = 'recover'\nduration = '1s'\nrate = 1\n\
            [[phase]]\nname = 'warm-up'\nduration = '1s'\nrate = 1\n";
        assert_eq!(
            refused(text),
            "phase 2 (warm-up): name = \"warm-up\" cannot follow \"recover\"; the order is warm-up, degrade, \
             incident, recover"
        );
    }
}
