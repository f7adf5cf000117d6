//! Compares what was accepted with what the server shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::{
    Ledger, Verdict,
    alerts::Labels,
    fold::{Event, Folded, Status, fold, shown},
    settle::jobs,
};
use crate::{EvalError, server::Server};

/// Incidents and events that a page asks for.
const INCIDENTS_A_PAGE: &str = "200";
const EVENTS_A_PAGE: &str = "5000";

/// Faults that are told. Where everything is wrong, the first ones say why.
const FAULTS_TOLD: usize = 100;

#[derive(Deserialize)]
struct IncidentPage {
    incidents: Vec<Listed>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    number: i64,
}

#[derive(Deserialize)]
struct Incident {
    status: String,
    service: Option<String>,
    alerts_firing: usize,
    alerts_total: usize,
    last_event: i64,
}

#[derive(Deserialize)]
struct TimelinePage {
    events: Vec<Event>,
    next_after: Option<i64>,
}

/// Looks at everything that the server shows. Nothing may be on its way any more: neither alerts nor jobs.
pub async fn verify(server: &Url, ledger: &Ledger) -> Result<Verdict, EvalError> {
    let server = Server::new(server)?;
    let mut verdict = Verdict { acknowledged: ledger.len(), ..Verdict::default() };
    alerts_are_there_once(&server, ledger, &mut verdict).await?;
    let numbers = numbers(&server).await?;
    verdict.shown.incidents = numbers.len();
    numbers_have_no_gap(&numbers, &mut verdict);
    let mut seen = Seen::default();
    for number in numbers {
        incident_is_complete(&server, number, &mut seen, &mut verdict).await?;
    }
    seen.compare(ledger, &mut verdict.faults);
    for state in ["pending", "dead"] {
        let count = jobs(&server, state).await?;
        if count > 0.0 {
            verdict.faults.push(format!("{count} jobs are {state}"));
        }
    }
    let more = verdict.faults.len().saturating_sub(FAULTS_TOLD);
    if more > 0 {
        verdict.faults.truncate(FAULTS_TOLD);
        verdict.faults.push(format!("and {more} more"));
    }
    Ok(verdict)
}

async fn alerts_are_there_once(
    server: &Server,
    ledger: &Ledger,
    verdict: &mut Verdict,
) -> Result<(), EvalError> {
    let mut rows: HashMap<Labels, Vec<String>> = HashMap::new();
    server
        .walk(|page| {
            for row in page {
                let text = |(name, value): (String, serde_json::Value)| {
                    (name, value.as_str().unwrap_or_default().to_owned())
                };
                rows.entry(row.labels.into_iter().map(text).collect()).or_default().push(row.status);
            }
            false
        })
        .await?;
    verdict.shown.alerts = rows.values().map(Vec::len).sum();
    for (labels, known) in ledger.alerts() {
        let expected = if known.fires { "firing" } else { "resolved" };
        match rows.get(labels).map(Vec::as_slice) {
            None => verdict.faults.push(format!("{} was accepted and is not there", shown(labels))),
            Some([status]) if status == expected => {}
            Some([status]) => {
                verdict.faults.push(format!("{} was accepted as {expected} and is {status}", shown(labels)));
            }
            Some(statuses) => {
                verdict.faults.push(format!("{} is there {} times", shown(labels), statuses.len()));
            }
        }
    }
    Ok(())
}

/// The numbers of all incidents, the smallest first.
async fn numbers(server: &Server) -> Result<Vec<i64>, EvalError> {
    let mut numbers = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", INCIDENTS_A_PAGE)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page: IncidentPage = server.get("api/v1/incidents", &query).await?;
        numbers.extend(page.incidents.iter().map(|incident| incident.number));
        if page.next_cursor.is_some() && page.next_cursor == cursor {
            let cursor = cursor.unwrap_or_default();
            return Err(EvalError::EndlessPages { url: "api/v1/incidents".to_owned(), cursor });
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            numbers.sort_unstable();
            return Ok(numbers);
        }
    }
}

fn numbers_have_no_gap(numbers: &[i64], verdict: &mut Verdict) {
    for (number, expected) in numbers.iter().zip(1..) {
        if *number != expected {
            verdict.faults.push(format!(
                "the incidents' numbers are not 1, 2, 3...: {number} is where {expected} should be"
            ));
            return;
        }
    }
}

async fn incident_is_complete(
    server: &Server,
    number: i64,
    seen: &mut Seen,
    verdict: &mut Verdict,
) -> Result<(), EvalError> {
    let path = format!("api/v1/incidents/{number}");
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let from = after.to_string();
        let query = [("after", from.as_str()), ("limit", EVENTS_A_PAGE)];
        let page: TimelinePage = server.get(&format!("{path}/timeline"), &query).await?;
        events.extend(page.events);
        match page.next_after {
            Some(next) if next > after => after = next,
            _ => break,
        }
    }
    let folded = fold(&events);
    let incident: Incident = server.get(&path, &[]).await?;
    let mut faults = folded.faults.clone();
    faults.extend(differences(&folded, &incident));
    faults.extend(effects(&folded));
    verdict.faults.extend(faults.into_iter().map(|fault| format!("incident {number}: {fault}")));
    if folded.status != Status::Resolved
        && let Some(service) = incident.service
        && let Some(other) = seen.open.insert(service.clone(), number)
    {
        verdict.faults.push(format!("incidents {other} and {number} are both open for {service}"));
    }
    verdict.shown.events += events.len();
    verdict.shown.charts += folded.charts;
    verdict.shown.runbook_answers += folded.runbooks_answered.values().sum::<usize>();
    verdict.shown.failed_steps += folded.failed_steps;
    seen.began.extend(folded.began);
    seen.ended.extend(folded.ended);
    Ok(())
}

/// Where an incident shows something else than its timeline leads to.
fn differences(folded: &Folded, shown: &Incident) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differ = |what: &str, shown: &dyn std::fmt::Display, folded: &dyn std::fmt::Display| {
        let (shown, folded) = (shown.to_string(), folded.to_string());
        if shown != folded {
            faults.push(format!("{what} is shown as {shown}; its timeline leads to {folded}"));
        }
    };
    differ("its status", &shown.status, &folded.status.as_str());
    differ("the number of its alerts that fire", &shown.alerts_firing, &folded.firing.len());
    differ("the number of its alerts", &shown.alerts_total, &folded.total);
    differ("its last event", &shown.last_event, &folded.last_event);
    faults
}

/// Where a job's effect is missing, or there more than once.
fn effects(folded: &Folded) -> Vec<String> {
    let mut faults = Vec::new();
    if folded.charts != folded.charts_asked {
        faults
            .push(format!("{} pictures were asked for and {} are there", folded.charts_asked, folded.charts));
    }
    for (what, done) in [("runbook answer", &folded.runbooks_answered), ("class", &folded.classified)] {
        let names: BTreeSet<&String> = done.keys().chain(&folded.asked).collect();
        for name in names {
            let (asked, done) =
                (usize::from(folded.asked.contains(name)), done.get(name).copied().unwrap_or(0));
            if done != asked {
                faults.push(format!("{asked} {what} for {name} was asked for and {done} are there"));
            }
        }
    }
    faults
}

/// What the timelines of all incidents told.
#[derive(Default)]
struct Seen {
    /// The open incident of each service.
    open: HashMap<String, i64>,
    began: Vec<(Labels, DateTime<Utc>)>,
    ended: Vec<Labels>,
}

impl Seen {
    /// Every beginning and every end that was accepted is on one timeline, once.
    fn compare(self, ledger: &Ledger, faults: &mut Vec<String>) {
        let mut began: BTreeMap<Labels, BTreeMap<DateTime<Utc>, usize>> = BTreeMap::new();
        for (labels, at) in self.began {
            *began.entry(labels).or_default().entry(at).or_default() += 1;
        }
        let mut ended: BTreeMap<Labels, usize> = BTreeMap::new();
        for labels in self.ended {
            *ended.entry(labels).or_default() += 1;
        }
        for (labels, known) in ledger.alerts() {
            let told = began.remove(labels).unwrap_or_default();
            for at in known.firings.difference(&told.keys().copied().collect()) {
                faults.push(format!("{} began at {at}, which no timeline tells", shown(labels)));
            }
            for (at, times) in told {
                if times > 1 {
                    faults.push(format!("{} began at {at}, which is told {times} times", shown(labels)));
                }
                if !known.firings.contains(&at) {
                    faults.push(format!("{} did not begin at {at}, yet a timeline tells it", shown(labels)));
                }
            }
            let ends = ended.remove(labels).unwrap_or(0);
            if ends != known.ends {
                faults.push(format!(
                    "{} ended {} times; the timelines tell {ends}",
                    shown(labels),
                    known.ends
                ));
            }
        }
        for labels in began.keys().filter(|labels| ledger.of(labels).is_none()) {
            if labels.get("service").is_some_and(|service| service.starts_with("service-")) {
                faults.push(format!("{} is told of and was never accepted", shown(labels)));
            }
        }
    }
}
