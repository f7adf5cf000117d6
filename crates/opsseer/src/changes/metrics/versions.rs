//! Versions that began to run, from metrics that bear them as a label.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::Series;
use opsseer_core::ChangeType;

use crate::changes::Change;

/// Metrics whose labels say what was built.
pub(super) const METRICS: &str = ".+_build_info";

/// Labels that name a version for people, the best first.
const VERSIONS: [&str; 7] =
    ["version", "app_version", "short_version", "gitVersion", "git_version", "release", "tag"];

/// Labels that name what it was built from.
const REVISIONS: [&str; 6] = ["revision", "commit", "git_commit", "gitCommit", "git_revision", "sha"];

/// A version that was away for less than this was running all the time: a scrape or two failed.
const GAP: TimeDelta = TimeDelta::minutes(5);

/// Characters of a revision that tell it apart.
const REVISION: usize = 12;

/// By which labels series are to be counted: then there is one a version, however many instances run it.
pub(super) fn labels() -> String {
    let labels: Vec<&str> = ["__name__"].into_iter().chain(VERSIONS).chain(REVISIONS).collect();
    labels.join(", ")
}

/// What was built, as far as its labels say it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Build {
    version: String,
    revision: String,
}

impl Build {
    fn of(labels: &BTreeMap<String, String>) -> Option<Self> {
        let first = |names: &[&str]| {
            let found = names.iter().find_map(|name| labels.get(*name).filter(|value| !value.is_empty()));
            found.cloned().unwrap_or_default()
        };
        let build = Self { version: first(&VERSIONS), revision: first(&REVISIONS) };
        (!build.version.is_empty() || !build.revision.is_empty()).then_some(build)
    }

    /// For people. The revision is named where the version does not tell it from the other.
    fn name(&self, others: &BTreeSet<Self>) -> String {
        let revision: String = self.revision.chars().take(REVISION).collect();
        let ambiguous = others.iter().any(|other| other.version == self.version && other != self);
        match (self.version.as_str(), revision.as_str()) {
            ("", revision) => revision.to_owned(),
            (version, revision) if ambiguous && !revision.is_empty() => format!("{version} ({revision})"),
            (version, _) => version.to_owned(),
        }
    }
}

/// A change for each version that began to run while, or after, another one did.
pub(super) fn read(service: &str, series: &[Series]) -> Vec<Change> {
    let mut by_metric: BTreeMap<&str, BTreeMap<DateTime<Utc>, BTreeSet<Build>>> = BTreeMap::new();
    for one in series {
        let Some(build) = Build::of(&one.labels) else { continue };
        let metric = one.labels.get("__name__").map_or("", String::as_str);
        let running = by_metric.entry(metric).or_default();
        for (at, _) in one.points.iter().filter(|(_, value)| *value > 0.0) {
            running.entry(*at).or_default().insert(build.clone());
        }
    }
    let mut changes: Vec<Change> = Vec::new();
    for running in by_metric.values() {
        for change in begun(service, running) {
            // Two metrics of one program tell of one deployment.
            let same = |other: &Change| {
                other.seen.version == change.seen.version && (other.at - change.at).abs() <= GAP
            };
            if !changes.iter().any(same) {
                changes.push(change);
            }
        }
    }
    changes
}

/// What began to run, given what ran at each moment that has a value.
fn begun(service: &str, running: &BTreeMap<DateTime<Utc>, BTreeSet<Build>>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut last_seen: BTreeMap<&Build, DateTime<Utc>> = BTreeMap::new();
    let mut before: Option<&BTreeSet<Build>> = None;
    for (at, now) in running {
        if let Some(before) = before {
            let returns = |build: &Build| last_seen.get(build).is_some_and(|last| *at - *last <= GAP);
            for build in now.iter().filter(|build| !before.contains(*build) && !returns(build)) {
                let (name, all) = (build.name(before), before.iter().chain([build]).cloned().collect());
                let old: Vec<String> = before.iter().map(|other| other.name(&all)).collect();
                let title = format!("{service} {name} was deployed (before: {})", old.join(", "));
                let mut change = Change::in_metrics(*at, ChangeType::Deploy, service, title);
                change.seen.version = Some(name);
                changes.push(change);
            }
        }
        last_seen.extend(now.iter().map(|build| (build, *at)));
        before = Some(now);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::metrics::starts::tests::at;

    /// A version that runs from minute to minute.
    fn series(name: &str, version: &str, revision: &str, minutes: &[(i64, i64)]) -> Series {
        let labels = [("__name__", name), ("version", version), ("revision", revision)];
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let points =
            minutes.iter().flat_map(|(from, to)| *from..*to).map(|minute| (at(60 * minute), 1.0)).collect();
        Series { labels, points }
    }

    fn told(series: &[Series]) -> Vec<(i64, String)> {
        let mut changes = read("db", series);
        changes.sort_by_key(|change| change.at);
        changes.into_iter().map(|change| ((change.at - at(0)).num_minutes(), change.seen.title)).collect()
    }

    fn db(version: &str, minutes: &[(i64, i64)]) -> Series {
        series("db_build_info", version, "", minutes)
    }

    #[test]
    fn another_version_that_began_is_told_with_the_one_before() {
        let rolling = [db("1.41", &[(0, 70)]), db("1.42", &[(60, 180)])];
        assert_eq!(told(&rolling), [(60, "db 1.42 was deployed (before: 1.41)".to_owned())]);
        assert_eq!(read("db", &rolling)[0].seen.version.as_deref(), Some("1.42"));
        let back = [db("1.41", &[(0, 60), (100, 180)]), db("1.42", &[(60, 100)])];
        assert_eq!(
            told(&back),
            [
                (60, "db 1.42 was deployed (before: 1.41)".to_owned()),
                (100, "db 1.41 was deployed (before: 1.42)".to_owned())
            ]
        );
    }

    #[test]
    fn a_service_that_is_new_was_away_or_missed_a_scrape_did_not_change() {
        assert_eq!(told(&[db("1.41", &[(90, 180)])]), [], "nothing ran before");
        assert_eq!(told(&[db("1.41", &[(0, 30), (100, 180)])]), [], "an outage");
        let canary = [db("1.41", &[(0, 180)]), db("1.42", &[(0, 60), (63, 180)])];
        assert_eq!(told(&canary), [], "the only instance of a version was missed for three minutes");
        assert_eq!(told(&[]), []);
    }

    #[test]
    fn a_deployment_after_an_outage_is_one() {
        let after = [db("1.41", &[(0, 30)]), db("1.42", &[(100, 180)])];
        assert_eq!(told(&after), [(100, "db 1.42 was deployed (before: 1.41)".to_owned())]);
    }

    #[test]
    fn builds_of_one_version_are_told_apart_and_two_metrics_tell_of_one_deployment() {
        let build = |revision, minutes: &[(i64, i64)]| series("db_build_info", "dev", revision, minutes);
        let rebuilt = [build("aaaabbbbccccdddd", &[(0, 60)]), build("ffff", &[(60, 180)])];
        let title = "db dev (ffff) was deployed (before: dev (aaaabbbbcccc))";
        assert_eq!(told(&rebuilt), [(60, title.to_owned())]);
        let two = ["db_build_info", "db_server_build_info"]
            .map(|name| [series(name, "1.41", "", &[(0, 60)]), series(name, "1.42", "", &[(61, 180)])]);
        assert_eq!(told(two.as_flattened()).len(), 1);
    }
}
