//! The card "Containers": memory, CPU, restarts and kills of the service's containers around the start.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{ContainerCurve, ContainersSeen, Event, EventKind, Incident};

use crate::{
    chart::Spark,
    containers::words,
    web::{
        incident::{
            story::Story,
            words::{Failure, sentence_case},
        },
        moment::Moment,
        prose::first_line,
    },
};

/// The kind of the job that looks.
const STEP: &str = "see_containers";

/// Characters of a service's name.
const NAME: usize = 60;

struct Seen {
    /// The kills and restarts, or that there were none.
    headline: String,
    rows: Vec<Row>,
    running: String,
    started: Option<Moment>,
    made: Moment,
}

/// A value, how it went, and where it is.
struct Row {
    name: &'static str,
    /// Markup.
    picture: String,
    value: String,
}

enum Content {
    Seen(Seen),
    None,
    Failed(Failure),
}

#[derive(Template)]
#[template(path = "incident/containers.html")]
pub(crate) struct ContainersCard {
    content: Content,
}

impl ContainersCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let newest = story.containers.as_ref();
        let content = newest
            .and_then(|event| Content::of(event, incident, now))
            .or_else(|| Failure::of(story, STEP, newest, now).map(Content::Failed))
            .unwrap_or(Content::None);
        Self { content }
    }
}

impl Content {
    fn of(event: &Event, incident: &Incident, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::ContainersSeen(seen) = &event.kind else { return None };
        let row = |name, curve: Option<&ContainerCurve>, value: Option<String>| {
            Some(Row { name, picture: picture(name, curve?, seen, incident), value: value? })
        };
        let memory = seen.fullest.as_ref().or(seen.memory.as_ref());
        let rows = [
            row("Memory", memory, words::memory(seen)),
            row("CPU", seen.cpu.as_ref(), words::cpu(seen)),
            row(
                "Held back",
                seen.throttled.as_ref(),
                words::held_back(seen).map(|share| format!("{share} of the time")),
            ),
        ];
        let service = first_line(&seen.service, NAME);
        let headline = match words::ends(seen) {
            Some(ends) => format!("{service}: {ends}"),
            None => format!("{service}: no restart, no kill for want of memory"),
        };
        Some(Self::Seen(Seen {
            headline,
            rows: rows.into_iter().flatten().collect(),
            running: sentence_case(
                &words::running(seen).unwrap_or_else(|| "Running or not is unknown".into()),
            ),
            started: seen.started_at.map(|at| Moment::new(at, now)),
            made: Moment::new(event.at, now),
        }))
    }
}

/// What came after the incident's start is shaded.
fn picture(name: &str, curve: &ContainerCurve, seen: &ContainersSeen, incident: &Incident) -> String {
    let count = i32::try_from(curve.points.len()).unwrap_or(i32::MAX).max(2);
    let step = (seen.to - seen.from) / (count - 1);
    let points = (0..).zip(&curve.points);
    let points = points.map(|(place, value)| (seen.from + step * place, value.unwrap_or(f64::NAN))).collect();
    let mark = Some(incident.opened_at).filter(|at| *at > seen.from);
    Spark { points, mark }.inline(&format!("How {name} of {} went", seen.service))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::test_data::{at, containers, event, incident};

    fn html(kind: Option<EventKind>) -> String {
        let mut story = Story::default();
        if let Some(kind) = kind {
            story.fold(&event(kind));
        }
        ContainersCard::new(&story, &incident(), at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn kills_limits_and_restarts_are_on_the_card_with_pictures() {
        let shown = html(Some(EventKind::ContainersSeen(containers())));
        for part in [
            "payments: the kernel killed a process of it once for want of memory, and it was started again twice",
            "<b>64 MiB of 256 MiB (25 %), 99 % at its height</b>",
            "<b>0.5 of 1 core</b>",
            "<b>40 % of the time</b>",
            "2 containers run",
            "How Memory of payments went",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_quiet_service_says_so_and_one_without_containers_how_to_get_them() {
        let quiet = ContainersSeen { restarts: 0, oom_kills: 0, service: "<b>".into(), ..containers() };
        let shown = html(Some(EventKind::ContainersSeen(quiet)));
        assert!(shown.contains("no restart, no kill") && !shown.contains("<b>:"), "{shown}");
        assert!(html(None).contains("container-exporter"));
    }

    #[test]
    fn a_failure_says_why() {
        let failed = EventKind::StepFailed { step: STEP.into(), error: "no answer".into(), retry_at: None };
        assert!(html(Some(failed)).contains("could not be looked at: no answer"));
    }
}
