//! Where an incident stands beside its state: that it comes and goes, was merged, is muted or silenced, or holds a storm.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Event, EventId, EventKind, Incident, IncidentNumber};

use crate::web::{
    incident::{headline::severity_word, story::Story, words::times_words},
    moment::{Moment, duration_words},
    viewer::Viewer,
};

/// Its end is held back.
struct Flapping {
    back: String,
    quiet_for: Option<String>,
    over_at: Option<Moment>,
}

/// It ended because its alerts went to another incident.
struct MergedAway {
    into: IncidentNumber,
    /// The event that undoing names.
    event: EventId,
}

/// Somebody is on it.
struct Muted {
    until: Moment,
    by: String,
}

/// Alertmanager keeps quiet about it.
struct Silenced {
    until: Moment,
    /// Alertmanager's name for the silence, to end it by.
    id: Option<String>,
}

struct Escalated {
    from: &'static str,
    to: &'static str,
    at: Moment,
}

#[derive(Template)]
#[template(path = "incident/standing.html")]
pub(crate) struct Standing {
    number: i64,
    flapping: Option<Flapping>,
    merged: Option<MergedAway>,
    muted: Option<Muted>,
    silenced: Vec<Silenced>,
    escalated: Option<Escalated>,
    storm: bool,
}

impl Standing {
    pub(crate) fn new(incident: &Incident, story: &Story, viewer: &Viewer, now: DateTime<Utc>) -> Self {
        Self {
            number: incident.number.0,
            flapping: incident.flapping.then(|| Flapping::new(incident, story, now)),
            merged: MergedAway::of(incident, story),
            muted: muted_until(incident, now).map(|until| Muted {
                until: Moment::new(until, now),
                by: incident.muted_by.as_deref().map_or_else(String::new, |by| viewer.name_or(by, "you")),
            }),
            silenced: Silenced::all(incident, story, now),
            escalated: Escalated::of(incident, story, now),
            storm: incident.is_storm(),
        }
    }

    fn is_empty(&self) -> bool {
        self.flapping.is_none()
            && self.merged.is_none()
            && self.muted.is_none()
            && self.silenced.is_empty()
            && self.escalated.is_none()
            && !self.storm
    }
}

/// Until when nobody needs to be told about it, if that is still ahead.
pub(crate) fn muted_until(incident: &Incident, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    incident.muted_until.filter(|until| *until > now && incident.is_open())
}

/// Until when Alertmanager keeps quiet about it, if that is still ahead.
pub(crate) fn silenced_until(incident: &Incident, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    incident.silenced_until().filter(|until| *until > now)
}

impl MergedAway {
    fn of(incident: &Incident, story: &Story) -> Option<Self> {
        let event = story.merged_into.as_ref()?;
        match event.kind {
            EventKind::MergedInto { number, .. } if incident.merged_into.is_some() => {
                Some(Self { into: number, event: event.id })
            }
            _ => None,
        }
    }
}

impl Flapping {
    fn new(incident: &Incident, story: &Story, now: DateTime<Utc>) -> Self {
        let quiet = story.flapping_held.as_ref().and_then(|event| match event.kind {
            EventKind::FlappingHeld { quiet_seconds, .. } => TimeDelta::try_seconds(quiet_seconds),
            _ => None,
        });
        let over_at =
            incident.quiet_since.zip(quiet).and_then(|(since, quiet)| since.checked_add_signed(quiet));
        Self {
            back: times_words(incident.flaps),
            quiet_for: quiet.map(duration_words),
            over_at: over_at.map(|at| Moment::new(at, now)),
        }
    }
}

impl Silenced {
    fn all(incident: &Incident, story: &Story, now: DateTime<Utc>) -> Vec<Self> {
        let of_event = |(id, event): (&String, &Event)| match event.kind {
            EventKind::Silenced { until, .. } if until > now => {
                Some(Self { until: Moment::new(until, now), id: Some(id.clone()) })
            }
            _ => None,
        };
        let known: Vec<Self> = story.silences.iter().filter_map(of_event).collect();
        if known.is_empty() {
            // Its event is too far back to have been read.
            let until = silenced_until(incident, now);
            return until
                .map(|until| Self { until: Moment::new(until, now), id: None })
                .into_iter()
                .collect();
        }
        known
    }
}

impl Escalated {
    fn of(incident: &Incident, story: &Story, now: DateTime<Utc>) -> Option<Self> {
        let event = story.escalated.as_ref()?;
        match &event.kind {
            // What a person said since then counts, and over is over.
            EventKind::Escalated { from, to, .. } if incident.is_open() && incident.severity == *to => {
                Some(Self {
                    from: severity_word(*from),
                    to: severity_word(*to),
                    at: Moment::new(event.at, now),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{IncidentId, LiveSilence, Severity};

    use super::*;
    use crate::web::test_data::{at, event, incident, viewer};

    fn told(kinds: Vec<EventKind>) -> Story {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        story
    }

    fn html(incident: &Incident, story: &Story) -> String {
        Standing::new(incident, story, &viewer("ada"), at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn nothing_special_takes_no_room() {
        assert_eq!(html(&incident(), &Story::default()), "");
    }

    #[test]
    fn what_comes_and_goes_says_how_often_and_when_it_may_end() {
        let mut incident = incident();
        (incident.flapping, incident.flaps, incident.quiet_since) = (true, 4, Some(at("03:18:00")));
        let held = EventKind::FlappingHeld { flaps: 3, quiet_seconds: 600, reason: String::new() };
        let shown = html(&incident, &told(vec![held]));
        for part in ["Comes and goes", "back 4 times", "quiet for 10 min", ">03:28:00</time>"] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        incident.quiet_since = None;
        let shown = html(&incident, &Story::default());
        assert!(shown.contains("held open until it is quiet") && !shown.contains("<time"), "{shown}");
    }

    #[test]
    fn what_was_merged_leads_to_where_it_goes_on_and_back() {
        let mut incident = incident();
        let into = IncidentId::generate();
        incident.merged_into = Some(into);
        let number = IncidentNumber(7);
        let kind = EventKind::MergedInto { into, number, was_open: true, reason: String::new() };
        let shown = html(&incident, &told(vec![kind]));
        assert!(shown.contains(r#"<a href="/incidents/7">INC-7</a>, where it goes on"#), "{shown}");
        assert!(
            shown.contains(r#"action="/incidents/42/undo""#) && shown.contains(r#"value="1""#),
            "{shown}"
        );
    }

    #[test]
    fn a_mute_is_said_with_its_end_until_that_has_come() {
        let mut incident = incident();
        (incident.muted_until, incident.muted_by) = (Some(at("04:10:00")), Some("ada".into()));
        let shown = html(&incident, &Story::default());
        assert!(
            shown.contains("04:10:00") && shown.contains("you") && shown.contains("/incidents/42/unmute"),
            "{shown}"
        );
        incident.muted_until = Some(at("03:19:59"));
        assert_eq!(html(&incident, &Story::default()), "");
    }

    #[test]
    fn a_silence_can_be_ended_by_its_name() {
        let mut incident = incident();
        incident.silences = vec![LiveSilence { id: "s".into(), until: at("05:00:00") }];
        let (matchers, comment) = (String::new(), String::new());
        let kind = EventKind::Silenced { silence_id: "s-1".into(), until: at("05:00:00"), matchers, comment };
        let shown = html(&incident, &told(vec![kind]));
        assert!(shown.contains("/silences/s-1/end") && shown.contains("05:00:00"), "{shown}");
        let unknown = html(&incident, &Story::default());
        assert!(unknown.contains("05:00:00") && !unknown.contains("/end"), "{unknown}");
    }

    #[test]
    fn more_urgent_than_before_is_said_while_it_is_so() {
        let kind = EventKind::Escalated {
            from: Severity::Ticket,
            to: Severity::Page,
            title: String::new(),
            reason: String::new(),
        };
        let (mut incident, story) = (incident(), told(vec![kind]));
        let shown = html(&incident, &story);
        assert!(shown.contains("Ticket became Page"), "{shown}");
        incident.severity = Severity::Info;
        assert_eq!(html(&incident, &story), "");
    }
}
