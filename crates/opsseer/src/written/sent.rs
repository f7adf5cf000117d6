//! What was sent to a language model, word for word, for the operator to look at. One JSON object a line, in a file that only
//! the server's own user may read; an old half goes when a new one is full.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use opsseer_connect::llm::Prompt;
use serde::{Deserialize, Serialize};

use super::Subject;

/// A file that has grown to this size, in bytes, is put aside, and the one that was put aside before goes.
const FULL: u64 = 8 << 20;

/// What was sent, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentPrompt {
    /// When.
    pub at: DateTime<Utc>,
    /// About what.
    #[serde(flatten)]
    pub subject: Subject,
    /// Where to.
    pub address: String,
    /// To which model.
    pub model: String,
    /// The words.
    pub prompt: Prompt,
}

/// The file of what was sent.
#[derive(Debug, Clone)]
pub struct SentLog {
    path: Arc<Path>,
    /// One writer at a time.
    writing: Arc<Mutex<()>>,
}

impl SentLog {
    /// In this folder. Nothing is made until something is sent.
    pub fn within(folder: &Path) -> Self {
        Self { path: folder.join("llm-sent.jsonl").into(), writing: Arc::default() }
    }

    /// Writes it down.
    pub async fn keep(&self, sent: SentPrompt) -> io::Result<()> {
        let log = self.clone();
        blocking(move || log.append(&sent)).await
    }

    /// What was last sent about this, as far back as the files go.
    pub async fn newest(&self, subject: Subject) -> io::Result<Option<SentPrompt>> {
        let log = self.clone();
        blocking(move || {
            let newest = newest_in(&log.path, &subject)?;
            if newest.is_some() { Ok(newest) } else { newest_in(&log.aside(), &subject) }
        })
        .await
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("1.jsonl")
    }

    fn append(&self, sent: &SentPrompt) -> io::Result<()> {
        let mut line = serde_json::to_vec(sent)?;
        line.push(b'\n');
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if fs::metadata(&self.path).is_ok_and(|file| file.len() >= FULL) {
            fs::rename(&self.path, self.aside())?;
        }
        private().open(&self.path)?.write_all(&line)
    }
}

/// Appends to a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn newest_in(path: &Path, subject: &Subject) -> io::Result<Option<SentPrompt>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut newest = None;
    for line in BufReader::new(file).split(b'\n') {
        // A line that a crash cut off is no reason to hide the others.
        let sent = serde_json::from_slice(&line?).ok().filter(|sent: &SentPrompt| sent.subject == *subject);
        newest = sent.or(newest);
    }
    Ok(newest)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use opsseer_core::{Incident, IncidentId};

    use super::*;
    use crate::web::test_data::{at, incident};

    fn about_another() -> Subject {
        Subject::incident(&Incident { id: IncidentId::generate(), ..incident() })
    }

    fn sent(subject: &Subject, words: &str) -> SentPrompt {
        SentPrompt {
            at: at("03:12:09"),
            subject: subject.clone(),
            address: "http://m/".into(),
            model: "small".into(),
            prompt: Prompt { system: "s".into(), user: words.into() },
        }
    }

    #[tokio::test]
    async fn the_newest_of_an_incident_is_found_beside_others_and_after_a_line_that_was_cut_off() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let log = SentLog::within(folder.path());
        let one = Subject::incident(&incident());
        let within = Subject::question("how?", Some(&incident()));
        assert_eq!(log.newest(one.clone()).await.expect("readable"), None);
        for (subject, words) in
            [(&one, "first"), (&one, "second"), (&about_another(), "third"), (&within, "fourth")]
        {
            log.keep(sent(subject, words)).await.expect("kept");
        }
        private().open(&log.path).expect("opened").write_all(b"{\"at\":").expect("written");
        assert_eq!(log.newest(one.clone()).await.expect("readable"), Some(sent(&one, "second")));
        assert_eq!(log.newest(within.clone()).await.expect("readable"), Some(sent(&within, "fourth")));
        assert_eq!(log.newest(Subject::question("how?", None)).await.expect("readable"), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&log.path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o077, 0, "others may not read it: {mode:o}");
        }
    }

    #[tokio::test]
    async fn the_files_do_not_grow_without_end_and_the_newest_survives() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let log = SentLog::within(folder.path());
        let one = Subject::incident(&incident());
        log.keep(sent(&one, &"x".repeat(usize::try_from(FULL).expect("small")))).await.expect("kept");
        log.keep(sent(&about_another(), "next")).await.expect("kept");
        assert!(fs::metadata(&log.path).expect("it is there").len() < 1000);
        assert!(
            log.newest(one.clone()).await.expect("readable").is_some(),
            "what was put aside is still found"
        );
        fs::copy(&*log.path, log.aside()).expect("copied");
        assert!(log.newest(one).await.expect("readable").is_none());
    }
}
