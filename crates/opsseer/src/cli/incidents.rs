//! `opsseer incidents`: reads and answers incidents of a running server from a terminal.

mod answer;
pub(super) mod client;
mod regroup;
pub(super) mod render;
mod sentence;
mod undo;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use opsseer_core::{Clock, SystemClock};
use serde::Serialize;
use serde_json::json;
use url::Url;

use self::{
    answer::{AckArgs, AssignArgs, MuteArgs, NoteArgs, ReasonArgs, SeverityArgs, UnmuteArgs},
    client::{Answer, Client, IncidentList, IncidentView, List, ListQuery},
    regroup::{MergeArgs, SplitArgs},
    undo::UndoArgs,
};

const INCIDENTS: List<'static> = List { path: "api/v1/incidents", items: "incidents", page: 200 };

/// What `opsseer incidents` is told.
#[derive(Debug, Args)]
pub struct IncidentsArgs {
    /// Where OpsSeer runs.
    #[arg(
        long,
        value_name = "URL",
        env = "OPSSEER_URL",
        default_value = "http://127.0.0.1:8888",
        global = true
    )]
    server: Url,
    /// Print one JSON object instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists incidents: unresolved ones first, then the newest first.
    List(ListArgs),
    /// Shows an incident: headline, runbook step and timeline, the newest last.
    Show(ShowArgs),
    /// Writes a note on the timeline.
    Note(NoteArgs),
    /// Takes notice of an incident; who does so first owns it.
    Ack(AckArgs),
    /// Gives an incident to somebody, or to nobody.
    Assign(AssignArgs),
    /// Says how urgent an incident is: page, ticket or info.
    Severity(SeverityArgs),
    /// Says that an incident is over.
    Resolve(ReasonArgs),
    /// Says that an incident is not over after all.
    Reopen(ReasonArgs),
    /// Gives an incident's alerts, and those to come, to another one. It ends.
    Merge(MergeArgs),
    /// Takes alerts out of an incident into one of their own.
    Split(SplitArgs),
    /// Undoes a merge or a split.
    Undo(UndoArgs),
    /// Is on it: nobody else needs to be told for a while.
    Mute(MuteArgs),
    /// Ends a mute.
    Unmute(UnmuteArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only these: unresolved, open, acknowledged or resolved.
    #[arg(long)]
    status: Option<String>,
    /// Only these: page, ticket or info.
    #[arg(long)]
    severity: Option<String>,
    /// Only those whose text holds this.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Its number (42 or INC-42) or uuid.
    incident: Reference,
    /// How many of the newest events are shown.
    #[arg(long, value_name = "N", default_value_t = 40)]
    events: usize,
}

#[derive(Debug, Args)]
pub(super) struct Author {
    /// Who you are.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    pub(super) by: String,
}

/// An incident as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference(pub(super) String);

impl std::str::FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.trim().trim_start_matches('#');
        let bare = match bare.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("inc-") => &bare[4..],
            _ => bare,
        };
        let is_name = !bare.is_empty() && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if is_name {
            Ok(Self(bare.to_owned()))
        } else {
            Err("give its number, such as 42, or its uuid".to_owned())
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = if self.0.bytes().all(|byte| byte.is_ascii_digit()) { "INC-" } else { "" };
        write!(f, "{prefix}{}", self.0)
    }
}

/// The incident after an action, and what that did to it, to complete "INC-42 …".
struct Done {
    answer: Answer<IncidentView>,
    what: String,
}

/// Asks the server and prints its answer. A refusal is an error that says why.
pub async fn execute(args: IncidentsArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(args.server)?;
    run(&client, args.command, args.json, &SystemClock, &mut io::stdout()).await?;
    Ok(ExitCode::SUCCESS)
}

async fn run(
    client: &Client,
    command: Command,
    json: bool,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match command {
        Command::List(ListArgs { status, severity, query, limit }) => {
            let query = ListQuery { status, severity, q: query };
            let list: Answer<IncidentList> = client.list(&INCIDENTS, &query, limit as usize).await?;
            if json {
                return print_json(&list.raw, out);
            }
            render::list(&list.view, clock.now(), out).context("cannot print the list")
        }
        Command::Show(ShowArgs { incident: Reference(id), events }) => {
            let incident = client.show(&id).await?;
            let timeline = client.timeline(&id).await?;
            if json {
                let known = undo::known(&timeline);
                let undoable: Vec<i64> = undo::undoable(&known).iter().map(|event| event.id.0).collect();
                let all = json!({"incident": incident.raw, "events": timeline, "undoable": undoable});
                return print_json(&all, out);
            }
            render::show(&incident.view, &timeline, events, clock.now(), out)
                .context("cannot print the incident")
        }
        Command::Note(args) => tell(&answer::note(client, args).await?, json, out),
        Command::Ack(args) => tell(&answer::ack(client, args).await?, json, out),
        Command::Assign(args) => tell(&answer::assign(client, args).await?, json, out),
        Command::Severity(args) => tell(&answer::severity(client, args).await?, json, out),
        Command::Resolve(args) => tell(&answer::resolve(client, args).await?, json, out),
        Command::Reopen(args) => tell(&answer::reopen(client, args).await?, json, out),
        Command::Merge(args) => tell(&regroup::merge(client, args).await?, json, out),
        Command::Split(args) => tell(&regroup::split(client, args).await?, json, out),
        Command::Undo(args) => tell(&undo::undo(client, args).await?, json, out),
        Command::Mute(args) => tell(&answer::mute(client, args).await?, json, out),
        Command::Unmute(args) => tell(&answer::unmute(client, args).await?, json, out),
    }
}

/// Says what became of the incident.
fn tell(done: &Done, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        return print_json(&done.answer.raw, out);
    }
    render::done(&done.answer.view, &done.what, out).context("cannot print the answer")
}

pub(super) fn print_json(value: &impl Serialize, out: &mut dyn Write) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("cannot write the answer as JSON")?;
    writeln!(out, "{text}").context("cannot print the answer")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path, query_param},
    };

    use super::*;

    struct At(DateTime<Utc>);

    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    pub(super) fn incident(status: &str) -> Value {
        json!({
            "id": "019b76da-a800-7000-8000-000000000001", "number": 42, "status": status, "severity": "page",
            "title": "toyprod: error rate above 10 %", "service": "toyprod", "opened_at": "2026-01-02T03:04:05Z",
            "acknowledged": null, "owner": null, "resolved_at": null, "reopened_count": 0, "alerts_firing": 1,
            "alerts_total": 1, "last_event": 3, "updated_at": "2026-01-02T03:04:06Z", "url": "http://o/incidents/42",
        })
    }

    async fn run_on(server: &MockServer, command: Command, json: bool) -> anyhow::Result<String> {
        let client = Client::new(server.uri().parse().expect("an address")).expect("a client");
        let clock = At("2026-01-02T03:12:05Z".parse().expect("a time"));
        let mut out = Vec::new();
        run(&client, command, json, &clock, &mut out).await?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn an_incident_may_be_named_as_people_do() {
        for text in ["42", "INC-42", "inc-42", "#42"] {
            assert_eq!(text.parse(), Ok(Reference("42".to_owned())), "{text}");
        }
        for text in ["", "INC-", "../metrics", "forty two"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn the_whole_timeline_is_read_page_by_page() {
        let server = MockServer::start().await;
        let note = |id: i64| {
            json!({"id": id, "incident": "019b76da-a800-7000-8000-000000000001", "at": "2026-01-02T03:05:00Z",
                "recorded_at": "2026-01-02T03:05:00Z", "actor": {"type": "person", "name": "ada"}, "kind": "note",
                "text": format!("note {id}")})
        };
        let get = |at: &str| Mock::given(method("GET")).and(path(at));
        get("/api/v1/incidents/42")
            .respond_with(ResponseTemplate::new(200).set_body_json(incident("open")))
            .mount(&server)
            .await;
        get("/api/v1/incidents/42/timeline")
            .and(query_param("after", "0"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"next_after": 1, "events": [note(1)]})),
            )
            .mount(&server)
            .await;
        get("/api/v1/incidents/42/timeline")
            .and(query_param("after", "1"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"next_after": null, "events": [note(2)]})),
            )
            .mount(&server)
            .await;
        let show = || Command::Show(ShowArgs { incident: Reference("42".into()), events: 1 });
        let text = run_on(&server, show(), false).await.expect("shown");
        assert!(
            text.contains("1 earlier event") && text.contains("note 2") && !text.contains("note 1"),
            "{text}"
        );
        let object: Value = serde_json::from_str(&run_on(&server, show(), true).await.expect("shown"))
            .expect("one JSON object");
        assert_eq!(object["events"].as_array().map(Vec::len), Some(2));
        assert_eq!(object["incident"]["number"], 42);
    }

    #[tokio::test]
    async fn an_unknown_incident_is_told_with_where_to_look() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(404).set_body_raw(
                r#"{"status": 404, "code": "not_found", "detail": "there is no incident 7"}"#,
                "application/problem+json",
            ))
            .mount(&server)
            .await;
        let show = Command::Show(ShowArgs { incident: Reference("7".into()), events: 1 });
        let error = run_on(&server, show, false).await.expect_err("unknown").to_string();
        assert_eq!(error, "there is no incident 7; `opsseer incidents list` shows those that there are");
    }
}
