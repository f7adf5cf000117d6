//! What the incident page needs of a log: the newest events, the runbooks' answers, and the newest of each other work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use opsseer_core::{
    AlertSnapshot, Classified, Event, EventId, EventKind, Fingerprint, Identity, IncidentId, Labels,
    RunbookAnswered, Severity,
};
use opsseer_store::{Store, StoreError};

use crate::summary::Facts;

/// Events of the newest end that are read to find what the cards show.
pub(crate) const NEWEST: u32 = 500;
/// Events of the beginning, where the first answers stand, if the log is longer than that.
const OLDEST: u32 = 200;
/// Alerts whose reasons are remembered: many more than are shown, few enough for a thousand readers.
const REASONS: usize = 200;

/// Names of rules whose kind of trouble is remembered.
const CLASSES: usize = 200;

/// Forecasts and budgets that are remembered, each by its name: more than anybody looks at.
const NAMES: usize = 20;

/// Changes that are remembered, the newest ones.
const CHANGES: usize = 100;

/// Tells alerts apart as the store does, by what both the log and the store keep of them.
type AlertKey = (Fingerprint, Identity);

/// What is said of the kind of trouble that a rule is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClassOf {
    /// By the classifier, last.
    pub(crate) said: Option<(EventId, Classified)>,
    /// By a person, last.
    pub(crate) corrected: Option<Event>,
}

/// What the log says to the cards. The order of folding does not matter, and folding an event twice changes nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) opened: Option<Event>,
    /// All answers, oldest first.
    pub(crate) runbooks: BTreeMap<EventId, RunbookAnswered>,
    /// By the alert's name: the most urgent severity that it fired with.
    pub(crate) urgency: HashMap<String, Severity>,
    /// The last reopening.
    pub(crate) reopened: Option<EventId>,
    pub(crate) runbook_missing: Option<Event>,
    pub(crate) chart: Option<Event>,
    /// The last question.
    pub(crate) asked: Option<Event>,
    /// By the rule's name.
    pub(crate) classes: BTreeMap<String, ClassOf>,
    pub(crate) similar: Option<Event>,
    /// By what they are about: the newest forecast of each.
    pub(crate) forecasts: BTreeMap<String, Event>,
    pub(crate) suspects: Option<Event>,
    /// What was changed before or meanwhile, in the order of being told.
    pub(crate) changes: BTreeMap<EventId, Event>,
    /// That changes were looked for.
    pub(crate) changes_looked: Option<Event>,
    /// By the objective's name: the newest of each.
    pub(crate) budgets: BTreeMap<String, Event>,
    /// The last look at the containers.
    pub(crate) containers: Option<Event>,
    /// What the summary is made of.
    pub(crate) facts: Facts,
    /// By step.
    pub(crate) failures: HashMap<String, Event>,
    pub(crate) escalated: Option<Event>,
    pub(crate) flapping_held: Option<Event>,
    pub(crate) merged_into: Option<Event>,
    /// All merges, splits and undone merges, oldest first.
    pub(crate) regroupings: BTreeMap<EventId, Event>,
    /// By Alertmanager's name for each: the silences that nobody has ended.
    pub(crate) silences: BTreeMap<String, Event>,
    ended_silences: BTreeMap<String, EventId>,
    /// Why each alert belongs to the incident, as it was said last.
    reasons: HashMap<AlertKey, (EventId, Arc<str>)>,
    /// The newest event folded in.
    pub(crate) last: EventId,
}

impl Story {
    /// Reads the log and returns with it its newest events, newest first.
    pub(crate) async fn read(store: &Store, incident: IncidentId) -> Result<(Self, Vec<Event>), StoreError> {
        let newest = store.list_events_before(incident, EventId(i64::MAX), NEWEST).await?;
        let oldest = if newest.len() == NEWEST as usize {
            store.list_events(incident, EventId(0), OLDEST).await?
        } else {
            Vec::new()
        };
        let mut read = Self::default();
        // The newest first: of what is remembered for some alerts only, theirs is what is shown.
        for event in newest.iter().chain(&oldest) {
            read.fold(event);
        }
        Ok((read, newest))
    }

    pub(crate) fn fold(&mut self, event: &Event) {
        self.last = self.last.max(event.id);
        self.facts.fold(event);
        let place = match &event.kind {
            EventKind::Opened { .. } => &mut self.opened,
            EventKind::RunbookAnswered(answer) => {
                self.runbooks.insert(event.id, answer.clone());
                return;
            }
            EventKind::AlertFired { alert, reason, .. } => {
                let known = self.urgency.entry(alert.name.clone()).or_insert(alert.severity);
                *known = alert.severity.max(*known);
                self.fold_reason(event.id, alert, reason);
                return;
            }
            EventKind::Merged { .. } | EventKind::Unmerged { .. } | EventKind::Split { .. } => {
                self.regroupings.insert(event.id, event.clone());
                return;
            }
            EventKind::Silenced { silence_id, .. } => {
                if self.ended_silences.get(silence_id).is_none_or(|ended| *ended < event.id) {
                    self.silences.insert(silence_id.clone(), event.clone());
                }
                return;
            }
            EventKind::SilenceEnded { silence_id } => {
                self.ended_silences.insert(silence_id.clone(), event.id);
                if self.silences.get(silence_id).is_some_and(|silenced| silenced.id < event.id) {
                    self.silences.remove(silence_id);
                }
                return;
            }
            EventKind::Classified(class) => {
                if let Some(known) = self.class_of(&class.alert)
                    && known.said.as_ref().is_none_or(|(id, _)| *id < event.id)
                {
                    known.said = Some((event.id, class.clone()));
                }
                return;
            }
            EventKind::ClassCorrected { alert, .. } => {
                if let Some(known) = self.class_of(alert)
                    && known.corrected.as_ref().is_none_or(|known| known.id < event.id)
                {
                    known.corrected = Some(event.clone());
                }
                return;
            }
            EventKind::Asked { .. } => &mut self.asked,
            EventKind::SimilarFound { .. } => &mut self.similar,
            EventKind::SuspectsRanked(_) => &mut self.suspects,
            EventKind::Forecast(forecast) => {
                return put_newest(&mut self.forecasts, &forecast.subject, event);
            }
            EventKind::BudgetSeen(budget) => return put_newest(&mut self.budgets, &budget.objective, event),
            EventKind::ContainersSeen(_) => &mut self.containers,
            EventKind::ChangesLooked(_) => &mut self.changes_looked,
            EventKind::ChangeSeen(_) => {
                self.changes.insert(event.id, event.clone());
                if self.changes.len() > CHANGES {
                    self.changes.pop_first();
                }
                return;
            }
            EventKind::Escalated { .. } => &mut self.escalated,
            EventKind::FlappingHeld { .. } => &mut self.flapping_held,
            EventKind::MergedInto { .. } => &mut self.merged_into,
            EventKind::Reopened { .. } => {
                self.reopened = self.reopened.max(Some(event.id));
                return;
            }
            EventKind::RunbookMissing { .. } => &mut self.runbook_missing,
            EventKind::Charted(_) => &mut self.chart,
            EventKind::StepFailed { step, .. } => {
                let known = self.failures.entry(step.clone()).or_insert_with(|| event.clone());
                if known.id < event.id {
                    *known = event.clone();
                }
                return;
            }
            _ => return,
        };
        if place.as_ref().is_none_or(|known| known.id < event.id) {
            *place = Some(event.clone());
        }
    }

    fn fold_reason(&mut self, id: EventId, alert: &AlertSnapshot, reason: &str) {
        let key = (alert.fingerprint.clone(), Identity::of(&alert.labels));
        let full = self.reasons.len() >= REASONS;
        match self.reasons.get_mut(&key) {
            Some(known) if known.0 < id => *known = (id, reason.into()),
            None if !full => {
                self.reasons.insert(key, (id, reason.into()));
            }
            _ => {}
        }
    }

    /// The place for what is said of a rule; none if too many are remembered.
    fn class_of(&mut self, alert: &str) -> Option<&mut ClassOf> {
        if !self.classes.contains_key(alert) && self.classes.len() >= CLASSES {
            return None;
        }
        Some(self.classes.entry(alert.to_owned()).or_default())
    }

    /// Why an alert belongs to the incident, if the part of the log that was read says so.
    pub(crate) fn reason_of(&self, fingerprint: &Fingerprint, labels: &Labels) -> Option<&str> {
        self.reasons.get(&(fingerprint.clone(), Identity::of(labels))).map(|(_, reason)| &**reason)
    }

    /// Whether this merge or split is what last happened between the two incidents: then it can be undone.
    pub(crate) fn can_undo(&self, event: &Event) -> bool {
        let Some(other) = other_of(event) else { return false };
        !matches!(event.kind, EventKind::Unmerged { .. })
            && self
                .regroupings
                .range(event.id..)
                .all(|(id, later)| *id == event.id || other_of(later) != Some(other))
    }

    /// The merge or split of the same incident that `event` undid, or did anew: it can be undone no longer.
    pub(crate) fn settled_by(&self, event: &Event) -> Option<&Event> {
        let other = other_of(event)?;
        self.regroupings.range(..event.id).rev().map(|(_, earlier)| earlier).find(|earlier| {
            other_of(earlier) == Some(other) && !matches!(earlier.kind, EventKind::Unmerged { .. })
        })
    }

    /// The newest failure of `step`, unless `done` came after it.
    pub(crate) fn failure_after(&self, step: &str, done: Option<&Event>) -> Option<&Event> {
        self.failures.get(step).filter(|failure| done.is_none_or(|done| done.id < failure.id))
    }
}

/// Keeps the newest event of each name, for as many names as there is room for.
fn put_newest(known: &mut BTreeMap<String, Event>, name: &str, event: &Event) {
    if let Some(older) = known.get_mut(name) {
        if older.id < event.id {
            *older = event.clone();
        }
    } else if known.len() < NAMES {
        known.insert(name.to_owned(), event.clone());
    }
}

/// The other incident of a merge, an undone merge or a split.
fn other_of(event: &Event) -> Option<IncidentId> {
    match &event.kind {
        EventKind::Merged { from, .. } | EventKind::Unmerged { from, .. } => Some(*from),
        EventKind::Split { into, .. } => Some(*into),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, chart, event, merged, runbook, stored_alert, unmerged};

    fn answered(id: i64) -> Event {
        Event { id: EventId(id), ..event(EventKind::RunbookAnswered(runbook())) }
    }

    fn charted(id: i64) -> Event {
        Event { id: EventId(id), ..event(EventKind::Charted(chart())) }
    }

    fn failed(id: i64) -> Event {
        let kind = EventKind::StepFailed { step: "answer_runbook".into(), error: "e".into(), retry_at: None };
        Event { id: EventId(id), ..event(kind) }
    }

    #[test]
    fn the_newest_picture_and_all_steps_count_in_whatever_order_the_log_is_read() {
        let mut story = Story::default();
        for id in [3, 1, 7, 7, 5] {
            story.fold(&charted(id));
            story.fold(&answered(id));
        }
        assert_eq!(story.chart.as_ref().map(|event| event.id), Some(EventId(7)));
        assert_eq!(story.runbooks.keys().map(|id| id.0).collect::<Vec<_>>(), [1, 3, 5, 7]);
        assert_eq!(story.last, EventId(7));
    }

    #[test]
    fn a_failure_is_forgotten_once_the_step_succeeds() {
        let mut story = Story::default();
        story.fold(&failed(2));
        assert!(story.failure_after("answer_runbook", None).is_some());
        assert!(story.failure_after("chart_metric", None).is_none());
        assert!(story.failure_after("answer_runbook", Some(&answered(3))).is_none());
        assert!(story.failure_after("answer_runbook", Some(&answered(1))).is_some());
    }

    fn with_id(id: i64, kind: EventKind) -> Event {
        Event { id: EventId(id), ..event(kind) }
    }

    #[test]
    fn only_what_last_happened_between_two_incidents_can_be_undone() {
        let (other, third) = (IncidentId::generate(), IncidentId::generate());
        let log = [
            with_id(1, merged(other, 7)),
            with_id(2, merged(third, 8)),
            with_id(3, unmerged(other, 7)),
            with_id(4, merged(other, 7)),
        ];
        let mut story = Story::default();
        for event in log.iter().rev() {
            story.fold(event);
        }
        assert_eq!(log.each_ref().map(|event| story.can_undo(event)), [false, true, false, true]);
        assert_eq!(story.settled_by(&log[2]).map(|event| event.id), Some(EventId(1)));
        assert_eq!(story.settled_by(&log[1]).map(|event| event.id), None);
    }

    #[test]
    fn a_silence_counts_until_it_is_ended_in_whatever_order_the_log_is_read() {
        let silenced = |id, name: &str| {
            let silence_id = name.to_owned();
            let (matchers, comment) = (String::new(), String::new());
            with_id(id, EventKind::Silenced { silence_id, until: at("05:00:00"), matchers, comment })
        };
        let ended = with_id(3, EventKind::SilenceEnded { silence_id: "a".into() });
        let mut log = vec![silenced(1, "a"), silenced(2, "b"), ended];
        for _ in 0..2 {
            let mut story = Story::default();
            for event in &log {
                story.fold(event);
            }
            assert_eq!(story.silences.keys().collect::<Vec<_>>(), ["b"]);
            log.reverse();
        }
    }

    #[test]
    fn an_alert_has_the_reason_that_was_given_last() {
        let alert = stored_alert("Slow").alert;
        let fired = |id, reason: &str| {
            let alert = AlertSnapshot::from(&alert);
            with_id(id, EventKind::AlertFired { alert, first: true, reason: reason.into() })
        };
        let mut story = Story::default();
        for event in [fired(5, "newer"), fired(2, "older")] {
            story.fold(&event);
        }
        assert_eq!(story.reason_of(&alert.fingerprint, &alert.labels), Some("newer"));
        assert_eq!(story.reason_of(&alert.fingerprint, &Labels::new()), None);
    }
}
