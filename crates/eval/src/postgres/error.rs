use std::{io, path::PathBuf, process::ExitStatus};

/// Why there is no PostgreSQL to work with.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// PostgreSQL is not installed.
    #[error(
        "PostgreSQL's programs (initdb, pg_ctl, createdb) are neither on the PATH nor below {looked_in}; on Debian: apt-get install postgresql"
    )]
    NotInstalled {
        /// Where else they were looked for.
        looked_in: &'static str,
    },
    /// This process is root, and there is no user for PostgreSQL, which refuses root.
    #[error("PostgreSQL refuses to run as root, and there is no user `postgres` to run it as")]
    NoUser,
    /// Its folder cannot be used.
    #[error("cannot prepare the folder {} for PostgreSQL", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No port is free.
    #[error("cannot find a free port for PostgreSQL")]
    Port {
        /// Why not.
        source: io::Error,
    },
    /// A program cannot be run.
    #[error("cannot {what}")]
    Run {
        /// What was to be done.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program failed.
    #[error("cannot {what} ({status}): {said}")]
    Failed {
        /// What was to be done.
        what: &'static str,
        /// How the program ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// A program did not come to an end.
    #[error("to {what} took longer than {seconds} s")]
    Slow {
        /// What was to be done.
        what: &'static str,
        /// How long it had.
        seconds: u64,
    },
}

/// Lines of the server's log that are shown when it does not start.
const LAST_WORDS: usize = 8;

impl PostgresError {
    /// The server says why it does not start in its log only.
    pub(super) fn with_log(self, log: &str) -> Self {
        match self {
            Self::Failed { what, status, said } => {
                let lines: Vec<&str> = log.lines().collect();
                let last = &lines[lines.len().saturating_sub(LAST_WORDS)..];
                Self::Failed { what, status, said: format!("{said}\n{}", last.join("\n")) }
            }
            other => other,
        }
    }
}
