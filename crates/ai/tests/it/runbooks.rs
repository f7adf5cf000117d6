//! A runbook folder as a team would keep it, asked through the public trait.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use opsseer_ai::embed::{Embed, EmbedError, Vector};
use opsseer_ai::runbook::{
    AlertQuestion, AnswerError, AnswerRunbook, MatchedBy, Progress, RunbookAnswer, RunbookIndex,
    RunbookSettings,
};

const HIGH_ERROR_RATE: &str = "---
title: Toyprod errors
---
# Toyprod answers with errors

## Meaning

More than 10 % of the orders fail.

## Do this first

1. Turn the chaos off:

   ```sh
   curl -X POST 'http://localhost:8000/chaos?mode=none'
   ```

2. Watch the error rate for two minutes.
";

fn write(dir: &Path, name: &str, text: &str) {
    fs::create_dir_all(dir.join(name).parent().expect("a folder")).expect("folders");
    fs::write(dir.join(name), text).expect("a file");
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), "toyprod/toyprod-high-error-rate.md", HIGH_ERROR_RATE);
    write(
        dir.path(),
        "database.md",
        "# Database\n\n## ConnectionsExhausted\n\n### Steps\n\nRaise the pool of connections.\n",
    );
    write(dir.path(), "notes.md", "# Notes\n\nNothing in particular.\n");
    dir
}

fn open(dir: &Path) -> Result<RunbookIndex, AnswerError> {
    RunbookIndex::open(dir, RunbookSettings::default())
}

async fn ask(
    index: &RunbookIndex,
    name: &str,
    url: Option<&str>,
    summary: Option<&str>,
) -> Option<RunbookAnswer> {
    let question = AlertQuestion {
        alert_name: name.to_owned(),
        runbook_url: url.map(str::to_owned),
        summary: summary.map(str::to_owned),
        ..AlertQuestion::default()
    };
    index.answer(&question).await.expect("the index works").found
}

#[tokio::test]
async fn answers_with_the_step_and_its_source() {
    let dir = folder();
    let index = open(dir.path()).expect("an index");
    let answer = ask(&index, "ToyProdHighErrorRate", None, None).await.expect("a runbook of that name");
    insta::assert_json_snapshot!(answer, @r#"
    {
      "quote": "1. Turn the chaos off:\n2. Watch the error rate for two minutes.",
      "commands": [
        "curl -X POST 'http://localhost:8000/chaos?mode=none'"
      ],
      "file": "toyprod/toyprod-high-error-rate.md",
      "heading": "Do this first",
      "line_start": 12,
      "line_end": 18,
      "revision": "2ee74a117a6b",
      "commit": null,
      "confidence": 0.98,
      "matched_by": "alert_name"
    }
    "#);
}

#[tokio::test]
async fn the_link_comes_before_the_name_and_the_name_before_the_search() {
    let dir = folder();
    let index = open(dir.path()).expect("an index");
    let found = async |name, url, summary| {
        ask(&index, name, url, summary).await.map(|answer| (answer.file, answer.matched_by))
    };

    let linked =
        found("ToyProdHighErrorRate", Some("https://wiki/runbooks/database#connectionsexhausted"), None)
            .await;
    assert_eq!(linked, Some(("database.md".to_owned(), MatchedBy::RunbookUrl)));

    let named =
        found("ToyProdHighErrorRate", Some("https://wiki/of/somebody/else"), Some("database connections"))
            .await;
    assert_eq!(named, Some(("toyprod/toyprod-high-error-rate.md".to_owned(), MatchedBy::AlertName)));

    let (file, matched_by) = found("PgPoolEmpty", None, Some("Database connections are exhausted"))
        .await
        .expect("the words stand there");
    assert_eq!(file, "database.md");
    assert!(
        matches!(matched_by, MatchedBy::Search { score } if score > 0.3 && score <= 1.0),
        "{matched_by:?}"
    );

    assert_eq!(
        found("CertificateExpiresSoon", None, Some("The certificate of the ingress expires")).await,
        None
    );
}

#[tokio::test]
async fn few_runbooks_are_no_reason_to_answer_with_one_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let slow = "# Toyprod is slow\n\nThe 95th percentile of an order takes longer than 300 ms.\n\n\
                ## Do this first\n\nTurn the chaos off.\n";
    write(dir.path(), "toyprod-slow.md", slow);
    let index = open(dir.path()).expect("an index");
    let ours = Some("Orders of toyprod are slow: the 95th percentile is 800 ms");
    for second in [false, true] {
        if second {
            write(dir.path(), "disk.md", "# Disk almost full\n\nDelete old logs.\n");
        }
        assert_eq!(ask(&index, "Slow", None, Some("Slow builds of the nightly images")).await, None);
        assert_eq!(ask(&index, "PaymentsSlow", None, Some("Payments by card are slow")).await, None);
        let found = ask(&index, "OrdersTooSlow", None, ours).await.expect("it is what the runbook is about");
        assert_eq!(found.file, "toyprod-slow.md");
    }
}

#[tokio::test]
async fn sees_changes_without_a_restart() {
    let dir = folder();
    let index = open(dir.path()).expect("an index");
    assert_eq!(ask(&index, "DiskFull", None, None).await, None);

    write(dir.path(), "disk_full.md", "# Disk full\n\nDelete old logs.\n");
    let before = ask(&index, "DiskFull", None, None).await.expect("the new file is seen");
    assert_eq!(before.quote, "Delete old logs.");

    write(dir.path(), "disk_full.md", "# Disk full\n\nDelete very old logs.\n");
    let after = ask(&index, "DiskFull", None, None).await.expect("the change is seen");
    assert_eq!(after.quote, "Delete very old logs.");
    assert_ne!(before.revision, after.revision);

    fs::remove_file(dir.path().join("disk_full.md")).expect("removed");
    assert_eq!(ask(&index, "DiskFull", None, None).await, None);
    assert_eq!(index.documents().len(), 3);
}

#[tokio::test]
async fn keeps_the_old_runbooks_while_the_folder_is_away() {
    let dir = folder();
    let runbooks = dir.path().join("toyprod");
    let index = open(&runbooks).expect("an index");
    fs::rename(&runbooks, dir.path().join("away")).expect("renamed");

    assert!(ask(&index, "ToyProdHighErrorRate", None, None).await.is_some());
    let problems = index.problems();
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].reason.ends_with("the runbooks as they were before are still used"),
        "{}",
        problems[0]
    );

    fs::rename(dir.path().join("away"), &runbooks).expect("renamed back");
    assert!(ask(&index, "ToyProdHighErrorRate", None, None).await.is_some());
    assert!(index.problems().is_empty());
}

#[tokio::test]
async fn a_missing_folder_is_an_empty_index_until_it_comes() {
    let dir = tempfile::tempdir().expect("a folder");
    let runbooks = dir.path().join("runbooks");
    let index = open(&runbooks).expect("not an error");
    assert!(index.documents().is_empty());
    assert!(index.problems()[0].reason.contains("does not exist"));
    assert_eq!(ask(&index, "DiskFull", Some("http://x/disk-full"), Some("The disk is full")).await, None);

    write(&runbooks, "disk-full.md", "# Disk\n\nDelete old logs.\n");
    assert!(ask(&index, "DiskFull", None, None).await.is_some());
    assert!(index.problems().is_empty());
}

#[tokio::test]
async fn a_runbook_without_text_makes_room_for_the_next_best() {
    let dir = folder();
    write(dir.path(), "connections-exhausted.md", "");
    let index = open(dir.path()).expect("an index");
    let answer =
        ask(&index, "X", Some("http://x/connections-exhausted"), Some("Database connections exhausted"))
            .await;
    assert_eq!(answer.expect("found by search").file, "database.md");
    assert_eq!(index.problems()[0].to_string(), "connections-exhausted.md: holds no text to quote");
}

/// Texts with the same first letters of their words mean alike to it; it counts what it was given.
#[derive(Default)]
struct Letters {
    texts: Mutex<Vec<String>>,
    fails: AtomicBool,
}

#[async_trait]
impl Embed for Letters {
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vector>, EmbedError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(EmbedError::Failed("out of order".to_owned()));
        }
        let vector = |text: &String| {
            let mut letters = [0.0_f32; 26];
            for word in
                text.to_lowercase().split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty())
            {
                letters[usize::from(word.as_bytes()[0] - b'a')] += 1.0;
            }
            let length =
                letters.iter().map(|number| number * number).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            letters.iter().map(|number| number / length).collect()
        };
        let vectors = texts.iter().map(vector).collect();
        self.texts.lock().expect("no panic").extend(texts);
        Ok(vectors)
    }

    fn model(&self) -> &'static str {
        "letters@1"
    }

    fn dimensions(&self) -> usize {
        26
    }
}

impl Letters {
    /// What it was given since the last time.
    fn given(&self) -> Vec<String> {
        std::mem::take(&mut *self.texts.lock().expect("no panic"))
    }
}

fn with_meaning(dir: &Path, kept: &Path, letters: &Arc<Letters>) -> RunbookIndex {
    let embedder: Arc<dyn Embed> = letters.clone();
    let settings = RunbookSettings { index_dir: Some(kept.to_owned()), embedder: Some(embedder) };
    RunbookIndex::open(dir, settings).expect("an index")
}

#[tokio::test]
async fn only_what_has_changed_is_given_to_the_model() {
    let (dir, kept) = (folder(), tempfile::tempdir().expect("a folder"));
    let letters = Arc::new(Letters::default());
    let index = with_meaning(dir.path(), kept.path(), &letters);
    assert_eq!(index.settled().await, Progress::Done);
    assert!(letters.given().iter().any(|text| text == "Notes. Nothing in particular."));
    drop(index);

    write(dir.path(), "notes.md", "# Notes\n\nSomething in particular.\n");
    let index = with_meaning(dir.path(), kept.path(), &letters);
    assert_eq!(index.settled().await, Progress::Done);
    assert_eq!(letters.given(), ["Notes. Something in particular."], "the others were kept on disk");
}

#[tokio::test]
async fn a_question_is_answered_by_meaning_with_the_places_nearby() {
    let (dir, kept) = (folder(), tempfile::tempdir().expect("a folder"));
    let letters = Arc::new(Letters::default());
    let index = with_meaning(dir.path(), kept.path(), &letters);
    index.settled().await;
    let answer = index.ask("How do I raise the pool of connections?", None).await.expect("an answer");
    let found = answer.found.expect("a runbook says it");
    assert_eq!(
        (found.file.as_str(), found.quote.as_str()),
        ("database.md", "Raise the pool of connections.")
    );
    assert_eq!(answer.nearest[0].file, "database.md");
    assert!(answer.nearest.len() <= 3 && answer.confidence >= answer.nearest[1].confidence);

    let answer = index.ask("Xylophones zigzag quietly under vast yurts", None).await.expect("an answer");
    assert_eq!(answer.found, None, "{answer:?}");
    assert!(answer.confidence < 0.4);
}

#[tokio::test]
async fn a_model_that_fails_leaves_the_search_by_words() {
    let (dir, kept) = (folder(), tempfile::tempdir().expect("a folder"));
    let letters = Arc::new(Letters::default());
    letters.fails.store(true, Ordering::SeqCst);
    let index = with_meaning(dir.path(), kept.path(), &letters);
    assert!(matches!(index.settled().await, Progress::Failing(reason) if reason.contains("out of order")));
    let found = ask(&index, "PgPoolEmpty", None, Some("Database connections are exhausted")).await;
    assert_eq!(found.expect("found by words").file, "database.md");
}

#[tokio::test]
async fn lists_what_it_knows() {
    let dir = folder();
    let index = open(dir.path()).expect("an index");
    let documents = index.documents();
    assert_eq!(documents[0].file, "database.md");
    assert_eq!(documents[0].headings, ["Database", "ConnectionsExhausted", "Steps"]);
    assert_eq!(documents[2].title, "Toyprod answers with errors");
}
