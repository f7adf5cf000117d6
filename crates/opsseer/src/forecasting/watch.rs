//! Values that are watched: an incident is opened before they pass their limits, once, and withdrawn if they do not.
//!
//! What is expected takes the way of every other alert: it is an alert of OpsSeer's own, which correlation puts into the
//! incident of its service. The real alert, when it comes, joins that incident.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::{
    RequestError,
    prometheus::{AlertState, AlertingRule, PrometheusAlert},
    promql::{self, Threshold},
};
use opsseer_core::{Alert, AlertSource, AlertStatus, Fingerprint, Forecast, Identity, Labels, Outlook};
use opsseer_store::StoreError;

use super::look;
use crate::{
    app::{App, SharedApp},
    config::{self, Watch},
    ingest::IngestError,
    outlook::{Question, about_time},
    pipeline::{in_words, rounds::Rounds},
};

const DUTY: &str = "watch";

/// The name of the alert; its label `watch` says what is expected.
pub(crate) const ALERT_NAME: &str = "ExpectedBreach";

/// The label with the name of what is watched.
pub(crate) const WATCH_LABEL: &str = "watch";

/// Rounds in a row that must expect it before anybody is told: one look may be wrong.
const CONFIRMED: u32 = 2;

/// Rounds in a row that must not expect it before it is withdrawn.
const WITHDRAWN: u32 = 3;

/// Why nothing could be said. The next round tries again.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("Prometheus does not tell its rules")]
    Rules(#[from] RequestError),
    #[error("what was expected before cannot be read")]
    Store(#[from] StoreError),
    #[error("what is expected cannot be written")]
    Ingest(#[from] IngestError),
}

/// What is watched, with all that an alert about it says.
#[derive(Debug, Clone)]
struct Watched {
    question: Question,
    /// For how long the limit must be passed from now on before the rule's alert fires. `None` if it fires, and for an
    /// expression without a rule: nothing more is to come.
    lasting: Option<TimeDelta>,
    service: Option<String>,
    runbook_url: Option<String>,
}

/// How often in a row a round saw it coming, or did not.
#[derive(Debug, Default, Clone, Copy)]
struct Streak {
    seen: u32,
    unseen: u32,
    /// Whether the limit was passed since it was expected.
    came_true: bool,
}

/// What a round does about one value.
#[derive(Debug, PartialEq)]
enum Step {
    Nothing,
    /// It is expected for the first time.
    Raise,
    /// It is expected still, or has come true: said again, so that it does not count as forgotten.
    Keep,
    /// It is over.
    End,
}

pub(super) async fn run(app: SharedApp) {
    let mut rounds = Rounds::new(DUTY, app.config.forecast.every);
    let mut streaks = HashMap::new();
    loop {
        if rounds.next(&app).await
            && let Err(error) = round(&app, &mut streaks).await
        {
            tracing::warn!(error = in_words(&error), "nothing was foreseen");
            rounds.give_up(&app).await;
        }
    }
}

async fn round(app: &App, streaks: &mut HashMap<String, Streak>) -> Result<(), WatchError> {
    let rules = app.metrics.alerting_rules().await?;
    let known = app.metrics.alerts().await?;
    let firing = app.store.list_firing_alerts(AlertSource::OpsSeer).await?;
    let mut alerts = Vec::new();
    for watch in &app.config.forecast.watch {
        let Some(watched) = watched(watch, &rules, &known, app.clock.now()) else {
            tracing::warn!(watch = watch.name(), "Prometheus has no such rule, or it has no limit");
            continue;
        };
        let answer = match look(app, &watched.question).await {
            Ok(answer) => answer,
            Err(error) if error.is_transient() => {
                tracing::warn!(watch = watch.name(), error = in_words(&error), "not forecast");
                continue;
            }
            Err(error) => {
                tracing::debug!(watch = watch.name(), error = in_words(&error), "not forecast");
                continue;
            }
        };
        let raised = firing.iter().map(|stored| &stored.alert).find(|alert| is_about(alert, watch.name()));
        let streak = streaks.entry(watch.name().to_owned()).or_default();
        let now = app.clock.now();
        let seen = is_coming(&app.config.forecast, &watched, &answer.forecast, now);
        let step = step(streak, seen, &answer.forecast, raised.is_some());
        alerts.extend(match (step, raised) {
            (Step::Raise, _) => Some(alert(app, &watched, &answer.forecast, now)),
            (Step::Keep, Some(raised)) => Some(raised.clone()),
            (Step::End, Some(raised)) => Some(ended(raised.clone(), streak.came_true, &answer.forecast, now)),
            _ => None,
        });
    }
    if !alerts.is_empty() {
        app.ingest.submit(alerts).await?;
    }
    Ok(())
}

fn is_about(alert: &Alert, watch: &str) -> bool {
    alert.name() == ALERT_NAME && alert.labels.get(WATCH_LABEL).is_some_and(|name| name == watch)
}

fn watched(
    watch: &Watch,
    rules: &[AlertingRule],
    known: &[PrometheusAlert],
    now: DateTime<Utc>,
) -> Option<Watched> {
    let question =
        |subject: &str, limit: Threshold| Question { subject: subject.to_owned(), limit, alert: None };
    match watch {
        Watch::Rule(rule) => {
            let rule = rules.iter().find(|known| known.name == rule.alert)?;
            let limit = promql::threshold(&rule.query)?;
            // A template is filled in by Prometheus, for each series.
            let plain = |text: &String| Some(text.clone()).filter(|text| !text.contains("{{"));
            Some(Watched {
                question: question(&rule.name, limit),
                lasting: still_to_last(rule, known, now),
                service: rule.labels.get("service").and_then(plain),
                runbook_url: rule.annotations.get("runbook_url").and_then(plain),
            })
        }
        Watch::Own(own) => Some(Watched {
            question: question(&own.name, promql::threshold(&own.expr)?),
            lasting: None,
            service: own.service.clone(),
            runbook_url: own.runbook_url.clone(),
        }),
    }
}

/// What is left of a rule's `for:`; of several pending alerts, for the one that fires first.
fn still_to_last(rule: &AlertingRule, known: &[PrometheusAlert], now: DateTime<Utc>) -> Option<TimeDelta> {
    let of_rule = || known.iter().filter(|alert| alert.labels.get("alertname") == Some(&rule.name));
    if of_rule().any(|alert| alert.state == AlertState::Firing) {
        return None;
    }
    let waited = of_rule().map(|alert| now - alert.active_at).max().unwrap_or_default();
    let lasting = TimeDelta::from_std(rule.for_duration).ok()?;
    Some((lasting - waited).max(TimeDelta::zero()))
}

/// Whether it is as probable and as near as the operator wants to be told. A limit that is passed already, but not for as
/// long as the rule asks, counts too, if the value will not be back by then.
fn is_coming(
    settings: &config::Forecast,
    watched: &Watched,
    forecast: &Forecast,
    now: DateTime<Utc>,
) -> bool {
    let within = TimeDelta::from_std(settings.within).unwrap_or(TimeDelta::MAX);
    match (forecast.beyond, &forecast.outlook) {
        (false, Outlook::Expected { at, probability, .. }) => {
            *probability >= settings.probability && *at - now <= within
        }
        (true, Outlook::Expected { earliest, .. }) => {
            watched.lasting.is_some_and(|lasting| *earliest - now > lasting)
        }
        (true, Outlook::NotWithin { .. }) => watched.lasting.is_some(),
        _ => false,
    }
}

fn step(streak: &mut Streak, seen: bool, forecast: &Forecast, raised: bool) -> Step {
    // Beyond the limit, what was expected is there.
    let there = seen || forecast.beyond || still_likely(&forecast.outlook);
    *streak = Streak {
        seen: if seen { streak.seen + 1 } else { 0 },
        unseen: if there { 0 } else { streak.unseen + 1 },
        came_true: raised && (streak.came_true || forecast.beyond),
    };
    match raised {
        false if streak.seen >= CONFIRMED => Step::Raise,
        false => Step::Nothing,
        true if streak.unseen >= WITHDRAWN => Step::End,
        true => Step::Keep,
    }
}

/// What was told once is not taken back while it is about as likely as not.
fn still_likely(outlook: &Outlook) -> bool {
    matches!(outlook, Outlook::Expected { .. })
}

fn alert(app: &App, watched: &Watched, forecast: &Forecast, now: DateTime<Utc>) -> Alert {
    let (subject, expr) = (&watched.question.subject, &watched.question.limit.left);
    let mut labels = texts([
        ("alertname", ALERT_NAME),
        (WATCH_LABEL, subject),
        ("severity", app.config.forecast.severity.as_str()),
    ]);
    labels.extend(watched.service.iter().map(|service| ("service".to_owned(), service.clone())));
    let description = if forecast.beyond {
        format!(
            "{expr} is beyond its limit, but not yet for as long as its rule asks: {}.",
            forecast.sentence
        )
    } else {
        format!(
            "{expr} {}. If it does not, this is withdrawn; if it does, the real alert joins this incident.",
            forecast.sentence
        )
    };
    let summary = match forecast.outlook {
        Outlook::Expected { at, .. } if !forecast.beyond => {
            format!("{subject} is expected in about {}", about_time(at - now))
        }
        _ => format!("{subject} is about to fire: {expr} has passed its limit"),
    };
    let mut annotations = texts([("summary", &summary), ("description", &description)]);
    annotations.extend(watched.runbook_url.iter().map(|url| ("runbook_url".to_owned(), url.clone())));
    let identity = Identity::of(&labels);
    Alert {
        fingerprint: Fingerprint::given_or_computed(None, &identity),
        identity,
        source: AlertSource::OpsSeer,
        status: AlertStatus::Firing,
        labels,
        annotations,
        starts_at: now,
        start_is_guessed: false,
        ends_at: None,
        generator_url: Some(promql::graph_url(&app.config.prometheus.url, &question_of(&watched.question))),
        group_key: None,
        note: None,
    }
}

/// The comparison as PromQL.
fn question_of(question: &Question) -> String {
    let Threshold { left, comparison, value } = &question.limit;
    format!("{left} {} {value}", comparison.symbol())
}

fn ended(raised: Alert, came_true: bool, forecast: &Forecast, now: DateTime<Utc>) -> Alert {
    let note = if came_true {
        "it came as expected, and is over".to_owned()
    } else {
        format!("no longer expected: {}", forecast.sentence)
    };
    Alert { status: AlertStatus::Resolved, ends_at: Some(now), note: Some(note), ..raised }
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(outlook: Outlook, beyond: bool) -> Forecast {
        Forecast {
            subject: "Slow".into(),
            sentence: "does not pass 300 ms within 30 min".into(),
            expr: "x".into(),
            threshold: opsseer_core::Threshold { comparison: ">".into(), value: 0.3 },
            now: 0.2,
            beyond,
            outlook,
            until: DateTime::UNIX_EPOCH,
            step_seconds: 15,
            method: String::new(),
        }
    }

    fn expected() -> Forecast {
        let at = DateTime::UNIX_EPOCH;
        forecast(Outlook::Expected { at, earliest: at, latest: None, probability: 0.9 }, false)
    }

    fn not_expected() -> Forecast {
        forecast(Outlook::NotWithin { probability: 0.97 }, false)
    }

    #[test]
    fn a_limit_that_is_passed_is_told_before_its_rule_fires_unless_the_value_comes_back_by_then() {
        let settings = config::Config::with_overrides("").expect("the defaults").forecast;
        let limit = promql::threshold("x > 0.3").expect("a limit");
        let watched = |lasting| Watched {
            question: Question { subject: "Slow".into(), limit: limit.clone(), alert: None },
            lasting,
            service: None,
            runbook_url: None,
        };
        let now = DateTime::UNIX_EPOCH;
        let back_at = |seconds| {
            let at = now + TimeDelta::seconds(seconds);
            forecast(Outlook::Expected { at, earliest: at, latest: None, probability: 0.9 }, true)
        };
        let rule = watched(Some(TimeDelta::minutes(2)));
        assert!(is_coming(&settings, &rule, &back_at(300), now));
        assert!(!is_coming(&settings, &rule, &back_at(60), now), "it is over before the alert fires");
        assert!(!is_coming(&settings, &watched(None), &back_at(300), now), "nothing more is to come");
    }

    #[test]
    fn a_pending_alert_need_only_last_for_the_rest_and_of_one_that_fires_nothing_is_to_come() {
        let rule = AlertingRule {
            name: "Slow".into(),
            query: "x > 0.3".into(),
            for_duration: std::time::Duration::from_mins(2),
            labels: Labels::new(),
            annotations: Labels::new(),
        };
        let now = DateTime::UNIX_EPOCH;
        let alert = |state, seconds| PrometheusAlert {
            labels: texts([("alertname", "Slow")]),
            annotations: Labels::new(),
            state,
            active_at: now - TimeDelta::seconds(seconds),
            value: 1.0,
        };
        let left =
            |known: &[PrometheusAlert]| still_to_last(&rule, known, now).map(|left| left.num_seconds());
        assert_eq!(left(&[]), Some(120));
        assert_eq!(left(&[alert(AlertState::Pending, 30), alert(AlertState::Pending, 90)]), Some(30));
        assert_eq!(left(&[alert(AlertState::Pending, 500)]), Some(0));
        assert_eq!(left(&[alert(AlertState::Pending, 30), alert(AlertState::Firing, 200)]), None);
    }

    #[test]
    fn one_look_opens_nothing_and_one_look_withdraws_nothing() {
        use Step::{End, Keep, Nothing, Raise};
        let mut streak = Streak::default();
        let steps = [
            step(&mut streak, true, &expected(), false),
            step(&mut streak, false, &not_expected(), false),
            step(&mut streak, true, &expected(), false),
            step(&mut streak, true, &expected(), false),
            step(&mut streak, false, &not_expected(), true),
            step(&mut streak, false, &not_expected(), true),
            step(&mut streak, true, &expected(), true),
            step(&mut streak, false, &not_expected(), true),
            step(&mut streak, false, &not_expected(), true),
            step(&mut streak, false, &not_expected(), true),
        ];
        assert_eq!(steps, [Nothing, Nothing, Nothing, Raise, Keep, Keep, Keep, Keep, Keep, End]);
        assert!(!streak.came_true);
    }

    #[test]
    fn what_came_true_lasts_while_the_value_is_beyond_its_limit() {
        let mut streak = Streak { seen: 2, ..Streak::default() };
        let beyond = forecast(Outlook::NotWithin { probability: 0.97 }, true);
        for _ in 0..10 {
            assert_eq!(step(&mut streak, false, &beyond, true), Step::Keep);
        }
        for wanted in [Step::Keep, Step::Keep, Step::End] {
            assert_eq!(step(&mut streak, false, &not_expected(), true), wanted);
        }
        assert!(streak.came_true);
    }
}
