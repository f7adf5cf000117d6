//! Which silences were ended in Alertmanager itself, so that no incident counts as silenced that is not.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::alertmanager::{Silence, SilenceState};
use opsseer_core::Incident;

/// Silences that were missing in Alertmanager's last list, and since when.
#[derive(Debug, Default)]
pub(super) struct Missing(HashMap<String, DateTime<Utc>>);

impl Missing {
    /// The silences of these incidents that are over before their time. `listed` is what Alertmanager knows.
    ///
    /// One that is not even listed as expired may have been made on another member of a cluster a moment ago; so it
    /// counts as over once it has been missing for `grace`.
    pub(super) fn ended(
        &mut self,
        incidents: &[Incident],
        listed: &[Silence],
        grace: TimeDelta,
        now: DateTime<Utc>,
    ) -> HashSet<String> {
        let states: HashMap<&str, SilenceState> =
            listed.iter().map(|silence| (silence.id.as_str(), silence.state)).collect();
        let mut ended = HashSet::new();
        let mut missing = HashMap::new();
        let live = incidents.iter().flat_map(|incident| &incident.silences).filter(|live| live.until > now);
        for live in live {
            let is_over = if let Some(state) = states.get(live.id.as_str()) {
                *state == SilenceState::Expired
            } else {
                let since = self.0.get(&live.id).copied().unwrap_or(now);
                missing.insert(live.id.clone(), since);
                now - since >= grace
            };
            if is_over {
                ended.insert(live.id.clone());
            }
        }
        self.0 = missing;
        ended
    }

    /// Another replica compares.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, IncidentNumber, LiveSilence};

    use super::*;

    const GRACE: TimeDelta = TimeDelta::seconds(120);

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn incident(silences: &[(&str, i64)]) -> Incident {
        let live = |(id, until): &(&str, i64)| LiveSilence { id: (*id).to_owned(), until: at(*until) };
        let mut incident = Incident::unborn(IncidentId::generate(), IncidentNumber(1));
        incident.silences = silences.iter().map(live).collect();
        incident
    }

    fn listed(id: &str, state: SilenceState) -> Silence {
        Silence {
            id: id.to_owned(),
            matchers: vec![],
            starts_at: at(0),
            ends_at: at(3600),
            updated_at: at(0),
            created_by: "ada".to_owned(),
            comment: String::new(),
            state,
        }
    }

    fn ids(ended: HashSet<String>) -> Vec<String> {
        let mut ids: Vec<String> = ended.into_iter().collect();
        ids.sort();
        ids
    }

    #[test]
    fn one_that_expired_before_its_time_is_over_and_others_are_not() {
        let incidents =
            [incident(&[("a", 3600), ("b", 3600), ("c", 3600)]), incident(&[("d", 100), ("b", 3600)])];
        let listed = [
            listed("a", SilenceState::Active),
            listed("b", SilenceState::Expired),
            listed("c", SilenceState::Pending),
            listed("d", SilenceState::Expired),
        ];
        let ended = Missing::default().ended(&incidents, &listed, GRACE, at(200));
        assert_eq!(ids(ended), ["b"], "the time of d had come by itself");
    }

    #[test]
    fn one_that_is_not_listed_may_be_on_its_way_through_a_cluster() {
        let incidents = [incident(&[("a", 3600)])];
        let mut missing = Missing::default();
        assert_eq!(ids(missing.ended(&incidents, &[], GRACE, at(0))), Vec::<String>::new());
        assert_eq!(ids(missing.ended(&incidents, &[], GRACE, at(119))), Vec::<String>::new());
        let here = [listed("a", SilenceState::Active)];
        assert_eq!(ids(missing.ended(&incidents, &here, GRACE, at(120))), Vec::<String>::new());
        assert_eq!(ids(missing.ended(&incidents, &[], GRACE, at(180))), Vec::<String>::new());
        assert_eq!(ids(missing.ended(&incidents, &[], GRACE, at(300))), ["a"]);
    }
}
