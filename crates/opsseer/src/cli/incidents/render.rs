//! Incidents as text for a terminal.
//!
//! Titles, notes and summaries were written by others. They are shown without control characters, which could
//! otherwise move the cursor, hide lines or change what a reader copies.

use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_eval::table::{self, Align};
use serde_json::Value;

use super::{
    client::{IncidentList, IncidentView},
    sentence, undo,
};
use crate::web::step_to_take;

const NOBODY: &str = "–";

/// A line an incident.
pub(super) fn list(list: &IncidentList, now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<()> {
    if list.incidents.is_empty() {
        return writeln!(out, "No incidents.");
    }
    let head = [
        ("STATE", Align::Left),
        ("INCIDENT", Align::Left),
        ("AGE", Align::Right),
        ("SEVERITY", Align::Left),
        ("OWNER", Align::Left),
        ("TITLE", Align::Left),
    ];
    let row = |incident: &IncidentView| {
        let owner = incident.owner.as_deref().unwrap_or(NOBODY);
        vec![
            printable(&incident.status),
            format!("INC-{}", incident.number),
            in_words(now - incident.opened_at),
            printable(&incident.severity),
            printable(owner),
            printable(&incident.title),
        ]
    };
    table::write(out, &head, &list.incidents.iter().map(row).collect::<Vec<_>>())?;
    if list.next_cursor.as_ref().is_some_and(|cursor| !cursor.is_null()) {
        writeln!(out, "There are more; --limit shows more of them, --status and --query fewer.")?;
    }
    Ok(())
}

/// Everything that one needs at first about an incident; of its events the newest `shown`, in their order.
pub(super) fn show(
    incident: &IncidentView,
    events: &[Value],
    shown: usize,
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> io::Result<()> {
    headline(incident, now, out)?;
    standing(incident, events, now, out)?;
    // What a newer server says that this program cannot read is no runbook's answer that it knows of.
    let known = undo::known(events);
    if let Some(runbook) = step_to_take(&known) {
        writeln!(out)?;
        writeln!(
            out,
            "Runbook: {} ({}:{})",
            printable(&runbook.heading),
            printable(&runbook.file),
            runbook.line_start
        )?;
        for line in runbook.quote.lines() {
            writeln!(out, "  | {}", printable(line))?;
        }
        for line in runbook.commands.iter().flat_map(|command| command.lines()) {
            writeln!(out, "    {}", printable(line))?;
        }
    }
    writeln!(out)?;
    let earlier = events.len().saturating_sub(shown);
    match earlier {
        0 => writeln!(out, "Timeline (UTC)")?,
        1 => writeln!(out, "Timeline (UTC), without 1 earlier event; --events shows more")?,
        n => writeln!(out, "Timeline (UTC), without {n} earlier events; --events shows more")?,
    }
    for event in &events[earlier..] {
        let sentence = sentence::of(event);
        let clock = clock(event, now);
        writeln!(out, "  {clock}  {}", printable(&sentence.line))?;
        for line in sentence.more {
            writeln!(out, "  {:width$}  {}", "", printable(&line), width = clock.chars().count())?;
        }
    }
    undo::write_undoable(incident.number, &known, out)
}

fn headline(incident: &IncidentView, now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<()> {
    let IncidentView { number, status, severity, title, .. } = incident;
    writeln!(out, "INC-{number}  {}, {}", printable(status), printable(severity))?;
    writeln!(out, "{}", printable(title))?;
    let began = incident.opened_at.format("%Y-%m-%d %H:%M:%S UTC");
    match incident.resolved_at {
        Some(end) => writeln!(out, "  began {began}, lasted {}", in_words(end - incident.opened_at))?,
        None => writeln!(out, "  began {began}, {} ago", in_words(now - incident.opened_at))?,
    }
    let service = incident.service.as_deref().unwrap_or(NOBODY);
    let owner = incident.owner.as_deref().unwrap_or(NOBODY);
    write!(out, "  service {}, owner {}", printable(service), printable(owner))?;
    write!(out, ", {} of {} alerts firing", incident.alerts_firing, incident.alerts_total)?;
    match incident.reopened_count {
        0 => writeln!(out)?,
        1 => writeln!(out, ", reopened once")?,
        n => writeln!(out, ", reopened {n} times")?,
    }
    writeln!(out, "  {}", printable(&incident.url))
}

/// What is special about where it stands, a line each.
fn standing(
    incident: &IncidentView,
    events: &[Value],
    now: DateTime<Utc>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let clock = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    if incident.merged_into.is_some() {
        let of_merge = |event: &&Value| event.get("kind").is_some_and(|kind| kind == "merged_into");
        let number = events.iter().rev().find(of_merge).and_then(|event| event.get("number")?.as_i64());
        let into = number.map_or_else(|| "another incident".to_owned(), |number| format!("INC-{number}"));
        writeln!(out, "  merged into {into}, where it goes on; `opsseer incidents undo` takes it back")?;
    }
    if incident.flapping {
        write!(out, "  comes and goes, back {}; held open until it is quiet", times(incident.flaps))?;
        match incident.quiet_since {
            Some(since) => writeln!(out, ", which it is since {}", in_words(now - since))?,
            None => writeln!(out)?,
        }
    }
    if let Some(until) = incident.muted_until.filter(|until| *until > now) {
        let by = incident.muted_by.as_deref().map(|by| format!(" by {}", printable(by))).unwrap_or_default();
        writeln!(out, "  muted until {}{by}", clock(until))?;
    }
    if let Some(until) = incident.silenced_until.filter(|until| *until > now) {
        writeln!(out, "  silenced in Alertmanager until {}", clock(until))?;
    }
    Ok(())
}

fn times(count: i64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What an action did.
pub(super) fn done(incident: &IncidentView, what: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "INC-{} {what}. {}", incident.number, printable(&incident.title))
}

/// When it happened: the time, with the day if that is not today.
fn clock(event: &Value, now: DateTime<Utc>) -> String {
    let at: Option<DateTime<Utc>> = event.get("at").and_then(Value::as_str).and_then(|at| at.parse().ok());
    match at {
        Some(at) if at.date_naive() == now.date_naive() => at.format("%H:%M:%S").to_string(),
        Some(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => "--:--:--".to_owned(),
    }
}

/// A length of time by its largest units. Never negative: clocks of two machines differ.
pub(in crate::cli) fn in_words(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The text on one line, with a mark in place of control characters and of those that turn the direction of writing.
pub(in crate::cli) fn printable(text: &str) -> String {
    let harmless = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn incident(number: i64, title: &str) -> IncidentView {
        IncidentView {
            number,
            url: format!("http://o/incidents/{number}"),
            status: "open".into(),
            severity: "page".into(),
            title: title.into(),
            service: Some("toyprod".into()),
            opened_at: at("2026-01-02T03:04:05Z"),
            owner: None,
            resolved_at: None,
            reopened_count: 0,
            alerts_firing: 1,
            alerts_total: 2,
            ..IncidentView::default()
        }
    }

    fn listed(incidents: Vec<IncidentView>, next_cursor: Option<Value>) -> String {
        let mut out = Vec::new();
        list(&IncidentList { incidents, next_cursor }, at("2026-01-02T03:12:05Z"), &mut out).expect("write");
        String::from_utf8(out).expect("text")
    }

    fn event(kind: Value) -> Value {
        let mut event = json!({
            "id": 1, "incident": "019b76da-a800-7000-8000-000000000001", "at": "2026-01-02T03:05:00Z",
            "recorded_at": "2026-01-02T03:05:00Z", "actor": {"type": "person", "name": "ada"},
        });
        let Value::Object(kind) = kind else { panic!("an object") };
        event.as_object_mut().expect("an object").extend(kind);
        event
    }

    #[test]
    fn a_list_is_a_table_with_the_title_last() {
        let mut owned = incident(7, "db: slow");
        owned.owner = Some("ada".into());
        assert_eq!(
            listed(vec![incident(42, "toyprod: errors"), owned], None),
            "STATE  INCIDENT    AGE  SEVERITY  OWNER  TITLE\n\
             open   INC-42    8 min  page      –      toyprod: errors\n\
             open   INC-7     8 min  page      ada    db: slow\n"
        );
        assert!(listed(vec![incident(1, "a")], Some(json!("x"))).ends_with("--status and --query fewer.\n"));
        assert_eq!(listed(vec![], None), "No incidents.\n");
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        let text = listed(vec![incident(1, "\u{1b}]0;owned\u{7}\u{1b}[2Ja\u{202e}b\nc")], None);
        assert!(text.ends_with("�]0;owned��[2Ja�b c\n"), "{text:?}");
    }

    #[test]
    fn an_incident_shows_its_most_urgent_runbook_step_and_its_timeline_in_order() {
        let runbook = |alert: &str, quote: &str| {
            event(json!({
                "kind": "runbook_answered", "alert": alert, "quote": quote, "commands": ["kubectl rollout undo deployment/toyprod"], "file": "HighErrorRate.md",
                "heading": "First steps", "line_start": 12, "line_end": 13, "revision": "r",
                "reason": "It is named after the alert.",
            }))
        };
        let fired = |name: &str, severity: &str| {
            event(
                json!({"kind": "alert_fired", "first": true, "reason": "r", "alert": {"fingerprint": name, "name": name,
                "summary": null, "severity": severity, "labels": {}, "annotations": {}, "generator_url": null,
                "starts_at": "2026-01-02T03:04:05Z"}}),
            )
        };
        let events = [
            fired("Slow", "ticket"),
            runbook("Slow", "Wait."),
            fired("Errors", "page"),
            runbook("Errors", "Roll back.\nThen look."),
            event(json!({"kind": "note", "text": "one\ntwo"})),
            event(json!({"kind": "acknowledged"})),
        ];
        let mut out = Vec::new();
        show(&incident(42, "toyprod: errors"), &events, 2, at("2026-01-02T03:12:05Z"), &mut out)
            .expect("write");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text,
            "INC-42  open, page\n\
             toyprod: errors\n\
             \x20 began 2026-01-02 03:04:05 UTC, 8 min ago\n\
             \x20 service toyprod, owner –, 1 of 2 alerts firing\n\
             \x20 http://o/incidents/42\n\
             \n\
             Runbook: First steps (HighErrorRate.md:12)\n\
             \x20 | Roll back.\n\
             \x20 | Then look.\n\
             \x20   kubectl rollout undo deployment/toyprod\n\
             \n\
             Timeline (UTC), without 4 earlier events; --events shows more\n\
             \x20 03:05:00  ada wrote\n\
             \x20           one\n\
             \x20           two\n\
             \x20 03:05:00  ada acknowledged\n"
        );
    }

    #[test]
    fn what_is_special_about_an_incident_is_a_line_each() {
        let special = IncidentView {
            flapping: true,
            flaps: 4,
            quiet_since: Some(at("2026-01-02T03:10:05Z")),
            muted_until: Some(at("2026-01-02T04:10:00Z")),
            muted_by: Some("ada".into()),
            silenced_until: Some(at("2026-01-02T03:00:00Z")),
            merged_into: Some("019b76da-a800-7000-8000-000000000002".into()),
            ..incident(42, "t")
        };
        let merged = event(
            json!({"kind": "merged_into", "into": "019b76da-a800-7000-8000-000000000002", "number": 7, "reason": "r"}),
        );
        let mut out = Vec::new();
        standing(&special, &[merged], at("2026-01-02T03:12:05Z"), &mut out).expect("write");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "  merged into INC-7, where it goes on; `opsseer incidents undo` takes it back\n\
             \x20 comes and goes, back 4 times; held open until it is quiet, which it is since 2 min\n\
             \x20 muted until 2026-01-02 04:10 UTC by ada\n"
        );
    }
}
