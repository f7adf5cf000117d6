//! A runbook folder as a team would keep it, asked through the public trait.

use std::fs;
use std::path::Path;

use opsseer_ai::runbook::{
    AlertQuestion, AnswerError, AnswerRunbook, MatchedBy, RunbookAnswer, RunbookIndex, RunbookSettings,
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

#[tokio::test]
async fn lists_what_it_knows() {
    let dir = folder();
    let index = open(dir.path()).expect("an index");
    let documents = index.documents();
    assert_eq!(documents[0].file, "database.md");
    assert_eq!(documents[0].headings, ["Database", "ConnectionsExhausted", "Steps"]);
    assert_eq!(documents[2].title, "Toyprod answers with errors");
}
