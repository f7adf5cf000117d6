//! The card "What changed": deploys, new settings, restarts, and how long before or after the beginning each was.

use std::cmp::Reverse;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{ChangeSeen, ChangeType, Event, EventKind, Incident};

use crate::web::{
    incident::{do_this::began, story::Story, words::Failure},
    moment::{Moment, duration_words},
    prose::{first_line, safe_address},
};

/// The kinds of the jobs that look: into the metrics, and at what people and pipelines told.
const STEPS: [&str; 2] = ["see_changes", "tell_changes"];

/// Changes that are shown; the timeline has them all.
const SHOWN: usize = 6;

/// Characters of a title, and of a name.
const TITLE: usize = 200;
const NAME: usize = 80;

/// A change as the card shows it.
struct Change {
    word: &'static str,
    title: String,
    link: Option<String>,
    at: Moment,
    /// `2 min before it began`.
    lies: String,
    /// Whether it may have caused the incident: it was made before.
    before: bool,
    /// Whose it is, the version, and who told.
    about: String,
}

enum Content {
    Seen {
        changes: Vec<Change>,
        more: Option<String>,
    },
    /// Of whom, and since when one looked.
    None {
        of: String,
        since: Moment,
    },
    Failed(Failure),
    Looking {
        since: Moment,
    },
}

#[derive(Template)]
#[template(path = "incident/changes.html")]
pub(crate) struct ChangesCard {
    content: Content,
    over: bool,
}

impl ChangesCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let looked = story.changes_looked.as_ref();
        let content = Content::seen(story, incident, now)
            .or_else(|| {
                let failed = STEPS.iter().find_map(|step| Failure::of(story, step, looked, now));
                failed.map(Content::Failed)
            })
            .or_else(|| looked.and_then(|event| Content::none(event, now)))
            .unwrap_or_else(|| Content::Looking { since: began(story, incident, now) });
        Self { content, over: !incident.is_open() }
    }
}

impl Content {
    fn seen(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Option<Self> {
        let mut all: Vec<(&Event, &ChangeSeen)> = story
            .changes
            .values()
            .filter_map(|event| match &event.kind {
                EventKind::ChangeSeen(change) => Some((event, change)),
                _ => None,
            })
            .collect();
        all.sort_by_key(|(event, _)| Reverse((event.at, event.id)));
        let shown = all.len().min(SHOWN);
        let more = (all.len() - shown, left_out(story));
        let changes: Vec<Change> = all
            .into_iter()
            .take(SHOWN)
            .map(|(event, change)| Change::new(event, change, incident.opened_at, now))
            .collect();
        let more = match more {
            (0, 0) => None,
            (some, 0) => Some(format!("{some} earlier on the timeline")),
            (0, older) => Some(format!("{older} still earlier are left out")),
            (some, older) => {
                Some(format!("{some} earlier on the timeline, {older} still earlier are left out"))
            }
        };
        (!changes.is_empty()).then_some(Self::Seen { changes, more })
    }

    fn none(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::ChangesLooked(looked) = &event.kind else { return None };
        let of = looked.service.as_ref().map_or_else(String::new, |service| format!(" of {service}"));
        Some(Self::None { of, since: Moment::new(looked.from, now) })
    }
}

/// Changes that were found and are not told.
fn left_out(story: &Story) -> usize {
    match story.changes_looked.as_ref().map(|event| &event.kind) {
        Some(EventKind::ChangesLooked(looked)) => looked.left_out,
        _ => 0,
    }
}

impl Change {
    fn new(event: &Event, change: &ChangeSeen, began: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let version = change.version.as_ref().map(|version| format!("version {version}"));
        let told = (change.source != "prometheus").then(|| format!("told by {}", change.source));
        let about: Vec<String> = [change.service.clone(), version, told]
            .into_iter()
            .flatten()
            .map(|words| first_line(&words, NAME))
            .collect();
        Self {
            word: word(change.change),
            title: first_line(&change.title, TITLE),
            link: change.link.as_deref().and_then(safe_address),
            at: Moment::new(event.at, now),
            lies: lies(event.at - began),
            before: event.at <= began,
            about: about.join(", "),
        }
    }
}

/// What kind of change it is, as a tag.
fn word(change: ChangeType) -> &'static str {
    match change {
        ChangeType::Deploy => "Deploy",
        ChangeType::Config => "Config",
        ChangeType::Restart => "Restart",
        ChangeType::Scale => "Scale",
        ChangeType::Flag => "Flag",
        ChangeType::Other => "Change",
    }
}

/// Where a change lies in time, seen from the beginning of the incident.
fn lies(after: TimeDelta) -> String {
    match after.num_seconds() {
        0 => "as it began".to_owned(),
        seconds if seconds < 0 => format!("{} before it began", duration_words(-after)),
        _ => format!("{} after it began", duration_words(after)),
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{ChangesLooked, EventId};

    use super::*;
    use crate::web::test_data::{at, changed, event, incident};

    fn html(events: Vec<Event>) -> String {
        let mut story = Story::default();
        for (id, event) in (1..).zip(events) {
            story.fold(&Event { id: EventId(id), ..event });
        }
        ChangesCard::new(&story, &incident(), at("03:20:00")).render().expect("renders")
    }

    fn change(title: &str, clock: &str) -> Event {
        Event { at: at(clock), ..event(changed(title)) }
    }

    fn looked(left_out: usize) -> Event {
        event(EventKind::ChangesLooked(ChangesLooked {
            service: Some("payments".into()),
            from: at("00:12:09"),
            to: at("03:12:09"),
            found: 0,
            left_out,
        }))
    }

    #[test]
    fn each_change_says_what_when_and_how_long_before_it_began_newest_first() {
        let shown = html(vec![change("rolled <back>", "03:14:09"), change("payments deployed", "03:10:09")]);
        for part in [
            "rolled &#60;back&#62;",
            "2 min after it began",
            "2 min before it began",
            "9 min ago",
            r#"<a href="https://ci.example/42""#,
            "payments, version 1.42.0, told by ci",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
        assert!(shown.find("rolled") < shown.find("payments deployed"), "{shown}");
        assert!(shown.contains("tag warn") && shown.contains("tag calm"), "what came before is told apart");
    }

    #[test]
    fn a_link_that_is_no_web_address_is_none() {
        let EventKind::ChangeSeen(mut hostile) = changed("x") else { panic!("a change") };
        hostile.link = Some("javascript:alert(1)".into());
        let shown = html(vec![event(EventKind::ChangeSeen(hostile))]);
        assert!(!shown.contains("javascript:"), "{shown}");
    }

    #[test]
    fn many_changes_are_cut_and_said_to_be() {
        let many = (0..9).map(|n| change("deployed", &format!("03:0{n}:00"))).chain([looked(4)]).collect();
        let shown = html(many);
        assert_eq!(shown.matches("<li>").count(), SHOWN);
        assert!(shown.contains("3 earlier on the timeline, 4 still earlier are left out"), "{shown}");
    }

    #[test]
    fn no_change_is_an_answer() {
        let shown = html(vec![looked(0)]);
        assert!(
            shown.contains("No change of payments is known since ") && shown.contains(">00:12:09<"),
            "{shown}"
        );
        assert!(html(vec![]).contains("Looking for deploys"));
        let error = "the store is away".into();
        let failed = event(EventKind::StepFailed { step: STEPS[0].into(), error, retry_at: None });
        assert!(html(vec![failed]).contains("the store is away"));
    }
}
