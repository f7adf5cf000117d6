//! How long a large folder of runbooks takes: to index, to open again, to look at, and to read after a change.
//!
//! `cargo run --release -p opsseer-ai --example index_speed -- DOCS [MODELS]`: the Markdown files of DOCS are copied until there
//! are 5,000 sections, each copy with a title of its own, so that no text occurs twice. MODELS is the folder of the models;
//! without it there are no vectors.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use async_trait::async_trait;
use opsseer_ai::{
    embed::{Embed, EmbedError, InferenceSettings, LocalEmbedder, Vector},
    runbook::{AlertQuestion, AnswerRunbook, RunbookIndex, RunbookSettings},
};

const SECTIONS: usize = 5_000;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this program's result")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [docs, models @ ..] = &arguments[..] else { return Err("DOCS [MODELS]".into()) };
    let folder = tempfile::tempdir()?;
    let (files, sections) = copies(docs, folder.path())?;
    println!("{files} files, {sections} sections");

    let texts = Arc::new(AtomicUsize::new(0));
    let embedder: Option<Arc<dyn Embed>> = match models {
        [models, ..] => {
            let model = LocalEmbedder::open(models, InferenceSettings::default())?;
            Some(Arc::new(Counting { model, texts: Arc::clone(&texts) }))
        }
        [] => None,
    };
    let kept = tempfile::tempdir()?;
    let settings = RunbookSettings { index_dir: Some(kept.path().to_owned()), embedder };

    let begun = Instant::now();
    let index = RunbookIndex::open(folder.path(), settings.clone())?;
    println!("answers by words after {:.2} s", begun.elapsed().as_secs_f64());
    let progress = index.settled().await;
    let seconds = begun.elapsed().as_secs_f64();
    let pieces = texts.swap(0, Ordering::Relaxed);
    println!("whole after {seconds:.1} s ({progress:?}, {pieces} pieces)");
    drop(index);

    let begun = Instant::now();
    let index = RunbookIndex::open(folder.path(), settings)?;
    let progress = index.settled().await;
    println!(
        "opened again in {:.2} s ({progress:?}, {} new pieces)",
        begun.elapsed().as_secs_f64(),
        texts.swap(0, Ordering::Relaxed)
    );

    let begun = Instant::now();
    for _ in 0..20 {
        index.document_count();
    }
    println!("a look at the folder takes {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0 / 20.0);

    let question = AlertQuestion {
        alert_name: "ServiceIsSlow".to_owned(),
        description: Some(
            "The service answers slowly since it was deployed, and the queue grows.".to_owned(),
        ),
        ..AlertQuestion::default()
    };
    let begun = Instant::now();
    for _ in 0..20 {
        index.answer(&question).await?;
    }
    println!("an answer takes {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0 / 20.0);

    fs::write(folder.path().join("one-more.md"), "# One more\n\nRead it.\n")?;
    let begun = Instant::now();
    index.document_count();
    println!("a change is read in {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Fills `folder`, and tells the number of files and of sections.
fn copies(docs: &Path, folder: &Path) -> Result<(usize, usize), Box<dyn Error>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(docs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            texts.push(fs::read_to_string(path)?);
        }
    }
    texts.sort();
    let headings = |text: &str| text.lines().filter(|line| line.starts_with('#')).count();
    if texts.iter().all(|text| headings(text) == 0) {
        return Err(format!("{} holds no Markdown files with headings", docs.display()).into());
    }
    let (mut files, mut sections) = (0, 0);
    for text in texts.iter().cycle() {
        if sections >= SECTIONS {
            break;
        }
        fs::write(folder.join(format!("runbook-{files:04}.md")), format!("# Copy {files}\n\n{text}"))?;
        files += 1;
        sections += headings(text);
    }
    Ok((files, sections))
}

/// Counts the texts that the model is given.
struct Counting {
    model: LocalEmbedder,
    texts: Arc<AtomicUsize>,
}

#[async_trait]
impl Embed for Counting {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        self.model.embed(texts).await
    }

    fn model(&self) -> &str {
        self.model.model()
    }

    fn dimensions(&self) -> usize {
        self.model.dimensions()
    }
}
