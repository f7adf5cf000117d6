//! `opsseer incidents undo`: which merges and splits can be undone, and undoing one.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use opsseer_core::{Event, EventKind, IncidentId};
use serde_json::{Value, json};

use super::{Author, Done, Reference, client::Client, render::printable, sentence};

/// So many are shown, the newest of them.
const SHOWN: usize = 10;

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// The id of the event to undo, as `show` says it; the newest merge or split that can be undone if absent.
    #[arg(long, value_name = "ID")]
    event: Option<i64>,
    #[command(flatten)]
    author: Author,
}

pub(super) async fn undo(client: &Client, args: UndoArgs) -> anyhow::Result<Done> {
    let event = match args.event {
        Some(event) => event,
        None => match undoable(&known(&client.timeline(&args.incident.0).await?)).last() {
            Some(event) => event.id.0,
            None => bail!("nothing on this timeline can be undone: no merge and no split that stands"),
        },
    };
    let body = json!({"by": args.author.by, "event": event});
    let answer = client.act(&args.incident.0, "undo", &body).await?;
    Ok(Done { answer, what: format!("is as before; event {event} is undone") })
}

/// Those events that this program can read.
pub(super) fn known(events: &[Value]) -> Vec<Event> {
    events.iter().filter_map(|event| serde_json::from_value(event.clone()).ok()).collect()
}

/// The merges and splits that can be undone, the oldest first: each is what last happened between its two incidents.
pub(super) fn undoable(events: &[Event]) -> Vec<&Event> {
    let mut standing: Vec<(IncidentId, &Event)> = Vec::new();
    for event in events {
        if let Some(other) = other_of(event) {
            standing.retain(|(earlier, _)| *earlier != other);
            standing.push((other, event));
        }
    }
    let merged_away = standing.iter().any(|(_, event)| matches!(event.kind, EventKind::MergedInto { .. }));
    let can_be = |event: &&Event| match event.kind {
        EventKind::MergedInto { .. } => true,
        // What was merged into another incident has nothing to give or to take until that is undone.
        EventKind::Merged { .. } | EventKind::Split { .. } => !merged_away,
        _ => false,
    };
    standing.into_iter().map(|(_, event)| event).filter(can_be).collect()
}

/// The other incident of what regroups alerts.
fn other_of(event: &Event) -> Option<IncidentId> {
    match &event.kind {
        EventKind::Merged { from, .. }
        | EventKind::Unmerged { from, .. }
        | EventKind::Restored { from, .. } => Some(*from),
        EventKind::MergedInto { into, .. } | EventKind::Split { into, .. } => Some(*into),
        _ => None,
    }
}

/// The commands that undo what can be undone on the timeline of INC-`number`.
pub(super) fn write_undoable(number: i64, events: &[Event], out: &mut dyn Write) -> io::Result<()> {
    let undoable = undoable(events);
    if undoable.is_empty() {
        return Ok(());
    }
    let earlier = undoable.len().saturating_sub(SHOWN);
    let left_out = if earlier > 0 { format!(", the newest {SHOWN}; --json has all") } else { String::new() };
    writeln!(out, "\nCan be undone{left_out}")?;
    for event in &undoable[earlier..] {
        writeln!(out, "  {}", printable(&sentence::of_event(event).line))?;
        writeln!(out, "    opsseer incidents undo {number} --event {}", event.id.0)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;
    use crate::cli::incidents::tests::incident;

    fn other(number: i64) -> String {
        format!("019b76da-a800-7000-8000-{number:012}")
    }

    fn event(id: i64, kind: &str, number: i64) -> Value {
        let mut event = json!({
            "id": id, "incident": other(42), "at": "2026-01-02T03:05:00Z", "recorded_at": "2026-01-02T03:05:00Z",
            "actor": {"type": "person", "name": "ada"}, "kind": kind, "number": number, "title": "t",
            "correlation_key": "k", "alerts_firing": 1, "alerts_total": 2, "severity": "page", "reason": "r",
        });
        let field = if matches!(kind, "split" | "merged_into") { "into" } else { "from" };
        event[field] = other(number).into();
        if kind == "split" {
            event["alerts"] = json!(["Slow"]);
        }
        event
    }

    fn ids(log: &[(&str, i64)]) -> Vec<i64> {
        let log: Vec<Value> = (1..).zip(log).map(|(id, (kind, number))| event(id, kind, *number)).collect();
        let known = known(&log);
        assert_eq!(known.len(), log.len(), "these events must be understood: {log:?}");
        undoable(&known).iter().map(|event| event.id.0).collect()
    }

    #[test]
    fn what_was_undone_is_not_undone_again() {
        assert_eq!(ids(&[("merged", 7), ("split", 8)]), [1, 2]);
        assert_eq!(ids(&[("merged", 7), ("merged", 8), ("unmerged", 8)]), [1]);
        assert_eq!(ids(&[("merged_into", 7), ("restored", 7)]), Vec::<i64>::new());
        // What was split off came back by a merge; that is what can be undone now.
        assert_eq!(ids(&[("split", 8), ("merged", 8)]), [2]);
        assert_eq!(ids(&[("split", 8), ("merged", 8), ("unmerged", 8)]), Vec::<i64>::new());
        assert_eq!(ids(&[("merged", 7), ("unmerged", 7), ("merged", 7)]), [3]);
    }

    #[test]
    fn what_is_merged_away_is_given_back_before_anything_else() {
        assert_eq!(ids(&[("merged", 7), ("split", 8), ("merged_into", 9)]), [3]);
        assert_eq!(ids(&[("merged", 7), ("split", 8), ("merged_into", 9), ("restored", 9)]), [1, 2]);
    }

    #[test]
    fn each_is_shown_with_the_command_that_undoes_it() {
        let log = known(&[event(3, "merged", 7), event(5, "split", 8)]);
        let mut out = Vec::new();
        write_undoable(42, &log, &mut out).expect("write");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "\nCan be undone\n\
             \x20 ada merged INC-7 into this: t (2 alerts)\n\
             \x20   opsseer incidents undo 42 --event 3\n\
             \x20 ada split off 2 alerts into INC-8: Slow\n\
             \x20   opsseer incidents undo 42 --event 5\n"
        );
    }

    #[tokio::test]
    async fn without_a_name_the_newest_that_stands_is_undone() {
        let server = MockServer::start().await;
        let events = [event(3, "merged", 7), event(5, "merged", 8), event(9, "unmerged", 8)];
        Mock::given(method("GET"))
            .and(path("/api/v1/incidents/42/timeline"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"next_after": null, "events": events})),
            )
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path("/api/v1/incidents/42/undo"))
            .and(body_json(json!({"by": "ada", "event": 3})))
            .respond_with(ResponseTemplate::new(200).set_body_json(incident("open")))
            .mount(&server)
            .await;
        let client = Client::new(server.uri().parse().expect("an address")).expect("a client");
        let author = Author { by: "ada".into() };
        let args = UndoArgs { incident: Reference("42".into()), event: None, author };
        assert_eq!(undo(&client, args).await.expect("undone").what, "is as before; event 3 is undone");
    }
}
