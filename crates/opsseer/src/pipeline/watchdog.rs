//! The alert about missing alerts: when the heartbeat stays away, somebody must know that silence means nothing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use opsseer_connect::promql;
use opsseer_core::{Alert, AlertSource, AlertStatus, Fingerprint, Identity, Labels};
use opsseer_store::StoreError;
use url::Url;

use super::{in_words, rounds::Rounds};
use crate::{
    app::{App, SharedApp},
    ingest::IngestError,
};

const DUTY: &str = "watchdog";
const ALERT_NAME: &str = "AlertingPipelineSilent";
const SERVICE: &str = "alerting-pipeline";
const RUNBOOK: &str = "runbooks/alerting-pipeline-silent.md";

/// Looks so often while the heartbeat may grow old, but no more often or seldom than this.
const LOOKS_AN_AGE: u32 = 6;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Why nothing could be said. The next round tries again.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error("the heartbeat cannot be read")]
    Store(#[from] StoreError),
    #[error("the alert about the heartbeat cannot be written")]
    Ingest(#[from] IngestError),
}

/// What the heartbeat says about the way of alerts.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Alerts arrive.
    Arriving,
    /// They may not, since then.
    Silent(DateTime<Utc>),
    /// Nothing: there is no heartbeat, or this server has not listened for long enough to have heard it.
    Unclear,
}

/// Looks at the heartbeat until the server ends.
pub(super) async fn run(app: SharedApp) {
    let pause = app.config.correlation.heartbeat_max_age / LOOKS_AN_AGE;
    let mut rounds = Rounds::new(DUTY, pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
    loop {
        if rounds.next(&app).await
            && let Err(error) = look(&app).await
        {
            tracing::warn!(error = in_words(&error), "not looked after the heartbeat");
            rounds.give_up(&app).await;
        }
    }
}

async fn look(app: &App) -> Result<(), WatchError> {
    let last = app.store.last_heartbeat().await?.map(|heartbeat| heartbeat.at);
    let max_age = max_age(app);
    let firing = app.store.list_firing_alerts(AlertSource::OpsSeer).await?;
    let raised = firing.into_iter().map(|stored| stored.alert).find(|alert| alert.name() == ALERT_NAME);
    let alert = match (verdict(last, app.started_at, max_age, app.clock.now()), raised) {
        // Said again each time, so that it does not count as forgotten.
        (Verdict::Silent(_), Some(raised)) => raised,
        (Verdict::Silent(since), None) => alert(app, since),
        (Verdict::Arriving, Some(raised)) => Alert { status: AlertStatus::Resolved, ends_at: last, ..raised },
        (Verdict::Arriving, None) | (Verdict::Unclear, _) => return Ok(()),
    };
    app.ingest.submit(vec![alert]).await?;
    Ok(())
}

fn max_age(app: &App) -> TimeDelta {
    TimeDelta::from_std(app.config.correlation.heartbeat_max_age).unwrap_or(TimeDelta::MAX)
}

fn verdict(
    last: Option<DateTime<Utc>>,
    listening_since: DateTime<Utc>,
    max_age: TimeDelta,
    now: DateTime<Utc>,
) -> Verdict {
    let Some(last) = last else { return Verdict::Unclear };
    if now - last <= max_age {
        Verdict::Arriving
    } else if now - listening_since <= max_age {
        Verdict::Unclear
    } else {
        Verdict::Silent(last.max(listening_since) + max_age)
    }
}

fn alert(app: &App, since: DateTime<Utc>) -> Alert {
    let heartbeat = &app.config.correlation.heartbeat_alert;
    let age = humantime_serde::re::humantime::format_duration(app.config.correlation.heartbeat_max_age);
    let labels = texts([("alertname", ALERT_NAME), ("severity", "page"), ("service", SERVICE)]);
    let description = format!(
        "The alert {heartbeat}, which always fires, has not come for more than {age} at {} UTC. Prometheus, Alertmanager \
         or the way between them and OpsSeer is broken. Until it is back, silence does not mean that all is well.",
        since.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    let annotations = texts([
        ("summary", "Alerts may not reach OpsSeer: the heartbeat is missing"),
        ("description", &description),
        ("runbook_url", RUNBOOK),
    ]);
    let identity = Identity::of(&labels);
    Alert {
        fingerprint: Fingerprint::given_or_computed(None, &identity),
        identity,
        source: AlertSource::OpsSeer,
        status: AlertStatus::Firing,
        labels,
        annotations,
        starts_at: since,
        start_is_guessed: false,
        ends_at: None,
        generator_url: Some(graph(&app.config.prometheus.url, app.config.correlation.heartbeat_max_age)),
        group_key: None,
        note: None,
    }
}

/// Where Prometheus shows the age of the heartbeat, with the limit that it has passed: the incident's picture.
fn graph(prometheus: &Url, max_age: Duration) -> String {
    let expr = format!("min(opsseer_heartbeat_age_seconds) > {}", max_age.as_secs());
    promql::graph_url(prometheus, &expr)
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn verdict_at(second: i64, last: Option<i64>, listening_since: i64) -> Verdict {
        verdict(last.map(at), at(listening_since), TimeDelta::seconds(180), at(second))
    }

    #[test]
    fn a_heartbeat_that_stays_away_is_silence() {
        assert_eq!(verdict_at(1000, Some(950), 0), Verdict::Arriving);
        assert_eq!(verdict_at(1130, Some(950), 0), Verdict::Arriving);
        assert_eq!(verdict_at(1131, Some(950), 0), Verdict::Silent(at(1130)));
        assert_eq!(verdict_at(90_000, Some(950), 0), Verdict::Silent(at(1130)), "the same silence for good");
    }

    #[test]
    fn a_server_that_was_down_first_waits_for_what_it_could_not_hear() {
        assert_eq!(verdict_at(5000, Some(950), 4900), Verdict::Unclear);
        assert_eq!(verdict_at(5081, Some(950), 4900), Verdict::Silent(at(5080)));
        assert_eq!(verdict_at(5000, Some(4990), 4900), Verdict::Arriving);
    }

    #[test]
    fn its_picture_is_the_age_of_the_heartbeat() {
        for base in ["http://prometheus:9090", "http://proxy/prometheus/"] {
            let url = graph(&base.parse().expect("an address"), Duration::from_mins(3));
            let expr = promql::expr_of_generator_url(&url);
            assert_eq!(expr.as_deref(), Some("min(opsseer_heartbeat_age_seconds) > 180"), "{url}");
        }
        assert!(
            graph(&"http://proxy/p/".parse().expect("an address"), Duration::ZERO)
                .starts_with("http://proxy/p/graph?")
        );
    }

    #[test]
    fn where_there_never_was_a_heartbeat_none_is_missing() {
        assert_eq!(verdict_at(1_000_000, None, 0), Verdict::Unclear);
    }
}
