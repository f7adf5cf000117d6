//! `opsseer classify`: what an alert is about, by this machine's own classifier.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use clap::Args;
use opsseer_ai::{
    classify::{AlertText, Classification, ClassifyAlert, LocalClassifier},
    models::Models,
};

use super::incidents::print_json;
use crate::{ai, config::Config, event_words::percent};

/// What `opsseer classify` is told. Without a text of the alert, it is read as JSON from standard input:
/// `{"name": ..., "summary": ..., "description": ..., "expr": ..., "labels": {...}}`.
///
/// What people corrected on a server's page is known to that server alone; ask it by `POST /api/v1/classify`.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// The alert's name.
    #[arg(long, visible_alias = "alertname", value_name = "NAME")]
    name: Option<String>,
    /// Its annotation `summary`.
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// Its annotation `description`.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Its rule's expression.
    #[arg(long, value_name = "PROMQL")]
    expr: Option<String>,
    /// A label. Can be given several times.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Weights that `opsseer train classifier` wrote [default: those that OpsSeer ships].
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The folder of the models [default: as configured].
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Classifies the alert and says so.
pub async fn execute(args: ClassifyArgs) -> anyhow::Result<ExitCode> {
    run(args, &mut io::stdin(), &mut io::stdout()).await
}

async fn run(args: ClassifyArgs, input: &mut dyn Read, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let alert = alert(&args, input)?;
    let mut config = Config::load(None)?;
    config.ai.models_dir = args.models.unwrap_or(config.ai.models_dir);
    let embedder = ai::embedder(&config, &Models::at(config.models_dir()))?;
    let classifier = match &args.weights {
        None => LocalClassifier::shipped(embedder),
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            LocalClassifier::from_bytes(&bytes, embedder)
                .with_context(|| format!("cannot use {}", path.display()))?
        }
    };
    let class = classifier.classify(&alert, &[]).await?;
    if args.json {
        print_json(&class, out)?;
    } else {
        write_text(&class, out).context("cannot print the answer")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn alert(args: &ClassifyArgs, input: &mut dyn Read) -> anyhow::Result<AlertText> {
    let texts = [&args.name, &args.summary, &args.description, &args.expr];
    if texts.iter().all(|text| text.is_none()) && args.labels.is_empty() {
        return serde_json::from_reader(input).map_err(|error| {
            anyhow!("no alert: say its --name or --summary, or give it as JSON on standard input ({error})")
        });
    }
    let [name, summary, description, expr] = texts.map(|text| text.clone().unwrap_or_default());
    Ok(AlertText { name, summary, description, expr, labels: args.labels.iter().cloned().collect() })
}

fn write_text(class: &Classification, out: &mut dyn Write) -> io::Result<()> {
    let unsure = |unsure| if unsure { ", unsure" } else { "" };
    writeln!(out, "{} ({}{})", class.category, percent(class.probability), unsure(class.unsure))?;
    for (category, probability) in &class.runners_up {
        writeln!(out, "  or {category} ({})", percent(*probability))?;
    }
    let (probability, is_unsure) = (class.severity_probability, class.severity_unsure);
    writeln!(out, "mostly {} ({}{})", class.severity, percent(probability), unsure(is_unsure))?;
    if let Some(hint) = &class.hint {
        writeln!(out, "perhaps: {hint}")?;
    }
    writeln!(out, "by {}", class.model)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ClassifyArgs,
    }

    async fn classify(args: &[&str], input: &str) -> anyhow::Result<String> {
        let line = ["classify", "--models", "/nowhere"].iter().chain(args);
        let args = Line::try_parse_from(line)?.args;
        let mut out = Vec::new();
        run(args, &mut input.as_bytes(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    #[tokio::test]
    async fn an_alert_of_flags_and_the_same_as_json_get_the_same_answer() {
        let flags =
            classify(&["--name", "MySQLSlowQueries", "--label", "job=mysql"], "").await.expect("classified");
        assert!(flags.starts_with("Databases ("), "{flags}");
        assert!(flags.contains("queries are slow"), "{flags}");
        let json = r#"{"alertname": "MySQLSlowQueries", "labels": {"job": "mysql"}}"#;
        assert_eq!(classify(&[], json).await.expect("classified"), flags);
        let object = classify(&["--json"], json).await.expect("classified");
        let object: serde_json::Value = serde_json::from_str(&object).expect("JSON");
        assert_eq!(object["category"], "Databases");
    }

    #[tokio::test]
    async fn nothing_to_go_by_is_said_in_words() {
        let error = classify(&[], "").await.expect_err("no alert").to_string();
        assert!(error.contains("--name") && error.contains("standard input"), "{error}");
        assert!(classify(&["--expr", "up == 0"], "").await.is_err());
    }
}
