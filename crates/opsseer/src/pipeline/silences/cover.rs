//! What a silence must match: the alerts of one incident that fire, and no other alert that fires.

use std::collections::{BTreeMap, BTreeSet};

use opsseer_connect::alertmanager::Matcher;
use opsseer_core::{CorrelationKey, IncidentId, Labels};
use opsseer_store::StoredAlert;

/// What stands at the end of a value that was cut when it came: Alertmanager knows the whole one.
const CUT_MARK: &str = " … [cut by OpsSeer: ";

/// What the silences of an incident match, each in a list of conditions that all must hold. Alerts that belong together by
/// themselves share a silence; in an incident that holds several services, each has its own, so that no rule
/// of one is silenced in another. None if an alert of another incident cannot be told apart.
pub(super) fn of_incident(incident: IncidentId, firing: &[StoredAlert]) -> Option<Vec<Vec<Matcher>>> {
    let mut own: BTreeMap<String, Vec<&Labels>> = BTreeMap::new();
    let mut others = Vec::new();
    for stored in firing {
        if stored.incident == Some(incident) {
            own.entry(CorrelationKey::of(&stored.alert).key).or_default().push(&stored.alert.labels);
        } else {
            others.push(&stored.alert.labels);
        }
    }
    own.values().map(|own| matchers(own, &others)).collect()
}

/// The labels that all of `own` have in common and the names of their rules, and what else it takes to leave out
/// `others`. None if one of them cannot be left out.
fn matchers(own: &[&Labels], others: &[&Labels]) -> Option<Vec<Matcher>> {
    let names: BTreeSet<&str> = own.iter().flat_map(|labels| labels.keys()).map(String::as_str).collect();
    let values = |name: &str| -> BTreeSet<&str> { own.iter().map(|labels| value(labels, name)).collect() };
    let is_uncut = |name: &str| !values(name).iter().any(|value| value.contains(CUT_MARK));
    let is_common = |name: &str| values(name).len() == 1 && !values(name).contains("");
    let mut used: BTreeSet<&str> = names
        .iter()
        .copied()
        .filter(|name| is_uncut(name) && (is_common(name) || *name == "alertname"))
        .collect();
    for other in others {
        if used.iter().any(|name| !values(name).contains(value(other, name))) {
            continue;
        }
        let its_names = other.keys().map(String::as_str);
        let apart = names
            .iter()
            .copied()
            .chain(its_names)
            .find(|name| is_uncut(name) && !values(name).contains(value(other, name)));
        used.insert(apart?);
    }
    let matchers: Vec<Matcher> = used.into_iter().map(|name| Matcher::one_of(name, values(name))).collect();
    // Alertmanager takes none that match an alert without labels.
    let nothing = Labels::new();
    matchers.iter().any(|matcher| !matcher.matches(&nothing)).then_some(matchers)
}

fn value<'a>(labels: &'a Labels, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn text(own: &[Labels], others: &[Labels]) -> Option<String> {
        let matchers = matchers(&own.iter().collect::<Vec<_>>(), &others.iter().collect::<Vec<_>>())?;
        let covers = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches(labels));
        assert!(own.iter().all(covers), "all of its own are covered");
        assert!(!others.iter().any(covers), "no other is");
        Some(matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn one_alert_is_matched_by_all_that_it_says() {
        let own = [labels(&[("alertname", "Slow"), ("service", "db"), ("severity", "page")])];
        assert_eq!(text(&own, &[]).as_deref(), Some(r#"alertname="Slow", service="db", severity="page""#));
    }

    #[test]
    fn several_alerts_are_matched_by_their_rules_and_what_they_share() {
        let own = [
            labels(&[("alertname", "Slow"), ("service", "db"), ("pod", "a")]),
            labels(&[("alertname", "Down"), ("service", "db"), ("instance", "x")]),
        ];
        assert_eq!(text(&own, &[]).as_deref(), Some(r#"alertname=~"Down|Slow", service="db""#));
    }

    #[test]
    fn an_alert_of_another_incident_is_left_out() {
        let own = [
            labels(&[("alertname", "Slow"), ("service", "db"), ("pod", "a")]),
            labels(&[("alertname", "Slow"), ("service", "db"), ("pod", "c")]),
        ];
        let split_off = [labels(&[("alertname", "Slow"), ("service", "db"), ("pod", "b")])];
        assert_eq!(text(&own, &split_off).as_deref(), Some(r#"alertname="Slow", pod=~"a|c", service="db""#));
        let elsewhere =
            [labels(&[("alertname", "Slow"), ("cluster", "eu"), ("service", "db"), ("pod", "a")])];
        assert_eq!(
            text(&own, &elsewhere).as_deref(),
            Some(r#"alertname="Slow", cluster="", service="db""#),
            "the one without a cluster is not the one in that cluster"
        );
    }

    #[test]
    fn where_no_silence_is_narrow_enough_there_is_none() {
        let own =
            [labels(&[("alertname", "Slow"), ("pod", "a")]), labels(&[("alertname", "Down"), ("pod", "b")])];
        assert_eq!(text(&own, &[labels(&[("alertname", "Slow"), ("pod", "b")])]), None);
        assert_eq!(text(&[labels(&[])], &[]), None, "nothing to go by");
    }

    #[test]
    fn a_value_that_was_cut_is_not_compared() {
        let cut = format!("{}{CUT_MARK}9000 bytes]", "x".repeat(2048));
        let own = [labels(&[("alertname", "Slow"), ("query", &cut)])];
        assert_eq!(text(&own, &[]).as_deref(), Some(r#"alertname="Slow""#));
    }
}
