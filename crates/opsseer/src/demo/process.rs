//! One supervised child process: its output goes to a file, its end is noticed, and it does not outlive its owner.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How often a process that gets ready is asked whether it is.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// How many lines of its log are shown when a process fails.
const LAST_WORDS: usize = 12;

/// What to start.
#[derive(Debug)]
pub struct ProcessSpec {
    /// Its name for people.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables of this process that it does not inherit.
    pub env_removed: Vec<OsString>,
    /// Environment variables that it gets besides.
    pub env: Vec<(&'static str, OsString)>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Where its output goes.
    pub log: PathBuf,
}

/// What went wrong with a child process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The log file cannot be made.
    #[error("cannot write the log file {}", log.display())]
    Log {
        /// The file.
        log: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program does not start.
    #[error("cannot start {name} ({})", program.display())]
    Start {
        /// The process.
        name: &'static str,
        /// Its program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended although nobody asked it to.
    #[error("{name} ended by itself ({how}); the last lines of {}:\n{last_words}", log.display())]
    Ended {
        /// The process.
        name: &'static str,
        /// Its exit status, in words.
        how: String,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        last_words: String,
    },
    /// It runs, but does not answer.
    #[error("{name} does not answer at {url} after {seconds} s; the last lines of {}:\n{last_words}", log.display())]
    NotReady {
        /// The process.
        name: &'static str,
        /// The address that was asked.
        url: String,
        /// How long it had.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
        /// The end of its log.
        last_words: String,
    },
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    log: PathBuf,
    pid: u32,
    child: Child,
}

impl Process {
    /// Starts it in a process group of its own, so that a Ctrl-C in the terminal reaches only its owner.
    pub fn start(spec: &ProcessSpec) -> Result<Self, ProcessError> {
        let log_error = |source| ProcessError::Log { log: spec.log.clone(), source };
        let out = File::options().create(true).append(true).open(&spec.log).map_err(log_error)?;
        let err = out.try_clone().map_err(log_error)?;
        let mut command = Command::new(&spec.program);
        for name in &spec.env_removed {
            command.env_remove(name);
        }
        command
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&spec.folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let start_error =
            |source| ProcessError::Start { name: spec.name, program: spec.program.clone(), source };
        let child = command.spawn().map_err(start_error)?;
        let pid = child.id().ok_or_else(|| start_error(io::Error::other("it has no process id")))?;
        Ok(Self { name: spec.name, log: spec.log.clone(), pid, child })
    }

    /// Its name for people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The system's number for it, which is also its process group's.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `url` answers with a status of success. Notices at once if the process ends instead.
    pub async fn wait_until_ready(
        &mut self,
        http: &reqwest::Client,
        url: &str,
        longest: Duration,
    ) -> Result<(), ProcessError> {
        let deadline = Instant::now() + longest;
        loop {
            tokio::select! {
                ended = self.ended() => return Err(ended),
                answer = http.get(url).send() => {
                    if answer.is_ok_and(|response| response.status().is_success()) {
                        return Ok(());
                    }
                }
            }
            if Instant::now() >= deadline {
                return Err(ProcessError::NotReady {
                    name: self.name,
                    url: url.to_owned(),
                    seconds: longest.as_secs(),
                    log: self.log.clone(),
                    last_words: last_lines(&self.log, LAST_WORDS),
                });
            }
            tokio::select! {
                ended = self.ended() => return Err(ended),
                () = sleep(PROBE_INTERVAL) => {}
            }
        }
    }

    /// Waits until it ends by itself; then the error says how. Losing interest in the answer is harmless.
    pub async fn ended(&mut self) -> ProcessError {
        let how = match self.child.wait().await {
            Ok(status) => in_words(status),
            Err(error) => format!("cannot be waited for: {error}"),
        };
        let last_words = last_lines(&self.log, LAST_WORDS);
        ProcessError::Ended { name: self.name, how, log: self.log.clone(), last_words }
    }

    /// Asks it to stop, and kills it if it has not done so after `grace`.
    pub async fn stop(&mut self, grace: Duration) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.ask_to_stop();
        if timeout(grace, self.child.wait()).await.is_ok() {
            return;
        }
        tracing::warn!(process = self.name, "does not stop; killing it");
        if let Err(error) = self.child.kill().await {
            tracing::error!(process = self.name, %error, "cannot kill it");
        }
    }

    /// Kills it without asking, and waits until it is gone. One that has ended already is no error.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    #[cfg(unix)]
    fn ask_to_stop(&mut self) {
        if let Err(error) = super::signals::terminate_group(self.pid) {
            tracing::warn!(process = self.name, %error, "cannot ask it to stop");
        }
    }

    /// Without signals there is no polite way.
    #[cfg(not(unix))]
    fn ask_to_stop(&mut self) {
        if let Err(error) = self.child.start_kill() {
            tracing::warn!(process = self.name, %error, "cannot stop it");
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit status {code}"),
        None => status.to_string(),
    }
}

/// The last `count` lines of a log, each indented; a word in their place when there are none.
pub fn last_lines(log: &Path, count: usize) -> String {
    let text = match std::fs::read(log) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return format!("  (cannot be read: {error})"),
    };
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return "  (empty)".to_owned();
    }
    let shown = &lines[lines.len().saturating_sub(count)..];
    shown.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(all(test, unix))]
mod tests {
    use tempfile::TempDir;

    use super::super::signals::is_alive;
    use super::*;

    fn shell(folder: &TempDir, script: &str) -> Process {
        Process::start(&ProcessSpec {
            name: "shell",
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("GREETING", "hello".into())],
            env_removed: vec!["CARGO_MANIFEST_DIR".into()],
            folder: folder.path().to_owned(),
            log: folder.path().join("shell.log"),
        })
        .expect("a shell starts")
    }

    async fn until(condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(Instant::now() < deadline, "did not happen in time");
            sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_child_that_ends_early_is_reported_at_once_with_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process =
            shell(&folder, "echo \"$GREETING [$CARGO_MANIFEST_DIR]\"; echo no room left >&2; exit 3");
        let http = super::super::surroundings::http_client().expect("a client");
        let long = Duration::from_mins(10);
        let error = process.wait_until_ready(&http, "http://127.0.0.1:9/", long).await.expect_err("it ended");
        let text = error.to_string();
        assert!(text.starts_with("shell ended by itself (exit status 3)"), "{text}");
        assert!(text.ends_with("shell.log:\n  hello []\n  no room left"), "{text}");
    }

    #[tokio::test]
    async fn a_child_that_never_answers_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut process = shell(&folder, "echo waiting; sleep 600");
        let pid = process.pid();
        let free = super::super::ports::Port::take(0).expect("a port").address();
        let http = super::super::surroundings::http_client().expect("a client");
        let url = format!("http://{free}/ready");
        let error = process.wait_until_ready(&http, &url, Duration::ZERO).await.expect_err("nobody listens");
        assert!(error.to_string().contains(&format!("shell does not answer at {url}")), "{error}");
        drop(process);
        until(|| !is_alive(pid)).await;
    }

    #[tokio::test]
    async fn a_child_is_asked_before_it_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("shell.log");
        let mut process =
            shell(&folder, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done");
        until(|| last_lines(&log, 9).contains("up")).await;
        process.stop(Duration::from_mins(1)).await;
        assert!(last_lines(&log, 9).ends_with("bye"));

        let mut deaf = shell(&folder, "trap '' TERM; echo deaf; while :; do sleep 0.05; done");
        until(|| last_lines(&log, 9).contains("deaf")).await;
        deaf.stop(Duration::from_millis(50)).await;
        assert!(!is_alive(deaf.pid()));
    }

    #[test]
    fn a_missing_program_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let spec = ProcessSpec {
            name: "Prometheus",
            program: "/nowhere/prometheus".into(),
            args: vec![],
            env: vec![],
            env_removed: vec![],
            folder: folder.path().to_owned(),
            log: folder.path().join("log"),
        };
        let error = Process::start(&spec).expect_err("no such program");
        assert_eq!(error.to_string(), "cannot start Prometheus (/nowhere/prometheus)");
    }
}
