//! The suite `webhooks`: bodies that real senders wrote, sent to a server one after the other.
//!
//! A server may refuse a body, if it says why in words. It may not fail on one, and every alert of an accepted body
//! must be there as soon as the body is answered, with its labels and status, and once.

mod index;
mod report;
mod sent;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use url::Url;

use self::{
    index::Body,
    sent::{LabelSet, SentAlert},
};
use crate::{
    EvalError,
    server::{Answer, Server},
};

pub use report::{Failed, KeptTwice, Lost, Refused, WebhooksReport};

/// Sends every body that `data/index.jsonl` names to the fresh server at `server` and looks for what became of it.
pub async fn run(data: &Path, server: &Url) -> Result<WebhooksReport, EvalError> {
    let bodies = index::read(data)?;
    let server = Server::new(server)?;
    if !server.alerts(None).await?.alerts.is_empty() {
        return Err(EvalError::NotFresh);
    }
    let mut report = WebhooksReport::empty(bodies.len());
    let mut accepted = Accepted::default();
    for body in bodies {
        send(&server, body, &mut report, &mut accepted).await?;
    }
    accepted.check_end(&server, &mut report).await?;
    Ok(report)
}

/// Sends a body and, if it is accepted, looks for each of its alerts at once: a later body may send the same alert
/// again and would hide that this one was lost.
async fn send(
    server: &Server,
    body: Body,
    report: &mut WebhooksReport,
    accepted: &mut Accepted,
) -> Result<(), EvalError> {
    let Body { file, kind, bytes } = body;
    let alerts = sent::alerts_of(&bytes);
    report.sent += 1;
    report.alerts_sent += alerts.len();
    match server.post(kind.path(), bytes).await {
        Answer::Accepted => {}
        Answer::Refused { status, reason } => {
            report.rejected_4xx += 1;
            report.refused_without_reason += usize::from(reason.is_none());
            report.refused.push(Refused { file, status, reason });
            return Ok(());
        }
        Answer::Failed { status, reason, .. } => {
            report.errors_5xx += 1;
            report.errors.push(Failed { file, status, reason });
            return Ok(());
        }
    }
    report.accepted += 1;
    report.alerts_accepted += alerts.len();
    let found = look_for(server, &alerts).await?;
    for (alert, found) in alerts.into_iter().zip(found) {
        let why = match &found {
            None => Some("it is not among the server's alerts".to_owned()),
            Some(status) if alert.is_kept_in(status) => None,
            Some(status) => {
                let sent = alert.status.unwrap_or("of no known status");
                Some(format!("it was sent as {sent} and is kept as {status}"))
            }
        };
        match why {
            None => report.alerts_kept += 1,
            Some(why) => report.lost.push(Lost { file: file.clone(), alert: alert.labels.to_string(), why }),
        }
        accepted.add(&file, alert, found.is_some());
    }
    Ok(())
}

/// The status in which the server keeps each of `alerts`. Where two of its rows have the same labels, the row whose
/// status is right counts.
async fn look_for(server: &Server, alerts: &[SentAlert]) -> Result<Vec<Option<String>>, EvalError> {
    let mut found: Vec<Option<String>> = vec![None; alerts.len()];
    let is_right =
        |alert: &SentAlert, found: &Option<String>| found.as_ref().is_some_and(|s| alert.is_kept_in(s));
    server
        .walk(|rows| {
            for row in rows {
                let labels = LabelSet::of(&row.labels);
                for (alert, found) in alerts.iter().zip(&mut found) {
                    if !is_right(alert, found) && alert.labels.is_kept_as(&labels) {
                        *found = Some(row.status.clone());
                    }
                }
            }
            alerts.iter().zip(&found).all(|(alert, found)| is_right(alert, found))
        })
        .await?;
    Ok(found)
}

/// The different alerts of accepted bodies.
#[derive(Default)]
struct Accepted(BTreeMap<LabelSet, Expected>);

#[derive(Default)]
struct Expected {
    /// The body that it came in last.
    file: String,
    /// The names that senders gave to these labels. Each may be an alert of its own.
    fingerprints: BTreeSet<Option<String>>,
    /// Whether it was there when its body had been answered.
    was_there: bool,
    /// How often it is there at the end.
    rows: usize,
}

impl Accepted {
    fn add(&mut self, file: &str, alert: SentAlert, was_there: bool) {
        let expected = self.0.entry(alert.labels).or_default();
        file.clone_into(&mut expected.file);
        expected.fingerprints.insert(alert.fingerprint);
        expected.was_there |= was_there;
    }

    /// After the last body: all that was there still is, once, and nothing else is.
    async fn check_end(mut self, server: &Server, report: &mut WebhooksReport) -> Result<(), EvalError> {
        report.alerts_different = self.0.values().map(|expected| expected.fingerprints.len()).sum();
        server
            .walk(|rows| {
                for row in rows {
                    report.alerts_at_end += 1;
                    let labels = LabelSet::of(&row.labels);
                    match self.0.iter_mut().find(|(sent, _)| sent.is_kept_as(&labels)) {
                        Some((_, expected)) => expected.rows += 1,
                        None => report.never_accepted.push(labels.to_string()),
                    }
                }
                false
            })
            .await?;
        for (labels, Expected { file, fingerprints, was_there, rows }) in self.0 {
            let alert = labels.to_string();
            if rows == 0 && was_there {
                report.lost.push(Lost {
                    file,
                    alert,
                    why: "it was there at first and is gone at the end".to_owned(),
                });
            } else if rows > fingerprints.len() {
                report.kept_twice.push(KeptTwice { alert, rows, expected: fingerprints.len() });
            }
        }
        Ok(())
    }
}
