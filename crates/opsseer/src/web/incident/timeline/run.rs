//! The timeline's lines. Alerts that fire and stop again and again, or by the hundred, are told as one line with their
//! count; each is there on demand.

use std::collections::BTreeSet;

use askama::Template;
use opsseer_core::{Event, EventId, EventKind};

use crate::web::{
    incident::timeline::{Telling, TimelineEvent, alert_words},
    incident::words::{counted, sentence_case},
    moment::Moment,
    prose::cut,
};

/// Changes of alerts that become one line: so many where an alert fired again, else so many more.
const SHORTEST: usize = 4;
const SHORTEST_OF_FIRST: usize = 12;
/// Changes that one can open under a line, the newest.
const SHOWN: usize = 30;
/// Characters of each.
const LINE: usize = 120;

/// A line of the timeline.
pub(crate) enum Entry {
    One(Box<TimelineEvent>),
    Run(Run),
}

struct Change {
    id: i64,
    at: Moment,
    fired: bool,
    words: String,
}

/// Many changes of alerts in one line.
#[derive(Template)]
#[template(path = "incident/run.html")]
pub(crate) struct Run {
    oldest: EventId,
    newest: EventId,
    from: Moment,
    to: Moment,
    what: String,
    names: String,
    changes: Vec<Change>,
    left_out: usize,
}

impl Entry {
    pub(crate) fn render(&self) -> Result<String, askama::Error> {
        match self {
            Self::One(event) => event.render(),
            Self::Run(run) => run.render(),
        }
    }
}

/// At most `limit` lines of `events`, which are newest first, and how many events they hold.
pub(crate) fn entries(events: &[Event], limit: usize, telling: Telling<'_>) -> (Vec<Entry>, usize) {
    let (mut entries, mut read) = (Vec::new(), 0);
    while read < events.len() && entries.len() < limit {
        let rest = &events[read..];
        let run = leading_run(rest);
        if is_worth_a_line(run) {
            entries.push(Entry::Run(Run::new(run, telling)));
            read += run.len();
        } else {
            entries.push(Entry::One(Box::new(TimelineEvent::new(&rest[0], telling))));
            read += 1;
        }
    }
    (entries, read)
}

/// The changes of alerts that `events` begin with.
pub(crate) fn leading_run(events: &[Event]) -> &[Event] {
    let end = events.iter().position(|event| !is_change(event)).unwrap_or(events.len());
    &events[..end]
}

fn is_change(event: &Event) -> bool {
    matches!(event.kind, EventKind::AlertFired { .. } | EventKind::AlertResolved { .. })
}

fn is_worth_a_line(run: &[Event]) -> bool {
    let again = |event: &Event| matches!(event.kind, EventKind::AlertFired { first: false, .. });
    run.len() >= SHORTEST_OF_FIRST || (run.len() >= SHORTEST && run.iter().any(again))
}

impl Run {
    /// `run` is newest first and holds at least one change.
    fn new(run: &[Event], telling: Telling<'_>) -> Self {
        let changes = run.iter().take(SHOWN).filter_map(|event| Change::of(event, telling));
        let names: BTreeSet<&str> = run.iter().filter_map(name_of).collect();
        let (newest, oldest) = (&run[0], &run[run.len() - 1]);
        Self {
            oldest: oldest.id,
            newest: newest.id,
            from: Moment::new(oldest.at, telling.now),
            to: Moment::new(newest.at, telling.now),
            what: sentence_case(&what_words(run, &names)),
            names: cut(&names.into_iter().collect::<Vec<_>>().join(", "), 2 * LINE),
            changes: changes.collect(),
            left_out: run.len().saturating_sub(SHOWN),
        }
    }
}

impl Change {
    fn of(event: &Event, telling: Telling<'_>) -> Option<Self> {
        let (alert, fired) = match &event.kind {
            EventKind::AlertFired { alert, .. } => (alert, true),
            EventKind::AlertResolved { alert, .. } => (alert, false),
            _ => return None,
        };
        let words = alert_words(alert);
        let words = if words == alert.name { words } else { format!("{}: {words}", alert.name) };
        Some(Self { id: event.id.0, at: Moment::new(event.at, telling.now), fired, words: cut(&words, LINE) })
    }
}

fn name_of(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::AlertFired { alert, .. } | EventKind::AlertResolved { alert, .. } => Some(&alert.name),
        _ => None,
    }
}

/// `HighErrorRate came and went: fired 12 times, stopped 11 times`.
fn what_words(run: &[Event], names: &BTreeSet<&str>) -> String {
    let fired = run.iter().filter(|event| matches!(event.kind, EventKind::AlertFired { .. })).count();
    let stopped = run.len() - fired;
    let first =
        run.iter().filter(|event| matches!(event.kind, EventKind::AlertFired { first: true, .. })).count();
    match (first == run.len(), stopped == run.len()) {
        (true, _) => return format!("{} fired", counted(fired, "alert")),
        (_, true) => return format!("{} stopped firing", counted(stopped, "alert")),
        _ => {}
    }
    let what = match names.first() {
        Some(name) if names.len() == 1 => cut(name, LINE),
        _ => format!("Alerts of {}", counted(names.len(), "rule")),
    };
    format!("{what} came and went: fired {}, stopped {}", counted(fired, "time"), counted(stopped, "time"))
}

#[cfg(test)]
mod tests {
    use opsseer_core::AlertSnapshot;

    use super::*;
    use crate::web::{
        incident::story::Story,
        test_data::{alert, at, event, incident, stored_alert, viewer},
    };

    fn fired(first: bool) -> EventKind {
        EventKind::AlertFired { alert: alert(), first, reason: "r".into() }
    }

    fn stopped() -> EventKind {
        EventKind::AlertResolved { alert: alert(), reason: None }
    }

    /// Of events in the order in which they happened: each line, and how many events were read.
    fn lines(kinds: Vec<EventKind>, limit: usize) -> (Vec<String>, usize) {
        let mut events: Vec<Event> =
            (1..).zip(kinds).map(|(id, kind)| Event { id: EventId(id), ..event(kind) }).collect();
        events.reverse();
        let (incident, story, viewer) = (incident(), Story::default(), viewer("ada"));
        let telling = Telling { incident: &incident, story: &story, viewer: &viewer, now: at("03:20:00") };
        let (entries, read) = entries(&events, limit, telling);
        (entries.iter().map(|entry| entry.render().expect("renders")).collect(), read)
    }

    #[test]
    fn what_comes_and_goes_is_one_line_with_the_count_and_each_change_on_demand() {
        let mut kinds = vec![fired(true), EventKind::Note { text: "here".into() }];
        for _ in 0..3 {
            kinds.extend([stopped(), fired(false)]);
        }
        let (lines, read) = lines(kinds, 60);
        assert_eq!((lines.len(), read), (3, 8));
        let run = &lines[0];
        assert!(run.contains("PaymentsHighErrorRate came and went: fired 3 times, stopped 3 times"), "{run}");
        assert!(run.contains(r#"id="run-3" data-oldest="3" data-newest="8""#), "{run}");
        assert_eq!(run.matches("<li id=\"event-").count(), 6, "{run}");
        assert!(lines[1].contains("wrote") && lines[2].contains("Fired:"));
    }

    #[test]
    fn a_few_alerts_that_fire_once_are_told_one_by_one() {
        let kinds = vec![fired(true), fired(true), fired(true), stopped(), stopped(), stopped()];
        assert_eq!(lines(kinds, 60).0.len(), 6);
    }

    #[test]
    fn thousands_are_a_small_line_that_says_how_many_are_not_shown() {
        let kinds: Vec<_> = (0..500)
            .map(|n| {
                let alert = AlertSnapshot::from(&stored_alert(&format!("Rule{n}")).alert);
                EventKind::AlertFired { alert, first: true, reason: "r".into() }
            })
            .collect();
        let (lines, read) = lines(kinds, 60);
        assert_eq!((lines.len(), read), (1, 500));
        assert!(
            lines[0].contains("500 alerts fired") && lines[0].contains("470 before these"),
            "{}",
            lines[0]
        );
        assert!(lines[0].len() < 12_000, "{} bytes", lines[0].len());
    }

    #[test]
    fn a_page_holds_so_many_lines_and_the_next_begins_after_them() {
        let kinds = (0..9).map(|n| EventKind::Note { text: n.to_string() }).collect();
        let (lines, read) = lines(kinds, 4);
        assert_eq!((lines.len(), read), (4, 4));
    }
}
