//! The card with the metric's picture.

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventKind, Incident};

use crate::kept_chart;
use crate::web::{
    incident::{
        do_this::began,
        story::Story,
        words::{Retry, asset_address, range_words},
    },
    moment::Moment,
};

/// The kind of the job that draws.
pub(crate) const STEP: &str = "chart_metric";

enum Picture {
    Drawn {
        address: Option<String>,
        /// Where its numbers are; pictures drawn by older versions have none.
        numbers: Option<String>,
        alt: String,
        sentence: String,
        expr: String,
        range: String,
        taken: Moment,
    },
    Failed {
        error: String,
        retry: Retry,
    },
    Asking {
        since: Moment,
    },
}

#[derive(Template)]
#[template(path = "incident/picture.html")]
pub(crate) struct PictureCard {
    picture: Picture,
    /// Why a newer picture is missing, if one is shown and drawing the next one failed.
    stale: Option<(String, Retry)>,
    over: bool,
}

impl PictureCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let drawn = story.chart.as_ref();
        let failure = story.failure_after(STEP, drawn).and_then(|event| match &event.kind {
            EventKind::StepFailed { error, retry_at, .. } => {
                Some((error.clone(), Retry::new(*retry_at, now, event.incident, STEP)))
            }
            _ => None,
        });
        let over = !incident.is_open();
        if let Some(picture) = drawn.and_then(|event| Picture::drawn(event, now)) {
            return Self { picture, stale: failure, over };
        }
        let picture = match failure {
            Some((error, retry)) => Picture::Failed { error, retry },
            None => Picture::Asking { since: began(story, incident, now) },
        };
        Self { picture, stale: None, over }
    }
}

impl Picture {
    fn drawn(event: &Event, now: DateTime<Utc>) -> Option<Self> {
        let EventKind::Charted(chart) = &event.kind else { return None };
        let asset = event.assets.iter().find(|asset| asset.media_type.starts_with("image/"));
        Some(Self::Drawn {
            address: asset.map(asset_address),
            numbers: kept_chart::address(&event.assets),
            alt: asset.map(|asset| asset.alt.clone()).unwrap_or_default(),
            sentence: chart.sentence.clone(),
            expr: chart.expr.clone(),
            range: range_words(chart),
            taken: Moment::new(event.at, now),
        })
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::EventId;

    use super::*;
    use crate::web::test_data::{asset, at, chart, event, incident};

    fn charted() -> Event {
        let mut event = event(EventKind::Charted(chart()));
        event.assets = vec![asset("image/svg+xml")];
        event
    }

    fn failed() -> Event {
        let error = "Prometheus did not answer within 10 s".into();
        event(EventKind::StepFailed { step: STEP.into(), error, retry_at: Some(at("03:17:00")) })
    }

    fn html(events: Vec<Event>) -> String {
        let mut story = Story::default();
        for (id, event) in (1..).zip(events) {
            story.fold(&Event { id: EventId(id), ..event });
        }
        PictureCard::new(&story, &incident(), at("03:20:00")).render().expect("renders")
    }

    #[test]
    fn the_picture_comes_with_its_sentence_its_text_and_its_query() {
        let shown = html(vec![charted()]);
        for part in [
            "The error rate is 41 %, above 10 %",
            r#"alt="The error rate over an hour""#,
            r#"src="/assets/0123abcd""#,
            "toyprod:error_rate:ratio_5m",
            "a point every 15 s",
        ] {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_picture_with_numbers_can_be_looked_into_and_an_old_one_is_still_a_picture() {
        let mut with = charted();
        with.assets.push(asset("application/json"));
        let shown = html(vec![with]);
        assert!(shown.contains(r#"data-chart="/charts/0123abcd""#), "{shown}");
        assert!(shown.contains(r#"href="/charts/0123abcd""#), "{shown}");
        let old = html(vec![charted()]);
        assert!(old.contains("<img") && !old.contains("data-chart") && !old.contains("/charts/"), "{old}");
    }

    #[test]
    fn a_picture_that_is_not_there_says_why() {
        assert!(html(vec![]).contains("Asking Prometheus"));
        let shown = html(vec![failed()]);
        assert!(
            shown.contains("did not answer within 10 s") && shown.contains(">03:17:00</time>"),
            "{shown}"
        );
    }

    #[test]
    fn an_old_picture_stays_and_says_that_the_next_one_failed() {
        let shown = html(vec![charted(), failed()]);
        assert!(shown.contains("<img") && shown.contains("did not answer within 10 s"), "{shown}");
        assert!(!html(vec![failed(), charted()]).contains("did not answer"));
    }
}
