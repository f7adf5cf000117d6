//! `opsseer changes`: what was changed, told and listed from a terminal or a pipeline, through a running server.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand};
use humantime_serde::re::humantime::parse_duration;
use opsseer_core::{Clock, SystemClock};
use opsseer_eval::table::{self, Align};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::incidents::{
    client::{Answer, Client, List},
    print_json,
    render::{in_words, printable},
};

/// What `opsseer changes` is told.
#[derive(Debug, Args)]
pub struct ChangesArgs {
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
    /// Lists changes that OpsSeer was told of, the latest first.
    List(ListArgs),
    /// Tells OpsSeer of a change. Open incidents of its service show it at once.
    Add(Box<AddArgs>),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Of this service only.
    #[arg(long)]
    service: Option<String>,
    /// How far back, such as 3h or 7d.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_duration)]
    since: Duration,
    /// How many at most.
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// Which changes to list, as the API's query.
#[derive(Debug, Serialize)]
struct ListQuery {
    service: Option<String>,
    since: String,
}

#[derive(Debug, Default, Args, Serialize)]
struct AddArgs {
    /// What was done, such as "checkout 1.42 deployed".
    title: String,
    /// deploy, config, restart, scale, flag or other.
    #[arg(long, default_value = "deploy")]
    kind: String,
    /// The service that it was done to. Without one, it may concern every service.
    #[arg(long)]
    service: Option<String>,
    /// The version that runs since.
    #[arg(long)]
    version: Option<String>,
    /// Where one can read more.
    #[arg(long, value_name = "URL")]
    link: Option<String>,
    /// When, such as 2026-01-02T03:04:05Z. Now, if absent.
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// Your own name for it: told again with the same id and source, it is kept once.
    #[arg(long)]
    id: Option<String>,
    /// Who tells.
    #[arg(long, default_value = "opsseer changes")]
    source: String,
}

#[derive(Debug, Deserialize)]
struct ChangeView {
    at: DateTime<Utc>,
    kind: String,
    title: String,
    service: Option<String>,
    version: Option<String>,
    source: String,
    // Only the answer to a change that was told has them.
    #[serde(default)]
    incidents: Vec<i64>,
}

#[derive(Debug, Deserialize)]
struct ChangesView {
    changes: Vec<ChangeView>,
}

/// Asks the server and prints its answer. A refusal is an error that says why.
pub async fn execute(args: ChangesArgs) -> anyhow::Result<ExitCode> {
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
        Command::List(ListArgs { service, since, limit }) => {
            let since =
                TimeDelta::from_std(since).ok().and_then(|since| clock.now().checked_sub_signed(since));
            let since = since.context("--since is longer than the calendar")?;
            let query = ListQuery { service, since: since.to_rfc3339_opts(SecondsFormat::Micros, true) };
            let list = List { path: "api/v1/changes", items: "changes", page: 1000 };
            let answer: Answer<ChangesView> = client.list(&list, &query, limit).await?;
            if json {
                return print_json(&answer.raw, out);
            }
            table_of(&answer.view.changes, clock.now(), out).context("cannot print the list")
        }
        Command::Add(change) => {
            let answer: Answer<ChangeView> =
                client.send(Method::POST, "api/v1/changes", &json!(change)).await?;
            if json {
                return print_json(&answer.raw, out);
            }
            told(&answer.view, out).context("cannot print the answer")
        }
    }
}

fn table_of(changes: &[ChangeView], now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<()> {
    if changes.is_empty() {
        return writeln!(out, "No changes.");
    }
    let head = ["WHEN", "KIND", "SERVICE", "VERSION", "WHAT", "TOLD BY"].map(|name| (name, Align::Left));
    let row = |change: &ChangeView| {
        let when = match change.at {
            at if at > now => format!("in {}", in_words(at - now)),
            at => format!("{} ago", in_words(now - at)),
        };
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (service, version) = (or_none(&change.service), or_none(&change.version));
        let texts = [&when, &change.kind, &service, &version, &change.title, &change.source];
        texts.map(|text| printable(text)).to_vec()
    };
    table::write(out, &head, &changes.iter().map(row).collect::<Vec<_>>())
}

fn told(change: &ChangeView, out: &mut dyn Write) -> io::Result<()> {
    let at = change.at.format("%Y-%m-%d %H:%M:%S UTC");
    writeln!(out, "Kept: {}, {at}", printable(&change.title))?;
    let incidents: Vec<String> = change.incidents.iter().map(|number| format!("INC-{number}")).collect();
    if incidents.is_empty() { Ok(()) } else { writeln!(out, "  shown on {}", incidents.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_partial_json, method, path, query_param, query_param_is_missing},
    };

    use super::*;

    struct At(DateTime<Utc>);

    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    fn change() -> Value {
        json!({"id": "c14f603f-c0f6-40de-b947-4577a8461a70", "at": "2026-01-02T03:04:05Z", "kind": "deploy",
            "title": "db 1.42 deployed", "service": "db", "version": "1.42", "link": null, "source": "ci",
            "recorded_at": "2026-01-02T03:04:06Z"})
    }

    async fn run_on(mock: Mock, command: Command, json: bool) -> anyhow::Result<String> {
        let server = MockServer::start().await;
        mock.mount(&server).await;
        let client = Client::new(server.uri().parse().expect("an address")).expect("a client");
        let clock = At("2026-01-02T03:34:05Z".parse().expect("a time"));
        let mut out = Vec::new();
        run(&client, command, json, &clock, &mut out).await?;
        Ok(String::from_utf8(out).expect("text"))
    }

    #[tokio::test]
    async fn the_list_says_how_long_ago_each_change_was_and_who_told() {
        let body = json!({"changes": [change()], "next_cursor": null});
        let mock = || {
            Mock::given(method("GET"))
                .and(path("/api/v1/changes"))
                .and(query_param("service", "db"))
                .and(query_param("since", "2026-01-02T00:34:05.000000Z"))
                .respond_with(ResponseTemplate::new(200).set_body_json(&body))
        };
        let list = || {
            let since = Duration::from_hours(3);
            Command::List(ListArgs { service: Some("db".into()), since, limit: 50 })
        };
        let text = run_on(mock(), list(), false).await.expect("listed");
        for part in ["30 min ago", "deploy", "db 1.42 deployed", "ci"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        let text = run_on(mock(), list(), true).await.expect("listed");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("one JSON object"), body);
    }

    #[tokio::test]
    async fn without_a_service_all_are_listed() {
        let body = json!({"changes": [], "next_cursor": null});
        let mock = Mock::given(method("GET"))
            .and(path("/api/v1/changes"))
            .and(query_param_is_missing("service"))
            .respond_with(ResponseTemplate::new(200).set_body_json(&body));
        let list = ListArgs { service: None, since: Duration::from_hours(24), limit: 50 };
        assert_eq!(run_on(mock, Command::List(list), false).await.expect("listed"), "No changes.\n");
    }

    #[tokio::test]
    async fn a_change_that_was_told_says_which_incidents_show_it() {
        let mut answer = change();
        answer["incidents"] = json!([7, 9]);
        let mock = Mock::given(method("POST"))
            .and(path("/api/v1/changes"))
            .and(body_partial_json(json!({"title": "db 1.42 deployed", "kind": "deploy", "service": "db"})))
            .respond_with(ResponseTemplate::new(201).set_body_json(answer));
        let add = AddArgs {
            title: "db 1.42 deployed".into(),
            kind: "deploy".into(),
            service: Some("db".into()),
            ..AddArgs::default()
        };
        let text = run_on(mock, Command::Add(Box::new(add)), false).await.expect("told");
        assert_eq!(text, "Kept: db 1.42 deployed, 2026-01-02 03:04:05 UTC\n  shown on INC-7, INC-9\n");
    }

    #[tokio::test]
    async fn a_refusal_is_an_error_with_the_servers_words() {
        let refusal = ResponseTemplate::new(400).set_body_json(json!({"detail": "title is empty"}));
        let mock = Mock::given(method("POST")).and(path("/api/v1/changes")).respond_with(refusal);
        let error = run_on(mock, Command::Add(Box::default()), false).await.expect_err("refused");
        assert!(error.to_string().contains("title is empty"), "{error}");
    }
}
