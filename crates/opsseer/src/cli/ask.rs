//! `opsseer ask`: a question in words to the runbooks, through a running server or straight from their folder.

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, ensure};
use clap::Args;
use opsseer_ai::runbook::{AnswerRunbook, RunbookIndex, RunbookSettings};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::incidents::{
    Reference,
    client::{Answer, Client, ClientError},
    print_json,
    render::printable,
};
use crate::{
    asking::{Asked, MAX_QUESTION},
    config::Config,
    http::ask::AskResponse,
    web::answer::sure_words,
};

/// What `opsseer ask` is told.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// In words, such as "how do I roll back a deploy?".
    question: String,
    /// The incident in which it is asked: question and answer stand on its timeline.
    #[arg(long, value_name = "N", conflicts_with = "local")]
    incident: Option<Reference>,
    /// Who you are, for the timeline.
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true, default_value = "on-call")]
    by: String,
    /// Where OpsSeer runs. If nothing answers there, the runbook folder is read.
    #[arg(long, value_name = "URL", env = "OPSSEER_URL", default_value = "http://127.0.0.1:8888")]
    server: Url,
    /// Do not ask a server, read the runbook folder.
    #[arg(long)]
    local: bool,
    /// The folder of runbooks to read; as configured, if absent.
    #[arg(long, value_name = "DIR")]
    runbooks: Option<PathBuf>,
    /// Print one JSON object instead of text for people.
    #[arg(long)]
    json: bool,
    /// Another configuration file than `opsseer.toml`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct View {
    answer: Option<Found>,
    nearest: Vec<Place>,
    embeddings: bool,
}

#[derive(Debug, Deserialize)]
struct Found {
    quote: String,
    commands: Vec<String>,
    #[serde(flatten)]
    place: Place,
    revision: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    file: String,
    heading: String,
    line_start: u32,
    line_end: u32,
    confidence: Option<f32>,
}

/// Prints the answer. Status 1 if no runbook answers the question.
pub async fn execute(args: AskArgs) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout();
    let is_terminal = out.is_terminal();
    run(args, is_terminal, &mut out, &mut io::stderr()).await
}

async fn run(
    args: AskArgs,
    is_terminal: bool,
    out: &mut dyn Write,
    aside: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let raw = if args.local { ask_folder(&args).await? } else { ask_server(&args, aside).await? };
    let view = View::deserialize(&raw).context("the answer is not understood")?;
    if json {
        print_json(&raw, out)?;
    } else {
        print(&view, is_terminal, out).context("cannot print the answer")?;
    }
    Ok(if view.answer.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask_server(args: &AskArgs, aside: &mut dyn Write) -> anyhow::Result<Value> {
    let client = Client::new(args.server.clone())?;
    let mut body = json!({"question": args.question, "by": args.by});
    if let Some(Reference(incident)) = &args.incident {
        body["incident"] = json!(incident);
    }
    match client.send::<Value>(Method::POST, "api/v1/ask", &body).await {
        Ok(Answer { raw, .. }) => Ok(raw),
        // An incident is only in its server's store.
        Err(ClientError::Unreachable { server, .. }) if args.incident.is_none() => {
            writeln!(aside, "No OpsSeer answers at {server}: reading the runbook folder instead.")?;
            ask_folder(args).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Searches by words alone: to open a model for one question takes longer than the answer is worth.
async fn ask_folder(args: &AskArgs) -> anyhow::Result<Value> {
    let folder = match &args.runbooks {
        Some(folder) => folder.clone(),
        None => Config::load(args.config.clone())?.runbooks.dir,
    };
    let asked = ask_index(&folder, args.question.trim()).await?;
    Ok(serde_json::to_value(AskResponse::new(asked, false))?)
}

async fn ask_index(folder: &Path, question: &str) -> anyhow::Result<Asked> {
    ensure!(folder.is_dir(), "there is no runbook folder {}; name it with --runbooks", folder.display());
    ensure!(!question.is_empty(), "the question is empty");
    ensure!(
        question.chars().count() <= MAX_QUESTION,
        "the question is longer than {MAX_QUESTION} characters"
    );
    let dir = folder.to_owned();
    let index = tokio::task::spawn_blocking(move || RunbookIndex::open(&dir, RunbookSettings::default()))
        .await
        .context("the runbooks cannot be read")??;
    let started = Instant::now();
    let answer = index.ask(question, None).await?;
    Ok(Asked::new(answer, started.elapsed()))
}

fn print(view: &View, is_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    if let Some(answer) = &view.answer {
        print_found(answer, is_terminal, out)?;
    } else {
        writeln!(out, "No runbook answers this.")?;
        if !view.nearest.is_empty() {
            writeln!(out, "\nWhat comes nearest:")?;
        }
        for place in &view.nearest {
            writeln!(out, "  {}", place.words())?;
        }
    }
    if !view.embeddings {
        writeln!(
            out,
            "\nSearched by words alone; `opsseer models pull embeddings` lets the server find other words too."
        )?;
    }
    Ok(())
}

fn print_found(answer: &Found, is_terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for line in answer.quote.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    for command in &answer.commands {
        writeln!(out)?;
        for line in command.lines() {
            writeln!(out, "    {}", printable(line))?;
        }
    }
    let (bold, plain) = if is_terminal { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    writeln!(out, "\n{bold}{}{plain} at {}", answer.place.words(), printable(&answer.revision))
}

impl Place {
    /// `db.md, Restart it, lines 3 to 9, 87 % sure`.
    fn words(&self) -> String {
        let lines = match (self.line_start, self.line_end) {
            (first, last) if first == last => format!("line {first}"),
            (first, last) => format!("lines {first} to {last}"),
        };
        let sure = self.confidence.map_or_else(String::new, |sure| format!(", {}", sure_words(sure)));
        format!("{}, {}, {lines}{sure}", printable(&self.file), printable(&self.heading))
    }
}

#[cfg(test)]
mod tests {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_json, method, path},
    };

    use super::*;

    fn args(server: &str, question: &str) -> AskArgs {
        AskArgs {
            question: question.into(),
            incident: None,
            by: "ada".into(),
            server: server.parse().expect("an address"),
            local: false,
            runbooks: None,
            json: false,
            config: None,
        }
    }

    async fn run_with(args: AskArgs) -> (ExitCode, String, String) {
        let (mut out, mut aside) = (Vec::new(), Vec::new());
        let code = run(args, false, &mut out, &mut aside).await.expect("answered");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (code, text(out), text(aside))
    }

    fn near() -> Value {
        json!({"file": "db.md", "heading": "Restart", "line_start": 3, "line_end": 3, "excerpt": "e", "confidence": 0.21})
    }

    #[tokio::test]
    async fn an_answer_is_printed_with_its_commands_and_its_place() {
        let server = MockServer::start().await;
        let body = json!({"answer": {"quote": "Stop it.\nWait.", "commands": ["kubectl undo"], "file": "db.md", "heading": "Restart",
            "line_start": 3, "line_end": 9, "revision": "3f9c", "commit": null, "confidence": 0.874, "matched_by": "search"},
            "nearest": [near()], "confidence": 0.874, "took_ms": 4.0, "embeddings": true});
        Mock::given(method("POST"))
            .and(path("/api/v1/ask"))
            .and(body_json(json!({"question": "how?", "by": "ada", "incident": "42"})))
            .respond_with(ResponseTemplate::new(200).set_body_json(&body))
            .mount(&server)
            .await;
        let asked = || AskArgs { incident: Some(Reference("42".into())), ..args(&server.uri(), "how?") };
        let (code, text, _) = run_with(asked()).await;
        assert_eq!(
            text,
            "Stop it.\nWait.\n\n    kubectl undo\n\ndb.md, Restart, lines 3 to 9, 87 % sure at 3f9c\n"
        );
        assert_eq!(code, ExitCode::SUCCESS);
        let (_, text, _) = run_with(AskArgs { json: true, ..asked() }).await;
        assert_eq!(serde_json::from_str::<Value>(&text).expect("one JSON object"), body);
    }

    #[tokio::test]
    async fn a_refusal_shows_the_nearest_places_and_has_status_1() {
        let server = MockServer::start().await;
        let body = json!({"answer": null, "nearest": [near()], "confidence": 0.21, "took_ms": 4.0, "embeddings": true});
        Mock::given(path("/api/v1/ask"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let (code, text, _) = run_with(args(&server.uri(), "how?")).await;
        assert_eq!(
            text,
            "No runbook answers this.\n\nWhat comes nearest:\n  db.md, Restart, line 3, 21 % sure\n"
        );
        assert_eq!(code, ExitCode::FAILURE);
    }

    #[tokio::test]
    async fn without_a_server_the_folder_is_read_and_that_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let runbook =
            "# Roll back a deploy\n\n## Do this first\n\n1. Roll the deploy back to the last good version.\n";
        std::fs::write(folder.path().join("rollback.md"), runbook).expect("written");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = format!("http://{}", listener.local_addr().expect("bound"));
        drop(listener);
        let asked = AskArgs {
            runbooks: Some(folder.path().to_owned()),
            ..args(&server, "how do I roll back a deploy?")
        };
        let (_, text, aside) = run_with(asked).await;
        assert!(text.contains("rollback.md") && text.contains("by words alone"), "{text}");
        assert!(aside.contains("reading the runbook folder instead"), "{aside}");
        let within = AskArgs { incident: Some(Reference("42".into())), ..args(&server, "how?") };
        let error = run(within, false, &mut Vec::new(), &mut Vec::new()).await.expect_err("no server");
        assert!(error.to_string().contains("no OpsSeer answers"), "{error}");
    }
}
