//! Service level objectives: what a service promises, how much of its error budget is left, and the Prometheus rules that
//! say in time when it is spent too fast.
//!
//! `file.rs` reads objectives, `objective.rs` knows what to ask about one, `burn.rs` when to raise an alert, `rules.rs`
//! writes Prometheus' rules, `status.rs` asks how an objective stands. docs/slo.md is for who writes objectives.

mod burn;
mod doubts;
mod events;
mod file;
mod objective;
mod rules;
mod status;
mod window;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub use burn::BurnAlert;
pub use doubts::doubts;
pub use file::Fault;
pub use objective::{Objective, Target};
pub use status::{BudgetStatus, status};
pub use window::Window;

/// Why there are no objectives.
#[derive(Debug, thiserror::Error)]
pub enum SloError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("the objectives in {path} cannot be used")]
    Wrong {
        /// In which file.
        path: PathBuf,
        /// Where and what.
        source: Fault,
    },
}

/// The objectives of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objectives {
    all: Vec<Objective>,
}

impl Objectives {
    /// Reads a file of objectives (`slo.toml`).
    pub fn read(path: &Path) -> Result<Self, SloError> {
        let text =
            fs::read_to_string(path).map_err(|source| SloError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|source| SloError::Wrong { path: path.to_owned(), source })
    }

    /// Reads the text of such a file.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Ok(Self { all: file::parse(text)? })
    }

    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Objective> {
        self.all.iter()
    }

    /// Those of a service.
    pub fn of_service(&self, service: &str) -> impl Iterator<Item = &Objective> {
        self.all.iter().filter(move |objective| objective.service == service)
    }

    /// Those that an alert with these labels is about: the one that it names (labels `service` and `slo`), else all of its
    /// service. None where it has no label `service`.
    pub fn of_labels(&self, labels: &BTreeMap<String, String>) -> Vec<&Objective> {
        let Some(service) = labels.get("service") else { return Vec::new() };
        let of_service: Vec<&Objective> = self.of_service(service).collect();
        let named = labels.get("slo").and_then(|slo| of_service.iter().find(|one| one.name == *slo));
        match named {
            Some(one) => vec![one],
            None => of_service,
        }
    }

    /// Prometheus' recording and alerting rules for all of them, as YAML. `source` is the file's name, for its first line.
    pub fn rules_yaml(&self, source: &str) -> String {
        rules::yaml(&self.all, source)
    }
}

/// Without the noise that arithmetic leaves behind: nine digits after the point.
fn round(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "[[slo]]\nname = \"orders\"\nservice = \"shop\"\ndescription = \"d\"\nobjective = 99.9\n\
        bad = 'rate(b[window])'\ntotal = 'rate(a[window])'\n[[slo]]\nname = \"fast\"\nservice = \"shop\"\ndescription = \"d\"\n\
        objective = 99\nlatency = { histogram = \"h_seconds\", below = 0.3 }\n";

    #[test]
    fn an_alert_concerns_the_objective_that_it_names_or_those_of_its_service() {
        let objectives = Objectives::parse(TWO).expect("objectives");
        let names = |labels: &[(&str, &str)]| {
            let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            objectives.of_labels(&labels).iter().map(|one| one.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&[("service", "shop"), ("slo", "fast")]), ["fast"]);
        assert_eq!(names(&[("service", "shop"), ("slo", "gone")]), ["orders", "fast"]);
        assert_eq!(names(&[("service", "shop")]), ["orders", "fast"]);
        assert!(names(&[("service", "bank")]).is_empty());
        assert!(names(&[("slo", "fast")]).is_empty());
    }

    #[test]
    fn the_rules_that_ship_are_made_of_the_objectives_that_ship() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let present =
            Objectives::read(&root.join("ops/slo.toml")).expect("objectives").rules_yaml("slo.toml");
        let committed = fs::read_to_string(root.join("ops/prometheus/rules/slo.yml")).unwrap_or_default();
        assert!(
            committed == present,
            "ops/prometheus/rules/slo.yml is out of date; run `cargo run --bin opsseer -- slo rules --file ops/slo.toml \
             --out ops/prometheus/rules/slo.yml`"
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("slo.toml");
        fs::write(&path, "[[slo]]\nname = 7\n").expect("written");
        let error = Objectives::read(&path).expect_err("no name");
        assert!(format!("{:#}", anyhow::Error::from(error)).contains("slo.toml cannot be used: line 2: "));
        assert!(Objectives::read(&folder.path().join("none.toml")).is_err());
    }
}
