//! What the incident page needs of a log: the newest events, the runbooks' answers, and the newest of each other work.

use std::collections::{BTreeMap, HashMap};

use opsseer_core::{Event, EventId, EventKind, IncidentId, RunbookAnswered, Severity};
use opsseer_store::{Store, StoreError};

/// Events of the newest end that are read to find what the cards show.
const NEWEST: u32 = 500;
/// Events of the beginning, where the first answers stand, if the log is longer than that.
const OLDEST: u32 = 200;

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
    /// By step.
    pub(crate) failures: HashMap<String, Event>,
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
        for event in oldest.iter().chain(&newest) {
            read.fold(event);
        }
        Ok((read, newest))
    }

    pub(crate) fn fold(&mut self, event: &Event) {
        self.last = self.last.max(event.id);
        let place = match &event.kind {
            EventKind::Opened { .. } => &mut self.opened,
            EventKind::RunbookAnswered(answer) => {
                self.runbooks.insert(event.id, answer.clone());
                return;
            }
            EventKind::AlertFired { alert, .. } => {
                let known = self.urgency.entry(alert.name.clone()).or_insert(alert.severity);
                *known = alert.severity.max(*known);
                return;
            }
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

    /// The newest failure of `step`, unless `done` came after it.
    pub(crate) fn failure_after(&self, step: &str, done: Option<&Event>) -> Option<&Event> {
        self.failures.get(step).filter(|failure| done.is_none_or(|done| done.id < failure.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{chart, event, runbook};

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
}
