//! `opsseer models`: which models there are, fetching them, checking them.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Mutex,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use opsseer_ai::models::{Model, ModelStatus, Models, Source};
use opsseer_eval::table::{self, Align};
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    config::Config,
    models::{HuggingFace, Pip, Progress, Puller, Tried},
};

/// What `opsseer models` is told.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// The folder of the models [default: as configured, `models` in the data folder].
    #[arg(long, value_name = "FOLDER", global = true)]
    dir: Option<PathBuf>,
    /// The configuration file; `opsseer.toml` if it is there.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Print one JSON object instead of text for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the models with their licences, and whether they are installed.
    List,
    /// Fetches models, each file from the first source that gives the right bytes.
    Pull(PullArgs),
    /// Reads installed models and compares them with their digests. Exit status 1 if one that is named is not whole, or,
    /// when none is named, if one is damaged.
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct PullArgs {
    /// Which, by role [default: those that this version uses].
    roles: Vec<String>,
    /// Where Hugging Face is: a mirror, for example.
    #[arg(long, value_name = "URL", env = "HF_ENDPOINT", default_value = "https://huggingface.co")]
    hugging_face: Url,
    /// The program that is called as pip [default: pip3, pip or Python's, whichever is there].
    #[arg(long, value_name = "PROGRAM")]
    pip: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Which, by role [default: all].
    roles: Vec<String>,
}

/// Lists, fetches or checks models.
pub async fn execute(args: ModelsArgs, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let folder = match args.dir {
        Some(folder) => folder,
        None => Config::load(args.config)?.models_dir(),
    };
    let models = Models::at(folder);
    match args.command {
        Command::List => list(&models, args.json, out),
        Command::Pull(asked) => pull(&models, asked, args.json, out).await,
        Command::Verify(asked) => verify(models, asked.roles, args.json, out).await,
    }
}

fn list(models: &Models, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let all = &models.manifest().models;
    if json {
        let listed: Vec<Value> = all.iter().map(|model| described(models, model)).collect();
        let folder = models.folder().display().to_string();
        writeln!(out, "{:#}", json!({"folder": folder, "models": listed}))?;
        return Ok(ExitCode::SUCCESS);
    }
    let left = ["role", "model", "licence"].map(|name| (name, Align::Left));
    let head = [left.as_slice(), &[("MB", Align::Right), ("status", Align::Left)]].concat();
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|model| {
            let status = words(model, &models.status(&model.role));
            let (role, name, licence) = (model.role.clone(), model.name.clone(), model.licence.clone());
            vec![role, name, licence, megabytes(model.bytes()), status]
        })
        .collect();
    table::write(out, &head, &rows)?;
    writeln!(out, "\nThey lie in {}.", models.folder().display())?;
    Ok(ExitCode::SUCCESS)
}

fn described(models: &Models, model: &Model) -> Value {
    let mut value = json!({"role": model.role, "used": model.used, "name": model.name, "about": model.about,
        "licence": model.licence, "origin": model.origin, "bytes": model.bytes()});
    value["state"] = json!(models.status(&model.role));
    value
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10)
}

fn words(model: &Model, status: &ModelStatus) -> String {
    match status {
        ModelStatus::Installed => "installed".to_owned(),
        ModelStatus::Missing { .. } if !model.used => "not installed; not used by this version".to_owned(),
        ModelStatus::Missing { command } => format!("not installed: {command}"),
        ModelStatus::Damaged { files, command } => {
            let files: Vec<String> =
                files.iter().map(|damage| format!("{} {}", damage.file, damage.problem)).collect();
            format!("DAMAGED: {}; {command}", files.join("; "))
        }
        ModelStatus::Unknown => "unknown".to_owned(),
    }
}

/// The named roles, all of which there must be; without names, those that `or_else` picks.
fn roles(models: &Models, named: Vec<String>, or_else: fn(&Model) -> bool) -> anyhow::Result<Vec<String>> {
    let all = &models.manifest().models;
    if let Some(stranger) = named.iter().find(|role| models.manifest().model(role).is_none()) {
        let known: Vec<&str> = all.iter().map(|model| model.role.as_str()).collect();
        bail!("there is no model for \"{stranger}\"; there are: {}", known.join(", "));
    }
    if named.is_empty() {
        return Ok(all.iter().filter(|model| or_else(model)).map(|model| model.role.clone()).collect());
    }
    Ok(named)
}

async fn pull(models: &Models, args: PullArgs, json: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let roles = roles(models, args.roles, |model| model.used)?;
    let hub = HuggingFace::at(args.hugging_face).context("cannot prepare web requests")?;
    let puller = Puller::new(hub, args.pip.map_or_else(Pip::on_path, |path| Pip::program(&path)));
    let mut done = Vec::new();
    for role in roles {
        let model = models.manifest().model(&role).context("the role was looked up before")?;
        if !json {
            writeln!(out, "{role}: {}, licence {}, from {}", model.name, model.licence, model.origin)?;
        }
        let got = puller.pull(models, &role, &Bar::new(json)).await?;
        if json {
            let fetched: Vec<Value> =
                (got.fetched.iter()).map(|(file, source)| json!({"file": file, "source": source})).collect();
            done.push(json!({"role": role, "licence": model.licence, "fetched": fetched, "kept": got.kept}));
            continue;
        }
        for (file, source) in &got.fetched {
            writeln!(out, "  {file}: fetched from {source}, sha256 is right")?;
        }
        for file in &got.kept {
            writeln!(out, "  {file}: is there, sha256 is right")?;
        }
    }
    if json {
        let folder = models.folder().display().to_string();
        writeln!(out, "{:#}", json!({"folder": folder, "models": done}))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(
    models: Models,
    named: Vec<String>,
    json: bool,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let all_named = !named.is_empty();
    let roles = roles(&models, named, |_| true)?;
    let reading = tokio::task::spawn_blocking(move || {
        let read = |role: String| (models.verify(&role), role);
        let statuses: Vec<(ModelStatus, String)> = roles.into_iter().map(read).collect();
        (statuses, models)
    });
    let (statuses, models) = reading.await.context("the models were not read to the end")?;
    let mut bad = false;
    let mut listed = Vec::new();
    for (status, role) in &statuses {
        bad |= match status {
            ModelStatus::Installed => false,
            ModelStatus::Missing { .. } => all_named,
            ModelStatus::Damaged { .. } | ModelStatus::Unknown => true,
        };
        let model = models.manifest().model(role).context("the role was looked up before")?;
        if json {
            listed.push(json!({"role": role, "state": status}));
        } else {
            writeln!(out, "{role}: {}", words(model, status))?;
        }
    }
    if json {
        writeln!(out, "{:#}", json!({"whole": !bad, "models": listed}))?;
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A progress bar on standard error, where that is a terminal.
struct Bar {
    bar: Mutex<ProgressBar>,
    silent: bool,
}

impl Bar {
    fn new(silent: bool) -> Self {
        Self { bar: Mutex::new(ProgressBar::hidden()), silent }
    }

    fn with(&self, act: impl FnOnce(&mut ProgressBar)) {
        if let Ok(mut bar) = self.bar.lock() {
            act(&mut bar);
        }
    }
}

impl Progress for Bar {
    fn begin(&self, file: &str, bytes: u64, source: &Source) {
        if self.silent {
            return;
        }
        let style = ProgressStyle::with_template("  {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}");
        let bar = ProgressBar::new(bytes).with_message(format!("{file} from {source}"));
        self.with(|now| *now = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())));
    }

    fn reached(&self, bytes: u64) {
        self.with(|bar| bar.set_position(bytes));
    }

    fn failed(&self, tried: &Tried) {
        self.with(|bar| bar.finish_and_clear());
        if !self.silent {
            _ = writeln!(io::stderr(), "  not from {tried}");
        }
    }

    fn done(&self) {
        self.with(|bar| bar.finish_and_clear());
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        models: ModelsArgs,
    }

    async fn run(line: &str, folder: &std::path::Path) -> anyhow::Result<(ExitCode, String)> {
        let folder = folder.display().to_string();
        let words = ["models"].into_iter().chain(line.split(' ')).chain(["--dir", &folder]);
        let mut out = Vec::new();
        let code = execute(Line::parse_from(words).models, &mut out).await?;
        Ok((code, String::from_utf8(out)?))
    }

    #[tokio::test]
    async fn an_empty_folder_is_listed_with_the_command_and_the_licences() {
        let folder = tempfile::tempdir().unwrap();
        let (_, text) = run("list", folder.path()).await.unwrap();
        let embeddings = text.lines().find(|line| line.starts_with("embeddings")).unwrap();
        assert!(embeddings.contains("Apache-2.0"), "{text}");
        assert!(embeddings.contains("not installed: opsseer models pull embeddings"), "{text}");
        let (_, text) = run("list --json", folder.path()).await.unwrap();
        let listed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(listed["models"][0]["state"]["status"], "missing");
    }

    #[tokio::test]
    async fn verify_fails_for_what_is_asked_for_and_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let (code, _) = run("verify", folder.path()).await.unwrap();
        assert_eq!(code, ExitCode::SUCCESS);
        let (code, text) = run("verify embeddings", folder.path()).await.unwrap();
        assert_eq!(code, ExitCode::FAILURE);
        assert!(text.contains("opsseer models pull embeddings"), "{text}");
    }

    #[tokio::test]
    async fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let role = folder.path().join("embeddings");
        std::fs::create_dir(&role).unwrap();
        for file in ["model.onnx", "tokenizer.json"] {
            std::fs::write(role.join(file), "x").unwrap();
        }
        let (code, text) = run("verify --json", folder.path()).await.unwrap();
        assert_eq!(code, ExitCode::FAILURE);
        let checked: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(checked["models"][0]["state"]["files"][0]["file"], "model.onnx");
    }

    #[tokio::test]
    async fn a_role_that_is_not_known_is_answered_with_those_that_are() {
        let folder = tempfile::tempdir().unwrap();
        let error = run("pull embedings", folder.path()).await.unwrap_err().to_string();
        assert!(error.contains("embedings") && error.contains("embeddings, speech"), "{error}");
    }
}
