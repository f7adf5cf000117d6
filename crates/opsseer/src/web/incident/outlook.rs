//! The card "Where it is heading": when a value passes its limit or comes back, how sure that is, and the picture. The
//! forecast's own sentence counts from the time at which it was made; here the times keep up.

use std::cmp::Reverse;

use askama::Template;
use chrono::{DateTime, Utc};
use opsseer_core::{Event, EventId, EventKind, Forecast, Incident, Outlook};

use crate::{
    chart::Unit,
    kept_chart,
    web::{
        incident::{
            do_this::began,
            headline::State,
            story::Story,
            timeline::Shot,
            words::{Failure, probability_words},
        },
        moment::{Moment, duration_words},
    },
};

/// The kind of the job that forecasts.
const STEP: &str = "forecast_metric";

/// Further forecasts that are shown; the timeline has them all.
const OTHERS: usize = 5;

/// A forecast as the card shows it.
struct Heading {
    /// Of the event that brought it.
    id: EventId,
    subject: String,
    state: State,
    passing: Passing,
    /// Whether the value is beyond its limit already, so that its way back is foretold.
    beyond: bool,
    /// `300 ms`; `below 300 ms` for the way back.
    limit: String,
    /// The newest value, in its unit.
    value: String,
    picture: Option<Shot>,
    /// Where the picture's numbers are, and the id of what moves through them by keys.
    numbers: Option<String>,
    keys: String,
    made: Moment,
    expr: String,
    /// What it was worked out with, and how far it reaches.
    method: String,
}

/// When it passes the limit, and how probable that is.
enum Passing {
    Expected { at: Moment, earliest: Moment, latest: Option<Moment>, until: Moment, probability: String },
    NotWithin { until: Moment, probability: String },
    Unsure { until: Moment, probability: String },
    TooLittle { have: usize, need: usize },
}

enum Content {
    Forecast {
        first: Box<Heading>,
        others: Vec<Heading>,
    },
    /// Its expression compares with nothing.
    NoLimit,
    Failed(Failure),
    Working {
        since: Moment,
    },
}

#[derive(Template)]
#[template(path = "incident/outlook.html")]
pub(crate) struct OutlookCard {
    content: Content,
    /// Why a newer forecast is missing, if one is shown and making the next one failed.
    stale: Option<Failure>,
    over: bool,
}

impl OutlookCard {
    pub(crate) fn new(story: &Story, incident: &Incident, now: DateTime<Utc>) -> Self {
        let over = !incident.is_open();
        let newest = story.forecasts.values().max_by_key(|event| event.id);
        let failure = Failure::of(story, STEP, newest, now);
        let mut forecasts =
            ranked(story).into_iter().map(|(event, forecast)| Heading::new(event, forecast, now));
        if let Some(first) = forecasts.next() {
            let content =
                Content::Forecast { first: Box::new(first), others: forecasts.take(OTHERS).collect() };
            return Self { content, stale: failure, over };
        }
        let content = match failure {
            Some(failure) => Content::Failed(failure),
            None if has_no_limit(story) => Content::NoLimit,
            None => Content::Working { since: began(story, incident, now) },
        };
        Self { content, stale: None, over }
    }
}

/// Whether its metric was looked at and has no limit that it could pass.
fn has_no_limit(story: &Story) -> bool {
    let chart = story.chart.as_ref().map(|event| &event.kind);
    matches!(chart, Some(EventKind::Charted(chart)) if chart.threshold.is_none())
}

/// What is most urgent first; of what is equally urgent, what happens first.
fn ranked(story: &Story) -> Vec<(&Event, &Forecast)> {
    let mut all: Vec<(&Event, &Forecast)> = story
        .forecasts
        .values()
        .filter_map(|event| match &event.kind {
            EventKind::Forecast(forecast) => Some((event, forecast)),
            _ => None,
        })
        .collect();
    all.sort_by_key(|(event, forecast)| {
        let urgency = story.urgency.get(&forecast.subject);
        let (sureness, at) = match forecast.outlook {
            Outlook::Expected { at, .. } => (0, Some(at)),
            Outlook::Unsure { .. } => (1, None),
            Outlook::NotWithin { .. } => (2, None),
            Outlook::TooLittle { .. } => (3, None),
        };
        (Reverse(urgency), sureness, at, Reverse(event.id))
    });
    all
}

impl Heading {
    fn new(event: &Event, forecast: &Forecast, now: DateTime<Utc>) -> Self {
        let reach = duration_words(forecast.until - event.at);
        Self {
            id: event.id,
            subject: forecast.subject.clone(),
            state: state(forecast),
            passing: Passing::new(forecast, now),
            beyond: forecast.beyond,
            limit: limit_in_words(forecast),
            value: Unit::guess(&forecast.expr).text(forecast.now),
            picture: event.assets.iter().find_map(Shot::of),
            numbers: kept_chart::address(&event.assets),
            keys: format!("outlook-keys-{}", event.id),
            made: Moment::new(event.at, now),
            expr: forecast.expr.clone(),
            method: format!(
                "By {}, a value every {} s, {reach} ahead",
                forecast.method, forecast.step_seconds
            ),
        }
    }
}

/// `300 ms`; `below 300 ms` for the way back.
fn limit_in_words(forecast: &Forecast) -> String {
    let limit = Unit::guess(&forecast.expr).text(forecast.threshold.value);
    match (forecast.beyond, forecast.threshold.comparison.starts_with('>')) {
        (false, _) => limit,
        (true, true) => format!("below {limit}"),
        (true, false) => format!("above {limit}"),
    }
}

/// In a word and a colour. Red is for what fires, not for what may come.
fn state(forecast: &Forecast) -> State {
    let (word, colour) = match (&forecast.outlook, forecast.beyond) {
        (Outlook::Expected { .. }, false) => ("Breach expected", "warn"),
        (Outlook::Expected { .. }, true) => ("Recovery expected", "good"),
        (Outlook::NotWithin { .. }, false) => ("No breach in sight", "good"),
        (Outlook::NotWithin { .. }, true) => ("No recovery in sight", "warn"),
        (Outlook::Unsure { .. }, false) => ("May breach", "calm"),
        (Outlook::Unsure { .. }, true) => ("May recover", "calm"),
        (Outlook::TooLittle { .. }, _) => ("Too early to say", "calm"),
    };
    State { word, colour }
}

impl Passing {
    fn new(forecast: &Forecast, now: DateTime<Utc>) -> Self {
        let moment = |at| Moment::new(at, now);
        let until = moment(forecast.until);
        match forecast.outlook {
            Outlook::Expected { at, earliest, latest, probability } => Self::Expected {
                at: moment(at),
                earliest: moment(earliest),
                latest: latest.map(moment),
                until,
                probability: probability_words(probability),
            },
            Outlook::NotWithin { probability } => {
                Self::NotWithin { until, probability: probability_words(probability) }
            }
            Outlook::Unsure { probability } => {
                Self::Unsure { until, probability: probability_words(probability) }
            }
            Outlook::TooLittle { have, need } => Self::TooLittle { have, need },
        }
    }
}

#[cfg(test)]
mod tests {
    use opsseer_core::Severity;

    use super::*;
    use crate::web::test_data::{asset, at, chart, event, forecast, incident};

    fn expected(latest: Option<&str>) -> Outlook {
        let latest = latest.map(at);
        Outlook::Expected { at: at("03:26:00"), earliest: at("03:24:00"), latest, probability: 0.82 }
    }

    fn story(kinds: Vec<EventKind>) -> Story {
        let mut story = Story::default();
        for (id, kind) in (1..).zip(kinds) {
            story.fold(&Event { id: EventId(id), ..event(kind) });
        }
        story
    }

    fn html(story: &Story) -> String {
        let card = OutlookCard::new(story, &incident(), at("03:20:00"));
        card.render().expect("renders")
    }

    fn has_all(shown: &str, parts: &[&str]) {
        for part in parts {
            assert!(shown.contains(part), "{part} is missing: {shown}");
        }
    }

    #[test]
    fn a_breach_is_told_with_its_time_its_range_and_how_sure_it_is() {
        let mut made = event(forecast("Slow", expected(Some("03:31:00"))));
        made.assets = vec![asset("image/svg+xml"), asset("application/json")];
        let mut story = Story::default();
        story.fold(&made);
        let shown = html(&story);
        has_all(&shown, &["Expected to pass 300 ms", ">in 6 min<", ">03:26:00<", "Breach expected"]);
        has_all(&shown, &["<b>82 %</b> sure", ">03:24:00<", ">03:31:00<", ">03:46:21<", "Now <b>240 ms</b>"]);
        has_all(&shown, &[r#"src="/assets/0123abcd""#, "toyprod:p95_latency_seconds:5m", "30 min ahead"]);
        has_all(&shown, &[r#"id="outlook-keys-7""#, r#"href="/charts/0123abcd""#]);
    }

    #[test]
    fn the_way_back_is_told_as_such_and_may_have_no_end() {
        let EventKind::Forecast(mut back) = forecast("Slow", expected(None)) else { panic!("a forecast") };
        back.beyond = true;
        let shown = html(&story(vec![EventKind::Forecast(back)]));
        has_all(&shown, &["Expected back below 300 ms", "Recovery expected", "most probably (80 %) after"]);
    }

    #[test]
    fn what_does_not_come_what_may_come_and_what_nobody_knows_are_told_apart() {
        let one = |outlook| html(&story(vec![forecast("Slow", outlook)]));
        let never = one(Outlook::NotWithin { probability: 0.999 });
        has_all(&never, &["Does not pass 300 ms before", "No breach in sight", "<b>over 99 %</b> sure"]);
        has_all(&one(Outlook::Unsure { probability: 0.4 }), &["May pass 300 ms", "<b>40 %</b> probable"]);
        let little = one(Outlook::TooLittle { have: 1, need: 12 });
        has_all(&little, &["No forecast: 1 value, 12 needed", "Too early to say"]);
    }

    #[test]
    fn of_each_subject_the_newest_counts_and_the_most_urgent_comes_first() {
        let mut story = story(vec![
            forecast("Slow", expected(None)),
            forecast("Memory", expected(None)),
            forecast("Slow", Outlook::Unsure { probability: 0.4 }),
        ]);
        let shown = html(&story);
        assert!(shown.find("Memory") < shown.find("Slow"), "what is expected comes first: {shown}");
        assert_eq!(shown.matches("Expected to pass").count(), 1, "{shown}");
        story.urgency.insert("Slow".into(), Severity::Page);
        let shown = html(&story);
        assert!(shown.find("Slow") < shown.find("Memory"), "{shown}");
    }

    #[test]
    fn what_is_missing_says_why() {
        assert!(html(&Story::default()).contains("Forecasting its metric"));
        let mut unlimited = chart();
        unlimited.threshold = None;
        assert!(html(&story(vec![EventKind::Charted(unlimited)])).contains("has no limit"));
        let failed =
            || EventKind::StepFailed { step: STEP.into(), error: "no answer".into(), retry_at: None };
        assert!(html(&story(vec![failed()])).contains("There is no forecast: no answer"));
        let stale = html(&story(vec![forecast("Slow", expected(None)), failed()]));
        has_all(&stale, &["Expected to pass", "A newer forecast is missing: no answer"]);
    }
}
