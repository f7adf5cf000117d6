//! How long the AI services take, with many runbooks.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context;
use opsseer_ai::models::{ModelStatus, Models};
use opsseer_eval::bench::enriched::{self, Enriched, Enriching};
use tempfile::TempDir;

use super::target;
use crate::{
    ai::EMBEDDINGS,
    cli::fresh_server::{FreshServer, Variables},
};

const ENRICHING: Enriching = Enriching { alerts: 60, storm: 400 };

/// Runbooks and the headings of each under which there is text.
const RUNBOOKS: usize = 100;
const SECTIONS: usize = 10;

/// What the runbooks are about: no two sections are alike.
const MATTERS: [&str; 10] = [
    "error rate",
    "crash loop",
    "disk space",
    "replication",
    "certificate",
    "queue",
    "memory",
    "latency",
    "deployment",
    "network",
];
const PARTS: [&str; 10] = [
    "gateway",
    "database",
    "cache",
    "scheduler",
    "ingester",
    "proxy",
    "registry",
    "broker",
    "indexer",
    "billing",
];

/// Measures a server with the models in this folder, if they are there.
pub(super) async fn measure(models: Option<&Path>) -> anyhow::Result<Enriched> {
    let is_installed = |folder: &&Path| Models::at(*folder).status(EMBEDDINGS) == ModelStatus::Installed;
    let models = models.filter(is_installed);
    let runbooks = TempDir::with_prefix("opsseer-runbooks-").context("cannot make a temporary folder")?;
    write_runbooks(runbooks.path()).context("cannot write the runbooks")?;
    let mut settings: Variables = vec![
        ("OPSSEER_RUNBOOKS__DIR", runbooks.path().into()),
        // Sixty services that break within seconds would be a storm, and share one incident.
        ("OPSSEER_CORRELATION__STORM_INCIDENTS", "1000000".into()),
    ];
    settings.extend(models.map(|models| ("OPSSEER_AI__MODELS_DIR", models.as_os_str().to_owned())));
    let server = FreshServer::opsseer_with(settings).await?;
    let about = (RUNBOOKS * SECTIONS, models.is_some());
    let measured = enriched::measure(&target("SQLite", &server), ENRICHING, about).await;
    server.stop().await;
    Ok(measured?)
}

fn write_runbooks(folder: &Path) -> std::io::Result<()> {
    for number in 0..RUNBOOKS {
        let (part, matter) = (PARTS[number / 10], MATTERS[number % 10]);
        let mut text = format!("# The {part}: {matter}\n");
        for (place, beside) in MATTERS.iter().enumerate().take(SECTIONS) {
            let _ = write!(
                text,
                "\n## {beside} of the {part} after a change of its {matter}\n\n\
                 1. Look at the {beside} of the {part} over the last {} minutes.\n\
                 2. If its {matter} moved first, undo the change of the {part} with `{part}ctl undo {number}`.\n\
                 3. Else call whoever owns the {beside} of the {part}.\n",
                place + 5
            );
        }
        fs::write(folder.join(format!("{part}-{number:03}.md")), text)?;
    }
    Ok(())
}
