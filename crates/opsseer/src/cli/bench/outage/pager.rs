//! Alertmanager with Prometheus before it and OpsSeer behind it.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use opsseer_core::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::report::OutageReport;
use crate::demo::surroundings::http_client;

/// How often OpsSeer is asked while something is waited for.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How long a picture may take.
const DRAWN: Duration = Duration::from_secs(10);

/// How long an alert that Prometheus repeats is believed without a repetition, in repetitions (Prometheus' own figure).
const BELIEVED: i32 = 4;

/// How fast things go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often Prometheus repeats an alert.
    pub(super) resend: Duration,
    group_wait: Duration,
    group_interval: Duration,
    repeat_interval: Duration,
}

impl Pace {
    /// A short outage has to see as many attempts as a long one.
    pub(super) fn of(outage: Duration) -> Self {
        let seconds = Duration::from_secs;
        if outage < seconds(60) {
            Self {
                resend: seconds(2),
                group_wait: seconds(1),
                group_interval: seconds(2),
                repeat_interval: seconds(5),
            }
        } else {
            Self {
                resend: seconds(15),
                group_wait: seconds(5),
                group_interval: seconds(10),
                repeat_interval: seconds(60),
            }
        }
    }
}

/// Alertmanager's configuration: everything to OpsSeer.
pub(super) fn config(opsseer: &Url, pace: Pace) -> String {
    let Pace { group_wait, group_interval, repeat_interval, .. } = pace;
    format!(
        "route:\n  receiver: opsseer\n  group_by: [alertname, service]\n  group_wait: {}s\n  group_interval: {}s\n  \
         repeat_interval: {}s\nreceivers:\n- name: opsseer\n  webhook_configs:\n  - url: {opsseer}webhook/alertmanager\n    \
         send_resolved: true\n",
        group_wait.as_secs(),
        group_interval.as_secs(),
        repeat_interval.as_secs()
    )
}

/// Fires one alert by Alertmanager, and looks at what OpsSeer makes of it.
pub(super) struct Pager {
    http: reqwest::Client,
    alertmanager: Url,
    opsseer: Url,
    pace: Pace,
    began: DateTime<Utc>,
}

impl Pager {
    pub(super) fn new(alertmanager: &Url, opsseer: &Url, pace: Pace) -> anyhow::Result<Self> {
        let (alertmanager, opsseer) = (alertmanager.clone(), opsseer.clone());
        Ok(Self { http: http_client()?, alertmanager, opsseer, pace, began: SystemClock.now() })
    }

    /// Says that the alert fires, as Prometheus repeats it.
    pub(super) async fn fire(&self) -> anyhow::Result<()> {
        let believed = TimeDelta::from_std(self.pace.resend).unwrap_or(TimeDelta::zero()) * BELIEVED;
        self.tell(SystemClock.now() + believed).await
    }

    /// Says that it has ended.
    pub(super) async fn resolve(&self) -> anyhow::Result<()> {
        self.tell(SystemClock.now()).await
    }

    async fn tell(&self, ends_at: DateTime<Utc>) -> anyhow::Result<()> {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let alert = json!([{
            "labels": {"alertname": "HighErrorRate", "service": "api", "severity": "page"},
            "annotations": {"summary": "api answers with errors"},
            "startsAt": text(self.began),
            "endsAt": text(ends_at),
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=error_rate+%3E+0.1&g0.tab=1",
        }]);
        let url = self.alertmanager.join("api/v2/alerts")?;
        let request = self.http.post(url).header("content-type", "application/json").body(alert.to_string());
        request.send().await?.error_for_status().context("Alertmanager does not take the alert")?;
        Ok(())
    }

    /// Waits until the newest incident is open with the alert firing, or is resolved. The alert is repeated meanwhile, as
    /// long as it is to fire.
    pub(super) async fn until(&self, open: bool, what: &str) -> anyhow::Result<()> {
        let Pace { group_interval, repeat_interval, resend, .. } = self.pace;
        let patience = 2 * (group_interval + repeat_interval) + Duration::from_secs(20);
        let deadline = Instant::now() + patience;
        let mut repeated = Instant::now();
        loop {
            let incidents = self.incidents().await?;
            let as_wanted = |incident: &Value| {
                (incident["status"] != "resolved") == open && (incident["alerts_firing"] == 1) == open
            };
            if incidents.iter().any(as_wanted) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "this did not happen within {} s: {what}; there are {} incidents",
                patience.as_secs(),
                incidents.len()
            );
            if open && repeated.elapsed() >= resend {
                repeated = Instant::now();
                self.fire().await?;
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// Counts attempts, answers and incidents.
    pub(super) async fn look(&self, report: &mut OutageReport) -> anyhow::Result<()> {
        let metrics = self.text(&self.alertmanager, "metrics").await?;
        let of_webhooks = |name: &str| counter(&metrics, &format!("{name}{{integration=\"webhook\"}}"));
        report.attempts = of_webhooks("alertmanager_notification_requests_total");
        report.attempts_failed = of_webhooks("alertmanager_notification_requests_failed_total");
        let metrics = self.text(&self.opsseer, "metrics").await?;
        let answered = |result| {
            counter(
                &metrics,
                &format!("opsseer_webhooks_total{{source=\"alertmanager\",result=\"{result}\"}}"),
            )
        };
        (report.accepted, report.refused) = (answered("accepted"), answered("refused"));
        for incident in self.incidents().await? {
            let number = incident["number"].as_i64().unwrap_or(0);
            let events = self.kinds(number).await?;
            let status = incident["status"].as_str().unwrap_or_default().to_owned();
            report.take_incident(number, status, &events);
        }
        report.judge();
        Ok(())
    }

    /// Waits for the picture that the end of the incident asks for; that there is none is said by the report.
    pub(super) async fn wait_for_a_picture(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAWN;
        while Instant::now() < deadline {
            let mut pictures = 0;
            for incident in self.incidents().await? {
                let events = self.kinds(incident["number"].as_i64().unwrap_or(0)).await?;
                pictures += events.iter().filter(|kind| *kind == "charted").count();
            }
            if pictures > 0 {
                return Ok(());
            }
            sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    /// The kinds of all events of an incident.
    async fn kinds(&self, number: i64) -> anyhow::Result<Vec<String>> {
        let path = format!("api/v1/incidents/{number}/timeline?limit=5000");
        let timeline: Value = serde_json::from_str(&self.text(&self.opsseer, &path).await?)?;
        let kind = |event: &Value| event["kind"].as_str().unwrap_or_default().to_owned();
        Ok(timeline["events"].as_array().into_iter().flatten().map(kind).collect())
    }

    async fn incidents(&self) -> anyhow::Result<Vec<Value>> {
        let list: Value =
            serde_json::from_str(&self.text(&self.opsseer, "api/v1/incidents?limit=200").await?)?;
        match &list["incidents"] {
            Value::Array(incidents) => Ok(incidents.clone()),
            _ => bail!("OpsSeer's list of incidents has none: {list}"),
        }
    }

    async fn text(&self, server: &Url, path: &str) -> anyhow::Result<String> {
        let answer = self.http.get(server.join(path)?).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }
}

/// The value of a counter that counts whole things; 0 where it is not named.
fn counter(metrics: &str, series: &str) -> u64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.trim().parse::<f64>().ok());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let count = value.unwrap_or(0.0) as u64;
    count
}
