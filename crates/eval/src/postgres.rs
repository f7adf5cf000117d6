//! A PostgreSQL of one's own for a measurement or a test: a new cluster on a free port, gone afterwards.
//!
//! It needs PostgreSQL's programs only, no running server, no account and no SQL driver.

mod error;
mod programs;

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::timeout;

pub use self::error::PostgresError;
use self::programs::Programs;

/// The longest that one of its programs may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often another port is tried, when somebody else took the free one first.
const PORTS_TRIED: u32 = 3;

/// How many connections it takes.
const MAX_CONNECTIONS: u32 = 100;

/// How to stop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Connections are closed, everything is written down.
    Fast,
    /// As in a crash: nothing is written down, and the next start recovers from the log.
    Immediate,
}

impl StopMode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

/// A running PostgreSQL. Dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct ThrowawayPostgres {
    programs: Programs,
    folder: PathBuf,
    port: u16,
}

impl ThrowawayPostgres {
    /// Makes a cluster in `folder`, which is made if it is missing and belongs to the cluster from now on, and starts it.
    /// When this process is root, the cluster is the user `postgres`'s, who must be able to reach the folder. Without
    /// `fsync` it is faster, and safe from everything but a crash of the machine.
    pub async fn start(folder: &Path, fsync: bool) -> Result<Self, PostgresError> {
        let at = |source| PostgresError::Folder { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(at)?;
        let folder = folder.canonicalize().map_err(at)?;
        let programs = Programs::find()?;
        programs.give(&folder).map_err(at)?;
        // From here on, dropping it cleans up.
        let mut cluster = Self { programs, folder, port: 0 };
        let data = cluster.data();
        let initdb =
            ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"];
        let mut command = cluster.programs.command("initdb", &cluster.folder);
        command.args(initdb).arg(&data);
        run("make a cluster", command).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            cluster.port = free_port().map_err(|source| PostgresError::Port { source })?;
            cluster
                .configure(fsync)
                .map_err(|source| PostgresError::Folder { folder: data.clone(), source })?;
            match cluster.start_again().await {
                Err(error) if tries == PORTS_TRIED => return Err(error),
                Err(_) => {}
                Ok(()) => return Ok(cluster),
            }
        }
    }

    /// Where a client finds `database`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database.
    pub async fn create_database(&self, name: &str) -> Result<(), PostgresError> {
        let mut command = self.programs.command("createdb", &self.folder);
        command.args(["--host=127.0.0.1", "--username=postgres", "--no-password"]);
        command.arg(format!("--port={}", self.port)).arg(name);
        run("make a database", command).await
    }

    /// Stops it. Its data stays, for [`ThrowawayPostgres::start_again`].
    pub async fn stop(&self, mode: StopMode) -> Result<(), PostgresError> {
        let mut command = self.pg_ctl("stop");
        command.arg(format!("--mode={}", mode.as_str()));
        run("stop PostgreSQL", command).await
    }

    /// Starts it on the same data and port, and waits until it takes connections.
    pub async fn start_again(&self) -> Result<(), PostgresError> {
        let mut command = self.pg_ctl("start");
        command.arg("--log").arg(self.log());
        run("start PostgreSQL", command)
            .await
            .map_err(|error| error.with_log(&fs::read_to_string(self.log()).unwrap_or_default()))
    }

    /// Its folder: the data, its log, its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn pg_ctl(&self, verb: &str) -> tokio::process::Command {
        let mut command = self.programs.command("pg_ctl", &self.folder);
        command.args([verb, "--wait", "--silent"]).arg("-D").arg(self.data());
        command
    }

    /// Written into the configuration, because `pg_ctl` would take options apart at blanks.
    fn configure(&self, fsync: bool) -> io::Result<()> {
        let socket = self.folder.display().to_string().replace('\'', "''");
        let durability = if fsync { "on" } else { "off" };
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{socket}'\n\
             max_connections = {MAX_CONNECTIONS}\nfsync = {durability}\nsynchronous_commit = {durability}\n\
             full_page_writes = {durability}\n",
            self.port
        );
        let file = self.data().join("opsseer.conf");
        fs::write(&file, settings)?;
        self.programs.give(&file)?;
        let main = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&main)?;
        let line = "include = 'opsseer.conf'\n";
        if text.ends_with(line) { Ok(()) } else { fs::write(&main, text + line) }
    }
}

impl Drop for ThrowawayPostgres {
    fn drop(&mut self) {
        // It may be stopped already, or never have started; either is no error here.
        let mut command = self.pg_ctl("stop");
        command.args(["--mode=immediate", "--timeout=10"]);
        drop(command.as_std_mut().status());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The start's output goes to a file of its own: a server that inherited a pipe would keep it open for ever.
async fn run(what: &'static str, mut command: tokio::process::Command) -> Result<(), PostgresError> {
    let failed = |source| PostgresError::Run { what, source };
    let said = tempfile::tempfile().map_err(failed)?;
    let errors = said.try_clone().map_err(failed)?;
    let mut read = said.try_clone().map_err(failed)?;
    command.stdout(said).stderr(errors);
    let status = timeout(PATIENCE, command.status())
        .await
        .map_err(|_| PostgresError::Slow { what, seconds: PATIENCE.as_secs() })?
        .map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let text = io::Seek::rewind(&mut read).and_then(|()| io::read_to_string(&mut read)).map_err(failed)?;
    Err(PostgresError::Failed { what, status, said: text.trim().to_owned() })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
