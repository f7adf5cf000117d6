//! `opsseer jobs`: the work that follows from alerts, from a terminal, and another try of what was given up.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use opsseer_core::{Clock, SystemClock};
use opsseer_eval::table::{self, Align};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::incidents::{
    Author,
    client::{Answer, Client, ClientError, List},
    print_json,
    render::{in_words, printable},
};

const JOBS: List<'static> = List { path: "api/v1/jobs", items: "jobs", page: 200 };

/// What `opsseer jobs` is told.
#[derive(Debug, Args)]
pub struct JobsArgs {
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
    /// Lists jobs, those asked for last first.
    List(ListArgs),
    /// Asks that what was given up is tried again.
    Retry(RetryArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only these: pending, done or dead (given up).
    #[arg(long)]
    state: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Args)]
struct RetryArgs {
    /// The job's id, as `opsseer jobs list` shows it.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    job: Option<Uuid>,
    /// All that were given up.
    #[arg(long)]
    all: bool,
    /// Of all, only this kind, such as `chart_metric`.
    #[arg(long, requires = "all")]
    kind: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Deserialize)]
struct JobView {
    id: Uuid,
    kind: String,
    incident: i64,
    state: String,
    attempts: i64,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    available_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct JobsView {
    jobs: Vec<JobView>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RetriedView {
    retried: u64,
}

/// Asks the server and prints its answer. A refusal is an error that says why.
pub async fn execute(args: JobsArgs) -> anyhow::Result<ExitCode> {
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
        Command::List(ListArgs { state, limit }) => {
            let answer: Answer<JobsView> = client.list(&JOBS, &[("state", state)], limit as usize).await?;
            if json {
                return print_json(&answer.raw, out);
            }
            list(&answer.view, clock.now(), out).context("cannot print the list")
        }
        Command::Retry(RetryArgs { job: Some(id), author, .. }) => {
            let answer: Answer<JobView> =
                match post(client, &format!("api/v1/jobs/{id}/retry"), &json!({"by": author.by})).await {
                    Err(ClientError::NotFound(why)) => {
                        bail!("{why}; `opsseer jobs list` shows those that there are")
                    }
                    other => other?,
                };
            if json {
                return print_json(&answer.raw, out);
            }
            let JobView { kind, incident, .. } = answer.view;
            writeln!(out, "{} of INC-{incident} is tried again.", printable(&kind))
                .context("cannot print the answer")
        }
        Command::Retry(RetryArgs { job: None, kind, author, .. }) => {
            let body = json!({"by": author.by, "kind": kind});
            let answer: Answer<RetriedView> = post(client, "api/v1/jobs/retry", &body).await?;
            if json {
                return print_json(&answer.raw, out);
            }
            match answer.view.retried {
                0 => writeln!(out, "Nothing was given up, so nothing is tried again."),
                1 => writeln!(out, "One job is tried again."),
                many => writeln!(out, "{many} jobs are tried again."),
            }
            .context("cannot print the answer")
        }
    }
}

async fn post<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    body: &Value,
) -> Result<Answer<T>, ClientError> {
    client.send(Method::POST, path, body).await
}

fn list(list: &JobsView, now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<()> {
    if list.jobs.is_empty() {
        return writeln!(out, "No jobs.");
    }
    let head = [
        ("STATE", Align::Left),
        ("ID", Align::Left),
        ("WHAT", Align::Left),
        ("INCIDENT", Align::Left),
        ("AGE", Align::Right),
        ("BEGUN", Align::Right),
        ("NEXT", Align::Left),
        ("WHY", Align::Left),
    ];
    let row = |job: &JobView| {
        let next = match (job.ended_at, job.available_at) {
            (Some(end), _) => format!("ended {} ago", in_words(now - end)),
            (None, Some(at)) if at > now => format!("in {}", in_words(at - now)),
            _ => "now".to_owned(),
        };
        vec![
            printable(&job.state),
            job.id.to_string(),
            printable(&job.kind),
            format!("INC-{}", job.incident),
            in_words(now - job.created_at),
            job.attempts.to_string(),
            next,
            printable(job.last_error.as_deref().unwrap_or("–")),
        ]
    };
    table::write(out, &head, &list.jobs.iter().map(row).collect::<Vec<_>>())?;
    if list.next_cursor.is_some() {
        writeln!(out, "There are more; --limit shows more of them, --state fewer.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path, query_param},
    };

    use super::*;

    const ID: &str = "019b76da-a800-7000-8000-000000000001";

    struct At(DateTime<Utc>);

    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    fn job() -> Value {
        json!({"id": ID, "kind": "chart_metric", "incident": 7, "title": "db: slow", "url": "http://o/incidents/7",
            "event": 2, "state": "dead", "attempts": 6, "last_error": "no answer\u{1b}[2J", "available_at": null,
            "created_at": "2026-01-02T03:04:05Z", "ended_at": "2026-01-02T03:14:05Z"})
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

    fn retry(job: Option<&str>, kind: Option<&str>) -> Command {
        Command::Retry(RetryArgs {
            job: job.map(|id| id.parse().expect("a uuid")),
            all: job.is_none(),
            kind: kind.map(str::to_owned),
            author: Author { by: "ada".into() },
        })
    }

    #[tokio::test]
    async fn the_list_says_what_failed_why_and_by_which_id_it_is_tried_again() {
        let body = json!({"jobs": [job()], "next_cursor": null});
        let mock = || {
            Mock::given(method("GET"))
                .and(path("/api/v1/jobs"))
                .and(query_param("state", "dead"))
                .and(query_param("limit", "200"))
                .respond_with(ResponseTemplate::new(200).set_body_json(&body))
        };
        let asked = || Command::List(ListArgs { state: Some("dead".into()), limit: 500 });
        let text = run_on(mock(), asked(), false).await.expect("listed");
        assert_eq!(
            text,
            format!(
                "STATE  ID                                    WHAT          INCIDENT     AGE  BEGUN  NEXT              WHY\n\
                 dead   {ID}  chart_metric  INC-7     30 min      6  ended 20 min ago  no answer\u{fffd}[2J\n"
            )
        );
        let text = run_on(mock(), asked(), true).await.expect("listed");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("one JSON object"), body);
    }

    #[tokio::test]
    async fn one_is_tried_again_by_its_id_and_an_unknown_one_is_told() {
        let answering = |response| {
            Mock::given(method("POST"))
                .and(path(format!("/api/v1/jobs/{ID}/retry")))
                .and(body_json(json!({"by": "ada"})))
                .respond_with(response)
        };
        let done = ResponseTemplate::new(200).set_body_json(job());
        let text = run_on(answering(done), retry(Some(ID), None), false).await.expect("tried again");
        assert_eq!(text, "chart_metric of INC-7 is tried again.\n");
        let unknown = ResponseTemplate::new(404).set_body_json(json!({"detail": "there is no such job"}));
        let error = run_on(answering(unknown), retry(Some(ID), None), false).await.expect_err("unknown");
        assert_eq!(error.to_string(), "there is no such job; `opsseer jobs list` shows those that there are");
    }

    #[tokio::test]
    async fn all_of_a_kind_are_tried_again_at_once() {
        let mock = Mock::given(method("POST"))
            .and(path("/api/v1/jobs/retry"))
            .and(body_json(json!({"by": "ada", "kind": "chart_metric"})))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"retried": 12})));
        let text = run_on(mock, retry(None, Some("chart_metric")), false).await.expect("tried again");
        assert_eq!(text, "12 jobs are tried again.\n");
    }
}
