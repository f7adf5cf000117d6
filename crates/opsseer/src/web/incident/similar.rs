//! The card "Happened before": earlier incidents that are like this one, how they ended, and how long they took.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Event, EventKind, Incident, SimilarIncident};

use crate::web::{
    incident::{do_this::began, story::Story, words::Retry},
    moment::{Moment, exact_duration_words},
    prose::first_line,
};

/// The kind of the job that looks.
const STEP: &str = "find_similar";

/// Characters of a title, and of how it ended.
const LINE: usize = 160;

struct Earlier {
    number: i64,
    title: String,
    ended: String,
    reason: String,
}

enum Content {
    Found(Vec<Earlier>),
    None { looked_through: String },
    Failed { error: String, retry: Retry },
    Looking { since: Moment },
}

#[derive(Template)]
#[template(path = "incident/similar.html")]
pub(crate) struct SimilarCard {
    content: Content,
    over: bool,
}

impl SimilarCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let found = story.similar.as_ref();
        let content = found
            .and_then(Content::of)
            .or_else(|| story.failure_after(STEP, found).and_then(|event| Content::failed(event, now)))
            .unwrap_or_else(|| Content::Looking { since: began(story, incident, now) });
        Self { content, over: !incident.is_open() }
    }
}

impl Content {
    fn of(event: &Event) -> Option<Self> {
        let EventKind::SimilarFound { incidents, looked_through } = &event.kind else { return None };
        Some(match (incidents.as_slice(), looked_through) {
            ([], 0) => Self::None { looked_through: "This is the first incident here.".to_owned() },
            ([], 1) => Self::None { looked_through: "The one earlier incident is not like it.".to_owned() },
            ([], many) => {
                Self::None { looked_through: format!("None of {many} earlier incidents is like it.") }
            }
            (some, _) => Self::Found(some.iter().map(Earlier::new).collect()),
        })
    }

    fn failed(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::StepFailed { error, retry_at, .. } = &event.kind else { return None };
        Some(Self::Failed { error: error.clone(), retry: Retry::new(*retry_at, now, event.incident, STEP) })
    }
}

impl Earlier {
    fn new(similar: &SimilarIncident) -> Self {
        let took = similar.seconds.and_then(TimeDelta::try_seconds).map(exact_duration_words);
        let how =
            similar.ended.as_deref().map(|ended| first_line(ended, LINE)).filter(|ended| !ended.is_empty());
        let ended = match (took, how) {
            (Some(took), Some(how)) => format!("took {took}: {how}"),
            (Some(took), None) => format!("took {took}"),
            (None, Some(how)) => how,
            (None, None) => "goes on".to_owned(),
        };
        Self {
            number: similar.number.0,
            title: first_line(&similar.title, LINE),
            ended,
            reason: similar.reason.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::{EventId, IncidentId, IncidentNumber};

    use super::*;
    use crate::web::test_data::{at, event, incident};

    fn html(kind: Option<EventKind>) -> String {
        let mut story = Story::default();
        if let Some(kind) = kind {
            story.fold(&Event { id: EventId(3), ..event(kind) });
        }
        SimilarCard::new(&story, &incident(), at("03:20:00")).render().expect("renders")
    }

    fn earlier(ended: Option<&str>, seconds: Option<i64>) -> SimilarIncident {
        SimilarIncident {
            id: IncidentId::generate(),
            number: IncidentNumber(31),
            title: "payments: <slow>".into(),
            score: 0.91,
            reason: "same alert and service; 94 % alike in wording".into(),
            ended: ended.map(str::to_owned),
            seconds,
        }
    }

    #[test]
    fn each_says_what_it_was_how_it_ended_how_long_it_took_and_why_it_is_here() {
        let incidents = vec![earlier(Some("rolled back"), Some(1152)), earlier(None, None)];
        let shown = html(Some(EventKind::SimilarFound { incidents, looked_through: 40 }));
        for part in [
            r#"href="/incidents/31""#,
            "payments: &#60;slow&#62;",
            "took 19 min 12 s: rolled back",
            "goes on",
            "94 % alike in wording",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn nothing_like_it_is_an_answer() {
        let none = |looked_through| html(Some(EventKind::SimilarFound { incidents: vec![], looked_through }));
        assert!(none(40).contains("None of 40 earlier incidents is like it."));
        assert!(none(0).contains("This is the first incident here."));
        assert!(html(None).contains("Looking through earlier incidents"));
    }
}
