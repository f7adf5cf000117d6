//! `opsseer train`: makes the weights that OpsSeer ships, from public data.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use opsseer_ai::{classify::TrainingSet, models::Models};

use crate::{ai, config::Config};

/// What `opsseer train` is told.
#[derive(Debug, Args)]
pub struct TrainArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Trains the classifier of alerts. The same data, model and program give the same weights, byte for byte.
    Classifier(ClassifierArgs),
}

#[derive(Debug, Args)]
struct ClassifierArgs {
    /// The folder with alerts.jsonl: `alertname`, `summary`, `description`, `expr`, `category`, `severity`, `service`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value = "classifier-weights.bin")]
    out: PathBuf,
    /// The folder of the models [default: as configured].
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Learn from the words alone. Such weights make no use of embeddings.
    #[arg(long, conflicts_with = "models")]
    no_embeddings: bool,
}

/// Trains what is asked for.
pub async fn execute(args: TrainArgs) -> anyhow::Result<ExitCode> {
    let What::Classifier(args) = args.what;
    train_classifier(args, &mut io::stdout()).await
}

async fn train_classifier(args: ClassifierArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let examples = opsseer_eval::alerts::examples(&args.data)?;
    let embedder = if args.no_embeddings {
        None
    } else {
        let mut config = Config::load(None)?;
        config.ai.models_dir = args.models.unwrap_or(config.ai.models_dir);
        let folder = config.models_dir();
        let embedder = ai::embedder(&config, &Models::at(&folder))?;
        ensure!(
            embedder.is_some(),
            "the model for embeddings is not in {}; `opsseer models pull` fetches it, and --no-embeddings does without",
            folder.display()
        );
        embedder
    };
    let set = TrainingSet::read(examples, embedder.as_deref()).await?;
    let all: Vec<usize> = (0..set.examples().len()).collect();
    let trained = set.train(&all)?;
    let bytes = trained.to_bytes();
    fs::write(&args.out, &bytes).with_context(|| format!("cannot write {}", args.out.display()))?;
    let with = trained.embeddings().unwrap_or("no embeddings");
    writeln!(
        out,
        "{}: {} from {} alerts, with {with}, {} bytes",
        args.out.display(),
        trained.name(),
        all.len(),
        bytes.len()
    )
    .context("cannot print what was written")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use opsseer_ai::classify::Trained;

    use super::*;

    /// Six services in two categories.
    fn data() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut lines = Vec::new();
        for (service, category) in [
            ("mysql", "Databases"),
            ("redis", "Databases"),
            ("solr", "Databases"),
            ("nginx", "Proxies, load balancers and service meshes"),
            ("envoy", "Proxies, load balancers and service meshes"),
            ("caddy", "Proxies, load balancers and service meshes"),
        ] {
            for what in ["Down", "Slow"] {
                lines.push(format!(
                    "{{\"alertname\": \"{service}{what}\", \"expr\": \"{service}_up == 0\", \"service\": \"{service}\", \
                     \"category\": \"{category}\", \"severity\": \"warning\"}}"
                ));
            }
        }
        fs::write(folder.path().join("alerts.jsonl"), lines.join("\n")).expect("write");
        folder
    }

    #[tokio::test]
    async fn training_writes_weights_that_can_be_read_and_the_same_ones_again() {
        let data = data();
        let mut files = Vec::new();
        for name in ["a", "b"] {
            let args = ClassifierArgs {
                data: data.path().to_owned(),
                out: data.path().join(name),
                models: None,
                no_embeddings: true,
            };
            let mut out = Vec::new();
            train_classifier(args, &mut out).await.expect("trained");
            assert!(String::from_utf8(out).expect("text").contains("from 12 alerts"));
            files.push(fs::read(data.path().join(name)).expect("the weights"));
        }
        assert!(files[0] == files[1], "the same data gave other weights");
        assert!(Trained::from_bytes(&files[0]).is_ok());
    }

    #[tokio::test]
    async fn without_its_model_training_says_what_fetches_it() {
        let data = data();
        let args = ClassifierArgs {
            data: data.path().to_owned(),
            out: data.path().join("out"),
            models: Some(data.path().join("nowhere")),
            no_embeddings: false,
        };
        let error = train_classifier(args, &mut Vec::new()).await.expect_err("no model").to_string();
        assert!(error.contains("opsseer models pull"), "{error}");
        assert!(!data.path().join("out").exists());
    }
}
