//! `opsseer silences`: Alertmanager's silences, from a terminal, through a running server.

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
use serde_json::json;
use url::Url;

use super::incidents::{
    Author, Reference,
    client::{Answer, Client, ClientError},
    print_json,
    render::{in_words, printable},
};

/// What `opsseer silences` is told.
#[derive(Debug, Args)]
pub struct SilencesArgs {
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
    /// Lists silences, whoever made them.
    List(ListArgs),
    /// Silences the alerts of an incident that fire now.
    Create(CreateArgs),
    /// Ends a silence before its time.
    End(EndArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Also those that have ended.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// The incident's number (42 or INC-42) or uuid.
    incident: Reference,
    /// For how long, such as 30m or 1h.
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    time: String,
    /// Why.
    #[arg(long)]
    comment: Option<String>,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Args)]
struct EndArgs {
    /// Its id, as `opsseer silences list` shows it.
    silence: String,
    #[command(flatten)]
    author: Author,
}

#[derive(Debug, Deserialize)]
struct SilenceView {
    id: String,
    state: String,
    matchers: String,
    ends_at: DateTime<Utc>,
    created_by: String,
    comment: String,
}

#[derive(Debug, Deserialize)]
struct SilencesView {
    silences: Vec<SilenceView>,
}

#[derive(Debug, Deserialize)]
struct EndedView {
    incident: Option<IncidentNumber>,
}

#[derive(Debug, Deserialize)]
struct IncidentNumber {
    number: i64,
}

/// Asks the server and prints its answer. A refusal is an error that says why.
pub async fn execute(args: SilencesArgs) -> anyhow::Result<ExitCode> {
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
        Command::List(ListArgs { all }) => {
            let answer: Answer<SilencesView> = client.get("api/v1/silences").await?;
            if json {
                return print_json(&answer.raw, out);
            }
            let mut silences = answer.view.silences;
            silences.retain(|silence| all || silence.state != "expired");
            list(&silences, clock.now(), out).context("cannot print the list")
        }
        Command::Create(CreateArgs { incident: Reference(id), time, comment, author }) => {
            let body = json!({"by": author.by, "for": time, "comment": comment});
            let path = format!("api/v1/incidents/{id}/silence");
            let answer: Answer<SilencesView> = client.send(Method::POST, &path, &body).await?;
            if json {
                return print_json(&answer.raw, out);
            }
            made(&answer.view.silences, out).context("cannot print the answer")
        }
        Command::End(EndArgs { silence, author }) => {
            let path = format!("api/v1/silences/{silence}");
            let answer: Answer<EndedView> =
                match client.send(Method::DELETE, &path, &json!({"by": author.by})).await {
                    Err(ClientError::NotFound(why)) => {
                        bail!("{why}; `opsseer silences list` shows those that there are")
                    }
                    other => other?,
                };
            if json {
                return print_json(&answer.raw, out);
            }
            let told =
                answer.view.incident.map(|one| format!("; INC-{} says so", one.number)).unwrap_or_default();
            writeln!(out, "The silence is ended{told}.").context("cannot print the answer")
        }
    }
}

fn list(silences: &[SilenceView], now: DateTime<Utc>, out: &mut dyn Write) -> io::Result<()> {
    if silences.is_empty() {
        return writeln!(out, "No silences.");
    }
    let head = ["STATE", "ID", "ENDS", "BY", "MATCHES", "WHY"].map(|name| (name, Align::Left));
    let row = |silence: &SilenceView| {
        let ends = match silence.ends_at {
            end if end > now => format!("in {}", in_words(end - now)),
            end => format!("{} ago", in_words(now - end)),
        };
        let texts =
            [&silence.state, &silence.id, &ends, &silence.created_by, &silence.matchers, &silence.comment];
        texts.map(|text| printable(text)).to_vec()
    };
    table::write(out, &head, &silences.iter().map(row).collect::<Vec<_>>())
}

fn made(silences: &[SilenceView], out: &mut dyn Write) -> io::Result<()> {
    for silence in silences {
        let until = silence.ends_at.format("%Y-%m-%d %H:%M:%S UTC");
        writeln!(out, "Silenced until {until}: {}", printable(&silence.matchers))?;
        writeln!(out, "  `opsseer silences end {}` ends it", printable(&silence.id))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;

    const ID: &str = "c14f603f-c0f6-40de-b947-4577a8461a70";

    struct At(DateTime<Utc>);

    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    fn silence(state: &str) -> Value {
        json!({"id": ID, "state": state, "matchers": "service=\"db\"", "starts_at": "2026-01-02T03:04:05Z",
            "ends_at": "2026-01-02T04:04:05Z", "created_by": "ada", "comment": "INC-7: on it", "incident": 7})
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

    fn author() -> Author {
        Author { by: "ada".into() }
    }

    #[tokio::test]
    async fn the_list_shows_what_is_silenced_by_whom_and_until_when() {
        let body = json!({"silences": [silence("active"), silence("expired")], "next_cursor": null});
        let mock = || {
            Mock::given(method("GET"))
                .and(path("/api/v1/silences"))
                .respond_with(ResponseTemplate::new(200).set_body_json(&body))
        };
        let text = run_on(mock(), Command::List(ListArgs { all: false }), false).await.expect("listed");
        assert_eq!(text.lines().count(), 2, "{text}");
        for part in [ID, "in 30 min", "ada", "service=\"db\"", "INC-7: on it"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        let text = run_on(mock(), Command::List(ListArgs { all: true }), false).await.expect("listed");
        assert_eq!(text.lines().count(), 3, "{text}");
        let text = run_on(mock(), Command::List(ListArgs { all: false }), true).await.expect("listed");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("one JSON object"), body);
    }

    #[tokio::test]
    async fn a_silence_is_asked_for_with_who_how_long_and_why() {
        let mock = Mock::given(method("POST"))
            .and(path("/api/v1/incidents/7/silence"))
            .and(body_json(json!({"by": "ada", "for": "30m", "comment": "on it"})))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(json!({"incident": {}, "silences": [silence("active")]})),
            );
        let create = CreateArgs {
            incident: Reference("7".into()),
            time: "30m".into(),
            comment: Some("on it".into()),
            author: author(),
        };
        let text = run_on(mock, Command::Create(create), false).await.expect("made");
        assert!(text.starts_with("Silenced until 2026-01-02 04:04:05 UTC: service=\"db\"\n"), "{text}");
        assert!(text.contains(&format!("opsseer silences end {ID}")), "{text}");
    }

    #[tokio::test]
    async fn ending_one_says_which_incident_knows_of_it() {
        let end = || Command::End(EndArgs { silence: ID.into(), author: author() });
        let gone = |response| {
            Mock::given(method("DELETE")).and(path(format!("/api/v1/silences/{ID}"))).respond_with(response)
        };
        let ended = ResponseTemplate::new(200).set_body_json(json!({"incident": {"number": 7}}));
        let text = run_on(gone(ended), end(), false).await.expect("ended");
        assert_eq!(text, "The silence is ended; INC-7 says so.\n");
        let unknown =
            ResponseTemplate::new(404).set_body_json(json!({"detail": "Alertmanager knows no silence x"}));
        let error = run_on(gone(unknown), end(), false).await.expect_err("unknown").to_string();
        assert_eq!(
            error,
            "Alertmanager knows no silence x; `opsseer silences list` shows those that there are"
        );
    }
}
